from __future__ import annotations

from collections.abc import Iterator

import gevent
import numpy as np
import pytest
from gevent.event import Event as Flag

from esl_app.ears import EnergyVad, Listener, SpeechEvent, SpeechStarted
from esl_app.media.duplex.words import Words
from providers.contracts import Audio, SpeechStream
from providers.deadline import Deadline
from providers.errors import ProviderError, Unavailable
from providers.fake import FakeStt

pytestmark = pytest.mark.unit

VOICE = (8000 * np.sin(np.arange(160) * 0.3)).astype("<i2").tobytes()
SILENCE = bytes(320)


def settle() -> None:
    """Let every greenlet that can run do so."""
    for _ in range(5):
        gevent.sleep(0)


class Ear:
    """A leg's listener and words, fed frame by frame."""

    def __init__(self, *scripts: str, streaming: bool = True) -> None:
        self.stt = FakeStt({"script": list(scripts), "streaming": True, "word_audio_s": 0.2})
        self.lost: list[ProviderError] = []
        self.recognised: list[Audio] = []
        self.now = 0.0
        self.listener = Listener(EnergyVad(), rate=8000, on_event=self.on_event)
        self.words = Words(
            self.listener,
            rate=8000,
            wake=Flag(),
            open_stream=self.open if streaming else None,
            on_lost=self.lost.append,
        )

    def open(self, rate: int) -> SpeechStream:
        return self.stt.open(rate=rate, language="en", deadline=Deadline.after(10))

    def recognise(self, audio: Audio) -> str:
        self.recognised.append(audio)
        return "the whole of it"

    def on_event(self, event: SpeechEvent) -> None:
        if isinstance(event, SpeechStarted):
            self.words.begin()

    def hear(self, frame: bytes, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            self.now += 0.02
            self.words.feed(frame)
            self.listener.feed(frame, self.now)
            self.words.follow()
        settle()


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear("one two three", "four")
    yield made
    made.words.reset()


def test_words_grow_while_the_caller_speaks_and_are_settled_at_the_pause(ear: Ear) -> None:
    ear.hear(SILENCE, 0.5)
    ear.hear(VOICE, 0.5)
    assert ear.words.text == "one two"
    ear.hear(SILENCE, 0.4)
    ear.words.ask(ear.recognise)
    assert ear.words.pending
    settle()
    known = ear.words.known
    assert known is not None
    assert (known.text, known.error) == ("one two three", None)
    assert not ear.recognised


def test_the_next_utterance_has_a_stream_of_its_own(ear: Ear) -> None:
    ear.hear(VOICE, 0.5)
    ear.listener.take_utterance()
    ear.words.reset()
    ear.hear(SILENCE, 0.6)
    assert ear.words.text == ""
    ear.hear(VOICE, 0.5)
    assert ear.words.text == "four"


def test_a_stream_ends_with_an_utterance_that_is_forgotten(ear: Ear) -> None:
    ear.hear(VOICE, 0.5)
    ear.hear(SILENCE, 0.4)
    ear.listener.forget()
    ear.hear(SILENCE, 0.02)
    assert ear.words.text == ""
    assert ear.words.version == 0


def test_what_a_lost_stream_was_given_is_recognised_whole() -> None:
    ear = Ear("fail:unavailable")
    ear.hear(VOICE, 0.8)
    assert [type(error) for error in ear.lost] == [Unavailable]
    ear.hear(SILENCE, 0.4)
    ear.words.ask(ear.recognise)
    settle()
    known = ear.words.known
    assert known is not None
    assert known.text == "the whole of it"
    assert ear.recognised[0].duration_s > 0.8


def test_a_stream_that_does_not_answer_at_a_pause_is_lost(ear: Ear) -> None:
    ear.stt.settings.script[:] = ["fail:timeout"]  # which it tells only of much voice
    ear.hear(VOICE, 0.18)
    ear.words.ask(ear.recognise)
    asked_at = ear.words._began
    ear.words.look(asked_at + 0.9)
    assert ear.words.pending
    assert not ear.lost
    ear.words.look(asked_at + 1.1)
    settle()
    assert len(ear.lost) == 1
    assert ear.words.known is not None
    assert ear.words.known.text == "the whole of it"


def test_words_of_half_an_utterance_are_not_kept() -> None:
    ear = Ear(streaming=False)
    ear.hear(VOICE, 0.5)
    ear.words.ask(ear.recognise)
    ear.words.go_on()  # the caller went on
    settle()
    assert ear.words.version == 0
    ear.words.ask(ear.recognise)
    settle()
    assert ear.words.known is not None
