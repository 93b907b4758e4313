"""The energy gate: is a frame louder than the line's own noise? A few microseconds a frame.

Theory of operation. Speech has gaps: within two seconds every talker lets the line fall to its
noise. So the quietest frame of the last two seconds is the noise floor (minimum statistics, Martin
2001), whatever was said meanwhile, and a steady hum is floor after two seconds. A frame is voice
when it stands `MARGIN_DB` over the floor and over `QUIETEST_DB`, below which nobody talks on a
telephone line.

It cannot tell speech from a cough or a slammed door: that is what `esl_app.ears.silero` is for, and
this gate then says which frames are worth asking about.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import numpy as np

from esl_app.ears.vad import SAMPLE_BYTES, Judged, OnJudged

MARGIN_DB: Final = 10.0
QUIETEST_DB: Final = -47.0
# What is taken for the floor before the line has been heard: a new call may start with speech.
_ASSUMED_FLOOR_DB: Final = -57.0
_LOWEST_DB: Final = -75.0  # digital silence between sounds says nothing about the line
_BLOCK_S: Final = 0.25
_BLOCKS: Final = 8
# Decibels from "certainly not" to "certainly": hysteresis needs degrees.
_SLOPE_DB: Final = 12.0
_FULL_SCALE: Final = 32768.0**2


def level_db(frame: bytes) -> float:
    """Root mean square of s16le samples in dB below full scale; -120 for digital silence."""
    samples = np.frombuffer(frame, "<i2").astype(np.float32)
    energy = float(samples.dot(samples))
    if not energy:
        return -120.0
    return 10.0 * math.log10(energy / len(samples) / _FULL_SCALE)


class Gate:
    """One leg's gate.

    >>> gate = Gate()
    >>> gate.judge(bytes(320), 0.02)  # 20 ms of silence
    0.0
    """

    __slots__ = ("_block_db", "_block_s", "_blocks", "_floor_db", "level_db")

    def __init__(self) -> None:
        self._blocks: deque[float] = deque([_ASSUMED_FLOOR_DB] * _BLOCKS, _BLOCKS)
        self._block_db = 0.0  # the quietest frame of the block being heard
        self._block_s = 0.0
        self._floor_db = _ASSUMED_FLOOR_DB
        self.level_db = -120.0  # of the frame judged last

    @property
    def floor_db(self) -> float:
        """The line's noise, dB below full scale."""
        return self._floor_db

    def judge(self, frame: bytes, span_s: float) -> float:
        """How surely the frame is voice, by its level: 0.5 is the threshold, 0 is far below it."""
        self.level_db = level = level_db(frame)
        self._learn(level, span_s)
        threshold = max(self._floor_db + MARGIN_DB, QUIETEST_DB)
        return min(1.0, max(0.0, 0.5 + (level - threshold) / _SLOPE_DB))

    def _learn(self, level: float, span_s: float) -> None:
        self._block_db = min(self._block_db, max(level, _LOWEST_DB))
        self._block_s += span_s
        self._floor_db = min(self._floor_db, self._block_db)
        if self._block_s >= _BLOCK_S:
            self._blocks.append(self._block_db)
            self._floor_db = min(self._blocks)
            self._block_db, self._block_s = 0.0, 0.0


class EnergyVad:
    """The gate alone as a detector: judged at once, on the spot."""

    name = "energy"
    start_s = 0.1
    delay_s = 0.0

    def open(self, rate: int, on_judged: OnJudged) -> _EnergyStream:
        return _EnergyStream(rate, on_judged)


class _EnergyStream:
    __slots__ = ("_closed", "_gate", "_on_judged", "_rate")

    def __init__(self, rate: int, on_judged: OnJudged) -> None:
        self._rate = rate
        self._on_judged = on_judged
        self._gate = Gate()
        self._closed = False

    def feed(self, frame: bytes, at_s: float) -> None:
        if self._closed or not frame:
            return
        span_s = len(frame) / SAMPLE_BYTES / self._rate
        probability = self._gate.judge(frame, span_s)
        self._on_judged(
            Judged(
                at_s=at_s,
                span_s=span_s,
                probability=probability,
                level_db=self._gate.level_db,
            )
        )

    def close(self) -> None:
        self._closed = True
