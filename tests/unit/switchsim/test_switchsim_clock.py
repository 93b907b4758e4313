from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.switchsim.clock import FRAME_S, AudioClock

pytestmark = pytest.mark.unit


def play(clock: AudioClock, frames: int, now: float) -> float:
    """Let frames pass without any delay of our own; the instant after them."""
    for _ in range(frames):
        now += clock.wait_s(now=now)
        clock.tick()
    return now


def test_parked_time_is_true_time() -> None:
    assert play(AudioClock(speed=50, now=10.0), 100, 10.0) == pytest.approx(12.0)


def test_a_running_application_is_fast() -> None:
    clock = AudioClock(speed=50, now=10.0)
    clock.run_fast(now=10.0)
    assert clock.fast
    assert play(clock, 100, 10.0) == pytest.approx(10.04)
    assert clock.audio_s == pytest.approx(2.0)


def test_changing_pace_shortens_or_stretches_only_what_is_to_come() -> None:
    clock = AudioClock(speed=20, now=0.0)
    now = play(clock, 50, 0.0)
    clock.run_fast(now=now)
    now = play(clock, 50, now)
    clock.run_true(now=now)
    now = play(clock, 50, now)
    assert now == pytest.approx(1.0 + 0.05 + 1.0)
    assert clock.audio_s == pytest.approx(3.0)


def test_a_short_delay_is_caught_up() -> None:
    clock = AudioClock(speed=1, now=0.0)
    now = play(clock, 10, 0.0) + 0.1  # somebody else had the processor
    assert clock.wait_s(now=now) == 0
    assert play(clock, 10, now) == pytest.approx(0.4)


def test_a_long_delay_is_forgotten() -> None:
    clock = AudioClock(speed=1, now=0.0)
    now = play(clock, 1, 0.0) + 60.0
    assert clock.wait_s(now=now) == 0
    clock.tick()
    assert clock.wait_s(now=now) == pytest.approx(FRAME_S)


@given(st.lists(st.booleans(), max_size=60), st.floats(1.0, 200.0))
def test_audio_time_counts_frames_whatever_the_pace(paces: list[bool], speed: float) -> None:
    clock = AudioClock(speed=speed, now=5.0)
    now = 5.0
    for fast in paces:
        (clock.run_fast if fast else clock.run_true)(now=now)
        now = play(clock, 1, now)
    assert clock.audio_s == pytest.approx(len(paces) * FRAME_S)
    assert now - 5.0 <= len(paces) * FRAME_S + 1e-6


@pytest.mark.parametrize("speed", [0, -1])
def test_speed_must_be_positive(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        AudioClock(speed=speed, now=0.0)
