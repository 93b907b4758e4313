"""Providers that follow a script: for tests, benches and integrators' own flows.

They keep the contracts, deadlines included, and are registered as "fake", so that a whole
installation can run on them:

    llm = create("llm", "fake", {"script": ["We open at eight.", "fail:rate_limited"]})

A script is used item by item; the last one repeats. `fail:` and the name of an error raises it. The
model calls a tool for `call:book {"day": "2027-01-04"}`.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from gevent.queue import Queue
from pydantic import Field, field_validator

from providers.contracts import (
    Audio,
    ChatEnd,
    ChatRequest,
    EmbedderCapabilities,
    Hearing,
    LlmCapabilities,
    SttCapabilities,
    TextDelta,
    ToolCall,
    Transcript,
    TtsCapabilities,
)
from providers.deadline import Deadline
from providers.errors import (
    AuthFailed,
    BadRequest,
    BadResponse,
    ProviderError,
    RateLimited,
    Timeout,
    Unavailable,
)
from providers.settings import VendorConfig, parse
from providers.text import speakable

_NAME = "fake"
_FAIL = "fail:"
_CALL = "call:"
_FRAME = 160
_VOICE_LEVEL = 300.0
_FAILURES: dict[str, type[ProviderError]] = {
    "timeout": Timeout,
    "rate_limited": RateLimited,
    "unavailable": Unavailable,
    "auth_failed": AuthFailed,
    "bad_request": BadRequest,
    "bad_response": BadResponse,
}


class FakeConfig(VendorConfig):
    """`config` of every fake."""

    script: list[str] = Field(default_factory=list)
    latency_s: float = Field(default=0.0, ge=0.0)
    # Between two words of an answer.
    word_s: float = Field(default=0.0, ge=0.0)
    dimensions: int = Field(default=64, ge=8, le=4096)

    @field_validator("script")
    @classmethod
    def _known(cls, script: list[str]) -> list[str]:
        for item in script:
            if item.startswith(_FAIL) and item.removeprefix(_FAIL) not in _FAILURES:
                raise ValueError(f"{item!r} is none of {', '.join(sorted(_FAILURES))}")
        return script


class FakeSttConfig(FakeConfig):
    """`config` of the fake recogniser."""

    # Words come while they are spoken, each `latency_s` later.
    streaming: bool = False
    # Voice in the audio for each word of the script.
    word_audio_s: float = Field(default=0.2, gt=0.0)


class _Scripted:
    """The script of one fake, and what it was asked."""

    def __init__(self, config: Mapping[str, Any], model: type[FakeConfig] = FakeConfig) -> None:
        self.settings = parse(model, config, provider=_NAME)
        self.calls: list[Any] = []
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def _take(self, asked: Any, default: str = "") -> str:
        script = self.settings.script
        item = script[min(len(self.calls), len(script) - 1)] if script else default
        self.calls.append(asked)
        return item

    def _next(self, asked: Any, deadline: Deadline, default: str = "") -> str:
        item = self._take(asked, default)
        _pause(self.settings.latency_s, deadline)
        if (failure := _failure(item)) is not None:
            raise failure
        return item


class FakeStream:
    """`SpeechStream` that hears the words of a text as fast as there is voice in the audio."""

    def __init__(
        self, take: Callable[[], str], *, rate: int, word_audio_s: float, latency_s: float
    ) -> None:
        self._take = take
        self._text: str | None = None  # until there is voice for a word
        self._rate = rate
        self._word_audio_s = word_audio_s
        self._latency_s = latency_s
        self._voiced_s = 0.0
        self._told = 0
        self._known: Queue[tuple[float, Hearing | ProviderError | None]] = Queue()

    def feed(self, pcm: bytes) -> None:
        """A frame; a word is heard when there was voice enough for it."""
        heard = np.frombuffer(pcm[: len(pcm) // 2 * 2], "<i2").astype(float)
        for piece in np.split(heard, range(_FRAME, heard.size, _FRAME)):
            if piece.size and float(np.sqrt(np.mean(piece * piece))) > _VOICE_LEVEL:
                self._voiced_s += piece.size / self._rate
        if self._voiced_s < self._word_audio_s:
            return
        all_words = self._script.split()
        words = min(len(all_words), int(self._voiced_s / self._word_audio_s))
        if (failure := _failure(self._script)) is not None:
            self._tell(failure)
        elif words > self._told:
            self._told = words
            self._tell(Hearing(text=" ".join(all_words[:words])))

    def flush(self) -> None:
        """The rest of the words."""
        if _failure(self._script) is None:
            words = self._script.split()
            self._told = len(words)
            self._tell(Hearing(text=" ".join(words), settled=True))

    def hearings(self) -> Iterator[Hearing]:
        """What is known, `latency_s` late."""
        while True:
            due, item = self._known.get()
            if item is None:
                return
            time.sleep(max(0.0, due - time.monotonic()))
            if isinstance(item, ProviderError):
                raise item
            yield item

    def close(self) -> None:
        """Tell nothing more."""
        self._known.put((0.0, None))

    @property
    def _script(self) -> str:
        if self._text is None:
            self._text = self._take()
        return self._text

    def _tell(self, item: Hearing | ProviderError) -> None:
        self._known.put((time.monotonic() + self._latency_s, item))


class FakeStt(_Scripted):
    """`SpeechToText` that hears what its script says; one item an utterance."""

    name = _NAME

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config, FakeSttConfig)
        self.capabilities = SttCapabilities(streaming=self._stt.streaming)

    @property
    def _stt(self) -> FakeSttConfig:
        assert isinstance(self.settings, FakeSttConfig)
        return self.settings

    def open(
        self,
        *,
        rate: int,
        language: str,  # noqa: ARG002 - the script is in one
        deadline: Deadline,  # noqa: ARG002 - it tells all there is at once
    ) -> FakeStream:
        """A stream that hears the next item."""
        return FakeStream(
            lambda: self._take("stream"),
            rate=rate,
            word_audio_s=self._stt.word_audio_s,
            latency_s=self._stt.latency_s,
        )

    def transcribe(self, audio: Audio, *, language: str, deadline: Deadline) -> Transcript:
        text = self._next(audio, deadline)
        return Transcript(text=text, language=language, confidence=1.0)


class FakeTts(_Scripted):
    """`TextToSpeech` whose every word is 0.3 s of a tone."""

    name = _NAME
    capabilities = TtsCapabilities(rates=(8_000,))

    def synthesize(
        self,
        text: str,
        *,
        language: str,  # noqa: ARG002 - a tone is the same in all
        deadline: Deadline,
        voice: str | None = None,  # noqa: ARG002
        speed: float = 1.0,
    ) -> Audio:
        self._next(text, deadline)
        words = len(text.split()) if speakable(text) else 0
        count = round(words * 0.3 / max(speed, 0.1) * 8_000)
        wave = 8_000 * np.sin(np.arange(count) * (2 * math.pi * 440 / 8_000))
        return Audio(pcm=wave.astype("<i2").tobytes(), rate=8_000)


class FakeLlm(_Scripted):
    """`LanguageModel` that answers from its script, or repeats the question."""

    name = _NAME
    capabilities = LlmCapabilities(tools=True)

    def stream(
        self, request: ChatRequest, *, deadline: Deadline
    ) -> Iterator[TextDelta | ToolCall | ChatEnd]:
        last = request.messages[-1].content if request.messages else "Hello."
        item = self._next(request, deadline, default=last)
        if item.startswith(_CALL):
            name, _, arguments = item.removeprefix(_CALL).partition(" ")
            yield ToolCall(id=f"call_{len(self.calls)}", name=name, arguments=arguments or "{}")
            yield ChatEnd(finish_reason="tool_calls")
            return
        words = item.split()
        for place, word in enumerate(words):
            if place:
                _pause(self.settings.word_s, deadline)
            yield TextDelta(text=word if place == 0 else f" {word}")
        yield ChatEnd(
            finish_reason="stop",
            prompt_tokens=sum(len(each.content.split()) for each in request.messages),
            completion_tokens=len(words),
            sources=tuple(source.id for source in request.sources),
        )


class FakeEmbedder(_Scripted):
    """`Embedder` that hashes words: texts with common words are near, and nothing else is meant."""

    name = _NAME
    model = "fake-hash"
    capabilities = EmbedderCapabilities(floor=0.1)

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self.dimensions = self.settings.dimensions

    def embed(
        self,
        texts: Sequence[str],
        *,
        kind: Literal["query", "passage"],  # noqa: ARG002 - a hash is the same for both
        deadline: Deadline,
    ) -> list[list[float]]:
        self._next(tuple(texts), deadline)
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> list[float]:
        vector = np.zeros(self.dimensions)
        for word in text.casefold().split() or [""]:
            digest = hashlib.sha256(word.strip(".,;:!?").encode()).digest()
            vector[int.from_bytes(digest[:4], "big") % self.dimensions] += 1.0
        unit: list[float] = (vector / np.linalg.norm(vector)).tolist()
        return unit


def _failure(item: str) -> ProviderError | None:
    if not item.startswith(_FAIL):
        return None
    return _FAILURES[item.removeprefix(_FAIL)]("as the script says", provider=_NAME)


def _pause(seconds: float, deadline: Deadline) -> None:
    if seconds > deadline.remaining_s:
        time.sleep(deadline.remaining_s)
        raise Timeout("no answer by the deadline", provider=_NAME)
    if seconds:
        time.sleep(seconds)
