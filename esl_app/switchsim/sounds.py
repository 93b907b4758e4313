"""What can be played: files and the few generators of FreeSWITCH that need no module of its own.

Everything comes out as 16-bit samples at 8 kHz, resampled by soxr (good at any ratio, and what
FreeSWITCH's own speex resampler comes near).
"""

from __future__ import annotations

import re
import wave
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from esl_app.switchsim.clock import RATE

Samples = npt.NDArray[np.int16]

# Headerless files. `.L16` and `.ul` are read as 8 kHz samples whatever they hold (transcript k4).
_RAW_SUFFIXES = frozenset({".r8", ".r16", ".raw", ".pcmu", ".l16", ".ul"})
_TONE = re.compile(r"%\((?P<on>\d+),(?P<off>\d+),(?P<freqs>[\d.,]+)\)")
_LOOPS = re.compile(r"loops=(-?\d+)")
_ENDLESS_ROUNDS = 1000
_TONE_LEVEL = 6000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """Something to play: `samples` at 8 kHz, made of `source_samples` at `source_rate`."""

    samples: Samples
    source_rate: int = RATE

    @property
    def source_samples(self) -> int:
        return round(len(self.samples) * self.source_rate / RATE)


def open_sound(path: str, root: Path | None = None) -> Sound | None:
    """What `path` names, or None where FreeSWITCH would answer FILE NOT FOUND."""
    scheme, separator, rest = path.partition("://")
    if separator:
        return _generated(scheme, rest, root)
    file = (root or Path("/nowhere")) / re.sub(r"^\{[^}]*\}", "", path)
    try:
        stamp = file.stat()
        return _read(file, stamp.st_mtime_ns, stamp.st_size)
    except (OSError, EOFError, wave.Error, ValueError):
        return None


def _generated(scheme: str, spec: str, root: Path | None) -> Sound | None:
    if scheme == "tone_stream":
        return _tones(spec)
    if scheme == "silence_stream":
        return _silence(spec)
    if scheme == "file_string":  # a missing part is skipped without a word
        parts = [open_sound(part, root) for part in spec.split("!")]
        found = [part.samples for part in parts if part is not None]
        return Sound(samples=np.concatenate(found)) if found else None
    return None


def read_samples(path: Path) -> Samples:
    """A WAV file for the caller's mouth.

    Raises:
        ValueError: the file is missing or no WAV.
    """
    sound = open_sound(str(path.absolute()))
    if sound is None:
        raise ValueError(f"not a readable WAV file: {path}")
    return sound.samples


@lru_cache(maxsize=64)
def _read(file: Path, mtime_ns: int, size: int) -> Sound:
    """The file's sound; time and size are part of the key so that a rewritten file is read anew."""
    if file.suffix.lower() in _RAW_SUFFIXES and mtime_ns and size:
        return Sound(samples=_raw(file))
    if file.suffix.lower() != ".wav":
        raise ValueError("unknown extension")
    with wave.open(str(file), "rb") as reader:
        if reader.getsampwidth() != 2:
            raise ValueError("not 16-bit")
        rate, channels = reader.getframerate(), reader.getnchannels()
        data = np.frombuffer(reader.readframes(reader.getnframes()), "<i2")
    if not len(data):
        raise ValueError("empty")
    if channels > 1:
        data = data.reshape(-1, channels).mean(axis=1).astype(np.int16)
    return Sound(samples=_to_8k(data, rate), source_rate=rate)


def _to_8k(data: Samples, rate: int) -> Samples:
    if rate == RATE:
        return data
    return np.asarray(soxr.resample(data, rate, RATE), dtype=np.int16)


def _raw(file: Path) -> Samples:
    data = file.read_bytes()
    if file.suffix.lower() == ".pcmu":
        return _MU_LAW[np.frombuffer(data, np.uint8)]
    if file.suffix.lower() == ".r16":
        return _to_8k(np.frombuffer(data[: len(data) & ~1], "<i2"), 16000)
    return np.frombuffer(data[: len(data) & ~1], "<i2").copy()


def _mu_law_table() -> Samples:
    """G.711 mu-law: the sample each of the 256 codes stands for."""
    codes = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((codes & 0x0F) << 3) + 0x84 << ((codes >> 4) & 0x07)) - 0x84
    return np.where(codes & 0x80, -magnitude, magnitude).astype(np.int16)


_MU_LAW = _mu_law_table()


def _silence(spec: str) -> Sound | None:
    match = re.match(r"(-?\d+)", spec)
    if match is None:
        return None
    ms = int(match[1])
    return Sound(samples=np.zeros((3_600_000 if ms < 0 else ms) * RATE // 1000, np.int16))


def _tones(spec: str) -> Sound | None:
    """TGML as far as `%(on,off,freq[,freq])` and `;loops=`."""
    loops = _LOOPS.search(spec)
    rounds = int(loops[1]) if loops else 1
    parts: list[Samples] = []
    for match in _TONE.finditer(spec):
        on, off = int(match["on"]) * RATE // 1000, int(match["off"]) * RATE // 1000
        frequencies = [float(freq) for freq in match["freqs"].split(",") if freq]
        instants = np.arange(on) / RATE
        waves = sum(np.sin(2 * np.pi * freq * instants) for freq in frequencies)
        tone = _TONE_LEVEL * np.asarray(waves) / max(1, len(frequencies))
        parts += [tone.astype(np.int16), np.zeros(off, np.int16)]
    if not parts:
        return None
    return Sound(samples=np.tile(np.concatenate(parts), rounds if rounds > 0 else _ENDLESS_ROUNDS))
