from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from esl_app.switchsim import (
    Act,
    Caller,
    CallerSide,
    Cancel,
    HangUp,
    Heard,
    LiveCaller,
    Press,
    Speak,
    SpeakWhenQuiet,
    Wait,
    WhenQuiet,
)
from esl_app.switchsim.caller import SILENCE
from esl_app.switchsim.clock import FRAME_S

pytestmark = pytest.mark.unit

_LOUD = np.full(160, 3000, "<i2").tobytes()


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """0.2 s of sound at 8 kHz."""
    path = tmp_path / "hello.wav"
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(_LOUD * 10)
    return path


def live(
    caller: CallerSide,
    frames: int,
    *,
    agent: bytes = SILENCE,
    listening: bool = False,
    answered: bool = True,
    begin: int = 0,
) -> Iterator[tuple[int, Act]]:
    for number in range(begin, begin + frames):
        heard = Heard(agent=agent, listening=listening, answered=answered, audio_s=number * FRAME_S)
        yield number, caller.act(heard)


def spoken(acts: Iterator[tuple[int, Act]]) -> list[int]:
    return [number for number, act in acts if act.frame != SILENCE]


def test_speaks_a_file_frame_by_frame(speech: Path) -> None:
    caller = Caller([Wait(0.1), Speak(speech), HangUp()])
    acts = list(live(caller, 20))
    assert spoken(iter(acts)) == list(range(5, 15))
    assert b"".join(act.frame for _, act in acts[5:15]) == _LOUD * 10
    assert [number for number, act in acts if act.hang_up] == [15]
    assert [act.note for _, act in acts if act.note] == ["speaks hello.wav", "hangs up"]


def test_nothing_happens_before_the_answer(speech: Path) -> None:
    caller = Caller([Speak(speech)])
    assert spoken(live(caller, 50, answered=False)) == []
    assert spoken(live(caller, 12)) == list(range(10))


def test_waits_until_the_agent_is_silent_and_listens(speech: Path) -> None:
    caller = Caller([SpeakWhenQuiet(speech, quiet_s=0.2)])
    assert spoken(live(caller, 50, agent=_LOUD)) == []
    assert spoken(live(caller, 50)) == []  # silent, but thinking
    assert spoken(live(caller, 9, listening=True)) == []
    assert spoken(live(caller, 5, agent=_LOUD, listening=True)) == []  # it spoke again
    assert spoken(live(caller, 20, listening=True)) == list(range(9, 19))


def test_one_turn_is_not_two(speech: Path) -> None:
    """The agent listens on for a while after the caller's words."""
    caller = Caller([SpeakWhenQuiet(speech, 0.1), SpeakWhenQuiet(speech, 0.1)])
    assert len(spoken(live(caller, 100, listening=True))) == 10
    assert spoken(live(caller, 5, agent=_LOUD)) == []
    assert len(spoken(live(caller, 100, listening=True))) == 10


def test_any_silence_will_do_if_so_asked() -> None:
    caller = Caller([WhenQuiet(0.1, listening=False), Press("1")])
    digits = [act.digit for _, act in live(caller, 20) if act.digit]
    assert [digit.key for digit in digits] == ["1"]


def test_keys_come_when_they_are_let_go() -> None:
    pressed = [(n, act.digit) for n, act in live(Caller([Press("12#")]), 40) if act.digit]
    assert [(number, digit.key, digit.samples) for number, digit in pressed if digit] == [
        (5, "1", 960),
        (16, "2", 960),
        (27, "#", 960),
    ]


def test_gives_up_ringing_only_if_nobody_answers() -> None:
    ringing = Caller([Cancel(after_s=0.2), HangUp()])
    assert [n for n, act in live(ringing, 15, answered=False) if act.hang_up] == [10]
    answered = Caller([Cancel(after_s=0.2), Wait(0.1)])
    assert not any(act.hang_up for _, act in live(answered, 30))
    assert answered.finished


def test_patience_ends(speech: Path) -> None:
    caller = Caller([SpeakWhenQuiet(speech)], patience_s=1.0)
    assert not any(act.hang_up for _, act in live(caller, 100, agent=_LOUD))
    assert [n for n, act in live(caller, 50) if act.hang_up][:1] == [49]
    assert caller.gave_up
    assert not caller.finished


def test_a_wrong_path_fails_where_the_script_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"missing\.wav"):
        Speak(tmp_path / "missing.wav")


def test_a_live_caller_speaks_and_presses_at_once() -> None:
    caller = LiveCaller()
    caller.speak(_LOUD * 20)
    caller.press("7")
    acts = list(live(caller, 20))
    assert spoken(iter(acts)) == list(range(20))
    assert [act.digit.key for _, act in acts if act.digit] == ["7"]
    caller.hang_up()
    assert next(live(caller, 1))[1].hang_up
