from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.turn.patience import CallClock, CallLimits, NoInput, Over, Warn

pytestmark = pytest.mark.unit


def test_a_noise_puts_the_end_off_but_not_for_ever() -> None:
    silence = NoInput(0.0, wait_s=6.0)
    silence.noise(2.0)
    assert silence.due_at() == 6.0
    silence.noise(5.8)
    assert silence.due_at() == pytest.approx(7.3)
    silence.noise(11.9)
    assert silence.due_at() == 12.0


@given(st.lists(st.floats(0.0, 1000.0), max_size=20))
def test_a_quiet_caller_is_never_waited_for_longer_than_twice(noises: list[float]) -> None:
    silence = NoInput(5.0, wait_s=6.0)
    for ended_at in noises:
        silence.noise(ended_at)
    assert 11.0 <= silence.due_at() <= 17.0


def test_a_call_is_warned_once_and_ends_once() -> None:
    clock = CallClock(CallLimits(longest_call_s=100.0, longest_silence_s=1000.0), began_at=5.0)
    assert clock.due_at() == 75.0
    assert clock.tick(74.0) is None
    assert clock.tick(75.0) == Warn(at_s=75.0, left_s=30.0)
    assert clock.tick(76.0) is None
    assert clock.due_at() == 105.0
    assert clock.tick(105.0) == Over(at_s=105.0, why="call_time")
    assert (clock.tick(200.0), clock.due_at()) == (None, None)


def test_a_line_left_open_ends() -> None:
    clock = CallClock(CallLimits(longest_silence_s=60.0), began_at=0.0)
    clock.sign(50.0)
    clock.sign(40.0)  # out of order
    assert clock.due_at() == 110.0
    assert clock.tick(110.0) == Over(at_s=110.0, why="silence")


def test_no_warning_where_none_is_wanted() -> None:
    clock = CallClock(CallLimits(longest_call_s=10.0, warn_s=0.0), began_at=0.0)
    assert clock.due_at() == 10.0
    assert clock.tick(9.9) is None
