"""all-MiniLM-L6-v2 on this machine, without a network: int8 ONNX, in a process of its own.

A process rather than a thread: a deadline can end it, a native crash stays in it, importing and
loading do not stop the calls, and there is one mechanism for all engines. The way there and back
costs under a millisecond, an embedding 10 and more.

It knows English; other languages need another `model`: a folder with a sentence encoder as
`model.onnx` (mean pooling over the first output) and its `tokenizer.json`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from providers.contracts import EmbedderCapabilities
from providers.deadline import Deadline
from providers.errors import BadRequest, BadResponse
from providers.settings import VendorConfig, parse
from providers.worker import EngineHold, EngineSpec

_NAME = "local"
_SHIPPED = "all-MiniLM-L6-v2"
# A document's passages go in few at a time, so that a caller's question gets in between.
_AT_ONCE = 8
_MAX_CHARACTERS = 20_000  # far past what the model reads (256 tokens)


class LocalEmbedderConfig(VendorConfig):
    """`config` of the local embedder."""

    model: str = _SHIPPED
    dimensions: int = Field(default=384, ge=8, le=4096)
    max_tokens: int = Field(default=256, ge=16, le=8192)
    # Asymmetric encoders want to know which side a text is on ("query: ", "passage: ").
    query_prefix: str = ""
    passage_prefix: str = ""
    languages: tuple[str, ...] = ("en",)
    # Made for recall, as sentences are judged again: 15 of 16 questions of a practice's callers lie
    # above it, and 3 of 15 about something else.
    floor: float = Field(default=0.2, ge=-1.0, le=1.0)
    processes: int = Field(default=1, ge=1, le=16)
    threads: int = Field(default=1, ge=1, le=16)

    @model_validator(mode="after")
    def _known(self) -> LocalEmbedderConfig:
        if self.model == _SHIPPED:
            return self
        missing = [
            name
            for name in ("model.onnx", "tokenizer.json")
            if not (Path(self.model) / name).is_file()
        ]
        if missing:
            raise ValueError(
                f"model: neither {_SHIPPED!r} nor a folder with model.onnx and tokenizer.json: "
                f"{self.model!r}"
            )
        return self


class LocalEmbedder:
    """`Embedder` on this machine."""

    name = _NAME

    def __init__(self, config: Mapping[str, Any]) -> None:
        settings = parse(LocalEmbedderConfig, config, provider=_NAME)
        self.model = f"{_SHIPPED}-int8" if settings.model == _SHIPPED else Path(settings.model).name
        self.dimensions = settings.dimensions
        self.capabilities = EmbedderCapabilities(
            local=True, languages=settings.languages, batch=64, floor=settings.floor
        )
        self._prefixes = {"query": settings.query_prefix, "passage": settings.passage_prefix}
        options = settings.model_dump(include={"model", "max_tokens", "threads"})
        self._engine = EngineHold(
            EngineSpec.of(
                _NAME, "providers.embeddings.minilm_engine", options, processes=settings.processes
            )
        )

    def warm_up(self, deadline: Deadline) -> None:
        self._engine.pool.warm_up(deadline)

    def embed(
        self,
        texts: Sequence[str],
        *,
        kind: Literal["query", "passage"],
        deadline: Deadline,
    ) -> list[list[float]]:
        """One unit-length vector for each text, the same whatever its neighbours are."""
        if not texts:
            return []
        if len(texts) > self.capabilities.batch:
            raise BadRequest(
                f"{len(texts)} texts; at most {self.capabilities.batch}", provider=_NAME
            )
        prefix = self._prefixes[kind]
        asked = [(prefix + text)[:_MAX_CHARACTERS] for text in texts]
        vectors: list[list[float]] = []
        for start in range(0, len(asked), _AT_ONCE):
            vectors += self._some(asked[start : start + _AT_ONCE], deadline)
        return vectors

    def close(self) -> None:
        self._engine.close()

    def _some(self, texts: list[str], deadline: Deadline) -> list[list[float]]:
        _, body = self._engine.pool.request({"texts": texts}, deadline=deadline)
        if len(body) != self.dimensions * 4 * len(texts):
            width = len(body) // 4 // len(texts)
            raise BadResponse(
                f"the model gives {width} dimensions, `dimensions` says {self.dimensions}",
                provider=_NAME,
            )
        layout = struct.Struct(f"<{self.dimensions}f")
        return [list(vector) for vector in layout.iter_unpack(body)]
