"""How long this caller pauses inside his turns, learned while he talks."""

from __future__ import annotations

from collections import deque
from typing import Final

_SHORTEST_S: Final = 0.15  # below, it is the gap inside a word
_LONGEST_S: Final = 3.0  # above, he had ended, or was away
_USUAL_S: Final = 0.55  # a long pause inside a turn of a caller we know nothing of
_PRIOR: Final = 3.0  # so many pauses weigh as much as what we assumed before
_KEPT: Final = 16
_LEAST, _MOST = 0.8, 1.8


class Pauses:
    """One caller's pauses; lives as long as the call, shared by its turns.

    `patience` multiplies the waits of the endpointer. It moves slowly and stays within bounds, so
    that neither a single long pause nor a hundred short ones make the agent deaf or rude.

    >>> pauses = Pauses()
    >>> pauses.patience
    1.0
    >>> for _ in range(8): pauses.learn(1.4)
    >>> 1.5 < pauses.patience <= 1.8
    True
    """

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=_KEPT)

    def learn(self, pause_s: float) -> None:
        """The caller was silent for so long and then went on with the same turn."""
        if _SHORTEST_S <= pause_s <= _LONGEST_S:
            self._seen.append(pause_s)

    @property
    def patience(self) -> float:
        if not self._seen:
            return 1.0
        # Not the longest: one pause to find the card must not slow the rest of the call.
        ordered = sorted(self._seen)
        long_s = ordered[int(0.8 * (len(ordered) - 1))]
        weight = len(ordered) / (len(ordered) + _PRIOR)
        return min(_MOST, max(_LEAST, 1 + weight * (long_s / _USUAL_S - 1)))
