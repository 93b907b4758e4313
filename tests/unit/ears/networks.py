"""A network for tests: loud is speech, and its memory counts what it has judged of a leg."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from esl_app.ears.networks import Floats


class LoudIsSpeech:
    """Judges by the loudest sample; `before` runs before each job, to be slow or to fail."""

    name = "loud"
    rates = frozenset((8000, 16_000))

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        self.before = before
        self.runs: list[int] = []

    def judge(self, sounds: Sequence[bytes], rate: int, memory: Floats) -> tuple[Floats, Floats]:
        assert rate
        self.before()
        self.runs.append(len(sounds))
        loudest = [int(np.abs(np.frombuffer(sound, "<i2")).max()) for sound in sounds]
        return np.array([float(one > 3000) for one in loudest], np.float32), memory + 1
