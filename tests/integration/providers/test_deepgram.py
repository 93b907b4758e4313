"""What goes over the wire to Deepgram's live interface, and what is made of its answers."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from typing import get_args

import gevent
import pytest

from providers import create
from providers.contracts import Hearing, SpeechStream, StreamingSpeechToText
from providers.deadline import Deadline
from providers.errors import (
    AuthFailed,
    BadRequest,
    BadResponse,
    ConfigError,
    ProviderError,
    RateLimited,
    Timeout,
    Unavailable,
)
from tests.fakes.deepgram_server import KEY, DeepgramServer, Fault
from tests.integration.providers.conformance.rigs import utterance

pytestmark = pytest.mark.integration

WORDS = "Is there parking near the clinic?"
EXPECTED: dict[Fault, type[ProviderError]] = {
    "wrong_key": AuthFailed,
    "rate_limited": RateLimited,
    "server_error": Unavailable,
    "bad_request": BadRequest,
    "no_handshake": Timeout,
    "no_websocket": BadResponse,
    "silence": Timeout,
    "cut": Unavailable,
    "invalid_json": BadResponse,
    "deep_json": BadResponse,
    "wrong_shape": BadResponse,
    "error_message": BadRequest,
    "closed_1008": BadRequest,
    "closed_1011": Unavailable,
    "endless_message": BadResponse,
}


def soon() -> Deadline:
    return Deadline.after(10)


@pytest.fixture
def stt(deepgram_server: DeepgramServer) -> Iterator[StreamingSpeechToText]:
    made = create("stt", "deepgram", {"api_key": KEY, "base_url": deepgram_server.base_url})
    assert isinstance(made, StreamingSpeechToText)
    yield made
    made.close()


def speak(stream: SpeechStream, *, speed: float = 20.0) -> None:
    """Feed the recording frame by frame, faster than life."""
    audio = utterance()
    size = audio.rate // 50 * 2
    for first in range(0, len(audio.pcm), size):
        stream.feed(audio.pcm[first : first + size])
        gevent.sleep(0.02 / speed)


def collect(stream: SpeechStream) -> tuple[list[Hearing], gevent.Greenlet[..., None]]:
    heard: list[Hearing] = []

    def run() -> None:
        for hearing in stream.hearings():
            heard.append(hearing)  # noqa: PERF402 - seen from outside while it grows

    return heard, gevent.spawn(run)


def wait_for(found: Callable[[], object]) -> None:
    with gevent.Timeout(5):
        while not found():
            gevent.sleep(0.01)


def test_an_utterance_is_transcribed(
    stt: StreamingSpeechToText, deepgram_server: DeepgramServer
) -> None:
    found = stt.transcribe(utterance(), language="en-US", deadline=soon())
    assert found.text == WORDS
    (session,) = deepgram_server.sessions
    assert bytes(session.audio) == utterance().pcm
    assert session.messages == [{"type": "CloseStream"}]


def test_the_form_of_the_audio_is_asked_for(
    stt: StreamingSpeechToText, deepgram_server: DeepgramServer
) -> None:
    stt.transcribe(utterance(), language="pt-BR", deadline=soon())
    (session,) = deepgram_server.sessions
    assert session.headers["authorization"] == f"Token {KEY}"
    assert session.query == {
        "model": ["nova-3"],
        "language": ["pt-BR"],
        "encoding": ["linear16"],
        "sample_rate": [str(utterance().rate)],
        "channels": ["1"],
        "interim_results": ["true"],
        "smart_format": ["true"],
        "endpointing": ["300"],
    }


def test_words_come_while_they_are_spoken_and_a_flush_settles_them(
    stt: StreamingSpeechToText, deepgram_server: DeepgramServer
) -> None:
    stream = stt.open(rate=utterance().rate, language="en-US", deadline=soon())
    heard, reader = collect(stream)
    speak(stream)
    wait_for(lambda: len(heard) > 2)
    partials = [each.text for each in heard]
    assert all(WORDS.startswith(text) for text in partials)
    assert partials == sorted(partials, key=len)
    assert not any(each.settled for each in heard)
    stream.flush()
    wait_for(lambda: heard[-1].settled)
    assert heard[-1].text == WORDS
    stream.close()
    reader.join(5)
    assert reader.ready()
    wait_for(lambda: not deepgram_server.open)


def test_more_may_follow_a_flush(
    stt: StreamingSpeechToText, deepgram_server: DeepgramServer
) -> None:
    deepgram_server.scripts = ["one two three four five six seven eight nine ten eleven twelve"]
    stream = stt.open(rate=utterance().rate, language="en-US", deadline=soon())
    heard, _ = collect(stream)
    speak(stream)
    stream.flush()
    wait_for(lambda: heard and heard[-1].settled)
    before = heard[-1].text
    speak(stream)
    stream.flush()
    gevent.sleep(0.2)
    assert heard[-1].settled
    assert heard[-1].text.startswith(before)
    stream.close()


def test_a_silent_stream_is_kept_alive(
    stt: StreamingSpeechToText,
    deepgram_server: DeepgramServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("providers.stt.deepgram._KEEP_ALIVE_S", 0.05)
    stream = stt.open(rate=8000, language="en-US", deadline=soon())
    wait_for(lambda: deepgram_server.sessions and deepgram_server.sessions[0].messages)
    assert deepgram_server.sessions[0].messages[0] == {"type": "KeepAlive"}
    stream.close()


def test_every_fault_is_tried() -> None:
    assert set(get_args(Fault)) == set(EXPECTED)


@pytest.mark.parametrize("fault", EXPECTED)
def test_a_fault_is_our_error_tells_no_secret_and_the_next_utterance_works(
    fault: Fault, stt: StreamingSpeechToText, deepgram_server: DeepgramServer
) -> None:
    deepgram_server.faults.append(fault)
    deadline = Deadline.after(0.7 if EXPECTED[fault] is Timeout else 10)
    began = time.monotonic()
    with pytest.raises(ProviderError) as caught:
        stt.transcribe(utterance(), language="en-US", deadline=deadline)
    assert type(caught.value) is EXPECTED[fault], caught.value
    assert time.monotonic() - began < 5
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert KEY not in told
    assert stt.transcribe(utterance(), language="en-US", deadline=soon()).text == WORDS
    wait_for(lambda: not deepgram_server.open)


def test_nobody_there_is_unavailable() -> None:
    stt = create("stt", "deepgram", {"api_key": KEY, "base_url": "ws://127.0.0.1:1/v1/listen"})
    with pytest.raises(Unavailable):
        stt.transcribe(utterance(), language="en-US", deadline=soon())
    stt.close()


def test_a_killed_call_lets_go_of_its_connection(
    stt: StreamingSpeechToText, deepgram_server: DeepgramServer
) -> None:
    deepgram_server.faults.append("silence")
    call = gevent.spawn(stt.transcribe, utterance(), language="en-US", deadline=Deadline.after(30))
    wait_for(lambda: deepgram_server.open == 1)
    call.kill()
    wait_for(lambda: not deepgram_server.open)


def test_a_server_that_does_not_read_fails_the_stream_and_not_the_memory(
    stt: StreamingSpeechToText, deepgram_server: DeepgramServer
) -> None:
    deepgram_server.faults.append("no_handshake")
    stream = stt.open(rate=8000, language="en-US", deadline=Deadline.after(30))
    for _ in range(4000):
        stream.feed(bytes(320))
    with pytest.raises(Timeout):
        list(stream.hearings())
    stream.close()


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, "api_key"),
        ({"api_key": "a b"}, "api_key"),
        ({"api_key": KEY, "base_url": "https://example.org"}, "base_url"),
        ({"api_key": KEY, "colour": "blue"}, "colour: unknown key"),
    ],
)
def test_a_config_that_cannot_work_is_refused(config: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        create("stt", "deepgram", config)
    assert KEY not in str(caught.value)
