"""How the stand-in lets time pass."""

from __future__ import annotations

import time
from typing import Protocol

import gevent
from gevent.event import Event


class Time(Protocol):
    """A time line that greenlets can wait on."""

    def now(self) -> float:
        """The present instant in seconds."""
        ...

    def wait(self, seconds: float, wake: Event | None = None) -> bool:
        """Let `seconds` pass, or less when `wake` is set; True if it was."""
        ...


class RealTime:
    """The machine's monotonic clock."""

    def now(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float, wake: Event | None = None) -> bool:
        if wake is None:
            gevent.sleep(max(0.0, seconds))
            return False
        return bool(wake.wait(max(0.0, seconds)))
