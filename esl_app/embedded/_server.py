"""How an embedded server begins and ends, whichever it is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from esl_app.embedded import _process
from esl_app.embedded._process import EmbeddedError


class EmbeddedServer(ABC):
    """One server for one folder, owned by this process.

    Args:
        data_dir: Created when missing; a second start finds its data again.
    """

    name: ClassVar[str]
    stop_steps: ClassVar[Sequence[tuple[signal.Signals, float]]]
    """Signals and how long each is waited for, before the next, and a kill at last."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute()
        self._lock = _process.FolderLock(self.data_dir, self.name)
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_dir: Path | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            EmbeddedError: In use by another process, or it did not come up; says why.
        """
        if self.running:
            return
        _process.make_folder(self.data_dir)
        self._lock.acquire()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server, within seconds, and give the folder free; again is harmless."""
        if not self._lock.is_ours:
            return  # not started, or a forked child's copy
        if self._process is not None:
            _process.stop(self._process, steps=self.stop_steps)
            self._process = None
        if self._socket_dir is not None and self._socket_dir != self._home:
            shutil.rmtree(self._socket_dir, ignore_errors=True)
        self._socket_dir = None
        self._lock.release()

    @property
    @abstractmethod
    def _home(self) -> Path:
        """Where the socket lies, unless that path is too long for one."""

    @abstractmethod
    def _start(self) -> None:
        """Prepare the folder and `_run` the server."""

    def _run(
        self,
        command: Sequence[str | Path],
        *,
        owner: _process.Owner,
        parent_death: signal.Signals,
        is_ready: Callable[[subprocess.Popen[bytes]], bool],
        within_s: float,
    ) -> None:
        log_path = self.data_dir / "server.log"
        log = _process.open_log(log_path)
        try:
            self._process = process = _process.spawn(
                command, owner=owner, stderr=log, parent_death=parent_death
            )
        finally:
            os.close(log)
        if not _process.wait_ready(process, lambda: is_ready(process), within_s=within_s):
            ended = f"ended with {process.poll()}" if process.poll() is not None else "is not ready"
            raise EmbeddedError(
                f"{self.data_dir}: {self.name} {ended}: {_process.last_log_line(log_path)}"
            )
