"""Answers from the tenant's documents in their own sentences: no model, no network, no invention.

It reads the passages of the request, picks the sentence or two that answer the caller's last
question, and says so when none does. With the local embedder at hand (English), meaning counts and
not words alone; without it, or in another language, it goes by words.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from operator import mul
from typing import Any, Literal

import structlog
from pydantic import Field

from providers.contracts import (
    ChatEnd,
    ChatRequest,
    LlmCapabilities,
    Source,
    TextDelta,
)
from providers.deadline import Deadline
from providers.embeddings.local import LocalEmbedder
from providers.errors import Unavailable
from providers.llm.languages import words_of
from providers.llm.passages import Closeness, Unit, answer, ask, rank, say, units
from providers.llm.words import Words, fold
from providers.settings import VendorConfig, parse
from providers.text import clean, primary

log = structlog.get_logger()

_NAME = "extractive"
_KEPT_VECTORS = 4096
_MAX_UNITS = 60


class ExtractiveConfig(VendorConfig):
    """`config` of the extractive answerer."""

    embeddings: Literal["local", "none"] = "local"
    # Sources that the retriever scored lower say nothing about the question. The scale is the
    # retriever's, so the default refuses none.
    floor: float = 0.0
    # A voice reads about fifteen characters a second; callers stop listening after twenty seconds.
    max_characters: int = Field(default=300, ge=40, le=2000)
    # What is said when nothing answers, by language ("en"); ours where it is not given.
    not_found: dict[str, str] = Field(default_factory=dict)


class Extractive:
    """`LanguageModel` that only quotes."""

    name = _NAME
    capabilities = LlmCapabilities(streaming=True, tools=False, local=True, grounded=True)

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._settings = parse(ExtractiveConfig, config, provider=_NAME)
        self._embedder = LocalEmbedder({}) if self._settings.embeddings == "local" else None
        self._vectors: OrderedDict[str, list[float]] = OrderedDict()

    def warm_up(self, deadline: Deadline) -> None:
        if self._embedder is not None:
            try:
                self._embedder.warm_up(deadline)
            except Unavailable as error:
                log.warning("extractive_goes_by_words", reason=str(error))

    def stream(self, request: ChatRequest, *, deadline: Deadline) -> Iterator[TextDelta | ChatEnd]:
        """The answer, a sentence or two, and the ids of the passages it quotes."""
        words = words_of(request.language)
        turns = [message.content for message in request.messages if message.role == "user"]
        text = self._small_talk(request, turns, words)
        chosen: list[Unit] = []
        if text is None:
            sources = [each for each in request.sources if each.score >= self._settings.floor]
            chosen = self._find(turns, sources, request.language, deadline)
            text = say(chosen) if chosen else self._not_found(request.language, words)
        yield TextDelta(text=clean(text))
        yield ChatEnd(
            finish_reason="stop",
            sources=tuple(dict.fromkeys(unit.source.id for unit in chosen)),
        )

    def close(self) -> None:
        if self._embedder is not None:
            self._embedder.close()

    def _small_talk(self, request: ChatRequest, turns: Sequence[str], words: Words) -> str | None:
        last = fold(turns[-1]).strip() if turns else ""
        if words.thanks.search(last):
            return words.welcome
        if words.repeat.search(last) and len(last) < 60:
            said = [each.content for each in request.messages if each.role == "assistant"]
            return said[-1] if said else words.nothing_to_repeat
        return None

    def _find(
        self, turns: Sequence[str], sources: Sequence[Source], language: str, deadline: Deadline
    ) -> list[Unit]:
        words = words_of(language)
        found = [unit for source in sources for unit in units(source)][:_MAX_UNITS]
        if not turns or not found:
            return []
        question = ask(turns, words)
        if question.empty:
            return []
        try:
            ranked = rank(question, found, words, self._closeness(language, deadline))
        except Unavailable as error:
            log.warning("extractive_goes_by_words", reason=str(error))
            ranked = rank(question, found, words)
        return answer(ranked, found, longest=self._settings.max_characters)

    def _closeness(self, language: str, deadline: Deadline) -> Closeness | None:
        embedder = self._embedder
        if embedder is None or primary(language) not in embedder.capabilities.languages:
            return None

        def closeness(question: str, texts: Sequence[str]) -> list[float]:
            known = {text: self._vectors[text] for text in texts if text in self._vectors}
            new = [text for text in dict.fromkeys(texts) if text not in known]
            for start in range(0, len(new), embedder.capabilities.batch):
                batch = new[start : start + embedder.capabilities.batch]
                vectors = embedder.embed(batch, kind="passage", deadline=deadline)
                known.update(zip(batch, vectors, strict=True))
            self._remember(known)
            (asked,) = embedder.embed([question], kind="query", deadline=deadline)
            return [sum(map(mul, asked, known[text])) for text in texts]

        return closeness

    def _remember(self, vectors: Mapping[str, list[float]]) -> None:
        for text, vector in vectors.items():
            self._vectors[text] = vector
            self._vectors.move_to_end(text)
        while len(self._vectors) > _KEPT_VECTORS:
            self._vectors.popitem(last=False)

    def _not_found(self, language: str, words: Words) -> str:
        return self._settings.not_found.get(primary(language), words.not_found)
