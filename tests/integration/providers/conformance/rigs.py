"""The adapters under test, each with one typical use and what must come out of it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from providers.contracts import (
    Audio,
    ChatEnd,
    ChatRequest,
    Kind,
    Message,
    Source,
    TextDelta,
    Transcript,
)
from providers.deadline import Deadline
from providers.sound import from_wav

AUDIO = Path(__file__).parents[3] / "audio"
CANARY = "CANARY-four-one-one-one"

SOURCES = (
    Source(
        id="hours",
        title="Opening hours",
        text="We are open Monday to Friday from 8 am to 6 pm.",
        score=0.8,
    ),
    Source(id="parking", title="Parking", text="Free parking is available behind us.", score=0.2),
)


def utterance() -> Audio:
    return from_wav((AUDIO / "parking.wav").read_bytes())


def use_stt(adapter: Any, deadline: Deadline) -> Transcript:
    found: Transcript = adapter.transcribe(utterance(), language="en-US", deadline=deadline)
    return found


def check_stt(found: Any) -> None:
    assert isinstance(found, Transcript)
    assert "parking" in found.text.lower()
    assert found.language == "en-US"


def use_tts(adapter: Any, deadline: Deadline) -> Audio:
    found: Audio = adapter.synthesize(f"Hello {CANARY}.", language="en-US", deadline=deadline)
    return found


def check_tts(found: Any) -> None:
    assert isinstance(found, Audio)
    assert found.rate in (8_000, 16_000, 22_050, 24_000)
    assert len(found.pcm) % 2 == 0
    assert 0.5 < found.duration_s < 30


def use_llm(adapter: Any, deadline: Deadline) -> list[TextDelta | ChatEnd]:
    request = ChatRequest(
        instructions=f"You answer the telephone. {CANARY}",
        messages=(Message(role="user", content="When do you open?"),),
        language="en-US",
        sources=SOURCES,
        max_tokens=100,
    )
    return list(adapter.stream(request, deadline=deadline))


def check_llm(found: Any) -> None:
    *deltas, end = found
    assert deltas
    assert all(isinstance(each, TextDelta) and each.text for each in deltas)
    assert "open" in "".join(each.text for each in deltas)
    assert isinstance(end, ChatEnd)
    assert end.finish_reason == "stop"
    assert "hours" in end.sources


def use_embedder(adapter: Any, deadline: Deadline) -> tuple[int, list[list[float]]]:
    texts = [f"opening hours {CANARY}", "parking behind the building"]
    return adapter.dimensions, adapter.embed(texts, kind="passage", deadline=deadline)


def check_embedder(found: Any) -> None:
    dimensions, vectors = found
    assert len(vectors) == 2
    assert vectors[0] != vectors[1]
    for vector in vectors:
        assert len(vector) == dimensions
        assert math.isclose(math.fsum(value * value for value in vector), 1.0, abs_tol=1e-4)


_USES: dict[str, tuple[Callable[[Any, Deadline], Any], Callable[[Any], None]]] = {
    "stt": (use_stt, check_stt),
    "tts": (use_tts, check_tts),
    "llm": (use_llm, check_llm),
    "embeddings": (use_embedder, check_embedder),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """One adapter: how to make it, how to use it, what is right."""

    kind: Kind
    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    # Whether it waits for anything, so that a deadline can pass.
    waits: bool = True

    def __str__(self) -> str:
        return f"{self.kind}-{self.name}"

    def use(self, adapter: Any, deadline: Deadline) -> Any:
        return _USES[self.kind][0](adapter, deadline)

    def check(self, found: Any) -> None:
        _USES[self.kind][1](found)


WIRE = (
    Rig(kind="stt", name="whisper_api"),
    Rig(kind="tts", name="openai_tts"),
    Rig(kind="llm", name="openai"),
    Rig(kind="embeddings", name="openai"),
)
LOCAL = (
    Rig(kind="stt", name="whisper_local"),
    Rig(kind="tts", name="piper_local"),
    Rig(kind="tts", name="espeak_local"),
    Rig(kind="llm", name="extractive", config={"embeddings": "none"}, waits=False),
    Rig(kind="llm", name="extractive"),
    Rig(kind="embeddings", name="local"),
)
FAKE = (
    Rig(kind="stt", name="fake", config={"script": ["Is there parking?"], "latency_s": 0.2}),
    Rig(kind="tts", name="fake", config={"latency_s": 0.2}),
    Rig(kind="llm", name="fake", config={"script": ["We open at eight."], "latency_s": 0.2}),
    Rig(kind="embeddings", name="fake", config={"latency_s": 0.2}),
)


def transcripts() -> dict[str, str]:
    found = json.loads((AUDIO / "transcripts.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found
