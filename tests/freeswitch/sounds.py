"""Sounds one can tell apart without a recogniser, and WAV files of them; s16 mono at 8 kHz."""

from __future__ import annotations

import math
import wave
from pathlib import Path

import numpy as np


def tone(hz: float, seconds: float, peak: int = 8000, *, rate: int = 8000) -> bytes:
    """A sine as s16 samples: prompts one can tell apart without a recogniser."""
    times = np.arange(int(rate * seconds)) / rate
    pcm: bytes = (np.sin(2 * math.pi * hz * times) * peak).astype("<i2").tobytes()
    return pcm


def pitch(pcm: bytes, *, rate: int = 8000) -> float:
    """The strongest frequency in s16 samples."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(np.argmax(spectrum) * rate / samples.size)


def save_wav(path: Path, pcm: bytes) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(pcm)
    return path


def load_wav(path: Path) -> bytes:
    """The samples of a file; ValueError if it is not mono, 16 bit, 8 kHz."""
    with wave.open(str(path), "rb") as file:
        shape = (file.getnchannels(), file.getsampwidth(), file.getframerate())
        if shape != (1, 2, 8000):
            raise ValueError(f"{path.name} is {shape}, not mono, 16 bit, 8 kHz")
        return file.readframes(file.getnframes())
