"""What duplex audio costs: N legs against a peer in another process that stands for FreeSWITCH.

Each leg is the product's own: `UnicastLink`, `Player` and the one `Pacer` of a worker, playing all
the time and hearing all the time. The peer sends a frame every 20 ms and keeps when the kernel
received ours, so that its own pace does not count. With `vad` each leg is listened to as in a call
(the demo's callers ask a question of two seconds every six). Not in it: event socket, recognition,
voices.

- *pacing error*: how far a frame's arrival is from the leg's absolute 20 ms schedule.
- *beat*: how long one tick of all legs keeps the hub from everything else.
- *hub late*: how much later than due a timer of 10 ms fires.
- *CPU a leg*: of this process, the detector's thread included.

With a flood, one leg more is there, whose port a third process floods; it is not in the figures of
the others.
"""

from __future__ import annotations

import json
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Self

import gevent
import numpy as np
from gevent.event import Event as Flag
from rich.table import Table

from esl_app.demo import clinic
from esl_app.ears import Listener, SpeechEnded, SpeechEvent, SpeechStarted, Vad
from esl_app.errors import EslError, Hangup
from esl_app.media.duplex import FRAME_S, Histogram, Pacer, Player, UnicastLink
from esl_app.protocol import CommandReply
from providers.deadline import Deadline

_RATE: Final = 8000
_WARM_S: Final = 0.5
_FIRST_S: Final = 5.0
_REPORT_S: Final = 30.0
_TIMER_S: Final = 0.01
_SPEECH: Final = clinic.CALLER / "02-whitening.wav"
_STRANGER: Final = "127.0.0.2"
_FLOOD_BEGINS_S: Final = 0.5  # a new interpreter's start


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of one run."""

    legs: int
    seconds: float
    error_p50_ms: float
    error_p99_ms: float
    error_worst_ms: float
    beat_p50_ms: float
    beat_p99_ms: float
    late_p99_ms: float
    """How much later than due the pacer woke."""
    hub_p99_ms: float
    detector: str
    heard: int
    """Times a caller was heard to begin."""
    skipped: int
    """Beats for which it was too late, of all legs at once."""
    lost_out: int
    """Frames that we sent and the peer did not receive."""
    lost_in: int
    """Frames that the peer sent and we did not hear."""
    cpu_percent_per_leg: float
    """Of one core."""
    memory_kb_per_leg: float
    """Growth of the process; 0 when what was there before was enough."""
    flood: int = 0
    """Datagrams a second to the port of one leg more."""
    flooded_lost: int = 0
    """Frames of its caller that this leg did not hear."""
    flooded_closed: bool = False


class _Peer:
    """The other process."""

    def __init__(self, says: Path | None) -> None:
        arguments = [str(says)] if says else []
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "esl_app.bench._media_peer", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            _open(pipe).close()

    def tell(self, line: str) -> None:
        pipe = _open(self._process.stdin)
        pipe.write(f"{line}\n".encode())
        pipe.flush()

    def report(self) -> list[dict[str, Any]]:
        self.tell("report")
        with gevent.Timeout(_REPORT_S):
            told: list[dict[str, Any]] = json.loads(_open(self._process.stdout).readline())
        return told


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


class _Flood:
    """The third process; it begins when it is told the port."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            _open(self._process.stdin).close()

    def begin(self, port: int) -> None:
        module, numbers = "esl_app.bench._media_flood", (str(port), str(self._rate))
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and two numbers
            [sys.executable, "-m", module, _STRANGER, *numbers], stdin=subprocess.PIPE
        )


class _Leg:
    """A leg without an event socket: its one command goes to the peer."""

    def __init__(self, peer: _Peer, *, flood: _Flood | None = None) -> None:
        self.sock = socket.socket()
        self.ended = Flag()
        self._peer = peer
        self._flood = flood

    def send(self, data: bytes, deadline: Deadline | None = None) -> CommandReply:  # noqa: ARG002
        headers = dict(line.split(": ") for line in data.decode().splitlines() if ": " in line)
        if self._flood is not None:
            self._flood.begin(int(headers["remote-port"]))
            gevent.sleep(_FLOOD_BEGINS_S)
        self._peer.tell(f"open {headers['remote-port']}")
        return CommandReply(text="+OK", headers={})

    def over(self) -> EslError:
        return Hangup("NORMAL_CLEARING")


def run(legs: int = 50, seconds: float = 10.0, *, flood: int = 0, vad: Vad | None = None) -> Report:
    """Measure; takes `seconds` and a little more.

    Args:
        legs: what talks and hears.
        seconds: how long.
        flood: datagrams a second that a stranger sends to one leg more.
        vad: what listens to callers who speak; None: they are silent, and nobody listens.

    Raises:
        ValueError: no legs, or no time.
        NoAudio: the peer did not start in time.
    """
    if legs < 1 or seconds <= 0 or flood < 0:
        raise ValueError("bench media: at least one leg and some time, and no less than no flood")
    pacer = Pacer()
    hub_late = Histogram()
    starts: list[SpeechStarted] = []
    sound = np.random.default_rng(1).integers(-9000, 9000, int(_RATE * (seconds + 10)))
    pcm = sound.astype("<i2").tobytes()
    with ExitStack() as stack:
        peer = stack.enter_context(_Peer(_SPEECH if vad is not None else None))
        memory_kb = _memory_kb()
        hears = [_listener(vad, starts).feed if vad else _nobody for _ in range(legs)]
        links = [_opened(stack, peer, pacer, pcm, hear=hear) for hear in hears]
        first = Deadline.after(_FIRST_S)
        for link in links:
            link.wait_first(first)
        victim = _flooded(stack, peer, pacer, pcm, flood) if flood else None
        gevent.sleep(_WARM_S)
        pacer.statistics.reset()
        starts.clear()
        stack.callback(gevent.spawn(_time_the_hub, hub_late).kill)
        began, cpu = time.monotonic(), time.process_time()
        watched = [*links, victim] if victim else links
        before = [_counts(link) for link in watched]
        wall_from = time.time()  # the kernel stamps datagrams with the wall clock
        gevent.sleep(seconds)
        wall_to = time.time()
        cpu_s, took_s = time.process_time() - cpu, time.monotonic() - began
        counts = [
            (now[0] - old[0], now[1] - old[1])
            for now, old in zip(map(_counts, watched), before, strict=True)
        ]
        victim_closed = victim is not None and victim.closed
        memory_kb = _memory_kb() - memory_kb
        told = peer.report()
    arrivals = [_within(leg["arrivals_s"], wall_from, wall_to) for leg in told]
    errors = np.abs(np.concatenate([_errors_ms(times) for times in arrivals[:legs]]))
    # A frame at either edge of the window may fall on either side of it.
    lost_in = [
        max(0, len(_within(leg["sent_s"], wall_from, wall_to)) - 2 - heard)
        for leg, (heard, _) in zip(told, counts, strict=True)
    ]
    lost_out = [
        max(0, said - 2 - len(times)) for times, (_, said) in zip(arrivals, counts, strict=True)
    ]
    statistics = pacer.statistics
    return Report(
        legs=legs,
        seconds=took_s,
        error_p50_ms=float(np.percentile(errors, 50)),
        error_p99_ms=float(np.percentile(errors, 99)),
        error_worst_ms=float(errors.max()),
        beat_p50_ms=statistics.work.percentile(50),
        beat_p99_ms=statistics.work.percentile(99),
        late_p99_ms=statistics.lateness.percentile(99),
        hub_p99_ms=hub_late.percentile(99),
        detector="none" if vad is None else vad.name,
        heard=len(starts),
        skipped=statistics.skipped,
        lost_out=sum(lost_out[:legs]),
        lost_in=sum(lost_in[:legs]),
        cpu_percent_per_leg=cpu_s / took_s / legs * 100,
        memory_kb_per_leg=max(0.0, memory_kb / legs),
        flood=flood,
        flooded_lost=sum(lost_in[legs:]),
        flooded_closed=victim_closed,
    )


def _counts(link: UnicastLink) -> tuple[int, int]:
    """Frames heard and sent so far."""
    return link.statistics.frames_in, link.statistics.frames_out


def _flooded(stack: ExitStack, peer: _Peer, pacer: Pacer, pcm: bytes, rate: int) -> UnicastLink:
    """A leg whose port a stranger floods from before its first frame on."""
    link = _opened(stack, peer, pacer, pcm, flood=rate)
    link.wait_first(Deadline.after(_FIRST_S))
    return link


def _listener(vad: Vad, starts: list[SpeechStarted]) -> Listener:
    """Ears of one leg; utterances are taken when they end, as a call's are."""

    def on_event(event: SpeechEvent) -> None:
        if isinstance(event, SpeechStarted):
            starts.append(event)
        elif isinstance(event, SpeechEnded):
            listener.take_utterance()

    listener = Listener(vad, rate=_RATE, on_event=on_event)
    return listener


def _nobody(frame: bytes, at_s: float) -> None:
    """Without a detector frames are only counted."""


def _time_the_hub(late: Histogram) -> None:
    while True:
        due = time.monotonic() + _TIMER_S
        gevent.sleep(_TIMER_S)
        late.add(max(0.0, time.monotonic() - due))


def _opened(
    stack: ExitStack,
    peer: _Peer,
    pacer: Pacer,
    pcm: bytes,
    *,
    flood: int = 0,
    hear: Callable[[bytes, float], object] = _nobody,
) -> UnicastLink:
    leg = _Leg(peer, flood=stack.enter_context(_Flood(flood)) if flood else None)
    stack.callback(leg.sock.close)
    link = UnicastLink(
        leg,
        pacer=pacer,
        on_frame=hear,
        on_lost=lambda _reason: None,
        local_ip="127.0.0.1",
        switch_ip="127.0.0.1",
    )
    player = Player(_RATE)
    player.enqueue("1", pcm)
    link.source = player.next_frame
    link.open()
    stack.callback(link.close)
    return link


def _within(times: list[float], begin: float, end: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    kept = np.array(times, dtype=np.float64)
    return kept[(kept >= begin) & (kept < end)]


def _errors_ms(
    times: np.ndarray[Any, np.dtype[np.float64]],
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Distances from the schedule that fits best: the median offset is its phase."""
    offsets = times - np.arange(len(times)) * FRAME_S
    distances: np.ndarray[Any, np.dtype[np.float64]] = (offsets - np.median(offsets)) * 1000
    return distances


def _memory_kb() -> float:
    """The most this process has had in memory."""
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def table(report: Report) -> Table:
    """The report as the command line shows it."""
    shown = Table(title=f"Duplex audio: {report.legs} legs, {report.seconds:.0f} s")
    shown.add_column("")
    shown.add_column("", justify="right")
    for name, value in (
        ("pacing error p50", f"{report.error_p50_ms:.2f} ms"),
        ("pacing error p99", f"{report.error_p99_ms:.2f} ms"),
        ("pacing error, worst", f"{report.error_worst_ms:.2f} ms"),
        ("pacer late p99", f"{report.late_p99_ms:g} ms"),
        ("beat of all legs p50", f"{report.beat_p50_ms:g} ms"),
        ("beat of all legs p99", f"{report.beat_p99_ms:g} ms"),
        ("hub late p99", f"{report.hub_p99_ms:g} ms"),
        ("beats skipped", str(report.skipped)),
        ("voice detector", report.detector),
        ("times a caller was heard to begin", str(report.heard)),
        ("frames lost, to and from the caller", f"{report.lost_out}, {report.lost_in}"),
        ("CPU a leg", f"{report.cpu_percent_per_leg:.3f} % of a core"),
        ("memory a leg", f"{report.memory_kb_per_leg:.0f} kB"),
    ):
        shown.add_row(name, value)
    if report.flood:
        state = "given up" if report.flooded_closed else "alive"
        shown.add_row("datagrams a second to one leg more", str(report.flood))
        shown.add_row("that leg; frames it did not hear", f"{state}; {report.flooded_lost}")
    return shown
