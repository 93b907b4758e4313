"""The event socket's framing, without I/O: bytes in, packets out.

Theory of operation
-------------------
FreeSWITCH sends packets: lines `Name: value`, an empty line, and as many bytes as `Content-Length`
says, if it says anything. A `text/event-plain` body holds such lines again, url-encoded, an empty
line, and sometimes a body of its own. The answer to `connect` is the odd one: an event without a
body around it, and one empty line too many behind it.

`Connection` keeps what came in one `bytearray` and five numbers:

    buffer   ....consumed....|packet...........................|..
                             ^_at          ^_line   ^_searched
                             |<------- _needed ------->|

`next_event` looks at the packet at `_at` only when `_needed` bytes of it are there. While its head
is unfinished `_needed` is one more than there is, and the search for the empty line goes on at
`_searched`, the measure of the unfinished line at `_line`; once the head is whole, `_needed` is the
whole packet. So each byte is searched once and moved twice (into the buffer, out of it), whatever
pieces it came in, and consumed bytes leave the buffer when a packet is found incomplete, that is,
about once a read.

States, as far as there are any: reading; ended (`receive_data(b"")` was called: what is whole still
comes out, then `CONNECTION_CLOSED`, or an error if a packet is cut off); failed (the same
`RemoteProtocolError` for ever, the buffer thrown away). After an error there is no way on: nobody
knows where the next packet begins.

Trust. Lines are cut before any value is decoded, so an encoded line feed in a value makes no
header. Of repeated headers the first counts; a repeated Content-Length is refused, in whatever
case it is written. Lengths are checked against `Limits` as soon as the head is there, and nothing
is allocated for what was only announced. A reply never has a body: a Content-Length in one came
in with a variable's value and would swallow the packets behind it. Not refused are bytes that are
no UTF-8 (see `_packets`), lines without a colon (a reply may be a value of several lines) and types
never heard of (`Other`).

Speed. An event is cut out and checked in 2 µs; its headers stay bytes until somebody asks
(`_packets._Fields`). What is left of the time is `bytes.find`, about 0.3 µs a kilobyte.
`voice-ai bench esl` measures it.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import Final, Literal

from esl_app.protocol._errors import RemoteProtocolError
from esl_app.protocol._packets import (
    ApiResponse,
    ChannelData,
    CommandReply,
    DisconnectNotice,
    Event,
    JsonEvent,
    Other,
    Packet,
    raw_headers,
    text_of,
)


class Signal(enum.Enum):
    """What `next_event` returns when it has no packet."""

    NEED_DATA = "NEED_DATA"
    CONNECTION_CLOSED = "CONNECTION_CLOSED"


NEED_DATA: Final = Signal.NEED_DATA
CONNECTION_CLOSED: Final = Signal.CONNECTION_CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a peer may make us hold: bytes, and for `headers` lines of one block."""

    line: int = 64 * 1024
    header_block: int = 1024 * 1024
    body: int = 16 * 1024 * 1024  # FreeSWITCH's own cap (mod_event_socket.c:38)
    headers: int = 2000


_DEFAULT_LIMITS: Final = Limits()

# Nine packets of ten begin with exactly these bytes (mod_event_socket.c:1449-1452).
_match_plain_event: Final = re.compile(
    rb"Content-Length: ([0-9]{1,10})\nContent-Type: text/event-plain\n\n"
).match
_match_empty_lines: Final = re.compile(rb"\n*").match
# Whatever the case of its letters: a second spelling must not be a way around a check.
_find_framing: Final = re.compile(
    rb"^content-(type|length)[ \t]*:(.*)", re.IGNORECASE | re.MULTILINE
).finditer
# These bring their content in a body; without a length nobody could tell where it ends.
_BODY_EXPECTED: Final = frozenset({b"text/event-json", b"text/event-plain", b"api/response"})


class Connection:
    """One peer's stream of bytes, cut into packets."""

    __slots__ = ("_at", "_buffer", "_eof", "_error", "_limits", "_line", "_needed", "_searched")

    def __init__(self, limits: Limits = _DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._at = 0  # where the current packet begins
        self._needed = 1  # bytes from `_at` on, below which looking at it again is pointless
        self._searched = 0  # up to where its header block was searched for the block's end
        self._line = 0  # where the unfinished line at the end of the buffer begins
        self._eof = False
        self._error: str | None = None

    def receive_data(self, data: bytes) -> None:
        """Take what the socket gave; `b""` says that the peer has closed.

        Raises:
            RuntimeError: data after `b""`, the caller's mistake.
        """
        if not data:
            self._eof = True
        elif self._eof:
            raise RuntimeError("receive_data() was called after the end of the stream")
        elif self._error is None:
            self._buffer += data

    def next_event(self) -> Packet | Signal:
        """The next packet, `NEED_DATA` while it is not whole, `CONNECTION_CLOSED` at the end.

        Raises:
            RemoteProtocolError: what came is no event socket's. From then on every call raises it:
                nobody knows where the next packet would begin.
        """
        if self._error is not None:
            raise RemoteProtocolError(self._error)
        try:
            return self._next()
        except RemoteProtocolError as error:
            self._error = str(error)
            self._buffer = bytearray()
            raise

    def _next(self) -> Packet | Signal:
        # The way of most packets, kept flat: a call costs as much as a memory copy of the event.
        buffer = self._buffer
        at = self._at
        if len(buffer) - at < self._needed:
            return self._starved()
        match = _match_plain_event(buffer, at)
        if match is None:
            return self._next_of_any_kind()
        length = int(match[1])
        if length > self._limits.body:
            raise RemoteProtocolError(f"Content-Length: more than {self._limits.body}")
        start = match.end()
        end = start + length
        if end > len(buffer):
            self._needed = end - at
            return self._starved()
        self._needed = 1
        self._at = end
        raw = bytes(memoryview(buffer)[at:end])
        return _plain_event(raw, start - at, self._limits)

    def _next_of_any_kind(self) -> Packet | Signal:
        buffer, limits = self._buffer, self._limits
        # The answer to `connect` is followed by one empty line too many (mod_event_socket.c:2041).
        blank = _match_empty_lines(buffer, self._at)
        at = self._at = blank.end() if blank else self._at
        self._searched = max(at, self._searched)
        block_end = buffer.find(b"\n\n", max(at, self._searched - 1))
        if block_end < 0:
            self._check_unfinished()
            self._needed = len(buffer) - at + 1
            return self._starved()
        block = bytes(memoryview(buffer)[at:block_end])
        _check_block(block, "header block", limits)
        kind, length = _framing(block, limits)
        end = block_end + 2 + length
        if end > len(buffer):
            self._searched = block_end
            self._needed = end - at
            return self._starved()
        return _packet(kind, block, self._take(end), limits)

    def _check_unfinished(self) -> None:
        """Refuse a header block, or a line, that is too long although its end is not here yet."""
        buffer, limits = self._buffer, self._limits
        size = len(buffer)
        if size - self._at > limits.header_block:
            raise RemoteProtocolError(_long_block("header block", limits))
        self._line = max(self._line, self._at, buffer.rfind(b"\n", self._searched) + 1)
        self._searched = size
        if size - self._line > limits.line:
            raise RemoteProtocolError(_long_line("header block", limits))

    def _starved(self) -> Signal:
        """No whole packet: let go of what was consumed, and say whether more can come."""
        if self._at:
            del self._buffer[: self._at]
            self._searched = max(0, self._searched - self._at)
            self._line = max(0, self._line - self._at)
            self._at = 0
        if not self._eof:
            return NEED_DATA
        if self._buffer:
            raise RemoteProtocolError("the stream ended inside a packet")
        return CONNECTION_CLOSED

    def _take(self, end: int) -> bytes:
        """The bytes of the current packet, which ends before `end`."""
        raw = bytes(memoryview(self._buffer)[self._at : end])
        self._at = end
        self._needed = 1
        return raw


def _framing(block: bytes, limits: Limits) -> tuple[bytes, int]:
    """Type and length of the packet that `block` heads."""
    kinds: list[bytes] = []
    lengths: list[bytes] = []
    for match in _find_framing(block):
        (kinds if match[1].lower() == b"type" else lengths).append(match[2].strip(b" \t"))
    if not kinds:
        raise RemoteProtocolError("header block: no Content-Type")
    kind = kinds[0]
    if kind == b"command/reply" and lengths:
        # No reply has a body: a length came in by way of a variable's value.
        raise RemoteProtocolError("command/reply: a Content-Length")
    if len(lengths) > 1:
        raise RemoteProtocolError("header block: more than one Content-Length")
    if not lengths:
        if kind in _BODY_EXPECTED:
            raise RemoteProtocolError(f"{text_of(kind)}: no Content-Length")
        return kind, 0
    if not lengths[0].isdigit():  # bytes: ASCII's ten digits only, no sign
        raise RemoteProtocolError("Content-Length: not a number")
    digits = lengths[0].lstrip(b"0") or b"0"
    length = int(digits[:20])  # `int` of a very long number is slow, and 20 digits are too many
    if length > limits.body:
        raise RemoteProtocolError(f"Content-Length: more than {limits.body}")
    return kind, length


def _packet(kind: bytes, block: bytes, raw: bytes, limits: Limits) -> Packet:
    """The packet in `raw`, headed by `block`."""
    body_at = len(block) + 2
    packet: Packet
    match kind:
        case b"text/event-plain":
            packet = _plain_event(raw, body_at, limits)
        case b"text/event-json":
            packet = JsonEvent(raw, raw[body_at:])
        case b"command/reply" if block.startswith(b"Event-Name: CHANNEL_DATA\n"):
            packet = ChannelData(raw)
        case b"command/reply":
            packet = _command_reply(raw_headers(block))
        case b"api/response":
            packet = ApiResponse(body=raw[body_at:])
        case b"text/disconnect-notice":
            packet = _disconnect_notice(raw_headers(block), raw[body_at:])
        case _:
            packet = Other(
                content_type=text_of(kind), headers=raw_headers(block), body=raw[body_at:]
            )
    return packet


def _plain_event(raw: bytes, start: int, limits: Limits) -> Event:
    """The event in `raw`, whose own headers begin at `start`."""
    if b"\0" in raw:
        raise RemoteProtocolError("text/event-plain: NUL")
    # Of a channel's events only the last may have a body (`hangup_complete_with_xml`,
    # switch_core_state_machine.c:943-953), so the empty line that ends the packet is the only one;
    # looking for an earlier one would cost more than everything else here together.
    if (
        raw.startswith(b"Event-Name: CHANNEL_", start)
        and raw.endswith(b"\n\n")
        and not raw.startswith(b"HANGUP_COMPLETE", start + 20)
    ):
        end = len(raw) - 2
    else:
        end = raw.find(b"\n\n", start)
        if end < 0:  # nobody sends that, but it is clear what it means
            raw += b"\n"
            end = len(raw) - 1
    # "a: " and a line feed are the shortest header: a block this small breaks no limit.
    if end - start >= 4 * limits.headers or end - start > limits.line:
        _check_block(raw[start:end], "text/event-plain", limits)
    return Event(raw, start - 1, end)


def _command_reply(headers: dict[str, str]) -> CommandReply:
    return CommandReply(text=headers.get("Reply-Text", ""), headers=headers)


def _disconnect_notice(headers: dict[str, str], body: bytes) -> DisconnectNotice:
    try:
        linger_s = int(headers.get("Linger-Time", "")[:20])
    except ValueError:
        linger_s = None
    disposition: Literal["linger", "disconnect"] = (
        "linger" if headers.get("Content-Disposition") == "linger" else "disconnect"
    )
    return DisconnectNotice(disposition=disposition, linger_s=linger_s, body=body)


def _check_block(block: bytes, where: str, limits: Limits) -> None:
    """Refuse a header block that is too big or holds what no header holds."""
    if len(block) > limits.header_block:
        raise RemoteProtocolError(_long_block(where, limits))
    if block.count(b"\n") >= limits.headers:
        raise RemoteProtocolError(f"{where}: more than {limits.headers} headers")
    if len(block) > limits.line and max(map(len, block.split(b"\n"))) > limits.line:
        raise RemoteProtocolError(_long_line(where, limits))
    if b"\0" in block:
        raise RemoteProtocolError(f"{where}: NUL")


def _long_block(where: str, limits: Limits) -> str:
    return f"{where}: more than {limits.header_block} bytes"


def _long_line(where: str, limits: Limits) -> str:
    return f"{where}: a line of more than {limits.line} bytes"
