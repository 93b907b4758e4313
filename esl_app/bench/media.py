"""What duplex audio costs: N legs against a peer in another process that stands for FreeSWITCH.

Each leg is the product's own: `UnicastLink`, `Player` and the one `Pacer` of a worker, playing all
the time and hearing all the time. The peer sends a frame every 20 ms and keeps when the kernel
received ours, so that its own pace does not count. Not in it: event socket, recognition, voices.

- *pacing error*: how far a frame's arrival is from the leg's absolute 20 ms schedule.
- *beat*: how long one tick of all legs keeps the hub from everything else.
"""

from __future__ import annotations

import json
import resource
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO, Any, Final, Self

import gevent
import numpy as np
from gevent.event import Event as Flag
from rich.table import Table

from esl_app.errors import EslError, Hangup
from esl_app.media.duplex import FRAME_S, Pacer, Player, UnicastLink
from esl_app.protocol import CommandReply
from providers.deadline import Deadline

_RATE: Final = 8000
_WARM_S: Final = 0.5
_FIRST_S: Final = 5.0
_REPORT_S: Final = 30.0


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
    skipped: int
    lost_out: int
    lost_in: int
    cpu_percent_per_leg: float
    """Of one core."""
    memory_kb_per_leg: float
    """Growth of the process; 0 when what was there before was enough."""


class _Peer:
    """The other process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "esl_app.bench._media_peer"],
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


class _Leg:
    """A leg without an event socket: its one command goes to the peer."""

    def __init__(self, peer: _Peer) -> None:
        self.sock = socket.socket()
        self.ended = Flag()
        self._peer = peer

    def send(self, data: bytes, deadline: Deadline | None = None) -> CommandReply:  # noqa: ARG002
        headers = dict(line.split(": ") for line in data.decode().splitlines() if ": " in line)
        self._peer.tell(f"open {headers['remote-port']}")
        return CommandReply(text="+OK", headers={})

    def over(self) -> EslError:
        return Hangup("NORMAL_CLEARING")


def run(legs: int = 50, seconds: float = 10.0) -> Report:
    """Measure; takes `seconds` and a little more.

    Raises:
        ValueError: no legs, or no time.
        NoAudio: the peer did not start in time.
    """
    if legs < 1 or seconds <= 0:
        raise ValueError("bench media: at least one leg and some time")
    pacer = Pacer()
    sound = np.random.default_rng(1).integers(-9000, 9000, int(_RATE * (seconds + 10)))
    pcm = sound.astype("<i2").tobytes()
    with ExitStack() as stack:
        peer = stack.enter_context(_Peer())
        memory_kb = _memory_kb()
        links = [_opened(stack, peer, pacer, pcm) for _ in range(legs)]
        first = Deadline.after(_FIRST_S)
        for link in links:
            link.wait_first(first)
        gevent.sleep(_WARM_S)
        pacer.statistics.reset()
        began, cpu = time.monotonic(), time.process_time()
        before = [link.statistics.frames_in for link in links]
        wall_from = time.time()  # the kernel stamps datagrams with the wall clock
        gevent.sleep(seconds)
        wall_to = time.time()
        cpu_s, took_s = time.process_time() - cpu, time.monotonic() - began
        heard = [link.statistics.frames_in - old for link, old in zip(links, before, strict=True)]
        memory_kb = _memory_kb() - memory_kb
        told = peer.report()
    arrivals = [_within(leg["arrivals_s"], wall_from, wall_to) for leg in told]
    errors = np.abs(np.concatenate([_errors_ms(times) for times in arrivals]))
    expected = round(took_s / FRAME_S)
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
        skipped=statistics.skipped,
        # A frame at either edge of the window may fall on either side of it.
        lost_out=sum(max(0, expected - 2 - len(times)) for times in arrivals),
        lost_in=sum(max(0, expected - 2 - count) for count in heard),
        cpu_percent_per_leg=cpu_s / took_s / legs * 100,
        memory_kb_per_leg=max(0.0, memory_kb / legs),
    )


def _opened(stack: ExitStack, peer: _Peer, pacer: Pacer, pcm: bytes) -> UnicastLink:
    leg = _Leg(peer)
    stack.callback(leg.sock.close)
    link = UnicastLink(
        leg,
        pacer=pacer,
        on_frame=lambda _frame, _at: None,
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
        ("beats skipped", str(report.skipped)),
        ("frames lost, to and from the caller", f"{report.lost_out}, {report.lost_in}"),
        ("CPU a leg", f"{report.cpu_percent_per_leg:.3f} % of a core"),
        ("memory a leg", f"{report.memory_kb_per_leg:.0f} kB"),
    ):
        shown.add_row(name, value)
    return shown
