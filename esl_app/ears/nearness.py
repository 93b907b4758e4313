"""Is this voice the caller's, or somebody's further from the telephone?

A detector hears the television and the next table too. They differ in loudness: who holds the
telephone is loudest. So the loudness of the voice on the line is learned, and voice far below it is
not the caller's: it starts nothing, and it does not keep an utterance from ending. The agent's own
echo is often as faint.

To be deaf to the caller is worse than to hear a television. So a short shout teaches little, what
is learned fades, faster while there is faint voice (a caller who has put the telephone down), and
nothing louder than `FAINTEST_DB` is ever called faint.
"""

from __future__ import annotations

from typing import Final

# Soft syllables lie less far below loud ones, once neighbours are looked at together.
_FAR_DB: Final = 15.0
FAINTEST_DB: Final = -34.0
_LEARNING_S: Final = 0.3  # voice heard before anything is called faint
_ATTACK_S: Final = 0.3  # learning a louder voice
_FADING_DB_S: Final = 0.25  # forgetting it: 15 dB in a minute
_FADING_FAINT_DB_S: Final = 0.5
_HOLD_DB_S: Final = 120.0  # a loud frame speaks for its neighbours: 125 ms for 15 dB


class Nearness:
    """One leg's sense of it.

    >>> nearness = Nearness()
    >>> [nearness.near(-20.0, 0.02, voiced=True) for _ in range(50)][-1]
    True
    >>> [nearness.near(-45.0, 0.02, voiced=True) for _ in range(50)][-1]
    False
    """

    __slots__ = ("_heard_s", "_held_db", "_loud_db")

    def __init__(self) -> None:
        self._loud_db = -120.0
        self._held_db = -120.0
        self._heard_s = 0.0

    @property
    def loud_db(self) -> float:
        """How loud the caller is, dB below full scale; -120 while nobody has spoken."""
        return self._loud_db

    def near(self, level_db: float, span_s: float, *, voiced: bool) -> bool:
        """Whether a stretch of this level, voice or not, may be the caller's."""
        self._held_db = max(level_db, self._held_db - _HOLD_DB_S * span_s)
        self._loud_db -= _FADING_DB_S * span_s
        if voiced:
            self._heard_s += span_s
            if level_db > self._loud_db:
                part = 1.0 if self._heard_s <= span_s else min(1.0, span_s / _ATTACK_S)
                self._loud_db += (level_db - self._loud_db) * part
        border_db = min(self._loud_db - _FAR_DB, FAINTEST_DB)
        near = self._heard_s < _LEARNING_S or self._held_db > border_db
        if voiced and not near:
            self._loud_db -= _FADING_FAINT_DB_S * span_s
        return near
