"""A deadline: the monotonic instant by which a piece of work must be over.

Instants are passed down, not durations, so that ten seconds stay ten seconds however many calls
they go through; and the clock is monotonic, so that a step of the wall clock ends nothing.
"""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Deadline:
    """An instant on `time.monotonic`'s clock.

    >>> Deadline.after(5).remaining_s <= 5
    True
    """

    at: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        return cls(time.monotonic() + seconds)

    @property
    def remaining_s(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self.at

    def sooner(self, seconds: float) -> Deadline:
        """The earlier of this deadline and `seconds` from now: a part's share of the whole."""
        return min(self, Deadline.after(seconds))
