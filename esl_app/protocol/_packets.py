"""What `Connection.next_event` returns: one class a kind of packet.

Text is UTF-8 with `surrogateescape`: FreeSWITCH passes on whatever bytes a SIP peer sent, and one
Latin-1 name must not end a call. A value can therefore hold lone surrogates, line feeds and
anything else a caller likes: it is data from outside, whatever header it came in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NoReturn
from urllib.parse import unquote_to_bytes

from esl_app.protocol._errors import RemoteProtocolError

# What FreeSWITCH writes for a header without a value (switch_event.c, switch_event_serialize).
_UNDEFINED: Final = "_undef_"


def text_of(value: bytes) -> str:
    """The text of raw bytes."""
    return value.decode("utf-8", "surrogateescape")


def _decoded(value: bytes) -> str:
    """The text of a url-encoded value."""
    if b"%" in value:
        value = unquote_to_bytes(value)
    return value.decode("utf-8", "surrogateescape")


@lru_cache(maxsize=1024)
def _needle(header: str) -> bytes:
    if "\n" in header or ": " in header:
        raise ValueError("a header's name has no line feed and no ': '")
    return b"\n%s: " % header.encode("utf-8", "surrogateescape")


@lru_cache(maxsize=1024)
def _variable_needle(name: str) -> bytes:
    return _needle(f"variable_{name}")


class _Fields:
    """Url-encoded headers, found and decoded only when asked for.

    An event has some 170 headers of which five are read. `bytes.find` skips through the block a
    needle's length at a time, so finding five costs less than splitting the block into lines.
    Lines are what line feeds make of the bytes as they came; decoding comes after, so a `%0A` in a
    value stays in that value. Of repeated headers the first counts. Names match to the letter.
    """

    __slots__ = ("_end", "_start", "_text", "_variables")

    def __init__(self, text: bytes, start: int, end: int) -> None:
        self._text = text
        self._start = start  # of the line feed before the first header
        self._end = end  # behind the last header's value
        self._variables = -1  # of the line feed before the first variable, once it was looked for

    def _find(self, needle: bytes) -> str | None:
        text = self._text
        at = text.find(needle, self._start, self._end)
        return None if at < 0 else self._value(at + len(needle))

    def _find_last(self, needle: bytes) -> str | None:
        text = self._text
        at = text.rfind(needle, self._start, self._end)
        return None if at < 0 else self._value(at + len(needle))

    def _value(self, at: int) -> str | None:
        value = self._text[at : self._text.find(b"\n", at)]
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = value.decode("utf-8", "surrogateescape")
        if "%" in text:
            return unquote_to_bytes(value).decode("utf-8", "surrogateescape")
        return None if text == _UNDEFINED else text

    def get(self, header: str, default: str | None = None) -> str | None:
        """The header's value; `default` if it is absent or FreeSWITCH calls it undefined."""
        found = self._find(_needle(header))
        return default if found is None else found

    def variable(self, name: str) -> str | None:
        """The channel variable's value, if the packet carries it."""
        text, end = self._text, self._end
        if self._variables < 0:
            at = text.find(b"\nvariable_", self._start, end)
            self._variables = at if at >= 0 else end
        needle = _variable_needle(name)
        at = text.find(needle, self._variables, end)
        return None if at < 0 else self._value(at + len(needle))

    def all(self, header: str) -> tuple[str, ...]:
        """Every value of the header, in order: more than one of a trusted key is an attack."""
        needle = _needle(header)
        text, end = self._text, self._end
        values = []
        at = text.find(needle, self._start, end)
        while at >= 0:
            at += len(needle)
            stop = text.find(b"\n", at, end)
            stop = stop if stop >= 0 else end
            values.append(_decoded(text[at:stop]))
            at = text.find(needle, stop, end)
        return tuple(values)

    def headers(self) -> dict[str, str]:
        """All defined headers, decoded. Costs a hundred times what `get` costs."""
        found: dict[str, str] = {}
        for line in self._text[self._start + 1 : self._end].split(b"\n"):
            name, colon, value = line.partition(b": ")
            if colon:
                found.setdefault(text_of(name), _decoded(value))
        return {name: value for name, value in found.items() if value != _UNDEFINED}

    @property
    def name(self) -> str:
        """The event's name; empty for an event that has none (`bind_digit_action` fires such)."""
        return self._find(b"\nEvent-Name: ") or ""

    @property
    def uuid(self) -> str:
        """The channel's uuid; empty for an event of no channel."""
        return self._find(b"\nUnique-ID: ") or ""

    @property
    def application(self) -> str | None:
        """The application an execute event is about."""
        return self._find_last(b"\nApplication: ")

    @property
    def application_uuid(self) -> str | None:
        """The `Event-UUID` of the execute this event belongs to."""
        return self._find_last(b"\nApplication-UUID: ")

    @property
    def response(self) -> str | None:
        """How the application ended, as FreeSWITCH words it (`FILE PLAYED`, `_none_`, …)."""
        return self._find_last(b"\nApplication-Response: ")

    @property
    def raw(self) -> bytes:
        """The packet as it came."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, _Fields) and other.raw == self.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        # Only what is safe in a log: the rest of a packet is about a person.
        return f"<{type(self).__name__} {self.name or '(no name)'} {self.uuid} {len(self.raw)} B>"


class ChannelData(_Fields):
    """The answer to `connect`: the channel with all its variables.

    A `command/reply` that is url-encoded and led by `Event-Name: CHANNEL_DATA`
    (mod_event_socket.c:2017-2047).
    """

    __slots__ = ()

    def __init__(self, raw: bytes) -> None:
        super().__init__(b"\n" + raw, 0, len(raw) + 1)

    @property
    def raw(self) -> bytes:
        return self._text[1:]

    @property
    def body(self) -> bytes:
        """Always empty: this reply has none."""
        return b""


class Event(_Fields):
    """Something happened to a channel (`text/event-plain` or `text/event-json`)."""

    __slots__ = ()

    @property
    def body(self) -> bytes:
        """What follows the event's headers: a recogniser's result, a job's answer."""
        # `_end` is the first of the two line feeds of the empty line.
        return self._text[self._end + 2 :]


class JsonEvent(Event):
    """An event in JSON: decoded at once, since only decoding shows whether it is one."""

    __slots__ = ("_body", "_values")

    def __init__(self, raw: bytes, payload: bytes) -> None:
        super().__init__(raw, 0, 0)
        self._values = _json_fields(payload)
        self._body = "".join(self._values.pop("_body", ()))

    def _find(self, needle: bytes) -> str | None:
        values = self._values.get(text_of(needle[1:-2]))
        return values[0] if values and values[0] != _UNDEFINED else None

    def _find_last(self, needle: bytes) -> str | None:
        return self._find(needle)

    def variable(self, name: str) -> str | None:
        return self._find(_variable_needle(name))

    def all(self, header: str) -> tuple[str, ...]:
        return self._values.get(header, ())

    def headers(self) -> dict[str, str]:
        return {name: v[0] for name, v in self._values.items() if v and v[0] != _UNDEFINED}

    @property
    def body(self) -> bytes:
        return self._body.encode("utf-8", "surrogateescape")


def _json_fields(payload: bytes) -> dict[str, tuple[str, ...]]:
    """The members of a JSON event; a repeated name keeps all its values, the first in front.

    FreeSWITCH writes strings and, for array headers, arrays of strings (switch_event.c,
    switch_event_serialize_json_obj); arrays are given back in the form they have in plain events.
    """

    def refuse(_: object) -> NoReturn:
        raise ValueError

    def one(value: object) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return "ARRAY::" + "|:".join(value)
        return refuse(value)

    def collect(pairs: list[tuple[str, object]]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for name, value in pairs:
            found[name] = (*found.get(name, ()), one(value))
        return found

    try:
        # Numbers stay the text they are: no float rounds an identifier, no huge integer costs time.
        decoded = json.loads(
            text_of(payload),
            object_pairs_hook=collect,
            parse_int=str,
            parse_float=str,
            parse_constant=refuse,
        )
    except (ValueError, RecursionError):
        # `from None`: the decoder's message would quote the event.
        raise RemoteProtocolError("text/event-json: not an object of strings") from None
    if not isinstance(decoded, dict):
        raise RemoteProtocolError("text/event-json: not an object")
    return decoded


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandReply:
    """The answer to a command, raw: not url-encoded, cut at 511 bytes, one a command, in order.

    `+OK` to a sendmsg says "queued", never "done". The text of a `getvar` is the variable's value.
    """

    text: str
    headers: dict[str, str]

    @property
    def ok(self) -> bool:
        return self.text.startswith("+OK")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiResponse:
    """The answer to `api`, raw."""

    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DisconnectNotice:
    """FreeSWITCH announces the end: of the channel (`linger`) or of the socket (`disconnect`).

    `linger_s` is how long the socket stays; -1 means until we close it, None that nothing was said.
    """

    disposition: Literal["linger", "disconnect"]
    linger_s: int | None
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A packet nobody here asked for: a log line, an XML event, an inbound socket's greeting."""

    content_type: str
    headers: dict[str, str]
    body: bytes


Packet = CommandReply | ChannelData | ApiResponse | Event | DisconnectNotice | Other


def raw_headers(block: bytes) -> dict[str, str]:
    """The headers of a block that is not url-encoded; of repeated ones the first.

    The text of a reply may be a variable's value of several lines: what has no colon is skipped.
    """
    found: dict[str, str] = {}
    for line in block.split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon:
            found.setdefault(text_of(name), text_of(value.lstrip(b" \t")))
    return found
