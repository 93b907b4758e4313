"""The beat: on an absolute schedule, whatever happens to one tick or one stream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.media.duplex import Histogram, Pacer
from esl_app.media.duplex.pacer import Schedule

pytestmark = pytest.mark.unit


class Clock:
    """Virtual time; each sleep may last longer than asked."""

    def __init__(self, *, late: dict[int, float] | None = None) -> None:
        self.now = 50.0
        self.sleeps = 0
        self._late = late or {}

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds + self._late.get(self.sleeps, 0.0)
        self.sleeps += 1


class Ticked:
    """A stream that leaves after some ticks, or fails at one."""

    def __init__(self, pacer: Pacer, *, ticks: int, fail_at: int = -1, cost_s: float = 0.0) -> None:
        self.at: list[float] = []
        self.heard_at: list[float] = []
        self.errors: list[Exception] = []
        self._pacer, self._ticks, self._fail_at = pacer, ticks, fail_at
        self._cost_s = cost_s

    def hear(self, now: float) -> None:
        self.heard_at.append(now)

    def tick(self, now: float) -> None:
        self.at.append(now)
        clock = self._pacer._clock
        assert isinstance(clock, Clock)
        clock.now += self._cost_s
        if len(self.at) == self._fail_at:
            raise RuntimeError("a bug")
        if len(self.at) >= self._ticks:
            self._pacer.remove(self)

    def failed(self, error: Exception) -> None:
        self.errors.append(error)


def paced(clock: Clock, *, lead: int = 3) -> Pacer:
    return Pacer(lead=lead, clock=clock, sleep=clock.sleep)


def run(pacer: Pacer, *streams: Ticked) -> None:
    """As `add`, without the greenlet."""
    for stream in streams:
        pacer._streams[id(stream)] = stream
    pacer.run()


def test_ticks_keep_to_the_schedule_whatever_they_cost() -> None:
    clock = Clock()
    pacer = paced(clock)
    stream = Ticked(pacer, ticks=500, cost_s=0.013)
    run(pacer, stream)
    offsets = [at - 50.0 - n * 0.02 for n, at in enumerate(stream.at)]
    assert max(offsets) < 0.001
    assert min(offsets) > -1e-6
    assert pacer.statistics.skipped == 0


def test_a_leg_is_heard_a_moment_before_each_beat() -> None:
    clock = Clock()
    pacer = paced(clock)
    stream = Ticked(pacer, ticks=100)
    run(pacer, stream)
    assert len(stream.heard_at) == 100
    for heard_at, beat_at in zip(stream.heard_at[1:], stream.at[1:], strict=True):
        assert beat_at - heard_at == pytest.approx(0.006, abs=0.001)


def test_a_stream_that_fails_to_hear_is_let_go() -> None:
    class Deaf(Ticked):
        def hear(self, now: float) -> None:
            super().hear(now)
            raise RuntimeError("a bug")

    pacer = paced(Clock())
    bad, good = Deaf(pacer, ticks=9), Ticked(pacer, ticks=5)
    run(pacer, bad, good)
    assert (bad.at, [str(error) for error in bad.errors]) == ([], ["a bug"])
    assert (len(good.at), pacer.statistics.failures) == (5, 1)


def test_a_late_tick_is_made_up_for() -> None:
    clock = Clock(late={10: 0.035})
    pacer = paced(clock)
    stream = Ticked(pacer, ticks=100)
    run(pacer, stream)
    assert stream.at[-1] == pytest.approx(50.0 + 99 * 0.02, abs=0.001)
    assert (pacer.statistics.skipped, len(stream.at)) == (0, 100)


def test_no_more_than_the_lead_leaves_at_once_and_the_rest_is_skipped() -> None:
    clock = Clock(late={21: 1.0})  # before a beat; the even ones are before hearing
    pacer = paced(clock, lead=3)
    stream = Ticked(pacer, ticks=100)
    run(pacer, stream)
    at_once = [sum(abs(other - at) < 0.001 for other in stream.at) for at in stream.at]
    assert max(at_once) == 3
    assert pacer.statistics.skipped == 48
    assert stream.at[-1] == pytest.approx(50.0 + (99 + 48) * 0.02, abs=0.001)
    assert pacer.statistics.lateness.worst_s == pytest.approx(1.0, abs=0.001)


def test_ticks_that_take_too_long_leave_time_for_others() -> None:
    clock = Clock()
    pacer = paced(clock)
    stream = Ticked(pacer, ticks=100, cost_s=0.03)
    run(pacer, stream)
    assert clock.sleeps >= 100 / 3
    assert pacer.statistics.skipped > 0


def test_a_stream_that_fails_is_let_go_and_the_others_go_on() -> None:
    clock = Clock()
    pacer = paced(clock)
    bad, good = Ticked(pacer, ticks=9, fail_at=3), Ticked(pacer, ticks=20)
    run(pacer, bad, good)
    assert (len(bad.at), len(good.at)) == (3, 20)
    assert [str(error) for error in bad.errors] == ["a bug"]
    assert good.errors == []
    assert pacer.statistics.failures == 1
    assert len(pacer) == 0


def test_a_stream_removed_by_another_is_ticked_no_more() -> None:
    clock = Clock()
    pacer = paced(clock)
    victim = Ticked(pacer, ticks=100)

    class Killer(Ticked):
        def tick(self, now: float) -> None:
            super().tick(now)
            self._pacer.remove(victim)

    killer = Killer(pacer, ticks=5)
    run(pacer, killer, victim)
    assert victim.at == []
    assert victim not in pacer


def test_an_idle_pacer_is_still_one() -> None:
    pacer = Pacer()
    assert (len(pacer), pacer or None) == (0, pacer)


@pytest.mark.parametrize("lead", [0, -1])
def test_a_lead_of_nothing_is_refused(lead: int) -> None:
    with pytest.raises(ValueError, match="lead"):
        Pacer(lead=lead)


@given(st.lists(st.floats(0, 0.5), max_size=50), st.integers(1, 10))
def test_whenever_it_looks_beats_and_skips_make_up_the_time(waits: list[float], lead: int) -> None:
    schedule = Schedule(now=0.0, lead=lead)
    now, beats = 0.0, 0
    for wait in waits:
        now += wait
        due = schedule.due(now)
        assert 0 <= due <= lead
        beats += due
        assert schedule.next_at() > now - 1e-6
    if waits:
        assert beats + schedule.skipped == pytest.approx(now / 0.02 + 1, abs=1.01)


def test_percentiles_never_exceed_the_worst() -> None:
    histogram = Histogram()
    assert histogram.percentile(99) == 0.0
    for _ in range(99):
        histogram.add(0.0004)
    histogram.add(0.5)
    assert (histogram.percentile(50), histogram.percentile(99)) == (0.5, 0.5)
    assert histogram.percentile(100) == 500.0
    assert sum(histogram.buckets().values()) == 100
    assert histogram.buckets()["more"] == 1
