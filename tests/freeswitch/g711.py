"""Mu-law, straight from the definition in G.711.

Written a second time on purpose: a caller that shared the product's codec would not hear its
mistakes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SILENCE = 0xFF  # mu-law's zero

_BIAS = 0x84
_CLIP = 32635


def _expand(code: int) -> int:
    inverted = ~code & 0xFF
    magnitude = (((inverted & 0x0F) << 3) + _BIAS) << ((inverted & 0x70) >> 4)
    return _BIAS - magnitude if inverted & 0x80 else magnitude - _BIAS


_DECODE: npt.NDArray[np.int16] = np.array([_expand(code) for code in range(256)], dtype="<i2")


def encode(pcm: bytes) -> bytes:
    """Mu-law of s16 little-endian samples; a trailing odd byte is a caller's bug and raises."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.int32)
    magnitude = np.minimum(np.abs(samples), _CLIP) + _BIAS
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(samples < 0, 0x80, 0)
    codes: bytes = (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8).tobytes()
    return codes


def decode(payload: bytes) -> bytes:
    """s16 little-endian samples of mu-law bytes."""
    pcm: bytes = _DECODE[np.frombuffer(payload, dtype=np.uint8)].tobytes()
    return pcm


def rms(pcm: bytes) -> float:
    """Loudness of s16 samples, 0 for none."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float64)
    return float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0
