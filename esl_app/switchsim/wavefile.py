"""The file a recording writes: 16-bit at 8 kHz, growing in blocks as FreeSWITCH's does."""

from __future__ import annotations

import struct
from pathlib import Path
from types import TracebackType
from typing import Self

from esl_app.switchsim.clock import RATE

# Measured: nothing to read in the file until 64 KB (4 s) are full.
_BLOCK_BYTES = 65536
_HEADER_BYTES = 44
_SUFFIXES = frozenset({".wav", ".r8", ".raw"})


class WavFile:
    """A recording being written.

    The sizes in the header stay 0 until the file is closed (transcript e6).

    Raises:
        OSError: the path cannot be opened; directories are not made.
        ValueError: FreeSWITCH knows no format of that extension.
    """

    def __init__(self, path: Path, *, append: bool = False, channels: int = 1) -> None:
        suffix = path.suffix.lower()
        if suffix not in _SUFFIXES:
            raise ValueError(f"unknown extension: {path.name}")
        self._has_header = suffix == ".wav"
        self._channels = channels
        self._buffer = bytearray()
        self._before = b""
        if append and path.exists():
            self._before = path.read_bytes()[_HEADER_BYTES if self._has_header else 0 :]
        self._file = path.open("wb")
        self._bytes = 0
        if self._has_header:
            self._file.write(_header(0, channels))
            self._file.flush()
        self._file.write(self._before)

    @property
    def samples(self) -> int:
        """Samples a channel of this recording (not of what it was appended to)."""
        return self._bytes // 2 // self._channels

    def write(self, pcm: bytes) -> None:
        self._bytes += len(pcm)
        self._buffer += pcm
        if len(self._buffer) >= _BLOCK_BYTES:
            self._flush()

    def _flush(self) -> None:
        self._file.write(self._buffer)
        self._file.flush()
        self._buffer.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._flush()
        if self._has_header:
            self._file.seek(0)
            self._file.write(_header(len(self._before) + self._bytes, self._channels))
        self._file.close()


def _header(data_bytes: int, channels: int) -> bytes:
    riff = data_bytes + _HEADER_BYTES - 8 if data_bytes else 8
    form = struct.pack(
        "<4sIHHIIHH", b"fmt ", 16, 1, channels, RATE, RATE * 2 * channels, 2 * channels, 16
    )
    return (
        struct.pack("<4sI4s", b"RIFF", riff, b"WAVE")
        + form
        + struct.pack("<4sI", b"data", data_bytes)
    )
