"""How long silence is borne: while one answer is waited for, and in a whole call. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

_AFTER_NOISE_S: Final = 1.5
# A cough, a knock, a "hmm": 0.7 s, and up to 0.8 s that are kept before and after it.
_NOISE_S: Final = 1.5


class NoInput:
    """When the silence after a prompt is an answer too. Noise is no input.

    A short sound without words (a cough, a noisy line) puts the end off, to `_AFTER_NOISE_S` after
    it, and never beyond twice the wait.

    >>> silence = NoInput(10.0, wait_s=6.0)
    >>> silence.due_at()
    16.0
    >>> silence.noise(15.0)
    >>> silence.due_at()
    16.5
    """

    def __init__(self, t: float, *, wait_s: float) -> None:
        """The caller has the turn from `t` on."""
        self._usual = t + wait_s
        self._latest = t + 2 * wait_s

    @staticmethod
    def is_noise(sound_s: float) -> bool:
        """Whether a sound without words is nothing; after a longer one we ask what it was."""
        return sound_s <= _NOISE_S

    def noise(self, ended_at: float) -> None:
        """There was one."""
        self._usual = max(self._usual, ended_at + _AFTER_NOISE_S)

    def due_at(self) -> float:
        """When silence has lasted long enough."""
        return min(self._latest, self._usual)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """What ends a call that nobody ends: seconds."""

    longest_call_s: float = 1800.0
    warn_s: float = 30.0  # so long before, the caller is told; 0: not at all
    longest_silence_s: float = 180.0  # without a word or a key of the caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Warn:
    """The call ends in `left_s`."""

    at_s: float
    left_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """The call has to end."""

    at_s: float
    why: Literal["call_time", "silence"]


class CallClock:
    """The clocks of one call: its length, and how long its caller has given no sign.

    The last resort: a flow that loops, a line left open. Says each thing once.

    >>> clock = CallClock(CallLimits(longest_call_s=100.0), began_at=0.0)
    >>> clock.tick(70.0)
    Warn(at_s=70.0, left_s=30.0)
    >>> clock.tick(100.0)
    Over(at_s=100.0, why='call_time')
    """

    def __init__(self, limits: CallLimits, *, began_at: float) -> None:
        self._limits = limits
        self._ends_at = began_at + limits.longest_call_s
        self._sign_at = began_at
        self._warned = limits.warn_s <= 0
        self._over = False

    def sign(self, t: float) -> None:
        """Words or a key of the caller; of the agent, only what is meant to last (hold music)."""
        self._sign_at = max(self._sign_at, t)

    def due_at(self) -> float | None:
        """When `tick` has something to say; None once the call is over."""
        if self._over:
            return None
        warns_at = [] if self._warned else [self._ends_at - self._limits.warn_s]
        return min([self._ends_at, self._silent_at, *warns_at])

    def tick(self, t: float) -> Warn | Over | None:
        """Do what is due."""
        if self._over:
            return None
        if t >= min(self._ends_at, self._silent_at):
            self._over = True
            return Over(at_s=t, why="call_time" if t >= self._ends_at else "silence")
        if not self._warned and t >= self._ends_at - self._limits.warn_s:
            self._warned = True
            return Warn(at_s=t, left_s=self._ends_at - t)
        return None

    @property
    def _silent_at(self) -> float:
        return self._sign_at + self._limits.longest_silence_s
