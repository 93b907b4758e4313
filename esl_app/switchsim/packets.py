"""What the switch says: packets as bytes. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

Header = tuple[str, str]
Format = Literal["plain", "json"]
PacketKind = Literal["reply", "api", "channel_data", "event", "notice", "log"]

# A command's reply is built in a buffer of 512 bytes (mod_event_socket.c:2641).
MAX_REPLY_CHARS = 511
# What FreeSWITCH leaves as it is besides letters, digits and `-._~` (SWITCH_URL_UNSAFE).
_UNESCAPED = "!$'()*,/"
_GOODBYE = b"Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One packet on its way to the controller."""

    kind: PacketKind
    data: bytes
    event: str = ""  # an event's name
    application: str = ""  # the application an event speaks of


def url_encode(value: str) -> str:
    return quote(value, safe=_UNESCAPED)


def reply(text: str, *extra: Header) -> Packet:
    lines = [f"Content-Type: command/reply\nReply-Text: {_cut(text)}\n"]
    lines += [f"{name}: {value}\n" for name, value in extra]
    return Packet(kind="reply", data=("".join(lines) + "\n").encode())


def _cut(text: str) -> str:
    return text.encode()[:MAX_REPLY_CHARS].decode("utf-8", "ignore")


def api_response(body: str) -> Packet:
    data = body.encode()
    head = f"Content-Type: api/response\nContent-Length: {len(data)}\n\n"
    return Packet(kind="api", data=head.encode() + data)


def channel_data(headers: Iterable[Header], *, socket_mode: str, control: str) -> Packet:
    """The answer to `connect`: url-encoded, without a length, with one empty line too many."""
    rows = [
        *headers,
        ("Content-Type", "command/reply"),
        ("Reply-Text", "+OK\n"),
        ("Socket-Mode", socket_mode),
        ("Control", control),
    ]
    return Packet(kind="channel_data", data=_plain(rows) + b"\n\n")


def event(headers: list[Header], *, format_: Format, body: str = "") -> Packet:
    """An event in the listener's format, head and body."""
    known = dict(reversed(headers))
    if format_ == "json":
        rows = [*headers, *([("_body", body)] if body else [])]
        pairs = (f"{_json(name)}:{_json(value)}" for name, value in rows)
        content = f"{{{','.join(pairs)}}}".encode()  # a header that comes twice stays twice
    else:
        content = _plain(headers)
        if body:
            content += f"Content-Length: {len(body.encode())}\n\n{body}".encode()
        else:
            content += b"\n"
    head = f"Content-Length: {len(content)}\nContent-Type: text/event-{format_}\n\n"
    return Packet(
        kind="event",
        data=head.encode() + content,
        event=known.get("Event-Name", ""),
        application=known.get("Application", ""),
    )


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _plain(headers: Iterable[Header]) -> bytes:
    return "".join(f"{name}: {url_encode(value)}\n" for name, value in headers).encode()


def linger_notice(*, uuid: str, channel_name: str, seconds: int) -> Packet:
    return _notice(
        uuid,
        "linger",
        [("Channel-Name", channel_name), ("Linger-Time", str(seconds)), ("Content-Length", "0")],
    )


def disconnect_notice(*, uuid: str) -> Packet:
    packet = _notice(uuid, "disconnect", [("Content-Length", str(len(_GOODBYE)))])
    return Packet(kind="notice", data=packet.data + _GOODBYE)


def _notice(uuid: str, disposition: str, rest: list[Header]) -> Packet:
    rows = [
        ("Content-Type", "text/disconnect-notice"),
        ("Controlled-Session-UUID", uuid),
        ("Content-Disposition", disposition),
        *rest,
    ]
    lines = "".join(f"{name}: {value}\n" for name, value in rows)
    return Packet(kind="notice", data=(lines + "\n").encode())
