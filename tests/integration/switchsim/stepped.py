"""A time line that moves only when a test says so: whole calls in a blink, and always the same."""

from __future__ import annotations

from dataclasses import dataclass, field

import gevent
from gevent.event import Event


@dataclass(eq=False, slots=True)
class _Sleeper:
    due: float
    alarm: Event = field(default_factory=Event)


class SteppedTime:
    """`esl_app.switchsim.Time` in the hands of a test."""

    def __init__(self) -> None:
        self._now = 0.0
        self._sleepers: list[_Sleeper] = []

    def now(self) -> float:
        return self._now

    def wait(self, seconds: float, wake: Event | None = None) -> bool:
        sleeper = _Sleeper(self._now + max(0.0, seconds))
        self._sleepers.append(sleeper)
        try:
            if wake is None:
                sleeper.alarm.wait()
                return False
            gevent.wait([sleeper.alarm, wake], count=1)
            return wake.is_set()
        finally:
            if sleeper in self._sleepers:
                self._sleepers.remove(sleeper)

    def advance_to(self, instant: float) -> None:
        """Let everything happen that is due by then, in order."""
        while self._sleepers:
            sleeper = min(self._sleepers, key=lambda each: each.due)
            if sleeper.due > instant:
                break
            self._sleepers.remove(sleeper)
            self._now = max(self._now, sleeper.due)
            sleeper.alarm.set()
            settle()
        self._now = max(self._now, instant)
        settle()


def settle() -> None:
    """Let every greenlet that can run do so until it waits again."""
    for _ in range(4):
        gevent.sleep(0)
