"""A link on real sockets, with a few lines in FreeSWITCH's place and a pacer that waits for us."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

from gevent.event import Event as Flag

from esl_app.errors import EslError, Hangup
from esl_app.media.duplex import Pacer, UnicastLink
from esl_app.protocol import CommandReply
from providers.deadline import Deadline

FRAME = bytes(range(160)) * 2


@dataclass
class ParkedLeg:
    """A leg on a socket pair; keeps what it was told to send."""

    sock: socket.socket
    sent: list[bytes] = field(default_factory=list)
    ended: Flag = field(default_factory=Flag)
    refuses: EslError | None = None

    def send(self, data: bytes, deadline: Deadline | None = None) -> CommandReply:
        assert deadline is not None
        self.sent.append(data)
        if self.refuses is not None:
            raise self.refuses
        return CommandReply(text="+OK", headers={"Reply-Text": "+OK"})

    def over(self) -> EslError:
        return Hangup("NORMAL_CLEARING")


class StillPacer(Pacer):
    """Beats only when the test says so."""

    def add(self, stream: object) -> None:
        self._streams[id(stream)] = stream  # type: ignore[assignment]


@dataclass
class Rig:
    leg: ParkedLeg
    link: UnicastLink
    pacer: StillPacer
    switch: socket.socket
    frames: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    now: float = 100.0

    def hear(self, frame: bytes, at: float) -> None:
        self.frames.append(frame)
        self.times.append(at)

    def say(self, data: bytes, sender: socket.socket | None = None) -> None:
        (sender or self.switch).sendto(data, ("127.0.0.1", self.link.port))

    def beat(self, count: int = 1) -> None:
        for _ in range(count):
            self.now += 0.02
            self.pacer._hear(self.now)
            self.pacer._beat(self.now)

    def got(self) -> list[bytes]:
        found = []
        self.switch.setblocking(False)
        while True:
            try:
                found.append(self.switch.recv(4096))
            except BlockingIOError:
                return found


def udp(host: str = "127.0.0.1") -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    return sock


@contextlib.contextmanager
def parked() -> Iterator[Rig]:
    """A link that is open, and has heard nothing yet."""
    listener = socket.create_server(("127.0.0.1", 0))
    theirs = socket.create_connection(listener.getsockname())
    ours, _ = listener.accept()
    switch = udp()
    leg, pacer = ParkedLeg(sock=ours), StillPacer()
    rig = Rig(leg=leg, pacer=pacer, switch=switch, link=None)  # type: ignore[arg-type]
    rig.link = UnicastLink(leg, pacer=pacer, on_frame=rig.hear, on_lost=rig.lost.append)
    rig.link.open()
    try:
        yield rig
    finally:
        rig.link.close()
        for sock in (listener, theirs, ours, switch):
            sock.close()
