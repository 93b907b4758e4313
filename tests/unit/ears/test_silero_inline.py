from __future__ import annotations

import pytest

from esl_app.ears import Listener, SileroVad, SpeechEnded, SpeechStarted
from tests.unit.ears import sounds
from tests.unit.ears.networks import LoudIsSpeech

pytestmark = pytest.mark.unit


def test_it_asks_about_sound_only_and_is_heard() -> None:
    network = LoudIsSpeech()
    vad = SileroVad(network, inline=True)
    listener = Listener(vad)
    sound = sounds.silence(1) + sounds.noise(1, -12) + sounds.silence(1)
    found = [e for frame, at_s in sounds.frames(sound) for e in listener.feed(frame, at_s)]
    assert isinstance(found[0], SpeechStarted)
    assert found[0].at_s == pytest.approx(0.992)
    assert isinstance(found[-1], SpeechEnded)
    assert found[-1].at_s == pytest.approx(2.016)
    assert vad.counters.asked == len(network.runs) == 37
    assert vad.counters.silent == 93 - 37


def test_each_leg_has_its_own_memory() -> None:
    vad = SileroVad(LoudIsSpeech(), inline=True)
    one, other = vad.open(8000, lambda _: None), vad.open(8000, lambda _: None)
    for frame, at_s in sounds.frames(sounds.noise(0.64, -12)):
        one.feed(frame, at_s)
        if at_s > 0.5:
            other.feed(frame, at_s)
    assert one.memory[0, 0] == 20
    assert other.memory[0, 0] == 4


def test_a_closed_stream_calls_nobody() -> None:
    called: list[object] = []
    stream = SileroVad(LoudIsSpeech(), inline=True).open(8000, called.append)
    stream.close()
    for frame, at_s in sounds.frames(sounds.noise(1, -12)):
        stream.feed(frame, at_s)
    assert called == []
