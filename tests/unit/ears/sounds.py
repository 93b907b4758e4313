"""Sounds for the ears: frames of 20 ms at 8 kHz, made here and always the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from esl_app.media.sound import read_wav

RATE = 8000
FRAME = 320
AUDIO = Path(__file__).parents[2] / "audio"


def noise(seconds: float, dbfs: float, seed: int = 1) -> bytes:
    rng = np.random.default_rng(seed)
    return pcm(rng.standard_normal(int(seconds * RATE)) * 32768 * 10 ** (dbfs / 20))


def pcm(samples: NDArray[np.float64]) -> bytes:
    return np.clip(np.round(samples), -32768, 32767).astype("<i2").tobytes()


def silence(seconds: float) -> bytes:
    return bytes(int(seconds * RATE) * 2)


def mixed(one: bytes, other: bytes) -> bytes:
    """The first sound with the second, repeated as needed, beneath it."""
    a = np.frombuffer(one, "<i2").astype(np.float64)
    b = np.frombuffer(other, "<i2").astype(np.float64)
    return pcm(a + np.resize(b, len(a)))


def speech(name: str) -> bytes:
    return read_wav(AUDIO / f"{name}.wav").pcm


def spoken_names() -> list[str]:
    """Every recording here in which somebody speaks."""
    return sorted(
        str(folder.relative_to(AUDIO) / name.removesuffix(".wav"))
        for folder in (AUDIO, AUDIO / "pt-BR")
        for name, text in json.loads((folder / "transcripts.json").read_text("utf-8")).items()
        if text
    )


def frames(sound: bytes, start_s: float = 0.0) -> Iterator[tuple[bytes, float]]:
    """Each whole frame with the time its last sample comes."""
    for number in range(len(sound) // FRAME):
        yield sound[number * FRAME : (number + 1) * FRAME], start_s + (number + 1) * 0.02
