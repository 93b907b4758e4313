"""The stand-in's recogniser hears voice when mod_test does, and says what it is told to."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest

from esl_app.switchsim.speech import SpeechEvent, VoiceRecogniser

pytestmark = pytest.mark.unit

LOUD = np.full(160, 1000, "<i2").tobytes()
QUIET = bytes(320)
SETTINGS = "{vad-voice-ms=60,vad-silence-ms=300,vad-thresh=200,no-input-timeout=-1}default"


def recogniser(settings: str = SETTINGS, *texts: str) -> VoiceRecogniser:
    words: Iterator[str] = iter(texts)
    made = VoiceRecogniser(text=lambda: next(words, "agent"))
    made.load(settings)
    return made


def heard(of: VoiceRecogniser, *frames: bytes) -> list[tuple[int, str]]:
    found: list[tuple[int, SpeechEvent]] = [
        (number, event)
        for number, frame in enumerate(frames, 1)
        if (event := of.feed(frame)) is not None
    ]
    return [(number, event.kind) for number, event in found]


def test_voice_begins_after_voice_ms_and_ends_after_silence_ms() -> None:
    frames = [QUIET] * 3 + [LOUD] * 10 + [QUIET] * 30
    assert heard(recogniser(), *frames) == [(7, "begin-speaking"), (29, "detected-speech")]


def test_after_a_result_it_is_deaf_until_resumed() -> None:
    one = recogniser()
    frames = [LOUD] * 10 + [QUIET] * 20
    assert len(heard(one, *frames)) == 2
    assert heard(one, *frames) == []
    one.resume()
    assert len(heard(one, *frames)) == 2


def test_a_click_is_nothing() -> None:
    assert heard(recogniser(), *[LOUD] * 3, *[QUIET] * 50) == []


def test_nobody_speaks() -> None:
    one = recogniser("{no-input-timeout=400}default")
    assert heard(one, *[QUIET] * 40) == [(20, "detected-speech")]
    one = recogniser("{no-input-timeout=400,start-input-timers=false}default")
    assert heard(one, *[QUIET] * 40) == []
    one.start_input_timers()
    assert heard(one, *[QUIET] * 40) == [(20, "detected-speech")]


def test_somebody_never_stops() -> None:
    one = recogniser("{speech-timeout=1000}default")
    assert heard(one, *[LOUD] * 100)[-1] == (54, "detected-speech")


def test_partials_come_before_the_result() -> None:
    one = recogniser(SETTINGS.replace("{", "{partial=true,"))
    kinds = [kind for _, kind in heard(one, *[LOUD] * 10, *[QUIET] * 30)]
    assert kinds == ["begin-speaking", *["detected-partial-speech"] * 3, "detected-speech"]


def test_texts_in_turn_and_whole_results() -> None:
    one = recogniser(SETTINGS, 'say "hi"', "<result/>")
    bodies = []
    for _ in range(3):
        one.resume()
        frames = [*[LOUD] * 10, *[QUIET] * 30]
        bodies += [event.body for frame in frames if (event := one.feed(frame)) and event.body]
    assert json.loads(bodies[0]) == {"grammar": "default", "text": 'say "hi"', "confidence": 87.3}
    assert bodies[1] == "<result/>"
    assert json.loads(bodies[2])["text"] == "agent"
