"""Audio time and its pace against real time. Pure: instants come in as numbers.

The channel works in frames of 20 ms. While an application that takes time runs (playback, record,
gathering digits) frames follow each other `speed` times faster than in life; while the channel is
parked they take their true 20 ms, because then the controller is at work and its own seconds are
what a test or a demonstration wants to see.
"""

from __future__ import annotations

FRAME_S = 0.02
FRAME_SAMPLES = 160
FRAME_BYTES = 2 * FRAME_SAMPLES
RATE = 8000

# More behind than this, and the lost time is forgotten instead of caught up in one burst.
_MAX_DEBT_S = 0.25


class AudioClock:
    """Says when the next frame is due.

    >>> clock = AudioClock(speed=10, now=100.0)
    >>> round(clock.wait_s(now=100.0), 3)
    0.02
    >>> clock.run_fast(now=100.0)
    >>> round(clock.wait_s(now=100.0), 3)
    0.002
    """

    def __init__(self, *, speed: float, now: float) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self._speed = speed
        self._period_s = FRAME_S
        self._due = now + FRAME_S
        self._frames = 0

    @property
    def audio_s(self) -> float:
        """Seconds of audio since the start."""
        return self._frames * FRAME_S

    @property
    def fast(self) -> bool:
        return self._period_s != FRAME_S

    def run_fast(self, *, now: float) -> None:
        self._set_period(FRAME_S / self._speed, now)

    def run_true(self, *, now: float) -> None:
        self._set_period(FRAME_S, now)

    def _set_period(self, period_s: float, now: float) -> None:
        if period_s != self._period_s:
            self._period_s = period_s
            # Frames owed from the old pace are dropped, a long wait for the next is shortened.
            self._due = now + period_s

    def wait_s(self, *, now: float) -> float:
        """Real seconds until the next frame; 0 when it is due."""
        if now - self._due > _MAX_DEBT_S:
            self._due = now
        return max(0.0, self._due - now)

    def tick(self) -> None:
        """One frame has been played and heard."""
        self._frames += 1
        self._due += self._period_s
