"""How long silence is borne: the no-input ladder of a prompt and the clocks of a call. Pure.

Theory of operation of the ladder. It counts only while the caller has the turn and is quiet:

      OFF ── listening ──▶ WAITING ── due ──▶ Reprompt(1) ─▶ OFF     (the reprompt is spoken)
       ▲                      │               Reprompt(2) …
       └── busy, heard ───────┘               GiveUp after the last rung, once

`heard` (words or a key) goes back to the first rung, `busy` does not: the agent talks or thinks. A
voice without words (coughs, a noisy line) puts a rung off, to `_AFTER_NOISE_S` after it ended, and
never beyond twice its wait: noise is no input. A caller who asked for a moment gets it (`hold`),
once for each rung.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

_AFTER_NOISE_S: Final = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reprompt:
    """Ask again; `number` counts from 1."""

    at_s: float
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """Nobody answers: end the conversation."""

    at_s: float


class NoInput:
    """The no-input ladder.

    >>> ladder = NoInput([6.0, 5.0])
    >>> ladder.listening(10.0)
    >>> ladder.due_at()
    16.0
    >>> ladder.tick(16.0)
    Reprompt(at_s=16.0, number=1)
    >>> ladder.listening(18.0)
    >>> ladder.tick(23.0)
    GiveUp(at_s=23.0)
    """

    def __init__(self, waits_s: Sequence[float] = (6.0, 6.0, 6.0)) -> None:
        """One wait for each silence; the last one gives up."""
        if not waits_s or min(waits_s) <= 0:
            raise ValueError(f"waits_s: one or more positive waits, not {list(waits_s)!r}")
        self._waits_s = tuple(waits_s)
        self._rung = 0
        self._since: float | None = None
        self._held_until = float("-inf")
        self._may_hold = True
        self._in_voice = False
        self._noise_ended_at = float("-inf")

    @property
    def misses(self) -> int:
        """Silences in a row."""
        return self._rung

    def listening(self, t: float) -> None:
        """The caller has the turn from now on; said again, it changes nothing."""
        if self._since is None and self._rung < len(self._waits_s):
            self._since = t
            self._in_voice = False
            self._held_until = self._noise_ended_at = float("-inf")

    def busy(self) -> None:
        """The agent talks or thinks."""
        self._since = None

    def heard(self) -> None:
        """Words or a key: the ladder begins again, at the next `listening`."""
        self._since, self._rung, self._may_hold = None, 0, True

    def voice_started(self) -> None:
        """Sound; whether there are words in it is not known yet."""
        self._in_voice = True

    def voice_ended(self, t: float) -> None:
        self._in_voice, self._noise_ended_at = False, t

    def hold(self, t: float, for_s: float = 20.0) -> None:
        """The caller asked for a moment."""
        if self._may_hold:
            self._held_until, self._may_hold = t + for_s, False

    def due_at(self) -> float | None:
        """When silence has lasted long enough; None while it does not count."""
        if self._since is None:
            return None
        wait_s = self._waits_s[self._rung]
        latest = max(self._since + 2 * wait_s, self._held_until)
        if self._in_voice:
            return latest
        usual = max(self._since + wait_s, self._held_until, self._noise_ended_at + _AFTER_NOISE_S)
        return min(latest, usual)

    def tick(self, t: float) -> Reprompt | GiveUp | None:
        """Do what is due."""
        due = self.due_at()
        if due is None or t < due:
            return None
        self._rung += 1
        self._since, self._may_hold = None, True
        if self._rung == len(self._waits_s):
            return GiveUp(at_s=t)
        return Reprompt(at_s=t, number=self._rung)


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

    The last resort behind the ladder: a flow that loops, a line left open. Says each thing once.

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
