from __future__ import annotations

import numpy as np
import pytest

from providers.contracts import Audio, ChatEnd, ChatRequest, Message, TextDelta
from providers.deadline import Deadline
from providers.errors import RateLimited, Timeout, Unavailable
from providers.fake import FakeEmbedder, FakeLlm, FakeStt, FakeTts

pytestmark = pytest.mark.unit

SOUND = Audio(pcm=b"", rate=8000)


def soon() -> Deadline:
    return Deadline.after(10)


def test_a_script_is_followed_and_its_last_item_repeats() -> None:
    stt = FakeStt({"script": ["one", "fail:rate_limited", "three"]})
    assert stt.transcribe(SOUND, language="en", deadline=soon()).text == "one"
    with pytest.raises(RateLimited):
        stt.transcribe(SOUND, language="en", deadline=soon())
    for _ in range(2):
        assert stt.transcribe(SOUND, language="en", deadline=soon()).text == "three"
    assert len(stt.calls) == 4


def test_a_latency_beyond_the_deadline_is_a_timeout() -> None:
    with pytest.raises(Timeout):
        FakeTts({"latency_s": 5}).synthesize("Hi", language="en", deadline=Deadline.after(0))


def test_speech_is_as_long_as_its_words() -> None:
    tts = FakeTts({})
    sound = tts.synthesize("one two three four", language="en", deadline=soon())
    assert sound.duration_s == pytest.approx(1.2)
    fast = tts.synthesize("one two three four", language="en", deadline=soon(), speed=2.0)
    assert fast.duration_s == pytest.approx(0.6)


def test_an_answer_comes_word_by_word() -> None:
    llm = FakeLlm({"script": ["We open at eight."]})
    request = ChatRequest(
        instructions="", messages=(Message(role="user", content="When?"),), language="en"
    )
    *words, end = llm.stream(request, deadline=soon())
    assert [word.text for word in words if isinstance(word, TextDelta)] == [
        "We",
        " open",
        " at",
        " eight.",
    ]
    assert isinstance(end, ChatEnd)
    assert end.completion_tokens == 4


def test_vectors_of_like_texts_are_near() -> None:
    embedder = FakeEmbedder({"dimensions": 256})
    one, like, unlike = embedder.embed(
        ["opening hours today", "the opening hours", "parking garage"],
        kind="passage",
        deadline=soon(),
    )
    assert len(one) == 256
    assert dot(one, like) > 0.5 > dot(one, unlike)


def dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


VOICE = (8000 * np.ones(2400)).astype("<i2").tobytes()  # 0.3 s


def test_a_stream_hears_a_word_for_each_stretch_of_voice_and_the_rest_when_flushed() -> None:
    stt = FakeStt({"script": ["one two three", "other"], "streaming": True, "word_audio_s": 0.3})
    assert stt.capabilities.streaming
    stream = stt.open(rate=8000, language="en", deadline=soon())
    stream.feed(bytes(4800))  # silence is no word
    stream.feed(VOICE)
    stream.feed(VOICE)
    stream.flush()
    stream.close()
    told = [("one", False), ("one two", False), ("one two three", True)]
    assert [(each.text, each.settled) for each in stream.hearings()] == told
    assert stt.transcribe(SOUND, language="en", deadline=soon()).text == "other"


def test_a_stream_fails_as_the_script_says_once_there_is_voice() -> None:
    stt = FakeStt({"script": ["fail:unavailable"], "streaming": True})
    stream = stt.open(rate=8000, language="en", deadline=soon())
    stream.feed(VOICE + VOICE)
    with pytest.raises(Unavailable):
        list(stream.hearings())
