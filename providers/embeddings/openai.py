"""Vectors by OpenAI, or by any server that speaks its embeddings endpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from providers.contracts import EmbedderCapabilities
from providers.deadline import Deadline
from providers.errors import BadRequest, BadResponse
from providers.openai_client import OpenAiAccount, OpenAiHold
from providers.settings import parse

_NAME = "openai"
_DIMENSIONS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}


class OpenAiEmbedderConfig(OpenAiAccount):
    """`config` of the openai embedder."""

    model: str = "text-embedding-3-small"
    # Known for the vendor's own models, whose third generation can also shorten its vectors.
    dimensions: int | None = Field(default=None, ge=8, le=4096)
    floor: float = Field(default=0.2, ge=-1.0, le=1.0)
    batch: int = Field(default=64, ge=1, le=2048)

    @model_validator(mode="after")
    def _has_dimensions(self) -> OpenAiEmbedderConfig:
        if self.dimensions is None and self.model not in _DIMENSIONS:
            raise ValueError(f"dimensions is missing (not known for model {self.model!r})")
        return self


class OpenAiEmbedder:
    """`Embedder` over the embeddings endpoint."""

    name = _NAME

    def __init__(self, config: Mapping[str, Any]) -> None:
        settings = parse(OpenAiEmbedderConfig, config, provider=_NAME)
        self._hold = OpenAiHold(settings, provider=_NAME)
        self._options: dict[str, Any] = {}
        if settings.dimensions is not None and settings.model.startswith("text-embedding-3"):
            self._options["dimensions"] = settings.dimensions
        self.model = settings.model
        self.dimensions = settings.dimensions or _DIMENSIONS[settings.model]
        self.capabilities = EmbedderCapabilities(batch=settings.batch, floor=settings.floor)

    def embed(
        self,
        texts: Sequence[str],
        *,
        kind: Literal["query", "passage"],  # noqa: ARG002 - these models do not tell them apart
        deadline: Deadline,
    ) -> list[list[float]]:
        """One unit-length vector for each text, in order."""
        if not texts:
            return []
        if len(texts) > self.capabilities.batch:
            raise BadRequest(
                f"{len(texts)} texts; at most {self.capabilities.batch}", provider=_NAME
            )
        with self._hold.asking(deadline) as timeout:
            answer = self._hold.sdk.embeddings.create(
                model=self.model,
                input=[text or " " for text in texts],  # the endpoint refuses empty ones
                encoding_format="float",
                timeout=timeout,
                **self._options,
            )
            vectors = {int(each.index): each.embedding for each in answer.data}
            if sorted(vectors) != list(range(len(texts))):
                raise BadResponse(f"{len(vectors)} vectors for {len(texts)} texts", provider=_NAME)
            return [self._unit(vectors[index]) for index in range(len(texts))]

    def close(self) -> None:
        self._hold.close()

    def _unit(self, vector: Sequence[float]) -> list[float]:
        if len(vector) != self.dimensions:
            raise BadResponse(
                f"a vector of {len(vector)} dimensions instead of {self.dimensions}", provider=_NAME
            )
        length = math.sqrt(math.fsum(value * value for value in vector))
        if not math.isfinite(length) or length == 0.0:
            raise BadResponse("a vector without a direction", provider=_NAME)
        return [value / length for value in vector]
