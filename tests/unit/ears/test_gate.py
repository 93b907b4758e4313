from __future__ import annotations

import time

import numpy as np
import pytest

from esl_app.ears import EnergyVad, Gate, Judged
from esl_app.ears.gate import level_db
from tests.unit.ears import sounds

pytestmark = pytest.mark.unit


def judged(sound: bytes) -> list[float]:
    gate = Gate()
    return [gate.judge(frame, 0.02) for frame, _ in sounds.frames(sound)]


def voiced(sound: bytes) -> float:
    """The part of the frames that is voice."""
    return float(np.mean([probability >= 0.5 for probability in judged(sound)]))


def test_level() -> None:
    assert level_db(bytes(320)) == -120.0
    square = np.full(160, 16384, "<i2").tobytes()
    assert level_db(square) == pytest.approx(-6.02, abs=0.01)


@pytest.mark.parametrize("dbfs", [-70, -60, -50])
def test_a_quiet_line_is_no_voice_from_the_first_frame(dbfs: float) -> None:
    assert voiced(sounds.noise(3, dbfs)) == 0.0


@pytest.mark.parametrize("dbfs", [-45, -35, -25])
def test_a_loud_steady_line_is_its_own_floor_after_two_seconds(dbfs: float) -> None:
    assert not any(p >= 0.5 for p in judged(sounds.noise(5, dbfs))[125:])


@pytest.mark.parametrize("name", sounds.spoken_names())
def test_speech_is_voice_though_it_comes_first(name: str) -> None:
    assert voiced(sounds.speech(name)) > 0.4


@pytest.mark.parametrize("name", sounds.spoken_names())
def test_a_long_talk_does_not_become_the_floor(name: str) -> None:
    once = sounds.speech(name)
    assert voiced(once * 5) > 0.8 * voiced(once)


def test_the_floor_follows_the_line_down_at_once_and_up_in_two_seconds() -> None:
    gate = Gate()
    for frame, _ in sounds.frames(sounds.noise(4, -40)):
        gate.judge(frame, 0.02)
    assert gate.floor_db == pytest.approx(-41, abs=1.5)
    for frame, _ in sounds.frames(sounds.noise(0.1, -70)):
        gate.judge(frame, 0.02)
    assert gate.floor_db == pytest.approx(-70.5, abs=1.5)


def test_as_a_detector_it_says_the_frames_own_time() -> None:
    found: list[Judged] = []
    stream = EnergyVad().open(16_000, found.append)
    stream.feed(bytes(640), 5.0)
    stream.feed(b"", 5.01)
    stream.close()
    stream.feed(bytes(640), 5.02)
    assert found == [Judged(at_s=5.0, span_s=0.02, probability=0.0, level_db=-120.0)]


def test_it_is_cheap() -> None:
    gate, frame = Gate(), sounds.noise(0.02, -30)
    start = time.process_time()
    for _ in range(2000):
        gate.judge(frame, 0.02)
    assert (time.process_time() - start) / 2000 < 60e-6, "twice what it may cost, for slow machines"
