"""Sound in files, and how loud what is; what needs no file is in `providers.sound`.

Inside, audio is `providers.contracts.Audio`: s16le mono PCM. Telephone files are 8 kHz 16-bit WAV.
"""

from __future__ import annotations

import os
import warnings
import wave
from pathlib import Path

import numpy as np

from providers.contracts import Audio
from providers.sound import read_channels

with warnings.catch_warnings():  # it looks for ffmpeg, which nothing here needs, and for audioop
    warnings.simplefilter("ignore")
    from pydub import AudioSegment

TELEPHONE_RATE = 8000
FRAME_S = 0.02


def read_wav(path: Path) -> Audio:
    """Read a 16-bit PCM WAV; more than one channel is mixed down.

    Raises:
        ValueError: not such a file, naming it.
        OSError: not readable; a symbolic link is refused (`O_NOFOLLOW`), for the spool is shared.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as stream:
        try:
            channels, audio = read_channels(stream)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    if channels == 1:
        return audio
    segment = AudioSegment(audio.pcm, sample_width=2, frame_rate=audio.rate, channels=channels)
    return Audio(pcm=segment.set_channels(1).raw_data, rate=audio.rate)


def write_wav(path: Path, audio: Audio) -> None:
    """Write a 16-bit mono WAV so that a reader sees all of it or nothing."""
    write_channels(path, [audio])


def write_channels(path: Path, tracks: list[Audio]) -> None:
    """Write tracks of one rate side by side (two: left and right), padded to the longest."""
    rate = tracks[0].rate
    assert all(track.rate == rate for track in tracks)
    samples = [np.frombuffer(track.pcm, "<i2") for track in tracks]
    frames = np.zeros((max(map(len, samples)), len(samples)), "<i2")
    for column, track in enumerate(samples):
        frames[: len(track), column] = track
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with wave.open(str(unfinished), "wb") as writer:
            writer.setnchannels(len(samples))
            writer.setsampwidth(2)
            writer.setframerate(rate)
            writer.writeframes(frames.tobytes())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def frame_levels(audio: Audio) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Root mean square of each 20 ms frame, in sample units (0-32767)."""
    size = int(audio.rate * FRAME_S)
    samples = np.frombuffer(audio.pcm, "<i2").astype(np.float64)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    levels: np.ndarray[tuple[int], np.dtype[np.float64]] = np.sqrt((frames**2).mean(axis=1))
    return levels


def voiced_span(
    audio: Audio, *, threshold: float, shortest_s: float = 0.1
) -> tuple[float, float] | None:
    """Where the speech is: seconds of its first and last loud frame.

    None when fewer than `shortest_s` of it lie over `threshold`: a click is not speech.
    """
    loud = np.flatnonzero(frame_levels(audio) > threshold)
    if len(loud) * FRAME_S < shortest_s:
        return None
    return float(loud[0]) * FRAME_S, float(loud[-1] + 1) * FRAME_S
