"""Sound as values: resampling, WAV in and out, level. For adapters and those above them."""

from __future__ import annotations

import io
import wave
from typing import BinaryIO

import numpy as np
import soxr
from numpy.typing import NDArray

from providers.contracts import Audio


def samples(audio: Audio) -> NDArray[np.float32]:
    """Samples from -1 to 1. An odd last byte is dropped."""
    return np.frombuffer(_whole(audio), "<i2").astype(np.float32) / 32768.0


def at_rate(audio: Audio, rate: int) -> NDArray[np.float32]:
    """Samples from -1 to 1 at another rate, by soxr: linear interpolation hurts recognition."""
    found = samples(audio)
    if audio.rate == rate or not found.size:
        return found
    return np.asarray(soxr.resample(found, audio.rate, rate), dtype=np.float32)


def resample(audio: Audio, rate: int) -> Audio:
    """The same sound at another rate; `at_rate` for who wants PCM and not numbers."""
    if audio.rate == rate:
        return audio
    found = np.frombuffer(_whole(audio), "<i2")
    return Audio(pcm=soxr.resample(found, audio.rate, rate).astype("<i2").tobytes(), rate=rate)


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
    channels, audio = read_channels(io.BytesIO(data))
    if channels != 1:
        raise ValueError(f"{channels} channels, one expected")
    return audio


def read_channels(stream: BinaryIO) -> tuple[int, Audio]:
    """How many channels a 16-bit WAV file has, and its samples, a channel beside the other.

    Raises:
        ValueError: it is not one, or it is cut short.
    """
    try:
        with wave.open(stream, "rb") as file:
            width, channels, rate = file.getsampwidth(), file.getnchannels(), file.getframerate()
            pcm = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"not a WAV file: {error}") from error
    if width != 2:
        raise ValueError(f"{width * 8}-bit samples, 16-bit expected")
    return channels, Audio(pcm=pcm, rate=rate)


def _whole(audio: Audio) -> bytes:
    return audio.pcm[: len(audio.pcm) // 2 * 2]
