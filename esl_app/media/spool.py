"""The spool: temporary audio that FreeSWITCH and we exchange by path.

`spool/<domain_uuid>/<leg uuid>/<n>-<what>.wav`. Names are made here and nowhere else, so nothing a
caller or a model says can steer one (HARDENING S9). A leg's directory goes when the leg ends; what
a killed worker left behind goes by age.
"""

from __future__ import annotations

import contextlib
import grp
import itertools
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import structlog

from esl_app.errors import ConfigError
from esl_app.protocol import safe

log = structlog.get_logger()

_MODE_ALONE = 0o750
_MODE_SHARED = 0o2770  # setgid: what FreeSWITCH writes belongs to the group we share with it


class LegSpool:
    """The temporary files of one leg."""

    def __init__(self, directory: Path, *, on_close: Callable[[Path], None]) -> None:
        self.directory = directory
        self._on_close = on_close
        self._numbers = itertools.count(1)

    def path(self, what: str, *, suffix: str = ".wav") -> Path:
        """A new, unused path; `what` is a word of ours ("utterance")."""
        assert what.isalnum(), what
        return self.directory / f"{next(self._numbers):04d}-{what}{suffix}"

    def close(self) -> None:
        """Delete everything; again is harmless."""
        _delete(self.directory)
        self._on_close(self.directory)


class Spool:
    """The root of all spools of this machine.

    Args:
        root: created when missing; FreeSWITCH must see the same path.
        group: a group both users are in; without it FreeSWITCH has to run as our user (or root).
    """

    def __init__(self, root: Path, *, group: str | None = None) -> None:
        self.root = root.absolute()
        self._open: set[Path] = set()
        self._served = itertools.count(1)
        try:
            safe.absolute_path(str(self.root))
        except safe.UnsafePath as error:
            raise ConfigError(
                f"spool_dir: {self.root}: FreeSWITCH cannot be sent it: {error}"
            ) from None
        self.mode = _MODE_SHARED if group else _MODE_ALONE
        try:
            self.gid = grp.getgrnam(group).gr_gid if group else -1
        except KeyError:
            raise ConfigError(f"spool_group: no such group: {group}") from None
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            self._set_mode(self.root)
        except OSError as error:
            raise ConfigError(f"spool_dir: {self.root}: {error.strerror}") from error

    def open_leg(self, domain_uuid: UUID, leg_uuid: str) -> LegSpool:
        """A fresh directory for a leg.

        Raises:
            OSError: the disk is full or not writable; the caller of this decides what is heard.
        """
        # A leg may come back (same uuid) while its first serving is still being wound up: each has
        # a directory of its own.
        name = f"{UUID(leg_uuid)}-{os.getpid()}-{next(self._served)}"
        directory = self.root / str(domain_uuid) / name
        for part in (directory.parent, directory):
            part.mkdir(exist_ok=True)
            self._set_mode(part)
        self._open.add(directory)
        return LegSpool(directory, on_close=self._open.discard)

    def sweep(self, *, max_age_s: float = 900.0) -> int:
        """Delete directories of other workers' legs with no write for `max_age_s`; how many."""
        # Wall clock: file times are.
        oldest = time.time() - max_age_s
        swept = 0
        for directory in self.root.glob("*/*"):
            if directory in self._open or not directory.is_dir():
                continue
            if _newest_write(directory) > oldest:
                continue
            _delete(directory)
            swept += 1
        if swept:
            log.info("spool_swept", directories=swept)
        return swept

    def _set_mode(self, directory: Path) -> None:
        if self.gid >= 0:
            os.chown(directory, -1, self.gid)
        directory.chmod(self.mode)  # mkdir's own mode argument goes through the umask


def _delete(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    with contextlib.suppress(OSError):  # other legs of the tenant may be there
        directory.parent.rmdir()


def _newest_write(directory: Path) -> float:
    newest = 0.0
    for path in (directory, *directory.iterdir()):
        with contextlib.suppress(FileNotFoundError):  # the leg may be ending right now
            newest = max(newest, path.stat().st_mtime)
    return newest
