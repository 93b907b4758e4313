"""What an adapter promises: Protocols without code, and the values that go through them.

Audio is signed 16-bit little-endian mono PCM everywhere. Text is Unicode. Languages are BCP 47 tags
as the secretary's row has them ("en-US", "pt-BR"). Every call takes a `Deadline` and raises only
`providers.errors.ProviderError`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from providers.deadline import Deadline

Kind = Literal["stt", "tts", "llm", "embeddings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """A piece of sound: s16le mono `pcm` at `rate` samples a second."""

    pcm: bytes = field(repr=False)  # somebody's voice: not for a traceback
    rate: int

    @property
    def duration_s(self) -> float:
        return len(self.pcm) / 2 / self.rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What was heard. `text` is empty when the recogniser heard no words."""

    text: str
    language: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SttCapabilities:
    languages: tuple[str, ...] = ()  # primary subtags; empty = any
    streaming: bool = False  # keeps `StreamingSpeechToText`


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What a recogniser knows of an utterance that may still go on.

    `text` is all of it from its first word, the newest words subject to change. `settled`: nothing
    of what was fed before the last `flush` can change any more.
    """

    text: str = field(repr=False)
    settled: bool = False


class SpeechStream(Protocol):
    """One utterance, recognised while it is spoken.

    Only `hearings` waits; the others are for a hub that must not.
    """

    def feed(self, pcm: bytes) -> None:
        """The next sound, at the stream's rate. More than the stream can hold fails it."""
        ...

    def flush(self) -> None:
        """The caller pauses: settle what was fed so far. More may follow."""
        ...

    def hearings(self) -> Iterator[Hearing]:
        """What is known, whenever that changes; for one consumer, ends after `close`.

        Raises:
            ProviderError: the stream is lost; what it told before stays true.
        """
        ...

    def close(self) -> None:
        """Nobody needs it any more; again is harmless."""
        ...


class SpeechToText(Protocol):
    """Speech in, words out."""

    name: str
    capabilities: SttCapabilities

    def transcribe(self, audio: Audio, *, language: str, deadline: Deadline) -> Transcript:
        """The words of one utterance."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class StreamingSpeechToText(SpeechToText, Protocol):
    """Speech in, words out while it is spoken. `capabilities.streaming` says so."""

    def open(self, *, rate: int, language: str, deadline: Deadline) -> SpeechStream:
        """A stream for one utterance; returns at once, connects meanwhile.

        `deadline` is for the whole utterance: the stream fails when it has passed.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TtsCapabilities:
    languages: tuple[str, ...] = ()  # primary subtags; empty = any
    voices: tuple[str, ...] = ()  # empty = the vendor's own list
    rates: tuple[int, ...] = ()  # sample rates it can produce itself
    streaming: bool = False


class TextToSpeech(Protocol):
    """Words in, speech out."""

    name: str
    capabilities: TtsCapabilities

    def synthesize(
        self,
        text: str,
        *,
        language: str,
        deadline: Deadline,
        voice: str | None = None,
        speed: float = 1.0,
    ) -> Audio:
        """One sentence or a few as sound, at the adapter's own rate.

        Text without a letter or a digit (what a sentence splitter leaves of "...") is an empty
        `Audio`, not an error.
        """
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """What a model is told of a tool: `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """What a model wants a tool to do, once all of it has come. `arguments` is a JSON object."""

    id: str
    name: str
    arguments: str = field(repr=False)  # the caller's words, perhaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One entry of the history a model sees.

    `calls` are what the assistant wanted of tools; a tool's message answers one of them by
    `call_id`. Adapters without tools skip both.
    """

    role: Literal["user", "assistant", "tool"]
    content: str
    calls: Sequence[ToolCall] = ()
    call_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A passage of the tenant's documents given to the model: data, never instructions."""

    id: str
    title: str
    text: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """What a model is asked.

    `instructions` is the system prompt without passages; `sources` travel beside it so that each
    adapter puts them into its own delimited data block, and the extractive answerer can read them.
    """

    instructions: str
    messages: Sequence[Message]
    language: str
    sources: Sequence[Source] = ()
    tools: Sequence[ToolSpec] = ()
    temperature: float = 0.7
    max_tokens: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDelta:
    """The next piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatEnd:
    """The last item of every answer's stream."""

    finish_reason: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    # Ids of the sources the answer rests on, in the order it used them; none when it cited none.
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmCapabilities:
    streaming: bool = True
    tools: bool = False
    local: bool = False  # on this machine: what it is told does not leave
    grounded: bool = False  # answers from its sources alone and says so when they hold nothing


class LanguageModel(Protocol):
    """A conversation in, the next answer out, in pieces."""

    name: str
    capabilities: LlmCapabilities

    def stream(
        self, request: ChatRequest, *, deadline: Deadline
    ) -> Iterator[TextDelta | ToolCall | ChatEnd]:
        """Text as it comes, whole calls of tools, one `ChatEnd`.

        Closing the iterator cancels the request.
        """
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderCapabilities:
    languages: tuple[str, ...] = ()
    local: bool = False  # on this machine: what it is told does not leave
    batch: int = 64
    # Cosine below which a passage says nothing about the question; differs per model.
    floor: float = field(default=0.0)


class Embedder(Protocol):
    """Text in, vectors out. Vectors of different `model`s never meet."""

    name: str
    model: str
    dimensions: int
    capabilities: EmbedderCapabilities

    def embed(
        self,
        texts: Sequence[str],
        *,
        kind: Literal["query", "passage"],
        deadline: Deadline,
    ) -> list[list[float]]:
        """One unit-length vector of `dimensions` for each text, in order."""
        ...

    def close(self) -> None: ...
