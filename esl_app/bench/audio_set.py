"""The set of recordings `voice-ai bench audio` plays: clips, their words, and what is made of them.

`manifest.json` holds three lists; `tests/audio/README.md` tells where the sounds come from.

- `clips`: name, words, and the seconds between which somebody speaks in `NAME.ulaw` (G.711 mu-law,
  8 kHz, no header).
- `utterances`: what a caller says in one turn. `parts` are clips and, between two, the seconds of
  silence from the one's last voice to the other's first.
- `overlaps`: what a caller does while the agent speaks, at which seconds of that, and what is right
  then: "cut" or "go on".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from esl_app.bench import BenchError
from esl_app.bench.noises import MADE, SPEECH_DBFS, Samples, gain_to
from esl_app.media.sound import TELEPHONE_RATE
from esl_app.turn.prompt_kind import Kind, PromptKind

MADE_PREFIX: Final = "made:"
ECHO: Final = "echo"
TALK: Final = "talk"


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClipRow(_Row):
    """A recording."""

    text: str
    language: str
    voice_s: tuple[float, float]
    voice: str
    source: str


class Utterance(_Row):
    """What a caller says in one turn."""

    group: str
    language: str
    parts: tuple[str | float, ...] = Field(min_length=1)
    kind: Kind = Kind.OPEN
    lengths: frozenset[int] = frozenset()

    @property
    def prompt_kind(self) -> PromptKind:
        return PromptKind(kind=self.kind, lengths=self.lengths)

    @property
    def clips(self) -> tuple[str, ...]:
        return tuple(part for part in self.parts if isinstance(part, str))


class Overlap(_Row):
    """What a caller does while the agent speaks.

    `before` is what he said before, so that the ears know how loud he is. `over` is a clip, a sound
    of `noises.MADE` ("made:cough"), our own voice coming back ("echo") or others talking behind him
    all the time ("talk"); those two `below_db`.
    """

    group: str
    language: str
    before: str
    agent: str
    over: str
    at_s: tuple[float, ...] = Field(min_length=1)
    expect: Literal["cut", "go on"]
    below_db: float = 0.0


class _Manifest(_Row):
    clips: dict[str, ClipRow]
    utterances: tuple[Utterance, ...]
    overlaps: tuple[Overlap, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A recording at the loudness of speech, 8 kHz."""

    text: str
    samples: Samples
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSet:
    """All of it."""

    clips: dict[str, Clip]
    utterances: tuple[Utterance, ...]
    overlaps: tuple[Overlap, ...]


def load(folder: Path) -> AudioSet:
    """Read a set.

    Raises:
        BenchError: a part is not there or does not fit the others; the message names it.
    """
    path = folder / "manifest.json"
    try:
        manifest = _Manifest.model_validate(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BenchError(f"{path}: {where}: {first['msg']}") from error
    except ValueError as error:
        raise BenchError(f"{path}: not JSON: {error}") from error
    clips = {name: _clip(folder / f"{name}.ulaw", row) for name, row in manifest.clips.items()}
    rows: tuple[Utterance | Overlap, ...] = (*manifest.utterances, *manifest.overlaps)
    for each in rows:
        for name in _named(each):
            if name not in clips:
                raise BenchError(f"{path}: no clip {name!r}, which {each.group!r} uses")
    return AudioSet(clips=clips, utterances=manifest.utterances, overlaps=manifest.overlaps)


def _named(row: Utterance | Overlap) -> tuple[str, ...]:
    """The clips a row uses."""
    if isinstance(row, Utterance):
        return row.clips
    made = row.over.startswith(MADE_PREFIX) and row.over.removeprefix(MADE_PREFIX) in MADE
    own = (row.over,) if not made and row.over not in {ECHO, TALK} else ()
    return (row.before, row.agent, *own)


def _clip(path: Path, row: ClipRow) -> Clip:
    try:
        samples = mu_law(path.read_bytes())
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}") from error
    begin_s, end_s = row.voice_s
    voiced = samples[round(begin_s * TELEPHONE_RATE) : round(end_s * TELEPHONE_RATE)]
    if not len(voiced) or not voiced.any():
        raise BenchError(f"{path}: no sound from {begin_s} to {end_s} s")
    samples = samples * gain_to(SPEECH_DBFS, voiced)
    return Clip(text=row.text, samples=samples, begin_s=begin_s, end_s=end_s)


def mu_law(data: bytes) -> Samples:
    """Samples of G.711 mu-law bytes, -32124 to 32124 (ITU-T G.711, table 2a)."""
    code = ~np.frombuffer(data, np.uint8)
    size = (((code & 0x0F).astype(np.int32) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return np.where(code & 0x80, -size, size).astype(np.float64)
