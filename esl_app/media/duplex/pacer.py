"""The beat all legs of a worker send by: one greenlet, a tick every 20.0 ms.

FreeSWITCH hands what we send to the caller at once (it neither paces nor buffers), so a frame that
is late is a gap and one that is early fills the phone's jitter buffer. The schedule is absolute: an
instant is `start + n * 20 ms`, whatever the former ticks cost. After a late tick the missed beats
are made up for, at most `lead` at once, as far as a phone's jitter buffer would have bridged the
hole; what is older is skipped, since sent now it would only make the caller hear everything later
for the rest of the call. A skipped beat loses no sound: streams simply get fewer ticks.

Legs are heard a moment before each beat: what a voice detector makes of the caller's frames, off
the hub, is then known when the next frame is chosen, and not one frame later.
"""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import gevent
import structlog

from esl_app.errors import trace_of

log = structlog.get_logger()

FRAME_S: Final = 0.02
_HEARD_BEFORE_S: Final = 0.006  # a hop off the hub and back, with some room
_EDGES_MS: Final = (0.1, 0.2, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 40.0, 80.0)


class Stream(Protocol):
    """Something that receives and sends one frame a beat; `now` is of `time.monotonic`."""

    def hear(self, now: float) -> None:
        """Take what has come; must not wait."""
        ...

    def tick(self, now: float) -> None:
        """Send a frame; must not wait."""
        ...

    def failed(self, error: Exception) -> None:
        """`hear` or `tick` raised: the pacer has let go of this stream."""
        ...


class Histogram:
    """Counts of milliseconds in fixed buckets.

    >>> histogram = Histogram()
    >>> for ms in (0.3, 0.4, 4.0): histogram.add(ms / 1000)
    >>> histogram.percentile(50), histogram.percentile(99), round(histogram.worst_s, 3)
    (0.5, 4.0, 0.004)
    """

    def __init__(self) -> None:
        self.counts = [0] * (len(_EDGES_MS) + 1)
        self.total = 0
        self.worst_s = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect.bisect_left(_EDGES_MS, seconds * 1000)] += 1
        self.total += 1
        self.worst_s = max(self.worst_s, seconds)

    def percentile(self, percent: float) -> float:
        """Milliseconds below which that share lies: the upper edge of its bucket."""
        wanted = self.total * percent / 100
        seen = 0
        for count, edge in zip(self.counts, (*_EDGES_MS, float("inf")), strict=True):
            seen += count
            if count and seen >= wanted:
                return min(edge, round(self.worst_s * 1000, 3))
        return 0.0

    def buckets(self) -> dict[str, int]:
        """Counts by upper edge in ms."""
        names = [*(f"{edge:g}" for edge in _EDGES_MS), "more"]
        return dict(zip(names, self.counts, strict=True))


class Schedule:
    """Which beats are due. Pure: instants come in as numbers.

    >>> schedule = Schedule(now=100.0, lead=3)
    >>> schedule.due(100.0), schedule.due(100.01), schedule.due(100.02)
    (1, 0, 1)
    >>> schedule.due(100.2), schedule.skipped
    (3, 6)
    """

    def __init__(self, *, now: float, lead: int, period_s: float = FRAME_S) -> None:
        if lead < 1:
            raise ValueError(f"lead must be 1 or more, not {lead}")
        self.skipped = 0
        self._start = now
        self._period_s = period_s
        self._lead = lead
        self._beats = 0  # done or skipped

    def next_at(self) -> float:
        """The instant of the next beat."""
        return self._start + self._beats * self._period_s

    def due(self, now: float) -> int:
        """Beats to do now; they count as done."""
        # The epsilon: a timer that wakes a rounding error early must not wait another period.
        missed = int((now - self.next_at()) / self._period_s + 1 + 1e-6)
        if missed <= 0:
            return 0
        self._beats += missed
        self.skipped += max(0, missed - self._lead)
        return min(missed, self._lead)


@dataclass(slots=True)
class PacerStatistics:
    """How well the beat was kept; counted from the pacer's making."""

    lateness: Histogram
    work: Histogram
    ticks: int = 0
    skipped: int = 0
    failures: int = 0

    def reset(self) -> None:
        """Count from now on."""
        self.lateness, self.work = Histogram(), Histogram()
        self.ticks = self.skipped = self.failures = 0


class Pacer:
    """Ticks every stream once every 20 ms; runs only while there are streams.

    Args:
        lead: beats that may be made up for at once after a late tick.
        clock: `time.monotonic`, or a test's.
        sleep: `gevent.sleep`, or a test's.
    """

    def __init__(
        self,
        *,
        lead: int = 3,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = gevent.sleep,
    ) -> None:
        self.statistics = PacerStatistics(lateness=Histogram(), work=Histogram())
        self._lead = lead
        self._clock = clock
        self._sleep = sleep
        self._streams: dict[int, Stream] = {}
        self._runner: gevent.Greenlet[..., None] | None = None
        Schedule(now=0.0, lead=lead)  # refuses a wrong lead here, where it was given

    def add(self, stream: Stream) -> None:
        """Tick it from the next beat on; harmless when it is ticked already."""
        self._streams[id(stream)] = stream
        if self._runner is None or self._runner.dead:
            self._runner = gevent.spawn(self.run)

    def remove(self, stream: Stream) -> None:
        """Tick it no more; harmless when it is not ticked."""
        self._streams.pop(id(stream), None)

    def __contains__(self, stream: Stream) -> bool:
        return id(stream) in self._streams

    def __len__(self) -> int:
        return len(self._streams)

    def __bool__(self) -> bool:
        """True without streams too, so that `pacer or Pacer()` does not make a second one."""
        return True

    def run(self) -> None:
        """Keep the beat until no stream is left."""
        schedule = Schedule(now=self._clock(), lead=self._lead)
        while self._streams:
            self._sleep_until(schedule.next_at() - _HEARD_BEFORE_S)
            heard_at = self._clock()
            self._hear(heard_at)
            heard_s = self._clock() - heard_at
            self._sleep_until(schedule.next_at())
            now = self._clock()
            late_s = now - schedule.next_at()
            beats = schedule.due(now)
            if not beats:
                continue
            statistics = self.statistics
            statistics.lateness.add(max(0.0, late_s))
            for _ in range(beats):
                self._beat(self._clock())
            statistics.work.add(heard_s + self._clock() - now)
            statistics.skipped += schedule.skipped
            schedule.skipped = 0

    def _sleep_until(self, instant: float) -> None:
        # Also when late: other greenlets must run between two beats, whatever a beat costs.
        self._sleep(max(instant - self._clock(), 0.0001))

    def _hear(self, now: float) -> None:
        self._each(lambda stream: stream.hear(now))

    def _beat(self, now: float) -> None:
        self.statistics.ticks += 1
        self._each(lambda stream: stream.tick(now))

    def _each(self, do: Callable[[Stream], None]) -> None:
        for key, stream in list(self._streams.items()):
            if key not in self._streams:
                continue  # removed by another one's turn
            try:
                do(stream)
            except Exception as error:  # noqa: BLE001
                # The outermost edge for a leg's audio: its bug must not silence all the others.
                self.statistics.failures += 1
                self._streams.pop(key, None)
                log.error("stream_failed", **trace_of(error))  # noqa: TRY400 - frames are personal
                self._tell(stream, error)

    @staticmethod
    def _tell(stream: Stream, error: Exception) -> None:
        try:
            stream.failed(error)
        except Exception as again:  # noqa: BLE001 - see _each
            log.error("stream_failed", **trace_of(again))  # noqa: TRY400
