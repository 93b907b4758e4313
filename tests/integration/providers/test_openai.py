"""What goes over the wire to an OpenAI-compatible server, and what is made of its answers."""

from __future__ import annotations

import io
import json
import logging
import math
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import gevent
import numpy as np
import pytest

from providers import create
from providers.contracts import (
    Audio,
    ChatEnd,
    ChatRequest,
    Embedder,
    LanguageModel,
    Message,
    SpeechToText,
    TextDelta,
    TextToSpeech,
    ToolCall,
    ToolSpec,
)
from providers.deadline import Deadline
from providers.errors import BadRequest, BadResponse, Unavailable
from providers.sound import to_wav
from tests.fakes.openai_server import KEY, OpenAiServer, event
from tests.integration.providers.conformance.rigs import CANARY, SOURCES, WIRE, utterance

pytestmark = pytest.mark.integration


def soon() -> Deadline:
    return Deadline.after(10)


@pytest.fixture
def config(openai_server: OpenAiServer) -> dict[str, Any]:
    return {"api_key": KEY, "base_url": openai_server.base_url}


@pytest.fixture
def llm(config: dict[str, Any]) -> Iterator[LanguageModel]:
    made = create("llm", "openai", config)
    yield made
    made.close()


@pytest.fixture
def tts(config: dict[str, Any]) -> Iterator[TextToSpeech]:
    made = create("tts", "openai_tts", config)
    yield made
    made.close()


@pytest.fixture
def stt(config: dict[str, Any]) -> Iterator[SpeechToText]:
    made = create("stt", "whisper_api", config)
    yield made
    made.close()


@pytest.fixture
def embedder(config: dict[str, Any]) -> Iterator[Embedder]:
    made = create("embeddings", "openai", config)
    yield made
    made.close()


REQUEST = ChatRequest(
    instructions="You answer the telephone.",
    messages=(
        Message(role="user", content="Hello?"),
        Message(role="assistant", content="How can I help you?"),
        Message(role="user", content="When do you open?"),
    ),
    language="en-US",
    sources=SOURCES,
    temperature=0.3,
    max_tokens=77,
)


def said(stream: Iterator[TextDelta | ToolCall | ChatEnd]) -> tuple[str, ChatEnd]:
    *deltas, end = stream
    text = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    return text, cast(ChatEnd, end)


# Tools

SLOTS = ToolSpec(
    name="free_slots",
    description="Free appointments of a day.",
    parameters={"type": "object", "properties": {"day": {"type": "string"}}},
)
WITH_TOOLS = replace(REQUEST, tools=(SLOTS,))


def test_a_call_of_a_tool_comes_whole(llm: LanguageModel, openai_server: OpenAiServer) -> None:
    openai_server.calls.append([("free_slots", '{"day": "2027-01-04"}'), ("other", "")])
    *calls, end = llm.stream(WITH_TOOLS, deadline=soon())
    assert calls == [
        ToolCall(id="call_0", name="free_slots", arguments='{"day": "2027-01-04"}'),
        ToolCall(id="call_1", name="other", arguments="{}"),
    ]
    assert isinstance(end, ChatEnd)
    sent = openai_server.seen[0].json["tools"]
    assert sent == [
        {
            "type": "function",
            "function": {
                "name": "free_slots",
                "description": "Free appointments of a day.",
                "parameters": SLOTS.parameters,
            },
        }
    ]


@pytest.mark.parametrize(
    "half",
    [
        b"",  # the connection ends within the arguments
        event({"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}),
        event({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
    ],
)
def test_half_a_call_is_never_made(
    half: bytes, llm: LanguageModel, openai_server: OpenAiServer
) -> None:
    function = {"name": "book", "arguments": '{"day": "2027-'}
    part = {"index": 0, "id": "c", "type": "function", "function": function}
    begun = event({"choices": [{"index": 0, "delta": {"tool_calls": [part]}}]})
    openai_server.replies.append(("text/event-stream", begun + half))
    found: list[Any] = []
    with pytest.raises(BadResponse):
        found.extend(llm.stream(WITH_TOOLS, deadline=soon()))
    assert found == []


def test_what_a_tool_told_goes_back_to_the_model(
    llm: LanguageModel, openai_server: OpenAiServer
) -> None:
    call = ToolCall(id="call_0", name="free_slots", arguments="{}")
    request = replace(
        WITH_TOOLS,
        messages=[
            Message(role="user", content="Tuesday?"),
            Message(role="assistant", content="", calls=[call]),
            Message(role="tool", content="09:00", call_id="call_0"),
        ],
    )
    said(llm.stream(request, deadline=soon()))
    assert openai_server.seen[0].json["messages"][1:] == [
        {"role": "user", "content": "Tuesday?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {
                    "id": "call_0",
                    "type": "function",
                    "function": {"name": "free_slots", "arguments": "{}"},
                }
            ],
        },
        {"role": "tool", "content": "09:00", "tool_call_id": "call_0"},
    ]


# Chat


def test_what_a_model_is_asked(llm: LanguageModel, openai_server: OpenAiServer) -> None:
    said(llm.stream(REQUEST, deadline=soon()))
    (seen,) = openai_server.seen
    system, *history = seen.json["messages"]
    assert system["role"] == "system"
    assert system["content"].startswith("You answer the telephone.\n")
    assert '"number": 1, "title": "Opening hours"' in system["content"]
    assert history == [{"role": each.role, "content": each.content} for each in REQUEST.messages]
    assert seen.json["model"] == "gpt-4o-mini"
    assert seen.json["temperature"] == 0.3
    assert seen.json["max_tokens"] == 77
    assert seen.headers["HTTP_AUTHORIZATION"] == f"Bearer {KEY}"


def test_servers_differ_and_the_row_says_how(
    config: dict[str, Any], openai_server: OpenAiServer
) -> None:
    llm = create(
        "llm",
        "openai",
        {
            **config,
            "model": "reasoner",
            "limit_field": "max_completion_tokens",
            "send_temperature": False,
            "report_usage": False,
        },
    )
    _, end = said(llm.stream(REQUEST, deadline=soon()))
    assert (end.prompt_tokens, end.completion_tokens) == (0, 0)
    asked = openai_server.seen[0].json
    assert asked["model"] == "reasoner"
    assert asked["max_completion_tokens"] == 77
    assert not {"max_tokens", "temperature", "stream_options"} & set(asked)
    llm.close()


def test_an_answer_has_usage_and_the_ids_it_cites(llm: LanguageModel) -> None:
    text, end = said(llm.stream(REQUEST, deadline=soon()))
    assert text == "We open at eight."
    assert end == ChatEnd(
        finish_reason="stop", prompt_tokens=21, completion_tokens=7, sources=("hours",)
    )


def test_text_comes_while_the_model_still_writes(
    llm: LanguageModel, openai_server: OpenAiServer
) -> None:
    openai_server.pieces = ["One. ", "Two. ", "Three."]
    openai_server.gap_s = 0.3
    stream = llm.stream(REQUEST, deadline=soon())
    times = [time.monotonic() for item in stream if isinstance(item, TextDelta)]
    assert times[-1] - times[0] > 0.4


def test_closing_the_stream_cancels_the_request(
    llm: LanguageModel, openai_server: OpenAiServer
) -> None:
    openai_server.pieces = ["word "] * 200
    openai_server.gap_s = 0.1
    stream = llm.stream(REQUEST, deadline=soon())
    assert isinstance(next(stream), TextDelta)
    assert openai_server.open == 1
    cast(Any, stream).close()
    with gevent.Timeout(5):
        while openai_server.open:
            gevent.sleep(0.02)
    openai_server.pieces = ["Hello."]
    assert said(llm.stream(REQUEST, deadline=soon()))[0] == "Hello."


def test_the_deadline_does_not_strike_whoever_consumes_the_stream(llm: LanguageModel) -> None:
    stream = llm.stream(REQUEST, deadline=Deadline.after(0.3))
    next(stream)
    gevent.sleep(0.5)  # speaking takes longer than the model had: no error of ours in between
    cast(Any, stream).close()


def test_what_came_before_an_error_is_there_to_be_said(
    llm: LanguageModel, openai_server: OpenAiServer
) -> None:
    openai_server.faults.append("error_event")
    stream = llm.stream(REQUEST, deadline=soon())
    assert next(stream) == TextDelta(text="We")
    with pytest.raises(Unavailable, match="server_error") as caught:
        next(stream)
    assert KEY not in str(caught.value)


def test_controls_in_an_answer_go_nowhere(llm: LanguageModel, openai_server: OpenAiServer) -> None:
    openai_server.pieces = ["Hel\x00lo\x1b[2J", "\r\nthere"]
    assert said(llm.stream(REQUEST, deadline=soon()))[0] == "Hello[2J\nthere"


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": [{"index": 0, "delta": None}]},
        {"choices": "none"},
        {"choices": [{"index": 0, "delta": {"content": {"a": 1}}}]},
        {"choices": [], "usage": {"prompt_tokens": "many"}},
        {"choices": [], "usage": 7},
    ],
)
def test_chunks_of_another_form_are_bad_responses(
    chunk: dict[str, Any], llm: LanguageModel, openai_server: OpenAiServer
) -> None:
    openai_server.replies.append(("text/event-stream", event(chunk) + b"data: [DONE]\n\n"))
    with pytest.raises(BadResponse):
        said(llm.stream(REQUEST, deadline=soon()))


def test_an_answer_without_words_is_a_bad_response(
    llm: LanguageModel, openai_server: OpenAiServer
) -> None:
    openai_server.pieces = [" ", "[1]"]
    with pytest.raises(BadResponse, match="without text"):
        said(llm.stream(REQUEST, deadline=soon()))


# Recognition


def test_what_is_sent_to_be_recognised(config: dict[str, Any], openai_server: OpenAiServer) -> None:
    stt = create("stt", "whisper_api", {**config, "prompt": "Whitening, Dr. Silva."})
    stt.transcribe(utterance(), language="pt-BR", deadline=soon())
    (seen,) = openai_server.seen
    with wave.open(io.BytesIO(seen.part("file"))) as sound:
        assert sound.getframerate() == 8000
        assert sound.readframes(sound.getnframes()) == utterance().pcm
    assert seen.part("language") == b"pt"
    assert seen.part("model") == b"whisper-1"
    assert seen.part("prompt") == b"Whitening, Dr. Silva."
    stt.close()


def test_silence_costs_nothing(stt: SpeechToText, openai_server: OpenAiServer) -> None:
    for seconds in (0.0, 0.05, 3.0):
        silence = Audio(pcm=bytes(2 * round(8000 * seconds)), rate=8000)
        assert stt.transcribe(silence, language="en", deadline=soon()).text == ""
    assert openai_server.seen == []


def test_too_much_sound_is_refused_here(stt: SpeechToText, openai_server: OpenAiServer) -> None:
    long = Audio(pcm=bytes(2 * 8000 * 301), rate=8000)
    with pytest.raises(BadRequest, match="301 s of sound; at most 300"):
        stt.transcribe(long, language="en", deadline=soon())
    assert openai_server.seen == []


@pytest.mark.parametrize(
    ("transcript", "heard"),
    [("  Hi.\r\n", "Hi."), ("a\x00b\x1bc", "abc"), ("${system x}\n", "${system x}"), ("", "")],
)
def test_transcripts_are_cleaned(
    transcript: str, heard: str, stt: SpeechToText, openai_server: OpenAiServer
) -> None:
    openai_server.transcript = transcript
    assert stt.transcribe(utterance(), language="en", deadline=soon()).text == heard


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"null", b'{"text": 7}', b'{"text": null}', b'{"text": ["a"]}']
)
def test_transcripts_of_another_form_are_bad_responses(
    body: bytes, stt: SpeechToText, openai_server: OpenAiServer
) -> None:
    openai_server.replies.append(("application/json", body))
    with pytest.raises(BadResponse):
        stt.transcribe(utterance(), language="en", deadline=soon())


def test_an_endless_transcript_is_a_bad_response(
    stt: SpeechToText, openai_server: OpenAiServer
) -> None:
    openai_server.transcript = "word " * 10_000
    with pytest.raises(BadResponse):
        stt.transcribe(utterance(), language="en", deadline=soon())


# Speech


def test_what_is_sent_to_be_spoken(config: dict[str, Any], openai_server: OpenAiServer) -> None:
    tts = create("tts", "openai_tts", {**config, "model": "tts-x", "instructions": "Be calm."})
    tts.synthesize("Hello.", language="en", deadline=soon())
    tts.synthesize("Hello.", language="en", deadline=soon(), voice="alloy", speed=9.0)
    plain, other = (seen.json for seen in openai_server.seen)
    assert plain == {
        "input": "Hello.",
        "model": "tts-x",
        "voice": "nova",
        "response_format": "pcm",
        "instructions": "Be calm.",
    }
    assert (other["voice"], other["speed"]) == ("alloy", 4.0)
    tts.close()


def test_samples_are_24_khz(tts: TextToSpeech) -> None:
    sound = tts.synthesize("0123456789", language="en", deadline=soon())
    assert sound.rate == 24_000
    assert sound.duration_s == pytest.approx(0.5)
    spectrum = np.abs(np.fft.rfft(np.frombuffer(sound.pcm, "<i2")))
    assert abs(int(spectrum.argmax()) * 2 - 440) <= 2


def test_wav_is_taken_for_what_it_is(tts: TextToSpeech, openai_server: OpenAiServer) -> None:
    wanted = Audio(pcm=b"\x01\x02" * 1000, rate=16_000)
    openai_server.replies.append(("audio/wav", to_wav(wanted)))
    assert tts.synthesize("Hello.", language="en", deadline=soon()) == wanted


@pytest.mark.parametrize("first", [b"<\x00", b"{\x00", b"\xff\xfb", b"II"])
def test_sound_may_begin_with_any_sample(
    first: bytes, tts: TextToSpeech, openai_server: OpenAiServer
) -> None:
    openai_server.replies.append(("audio/pcm", first + b"\x05\x00" * 100))
    sound = tts.synthesize("Hello.", language="en", deadline=soon())
    assert sound.pcm.startswith(first)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("audio/mpeg", b"ID3\x04" + bytes(500)),
        ("audio/mpeg", b"\xff\xfb\x90\x00" + bytes(500)),
        ("application/octet-stream", b"<html><body>Sign in</body></html>."),
        ("application/octet-stream", b'{"error": {"message": "no such voice", "code": 1}}'),
        ("application/json", b"\x01\x02" * 100),
        ("audio/pcm", b"\x01\x02\x03"),
        ("audio/wav", b"RIFF\x00\x00\x00\x00WAVE"),
        ("audio/ogg", b"OggS" + bytes(100)),
    ],
)
def test_what_would_be_noise_is_a_bad_response(
    kind: str, body: bytes, tts: TextToSpeech, openai_server: OpenAiServer
) -> None:
    openai_server.replies.append((kind, body))
    with pytest.raises(BadResponse):
        tts.synthesize("Hello.", language="en", deadline=soon())


def test_too_long_a_text_is_refused_here(tts: TextToSpeech, openai_server: OpenAiServer) -> None:
    with pytest.raises(BadRequest, match="5000 characters"):
        tts.synthesize("x" * 5000, language="en", deadline=soon())
    assert openai_server.seen == []


# Embeddings


def test_vectors_come_in_the_order_of_the_texts(embedder: Embedder) -> None:
    vectors = embedder.embed(["a", "b", "c"], kind="passage", deadline=soon())
    assert embedder.dimensions == 1536
    firsts = [vector[0] / vector[1] for vector in vectors]
    assert firsts == pytest.approx([0.5, 1.0, 1.5])


def test_shorter_vectors_are_asked_for(config: dict[str, Any], openai_server: OpenAiServer) -> None:
    short = create("embeddings", "openai", {**config, "dimensions": 256})
    (vector,) = short.embed(["a"], kind="query", deadline=soon())
    assert (len(vector), short.dimensions) == (256, 256)
    assert openai_server.seen[0].json["dimensions"] == 256
    assert openai_server.seen[0].json["encoding_format"] == "float"
    short.close()


def test_other_servers_are_not_asked_to_shorten(
    config: dict[str, Any], openai_server: OpenAiServer
) -> None:
    openai_server.dimensions = 384
    other = create("embeddings", "openai", {**config, "model": "minilm", "dimensions": 384})
    (vector,) = other.embed(["a"], kind="query", deadline=soon())
    assert len(vector) == 384
    assert "dimensions" not in openai_server.seen[0].json
    other.close()


@pytest.mark.parametrize(
    "data",
    [
        [],
        [{"index": 0, "embedding": [1.0]}],
        [{"index": 1, "embedding": [1.0] * 1536}],
        [{"index": 0, "embedding": [0.0] * 1536}],
        [{"index": 0, "embedding": [math.inf] * 1536}],
        [{"index": 0, "embedding": [math.nan] * 1536}],
        [{"index": 0, "embedding": ["x"] * 1536}],
        [{"index": 0, "embedding": None}],
        [{"index": 0, "embedding": [1.0] * 1536}, {"index": 1, "embedding": [1.0] * 1536}],
        "none",
    ],
)
def test_vectors_of_another_form_are_bad_responses(
    data: Any, embedder: Embedder, openai_server: OpenAiServer
) -> None:
    body = json.dumps({"object": "list", "data": data, "model": "m"}).encode()
    openai_server.replies.append(("application/json", body))
    with pytest.raises(BadResponse):
        embedder.embed(["a"], kind="query", deadline=soon())


def test_too_many_texts_are_refused_here(embedder: Embedder, openai_server: OpenAiServer) -> None:
    with pytest.raises(BadRequest, match="65 texts; at most 64"):
        embedder.embed(["x"] * 65, kind="passage", deadline=soon())
    assert openai_server.seen == []


# The account


def test_a_key_stays_with_its_host(llm: LanguageModel, openai_server: OpenAiServer) -> None:
    openai_server.faults.append("redirect")
    with pytest.raises(BadResponse, match="redirects are not followed"):
        said(llm.stream(REQUEST, deadline=soon()))
    assert [seen.path for seen in openai_server.seen] == ["/v1/chat/completions"]


def test_what_is_loaded_before_calls_is_all_that_calls_load() -> None:
    """An import stops every greenlet: 0.4 s in all for this SDK."""
    program = """
import esl_app.patched, sys
from providers import create, registry
from providers.contracts import Audio, ChatRequest, Message
from providers.deadline import Deadline
from providers.errors import Unavailable
registry.preload()
before = set(sys.modules)
def uses():
    config = {"api_key": "sk-x", "base_url": "http://127.0.0.1:1/v1"}
    soon = Deadline.after(5)
    chat = ChatRequest(
        instructions="x", messages=[Message(role="user", content="x")], language="en"
    )
    speech = Audio(pcm=b"\\0\\x20" * 8000, rate=8000)
    yield lambda: list(create("llm", "openai", config).stream(chat, deadline=soon))
    yield lambda: create("tts", "openai", config).synthesize("Hi", language="en", deadline=soon)
    yield lambda: create("stt", "openai", config).transcribe(speech, language="en", deadline=soon)
    yield lambda: create("embeddings", "openai", config).embed(["x"], kind="query", deadline=soon)
for use in uses():
    try:
        use()
        print("no refusal")
    except Unavailable:
        pass
print(sorted(n for n in set(sys.modules) - before if n.split(".")[0] in ("openai", "pydantic")))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout == "[]\n", done.stderr


def test_the_operators_environment_is_not_a_tenants(
    monkeypatch: pytest.MonkeyPatch, openai_server: OpenAiServer
) -> None:
    for name, value in {
        "OPENAI_API_KEY": "sk-operator",
        "OPENAI_ORG_ID": "org-operator",
        "OPENAI_PROJECT_ID": "proj-operator",
        "OPENAI_BASE_URL": "http://127.0.0.1:1/v1",
    }.items():
        monkeypatch.setenv(name, value)
    llm = create("llm", "openai", {"api_key": KEY, "base_url": openai_server.base_url})
    said(llm.stream(REQUEST, deadline=soon()))
    assert "operator" not in repr(openai_server.seen[0].headers)
    llm.close()


def test_an_account_may_name_its_organization(
    config: dict[str, Any], openai_server: OpenAiServer
) -> None:
    llm = create("llm", "openai", {**config, "organization": "org-1", "project": "proj-1"})
    said(llm.stream(REQUEST, deadline=soon()))
    headers = openai_server.seen[0].headers
    assert headers["HTTP_OPENAI_ORGANIZATION"] == "org-1"
    assert headers["HTTP_OPENAI_PROJECT"] == "proj-1"
    llm.close()


def test_nothing_is_logged_that_was_said(
    config: dict[str, Any], openai_server: OpenAiServer, caplog: pytest.LogCaptureFixture
) -> None:
    openai_server.transcript = CANARY
    with caplog.at_level(logging.DEBUG):
        for rig in WIRE:
            adapter = create(rig.kind, rig.name, config)
            gevent.spawn(rig.use, adapter, soon()).get()
            adapter.close()
    assert CANARY not in caplog.text
    assert KEY not in caplog.text
