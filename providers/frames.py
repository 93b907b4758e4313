"""The frames between an adapter and its engine's process: a JSON header and a piece of bytes.

4 bytes length of the header, 4 bytes length of the body, big-endian; the header (UTF-8 JSON
object); the body (audio or vectors, as they are)
"""

from __future__ import annotations

import json
from struct import Struct
from typing import Any

_HEAD = Struct("!II")
MAX_HEADER = 1 << 20
MAX_BODY = 64 << 20


class FrameError(ValueError):
    """What came over the wire is not a frame."""


def encode(header: dict[str, Any], body: bytes = b"") -> bytes:
    """One frame."""
    text = json.dumps(header, ensure_ascii=True).encode()
    if len(text) > MAX_HEADER or len(body) > MAX_BODY:
        raise FrameError("frame too large")
    return _HEAD.pack(len(text), len(body)) + text + body


class Decoder:
    """Bytes in, frames out; keeps what is incomplete, so that a reader may stop at any byte."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> tuple[dict[str, Any], bytes] | None:
        """The next whole frame, or None until more bytes come.

        Raises:
            FrameError: the bytes are not a frame; the stream cannot be used any further.
        """
        if len(self._buffer) < _HEAD.size:
            return None
        header_size, body_size = _HEAD.unpack_from(self._buffer)
        if header_size > MAX_HEADER or body_size > MAX_BODY:
            raise FrameError("frame too large")
        start, end = _HEAD.size + header_size, _HEAD.size + header_size + body_size
        if len(self._buffer) < end:
            return None
        try:
            header = json.loads(self._buffer[_HEAD.size : start])
        except ValueError:
            raise FrameError("header is not JSON") from None
        if not isinstance(header, dict):
            raise FrameError("header is not an object")
        body = bytes(self._buffer[start:end])
        del self._buffer[:end]
        return header, body
