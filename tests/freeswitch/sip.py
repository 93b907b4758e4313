"""Just enough SIP and SDP for a telephone on loopback: text in, text out, no socket."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.freeswitch.codecs import TELEPHONE, Codec
from tests.freeswitch.rtp import TELEPHONE_EVENT

_COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
}
_AUDIO = re.compile(r"^m=audio (\d+) ", re.MULTILINE)
_ADDRESS = re.compile(r"^c=IN IP4 (\S+)", re.MULTILINE)
_DIRECTION = re.compile(r"^a=(sendrecv|sendonly|recvonly|inactive)\s*$", re.MULTILINE)
_MIRRORED = {"sendonly": "recvonly", "recvonly": "sendonly"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    start: str
    headers: Sequence[tuple[str, str]]
    body: str = ""

    @property
    def status(self) -> int:
        """The status code of a response, 0 for a request."""
        return int(self.start.split()[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        """Of a request its own, of a response the one it answers."""
        return self.get("cseq").split()[1] if self.status else self.start.split()[0]

    @property
    def sequence(self) -> int:
        return int(self.get("cseq").split()[0])

    def get(self, name: str) -> str:
        """The first header of that name, empty if there is none."""
        return next(iter(self.get_all(name)), "")

    def get_all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def pack(self) -> bytes:
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        size = len(self.body.encode())
        return ("\r\n".join([*lines, f"Content-Length: {size}", "", ""]) + self.body).encode()

    @classmethod
    def parse(cls, datagram: bytes) -> Message:
        """Header names come in lower case and in full; folded lines are joined."""
        head, _, body = datagram.decode(errors="replace").partition("\r\n\r\n")
        start, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        headers = []
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise ValueError(f"no header: {line!r}")
            key = name.strip().lower()
            headers.append((_COMPACT.get(key, key), value.strip()))
        return cls(start=start, headers=headers, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdp:
    address: str
    port: int
    direction: str = "sendrecv"

    @classmethod
    def parse(cls, body: str) -> Sdp:
        audio, address = _AUDIO.search(body), _ADDRESS.search(body)
        if not audio or not address:
            raise ValueError("no audio in the session description")
        direction = _DIRECTION.search(body)
        return cls(
            address=address[1],
            port=int(audio[1]),
            direction=direction[1] if direction else "sendrecv",
        )

    def mirrored(self, address: str, port: int) -> Sdp:
        """Our answer to this offer: who is told to listen only, only listens."""
        direction = _MIRRORED.get(self.direction, self.direction)
        return Sdp(address=address, port=port, direction=direction)

    def text(self, codec: Codec = TELEPHONE) -> str:
        """As an offer or answer of one codec and keys."""
        return "\r\n".join(
            [
                "v=0",
                f"o=caller 1 1 IN IP4 {self.address}",
                "s=call",
                f"c=IN IP4 {self.address}",
                "t=0 0",
                f"m=audio {self.port} RTP/AVP {codec.payload_type} {TELEPHONE_EVENT}",
                f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.rate}",
                f"a=rtpmap:{TELEPHONE_EVENT} telephone-event/{codec.rate}",
                f"a=fmtp:{TELEPHONE_EVENT} 0-15",
                f"a=ptime:{codec.frame_ms}",
                f"a={self.direction}",
                "",
            ]
        )


@dataclass(slots=True, kw_only=True)
class Dialog:
    """The identifiers of one call from our side; requests inside it are built here."""

    call_id: str
    local: str  # From of what we send: address and our tag
    remote: str  # To of what we send; gets the far end's tag with its answer
    contact: str
    target: str  # where requests go: the far end's Contact once it is known
    via: str  # "host:port" of ours
    sequence: int = 1
    branch: str = ""
    extra: Sequence[tuple[str, str]] = field(default=())

    def request(self, method: str, *, branch: str, sequence: int, body: str = "") -> Message:
        headers = [
            ("Via", f"SIP/2.0/UDP {self.via};branch={branch};rport"),
            ("Max-Forwards", "70"),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{sequence} {method}"),
            ("Contact", self.contact),
            ("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, NOTIFY, UPDATE"),
        ]
        if method == "INVITE":
            headers.extend(self.extra)
        if body:
            headers.append(("Content-Type", "application/sdp"))
        return Message(start=f"{method} {self.target} SIP/2.0", headers=headers, body=body)


def respond(
    request: Message,
    status: int,
    reason: str,
    *,
    to_tag: str = "",
    contact: str = "",
    body: str = "",
) -> Message:
    """A response: the request's routing headers come back as they were."""
    to = request.get("to")
    if to_tag and ";tag=" not in to:
        to += f";tag={to_tag}"
    headers = [("Via", via) for via in request.get_all("via")]
    headers += [
        ("From", request.get("from")),
        ("To", to),
        ("Call-ID", request.get("call-id")),
        ("CSeq", request.get("cseq")),
    ]
    if contact:
        headers.append(("Contact", contact))
    if body:
        headers.append(("Content-Type", "application/sdp"))
    return Message(start=f"SIP/2.0 {status} {reason}", headers=headers, body=body)


def uri_of(address: str) -> str:
    """The URI inside a From, To or Contact value."""
    bracketed = re.search(r"<([^>]+)>", address)
    return bracketed[1] if bracketed else address.partition(";")[0].strip()
