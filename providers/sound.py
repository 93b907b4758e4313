"""Sound as adapters need it: resampling, WAV in and out, level. No other sound work lives here."""

from __future__ import annotations

import io
import wave

import numpy as np
import soxr
from numpy.typing import NDArray

from providers.contracts import Audio


def samples(audio: Audio) -> NDArray[np.float32]:
    """Samples from -1 to 1. An odd last byte is dropped."""
    whole = len(audio.pcm) // 2 * 2
    return np.frombuffer(audio.pcm[:whole], "<i2").astype(np.float32) / 32768.0


def at_rate(audio: Audio, rate: int) -> NDArray[np.float32]:
    """Samples from -1 to 1 at another rate, by soxr: linear interpolation hurts recognition."""
    found = samples(audio)
    if audio.rate == rate or not found.size:
        return found
    return np.asarray(soxr.resample(found, audio.rate, rate), dtype=np.float32)


def level_dbfs(found: NDArray[np.float32]) -> float:
    """The root mean square in dB below full scale; -120 for digital silence or nothing."""
    if not found.size:
        return -120.0
    return float(20 * np.log10(max(float(np.sqrt(np.mean(found * found))), 1e-6)))


def to_wav(audio: Audio) -> bytes:
    """A WAV file in memory."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(audio.rate)
        file.writeframes(audio.pcm)
    return out.getvalue()


def from_wav(data: bytes) -> Audio:
    """The sound of a 16-bit mono WAV file.

    Raises:
        ValueError: it is not one, or it is cut short.
    """
    try:
        with wave.open(io.BytesIO(data), "rb") as file:
            if file.getnchannels() != 1 or file.getsampwidth() != 2:
                raise ValueError("not 16-bit mono")
            pcm = file.readframes(file.getnframes())
            rate = file.getframerate()
    except (wave.Error, EOFError) as error:
        raise ValueError(f"not a WAV file: {error}") from error
    return Audio(pcm=pcm, rate=rate)
