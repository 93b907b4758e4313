"""What one call uses, and when it has used enough: its engines, wrapped so that each use counts.

A limit that is reached refuses new requests for recognition and answers. Voice goes on for a few
sentences, for the answer under way is finished and the caller is told goodbye; then it is refused
too, so that a flow that talks without listening cannot spend for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal, cast

import structlog

from esl_app.engines import Engines
from esl_app.quotas.admission import Place
from providers.contracts import (
    Audio,
    ChatEnd,
    ChatRequest,
    Embedder,
    Hearing,
    Kind,
    LanguageModel,
    SpeechStream,
    SpeechToText,
    StreamingSpeechToText,
    TextDelta,
    TextToSpeech,
    ToolCall,
    Transcript,
)
from providers.deadline import Deadline
from providers.errors import ProviderError
from tenants.models import Tenant
from tenants.quotas import Amounts, Limit, Used, over_call

log = structlog.get_logger()

_GRACE_CHARACTERS: Final = 1500  # of voice after a limit: an answer's rest and a goodbye
_CHARACTERS_A_TOKEN: Final = 4  # of a model that was stopped before it said what it used


class QuotaReached(ProviderError):  # noqa: N818 - says what it is
    """The tenant's or the call's limit refuses the request; nothing was sent."""

    def __init__(self, limit: Limit, *, provider: str) -> None:
        super().__init__(f"not asked: {limit} is reached", provider=provider)
        self.limit = limit


class Meter:
    """One call's use.

    Args:
        place: the call's, on whose tenant's account it goes.
        models: which model each kind of engine uses, where its row names one.
        seconds: how long the call is up.
        before: what it had used when another worker left it.
    """

    def __init__(
        self,
        place: Place,
        models: Mapping[Kind, str],
        *,
        seconds: Callable[[], float],
        before: Used | None = None,
    ) -> None:
        self.total = before or Used()
        self.turns = 0
        """How many turns are over; set by whoever counts them."""
        self._place = place
        self._models = models
        self._seconds = seconds
        self._taken = self.total
        self._over_at: int | None = None

    @property
    def currency(self) -> str | None:
        """Of the costs; None when the tenant has no prices, and nothing is known of costs."""
        prices = self._place.account.prices
        return prices.currency if prices else None

    def limit(self) -> Limit | None:
        """Which limit the call or its tenant has reached."""
        quota = self._place.account.quota
        limit = over_call(quota, self.total, turns=self.turns, seconds=self._seconds())
        return limit or self._place.limit()

    def count(self, kind: Kind, provider: str, amounts: Amounts) -> None:
        """Add a use, of so many units, and what it costs."""
        cost = self._place.account.prices.cost(
            kind, provider, self._models.get(kind, ""), {"request": 1, **amounts}
        )
        tokens = amounts.get("prompt_token", 0) + amounts.get("completion_token", 0)
        characters = amounts.get("character", 0)
        of_answers = kind == "llm"  # what an embedder reads is priced, but no token of the quota
        used = Used(tokens=int(tokens) if of_answers else 0, characters=int(characters), cost=cost)
        self.total += used
        self._place.use(used)

    def take(self) -> Used:
        """What was used since this was asked last: a turn's share."""
        before, self._taken = self._taken, self.total
        return Used(
            tokens=self._taken.tokens - before.tokens,
            characters=self._taken.characters - before.characters,
            cost=self._taken.cost - before.cost,
        )

    def check(self, provider: str, *, grace: bool = False) -> None:
        """Let a request pass.

        Raises:
            QuotaReached: it is not to be sent.
        """
        limit = self.limit()
        if limit is None:
            self._over_at = None  # a new day may have begun
            return
        if self._over_at is None:
            self._over_at = self.total.characters
        if grace and self.total.characters - self._over_at < _GRACE_CHARACTERS:
            return
        raise QuotaReached(limit, provider=provider)

    def engines(self, engines: Engines) -> Engines:
        """The same engines, with each use counted here."""
        return Engines(
            stt=_Stt(engines.stt, self),
            tts=_Tts(engines.tts, self),
            llm=_Llm(engines.llm, self),
            embedder=_Embedder(engines.embedder, self),
            tts_fingerprint=engines.tts_fingerprint,
        )


class _Stt:
    def __init__(self, inner: SpeechToText, meter: Meter) -> None:
        self.name, self.capabilities = inner.name, inner.capabilities
        self._inner, self._meter = inner, meter

    def transcribe(self, audio: Audio, *, language: str, deadline: Deadline) -> Transcript:
        self._meter.check(self.name)
        transcript = self._inner.transcribe(audio, language=language, deadline=deadline)
        self._meter.count("stt", self._inner.name, {"second": audio.duration_s})
        return transcript

    def open(self, *, rate: int, language: str, deadline: Deadline) -> SpeechStream:
        self._meter.check(self.name)
        inner = cast(StreamingSpeechToText, self._inner)  # its capabilities say so
        stream = inner.open(rate=rate, language=language, deadline=deadline)
        return _Stream(stream, self._meter, self._inner.name, rate)

    def close(self) -> None:
        self._inner.close()


class _Stream:
    """Counts once, at its end: what was fed is what is charged."""

    def __init__(self, inner: SpeechStream, meter: Meter, name: str, rate: int) -> None:
        self._inner, self._meter, self._name, self._rate = inner, meter, name, rate
        self._bytes = 0

    def feed(self, pcm: bytes) -> None:
        self._bytes += len(pcm)
        self._inner.feed(pcm)

    def flush(self) -> None:
        self._inner.flush()

    def hearings(self) -> Iterator[Hearing]:
        return self._inner.hearings()

    def close(self) -> None:
        self._inner.close()
        if self._bytes:
            self._meter.count("stt", self._name, {"second": self._bytes / 2 / self._rate})
            self._bytes = 0


class _Tts:
    def __init__(self, inner: TextToSpeech, meter: Meter) -> None:
        self.name, self.capabilities = inner.name, inner.capabilities
        self._inner, self._meter = inner, meter

    def synthesize(
        self,
        text: str,
        *,
        language: str,
        deadline: Deadline,
        voice: str | None = None,
        speed: float = 1.0,
    ) -> Audio:
        self._meter.check(self.name, grace=True)
        audio = self._inner.synthesize(
            text, language=language, deadline=deadline, voice=voice, speed=speed
        )
        self._meter.count(
            "tts", self._inner.name, {"character": len(text), "second": audio.duration_s}
        )
        return audio

    def close(self) -> None:
        self._inner.close()


class _Llm:
    def __init__(self, inner: LanguageModel, meter: Meter) -> None:
        self.name, self.capabilities = inner.name, inner.capabilities
        self._inner, self._meter = inner, meter

    def stream(
        self, request: ChatRequest, *, deadline: Deadline
    ) -> Iterator[TextDelta | ToolCall | ChatEnd]:
        self._meter.check(self.name)
        said, used = 0, (0, 0)
        stream = self._inner.stream(request, deadline=deadline)
        try:
            for item in stream:
                if isinstance(item, ChatEnd):
                    used = item.prompt_tokens, item.completion_tokens
                else:
                    said += len(item.arguments if isinstance(item, ToolCall) else item.text)
                    # Should the caller speak over it, or the model break off: it is charged.
                    used = _guess(request, said)
                yield item
        finally:
            if isinstance(stream, Generator):
                stream.close()  # cancels the request
            if said or used != (0, 0):
                amounts: Amounts = {"prompt_token": used[0], "completion_token": used[1]}
                self._meter.count("llm", self._inner.name, amounts)

    def close(self) -> None:
        self._inner.close()


class _Embedder:
    def __init__(self, inner: Embedder, meter: Meter) -> None:
        self.name, self.model = inner.name, inner.model
        self.dimensions, self.capabilities = inner.dimensions, inner.capabilities
        self._inner, self._meter = inner, meter

    def embed(
        self, texts: Sequence[str], *, kind: Literal["query", "passage"], deadline: Deadline
    ) -> list[list[float]]:
        self._meter.check(self.name)
        vectors = self._inner.embed(texts, kind=kind, deadline=deadline)
        tokens = sum(len(text) for text in texts) // _CHARACTERS_A_TOKEN
        self._meter.count("embeddings", self._inner.name, {"prompt_token": tokens})
        return vectors

    def close(self) -> None:
        self._inner.close()


def _guess(request: ChatRequest, said: int) -> tuple[int, int]:
    """Tokens in and out of a model that has not said yet what it used."""
    texts = [message.content for message in request.messages]
    texts += [request.instructions, *(source.text for source in request.sources)]
    return sum(map(len, texts)) // _CHARACTERS_A_TOKEN, said // _CHARACTERS_A_TOKEN


def models_of(tenant: Tenant) -> dict[Kind, str]:
    """The models that the tenant's first choices name: a price can be a model's own."""
    kinds: tuple[Kind, ...] = ("stt", "tts", "llm", "embeddings")
    rows = {kind: tenant.provider(kind) for kind in kinds}
    named = {kind: str(row.config.get("model", "")) for kind, row in rows.items() if row}
    if tenant.secretary.llm_model_override:
        named["llm"] = tenant.secretary.llm_model_override
    return named


def rounded(cost: Decimal) -> Decimal:
    """A cost as the rows keep it: millionths."""
    return cost.quantize(Decimal("0.000001"))
