"""Engines that are told nothing personal: models and embedders on somebody else's machines.

What runs here (`capabilities.local`) is told everything: nothing of it leaves. The flow, its tools
and the transcript go on with what the caller said; a model that has not been told a number cannot
pass it to a tool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

from esl_app.engines import Engines
from providers.contracts import (
    ChatEnd,
    ChatRequest,
    Embedder,
    LanguageModel,
    TextDelta,
    ToolCall,
)
from providers.deadline import Deadline

Redact = Callable[[str], str]


def redacting(engines: Engines, redact: Redact) -> Engines:
    """The same engines, with every text that would leave this machine redacted."""
    llm, embedder = engines.llm, engines.embedder
    return replace(
        engines,
        llm=llm if llm.capabilities.local else _Model(llm, redact),
        embedder=embedder if embedder.capabilities.local else _Embedder(embedder, redact),
    )


class _Model:
    def __init__(self, inner: LanguageModel, redact: Redact) -> None:
        self.name, self.capabilities = inner.name, inner.capabilities
        self._inner, self._redact = inner, redact

    def stream(
        self, request: ChatRequest, *, deadline: Deadline
    ) -> Iterator[TextDelta | ToolCall | ChatEnd]:
        messages = [
            replace(message, content=self._redact(message.content)) for message in request.messages
        ]
        return self._inner.stream(replace(request, messages=messages), deadline=deadline)

    def close(self) -> None:
        self._inner.close()


class _Embedder:
    def __init__(self, inner: Embedder, redact: Redact) -> None:
        self.name, self.model = inner.name, inner.model
        self.dimensions, self.capabilities = inner.dimensions, inner.capabilities
        self._inner, self._redact = inner, redact

    def embed(
        self, texts: Sequence[str], *, kind: Literal["query", "passage"], deadline: Deadline
    ) -> list[list[float]]:
        said = [self._redact(text) for text in texts]
        return self._inner.embed(said, kind=kind, deadline=deadline)

    def close(self) -> None:
        self._inner.close()
