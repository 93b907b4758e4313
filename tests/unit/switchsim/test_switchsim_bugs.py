"""A background recording of the stand-in: its sides, and what is said to it while it runs."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from esl_app.switchsim.bugs import Patience, Recording

pytestmark = pytest.mark.unit

CALLER, AGENT = (np.full(160, value, "<i2").tobytes() for value in (1000, 500))
QUIET = bytes(320)


def recording(path: Path, **changes: Any) -> Recording:
    settings: dict[str, Any] = {
        "stereo": True,
        "caller_only": False,
        "append": False,
        "limit_s": 0,
        "patience": Patience(),
        "over": lambda _: None,
    }
    return Recording(str(path), **{**settings, **changes})


def kept(path: Path) -> np.ndarray[Any, Any]:
    """One row a frame of 20 ms: its first sample on each side."""
    with wave.open(str(path), "rb") as reader:
        channels = reader.getnchannels()
        samples = np.frombuffer(reader.readframes(reader.getnframes()), "<i2")
    return samples.reshape(-1, 160, channels)[:, 0]


@pytest.mark.parametrize(
    ("changes", "frame"),
    [({}, [1000, 500]), ({"stereo": False}, [1500]), ({"caller_only": True}, [1000])],
)
def test_whose_voices(tmp_path: Path, changes: dict[str, Any], frame: list[int]) -> None:
    path = tmp_path / "1.wav"
    one = recording(path, **changes)
    one.frame(CALLER, AGENT)
    one.frame(CALLER, AGENT)
    one.close()
    assert kept(path).tolist() == [frame, frame]
    assert (one.samples, one.ms) == (320, 40)


def test_masked_is_silent_and_paused_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "1.wav"
    one = recording(path)
    for masked, paused in ((False, False), (True, False), (False, True), (False, False)):
        one.masked, one.paused = masked, paused
        one.frame(CALLER, AGENT)
    one.close()
    assert kept(path).tolist() == [[1000, 500], [0, 0], [1000, 500]]


def test_a_second_one_goes_on_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "1.wav"
    for _ in range(2):
        one = recording(path, append=True)
        one.frame(CALLER, AGENT)
        one.close()
    assert len(kept(path)) == 2


@pytest.mark.parametrize(
    ("frames", "changes", "after", "cause"),
    [
        ([CALLER] * 60, {"limit_s": 1}, 50, "success-maxtime"),
        ([QUIET] * 60, {"patience": Patience(initial_ms=400)}, 20, "no-input-timeout"),
        (
            [CALLER] * 10 + [QUIET] * 50,
            {"patience": Patience(initial_ms=400, final_ms=200)},
            20,
            "success-silence",
        ),
    ],
)
def test_it_ends_by_itself(
    tmp_path: Path, frames: list[bytes], changes: dict[str, Any], after: int, cause: str
) -> None:
    over: list[str] = []
    one = recording(tmp_path / "1.wav", over=lambda it: over.append(it.cause), **changes)
    heard = 0
    while not over:
        one.frame(frames[heard], AGENT)
        heard += 1
    one.close()
    assert (heard, over) == (after, [cause])
