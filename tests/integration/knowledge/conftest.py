from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from uuid import UUID

import pytest

from providers.contracts import EmbedderCapabilities
from providers.deadline import Deadline
from tenants import repository
from tenants.db import Database


class BagOfWords:
    """An `Embedder` of hashed words: two texts are as near as the words they share."""

    name = "bag_of_words"
    capabilities = EmbedderCapabilities(batch=4, floor=0.05)

    def __init__(self, dimensions: int = 256) -> None:
        self.dimensions = dimensions
        self.model = f"bag-of-words-{dimensions}"
        self.texts: list[str] = []
        self.error: Exception | None = None

    def embed(
        self, texts: Sequence[str], *, kind: Literal["query", "passage"], deadline: Deadline
    ) -> list[list[float]]:
        if self.error is not None:
            raise self.error
        assert not deadline.passed
        if kind == "passage":
            self.texts += texts
        return [self._vector(text) for text in texts]

    def close(self) -> None:
        pass

    def _vector(self, text: str) -> list[float]:
        values = [0.0] * self.dimensions
        for word in re.findall(r"\w+", text.lower()):
            digest = hashlib.blake2b(word.encode(), digest_size=4).digest()
            values[int.from_bytes(digest, "big") % self.dimensions] += 1.0
        length = math.sqrt(sum(v * v for v in values)) or 1.0
        return [v / length for v in values]


@pytest.fixture
def embedder() -> BagOfWords:
    return BagOfWords()


def make_domain(database: Database, name: str) -> UUID:
    values = {"domain": {"domain_name": name}, "secretary": {"secretary_name": "Reception"}}
    return repository.create_tenant(database, values).domain.domain_uuid


@pytest.fixture
def domain_uuid(database: Database) -> UUID:
    return make_domain(database, "willow.example")


@pytest.fixture
def demo_documents() -> list[Path]:
    folder = Path(__file__).parents[3] / "esl_app" / "demo" / "documents"
    return sorted(folder.iterdir())
