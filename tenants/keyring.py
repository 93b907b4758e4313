"""The keys that wrap every row's own key: a file (0600) or a text from the environment.

One key a line (or several, with commas), `id:base64 of 32 bytes`; # begins a comment line. The last
key wraps what is written from now on, the others open what was written before. A key's id is no
secret: it stands in the rows.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tenants.errors import KeyRingError

_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_KEY_BYTES: Final = 32
_LARGEST: Final = 1 << 16
_LOOK_AGAIN_S: Final = 1.0
_HEAD: Final = (
    "# voice-ai key ring. Whoever has this file and the database has the providers' keys:\n"
    "# keep it out of the database's backups, and keep a copy, or the rows cannot be opened.\n"
)


class KeyRing:
    """Keys by id; `current` is the one to wrap with.

    A ring that came from a file looks into it again when a row names a key it does not know:
    rotation goes on while calls run.
    """

    def __init__(self, keys: Mapping[str, bytes], *, file: Path | None = None) -> None:
        self._keys = dict(keys)
        self._file = file
        self._looked = 0.0

    @classmethod
    def of_text(cls, text: str, where: str) -> KeyRing:
        """The ring written in `text`.

        Raises:
            KeyRingError: Names `where`, the line and the rule, never what stands there.
        """
        return cls(_parse(text, where))

    @classmethod
    def of_file(cls, file: Path) -> KeyRing:
        """The ring in a file that nobody else may read.

        Raises:
            KeyRingError: Says what is wrong with the file.
        """
        return cls(_read(file), file=file)

    @property
    def current(self) -> str:
        return next(reversed(self._keys))

    @property
    def ids(self) -> tuple[str, ...]:
        """All ids, the oldest first."""
        return tuple(self._keys)

    def key(self, key_id: str) -> bytes | None:
        """The key of that id, or None; from a file also one that was added since."""
        if key_id not in self._keys and self._file is not None:
            now = time.monotonic()
            if now - self._looked >= _LOOK_AGAIN_S:
                self._looked = now
                self.reload()
        return self._keys.get(key_id)

    def reload(self) -> None:
        """Read the file again; a broken one leaves the ring as it was."""
        if self._file is None:
            return
        try:
            self._keys = _read(self._file)
        except KeyRingError:
            # Whoever asked gets "unknown key", which names the id.
            return

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._keys)})"


def ensure(file: Path) -> KeyRing:
    """The ring of a file, which is made with a first key when it is not there."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        add(file)
    return KeyRing.of_file(file)


def add(file: Path) -> str:
    """Add a new key at the end of a ring's file (made if need be); its id.

    Raises:
        KeyRingError: The file cannot be read or written, or is not one.
    """
    with _changing(file) as lines:
        key_id = f"{datetime.now(UTC):%Y-%m-%d}-{secrets.token_hex(4)}"
        key = base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()
        lines.append(f"{key_id}:{key}")
    return key_id


def drop(file: Path, key_id: str) -> None:
    """Take a key out of a ring's file. What it wraps can then not be opened: look first.

    Raises:
        KeyRingError: There is no such key, or it is the current one.
    """
    with _changing(file) as lines:
        ring = _parse("\n".join(lines), str(file))
        if key_id not in ring:
            raise KeyRingError(f"{file}: no key {key_id}")
        if key_id == next(reversed(ring)):
            raise KeyRingError(f"{file}: {key_id} is the current key")
        lines[:] = [line for line in lines if not line.strip().startswith(f"{key_id}:")]


@contextmanager
def _changing(file: Path) -> Iterator[list[str]]:
    """The file's lines, written back at the end: whole or not at all, one writer at a time."""
    try:
        lock = os.open(file.with_name(file.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError as error:
        raise KeyRingError(f"{file}: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lines = _text(file).splitlines() if file.exists() else _HEAD.splitlines()
        yield lines
        temporary = file.with_name(f"{file.name}.{os.getpid()}")
        try:
            handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            try:
                os.write(handle, ("\n".join(lines) + "\n").encode())
                os.fsync(handle)
            finally:
                os.close(handle)
            temporary.replace(file)
        except OSError as error:
            raise KeyRingError(f"{file}: {error.strerror}") from None
        finally:
            temporary.unlink(missing_ok=True)
    finally:
        os.close(lock)


def _read(file: Path) -> dict[str, bytes]:
    return _parse(_text(file), str(file))


def _text(file: Path) -> str:
    try:
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise KeyRingError(f"{file}: {error.strerror}") from None
    try:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode):
            raise KeyRingError(f"{file}: not a file")
        if state.st_mode & 0o077:
            raise KeyRingError(
                f"{file}: others may read it (mode {state.st_mode & 0o777:04o}); chmod 600"
            )
        if state.st_uid not in (0, os.geteuid()):
            raise KeyRingError(f"{file}: belongs to another user ({state.st_uid})")
        return os.read(handle, _LARGEST).decode("ascii")
    except UnicodeDecodeError:
        raise KeyRingError(f"{file}: not a key ring") from None
    finally:
        os.close(handle)


def _parse(text: str, where: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    entries = [
        (number, entry.strip())
        for number, line in enumerate(text.splitlines(), start=1)
        if not line.lstrip().startswith("#")
        for entry in line.split(",")  # as one line, for the environment
        if entry.strip()
    ]
    for number, entry in entries:
        key_id, colon, coded = entry.partition(":")
        if not colon or not _ID.fullmatch(key_id):
            raise KeyRingError(f"{where}: line {number}: not `id:base64` with an id of a-z 0-9 -")
        try:
            key = base64.b64decode(coded, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != _KEY_BYTES:
            raise KeyRingError(f"{where}: line {number}: the key is not 32 bytes in base64")
        if key_id in keys:
            raise KeyRingError(f"{where}: line {number}: {key_id} is there twice")
        keys[key_id] = key
    if not keys:
        raise KeyRingError(f"{where}: no key in it; make one with `voice-ai keys new`")
    return keys
