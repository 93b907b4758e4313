"""`voice-ai serve` as a process beside FreeSWITCH, with the demo's tenant and offline engines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

_ROOT = Path(__file__).resolve().parents[2]
_PREPARE_S = 180.0
_START_S = 60.0
_STOP_S = 60.0
_CENSUS_S = 10.0


class ProductFailedError(RuntimeError):
    """The controller did not come up; the message has the end of its output."""


class Product:
    """One controller on `address`; several may share `data_dir`: its sessions and tenants."""

    def __init__(
        self,
        data_dir: Path,
        address: tuple[str, int],
        *,
        token: str,
        module: str = "esl_app",
        **environment: str,
    ) -> None:
        host, port = address
        self._environment = {
            key: value for key, value in os.environ.items() if not key.startswith("VOICE_AI_")
        } | {
            "VOICE_AI_DATA_DIR": str(data_dir),
            "VOICE_AI_LISTEN__HOST": host,
            "VOICE_AI_LISTEN__PORT": str(port),
            "VOICE_AI_LISTEN__TOKEN": token,
            "VOICE_AI_LOG_FORMAT": "json",
            **environment,
        }
        self._data_dir = data_dir
        self._module = module
        self._output = data_dir / f"controller-{port}-{uuid4().hex[:8]}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def output(self) -> str:
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    @property
    def spool(self) -> Path:
        """Where its temporary audio is."""
        return self._data_dir / "spool"

    @property
    def entries(self) -> list[dict[str, Any]]:
        """What it logged; lines that are not JSON (a traceback, a warning) are left out."""
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]

    def prepare(self) -> Self:
        """Make the demo's tenant; once for a data_dir, before the first start."""
        self._data_dir.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-W", "ignore", "-m", "tests.freeswitch.prepare_demo"]
        done = subprocess.run(
            command,
            env=self._environment,
            cwd=_ROOT,
            capture_output=True,
            timeout=_PREPARE_S,
            check=False,
        )
        if done.returncode:
            raise ProductFailedError(done.stderr.decode(errors="replace")[-4000:])
        return self

    def start(self) -> Self:
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", self._module, "serve"],
                env=self._environment,
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if any(entry.get("event") == "listening" for entry in self.entries):
                return self
            time.sleep(0.1)
        self.kill()
        raise ProductFailedError(self.output[-4000:])

    def held(self) -> Counter[str]:
        """What the process holds now; only of `tests.freeswitch.watched_serve`."""
        assert self._process is not None, "not started"
        before = len(self._censuses())
        (worker,) = self._workers()
        os.kill(worker, signal.SIGUSR1)
        deadline = time.monotonic() + _CENSUS_S
        while len(found := self._censuses()) == before:
            if time.monotonic() > deadline:
                raise ProductFailedError("it does not say what it holds")
            time.sleep(0.05)
        return Counter(found[-1]["held"])

    def _workers(self) -> list[int]:
        """The processes that serve the calls: the children that were told to."""
        assert self._process is not None, "not started"
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [
            int(child)
            for child in children
            if b"worker" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        ]

    def _censuses(self) -> list[dict[str, Any]]:
        return [entry for entry in self.entries if entry.get("event") == "census"]

    def terminate(self) -> None:
        """SIGTERM: no new calls, the others go on to their end."""
        assert self._process is not None, "not started"
        self._process.terminate()

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def orphan(self) -> None:
        """SIGKILL for the supervisor alone."""
        assert self._process is not None, "not started"
        self._process.kill()
        self._process.wait(_STOP_S)

    def kill(self) -> None:
        """SIGKILL for all of it, as when the machine dies."""
        assert self._process is not None, "not started"
        workers = self._workers() if self._process.poll() is None else []
        self._process.kill()
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        self._process.wait(_STOP_S)
