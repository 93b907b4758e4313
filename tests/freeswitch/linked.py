"""Our server with a duplex link and nothing else where FreeSWITCH looks for its controller."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import gevent

from esl_app.errors import Hangup
from esl_app.leg import Leg
from esl_app.media.duplex import Pacer, Player, UnicastLink, packet_ms, quieten
from esl_app.server import ListenSettings, Server
from providers.deadline import Deadline
from tests.freeswitch.switch import FreeSwitch


def soon() -> Deadline:
    return Deadline.after(10)


@dataclass
class Ears:
    frames: list[tuple[float, bytes]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def feed(self, frame: bytes, at: float) -> None:
        self.frames.append((at, frame))

    def pcm(self, since: float = 0.0) -> bytes:
        return b"".join(frame for at, frame in self.frames if at >= since)


Flow = Callable[[Leg, UnicastLink, Ears], object]


@contextlib.contextmanager
def controlled(switch: FreeSwitch, flow: Flow, *, pacer: Pacer | None = None) -> Iterator[None]:
    """Our server where FreeSWITCH looks for its controller; the flow begins when audio flows."""
    failures: list[BaseException] = []
    beat = Pacer() if pacer is None else pacer

    def handler(leg: Leg) -> None:
        try:
            if leg.channel.get("Answer-State") != "answered":
                # The dialplan has the parked leg send noise, which would race with our frames.
                quieten(leg, soon())
                leg.answer(soon())
            ears = Ears()
            link = UnicastLink(
                leg,
                pacer=beat,
                on_frame=ears.feed,
                on_lost=ears.lost.append,
                packet_ms=packet_ms(leg, soon()),
            )
            link.open(soon())
            link.wait_first()
            flow(leg, link, ears)
            leg.hangup()
        except Hangup:
            raise
        except BaseException as error:
            failures.append(error)
            raise

    host, port = switch.primary
    server = Server(ListenSettings(host=host, port=port), handler)
    server.start()
    try:
        yield
    finally:
        server.stop(5)
    if failures:
        raise failures[0]


def play(link: UnicastLink, pcm: bytes) -> float:
    """Play to the end; the instant it began."""
    player = Player(link.rate)
    player.enqueue("1", pcm)
    link.source = player.next_frame
    began = time.monotonic()
    with gevent.Timeout(20):
        while not player.idle:
            gevent.sleep(0.01)
    return began
