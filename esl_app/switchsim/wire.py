"""What the controller says, bytes to commands: the switch's side of the codec, without I/O.

Written apart from `esl_app.protocol` on purpose: a mistake shared by both ends would never show.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# A larger content-length makes FreeSWITCH close the socket without a word (PROTOCOL, "Framing").
MAX_BODY_BYTES = 16 * 1024 * 1024
_LINE_ENDS = (bytearray(b"\n"), bytearray(b"\r"))
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")


class OversizeError(Exception):
    """A content-length above 16 MiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command: its first line, its headers with names in lower case, its body."""

    line: str
    headers: dict[str, str] = field(default_factory=dict)
    rows: list[tuple[str, str]] = field(default_factory=list)  # the headers as they were written
    body: bytes = b""
    valid: bool = True

    @property
    def name(self) -> str:
        return self.line.split(" ", 1)[0].lower()

    @property
    def argument(self) -> str:
        """What follows the first word of the line."""
        return self.line.partition(" ")[2].strip()

    def get(self, header: str, default: str = "") -> str:
        return self.headers.get(header.lower(), default)


class CommandParser:
    """Collects bytes, hands out commands."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive_data(self, data: bytes) -> None:
        self._buffer += data

    def commands(self) -> Iterator[Command]:
        """Each whole command received so far.

        Raises:
            OversizeError: a content-length above the limit; nothing after it is read.
        """
        while (command := self._next()) is not None:
            yield command

    def _next(self) -> Command | None:
        while self._buffer[:1] in _LINE_ENDS:  # empty lines before a command are skipped
            del self._buffer[:1]
        end = _END_OF_HEAD.search(self._buffer)
        if end is None:
            return None
        head = bytes(self._buffer[: end.start()])
        valid = _is_utf8(head)
        # CR ends a line as well as LF does (mod_event_socket.c:1292), so that one hidden in a value
        # starts a new header: a controller that lets CR through must see the damage here too.
        first, *rest = re.split(r"[\r\n]+", head.decode("utf-8", "replace"))
        rows = _rows(rest)
        headers = {name.lower(): value for name, value in reversed(rows)}  # the first wins
        length = _content_length(headers)
        if length > MAX_BODY_BYTES:
            self._buffer.clear()
            raise OversizeError
        if len(self._buffer) < end.end() + length:
            return None
        body = bytes(self._buffer[end.end() : end.end() + length])
        del self._buffer[: end.end() + length]
        return Command(line=first.strip(), headers=headers, rows=rows, body=body, valid=valid)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _rows(lines: list[str]) -> list[tuple[str, str]]:
    parts = [line.partition(":") for line in lines]
    return [(name.strip(), value.strip()) for name, colon, value in parts if colon]


def _content_length(headers: dict[str, str]) -> int:
    digits = re.match(r"\d+", headers.get("content-length", ""))
    return int(digits[0]) if digits else 0
