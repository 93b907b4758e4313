"""From frames of 20 ms to the model's windows, and answers that come late back into order.

Pure: the model runs elsewhere. A window the gate finds silent is never asked about: callers listen
more than they talk, so most of the sound costs a few microseconds only.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from esl_app.ears.gate import Gate
from esl_app.ears.vad import SAMPLE_BYTES, Judged, OnJudged

WINDOW_S: Final = 0.032
CONTEXT_S: Final = 0.004  # of the window before: the model was trained with it
GUARD_S: Final = 0.002  # on both sides, for resampling without an edge
# Asked on for so long after the gate closed: soft ends of words, and the fall of the probability.
_HANGOVER_S: Final = 0.2


@dataclass(slots=True, kw_only=True, eq=False)
class Window:
    """One question to the model and, later, its answer.

    Attributes:
        sound: guard, context, window, guard; s16le at the leg's rate.
        level: what the gate says of it, should the answer not come in time.
        level_db: its loudest frame, dB below full scale.
    """

    at_s: float
    sound: bytes
    level: float
    level_db: float
    ask: bool
    probability: float | None = None
    overdue: bool = False


class Windower:
    """Cuts one leg's frames into windows.

    Args:
        guarded: with a guard on both sides, for a rate that is not the model's own.
    """

    def __init__(self, rate: int, *, guarded: bool) -> None:
        guard_s = GUARD_S if guarded else 0.0
        self._rate = rate
        self._gate = Gate()
        self._window = round(WINDOW_S * rate) * SAMPLE_BYTES
        self._before = round((CONTEXT_S + 2 * guard_s) * rate) * SAMPLE_BYTES
        self._sound = bytearray(self._before)
        self._level = 0.0
        self._level_db = -120.0
        self._open_s = 0.0  # how much longer windows are asked about

    def feed(self, frame: bytes, at_s: float) -> list[Window]:
        """The windows this frame completes."""
        span_s = len(frame) / SAMPLE_BYTES / self._rate
        level = self._gate.judge(frame, span_s)
        self._level = max(self._level, level)
        self._level_db = max(self._level_db, self._gate.level_db)
        if level > 0:
            self._open_s = _HANGOVER_S
        self._sound += frame
        windows = []
        while len(self._sound) >= self._before + self._window:
            left_s = (len(self._sound) - self._before - self._window) / SAMPLE_BYTES / self._rate
            windows.append(self._cut(at_s - left_s))
            self._level, self._level_db = level, self._gate.level_db
        return windows

    def _cut(self, at_s: float) -> Window:
        ask = self._open_s > 0
        window = Window(
            at_s=at_s,
            sound=bytes(self._sound[: self._before + self._window]),
            level=self._level,
            level_db=self._level_db,
            ask=ask,
            probability=None if ask else 0.0,
        )
        del self._sound[: self._window]
        self._open_s -= WINDOW_S
        return window


class InOrder:
    """Hands on judgements in the order of the sound, none later than `patience_s` of it.

    A window whose answer does not come in time is judged by its level, as without a model: a busy
    machine hears worse, not later.
    """

    def __init__(self, on_judged: OnJudged, patience_s: float) -> None:
        self._on_judged = on_judged
        self._patience_s = patience_s
        self._waiting: deque[Window] = deque()
        self.overdue = 0

    def add(self, window: Window) -> None:
        self._waiting.append(window)

    def release(self, now: float | None = None) -> None:
        """Hand on what is answered; with the time of the sound, what is overdue too."""
        while self._waiting:
            window = self._waiting[0]
            probability = window.probability
            if probability is None:
                if now is None or now - window.at_s < self._patience_s:
                    return
                window.overdue = True
                self.overdue += 1
                probability = window.level
            self._waiting.popleft()
            self._on_judged(
                Judged(
                    at_s=window.at_s,
                    span_s=WINDOW_S,
                    probability=probability,
                    level_db=window.level_db,
                )
            )

    def clear(self) -> None:
        for window in self._waiting:
            window.overdue = True
        self._waiting.clear()
