"""The keys a caller pressed, kept until somebody asks for them.

FreeSWITCH loses type-ahead: keys pressed between two applications are taken by the park loop
(switch_ivr.c:1151) and those pressed during a playback by the playback. All of them reach us as
DTMF events, so they are kept here, in order, from the first event of the call on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from gevent.event import Event as Flag

from esl_app.errors import EslError, LegTimeout
from providers.deadline import Deadline

KEYS: Final = frozenset("0123456789*#ABCD")


class Digits:
    """A bounded type-ahead buffer whose waits end with the call."""

    CAPACITY: Final = 128

    def __init__(self, over: Callable[[], EslError | None]) -> None:
        self._over = over
        self._keys: deque[str] = deque()
        self.pressed = Flag()
        """Set while keys wait to be taken, and once the call is over."""
        self.dropped = 0
        """Keys that found the buffer full, or were none."""

    @property
    def pending(self) -> str:
        """What was pressed and not yet taken."""
        return "".join(self._keys)

    def get(self, deadline: Deadline) -> str:
        """Take one key, waiting for it if need be.

        Keys pressed before the call ended are still handed out after it.

        Raises:
            LegTimeout: none was pressed by the deadline.
            Hangup, LegLost: the call is over.
        """
        while not self._keys:
            if (error := self._over()) is not None:
                raise error
            self.pressed.clear()
            if not self.pressed.wait(deadline.remaining_s):
                raise LegTimeout("no key was pressed by the deadline")
        return self.take(1)

    def take(self, most: int = CAPACITY) -> str:
        """Take what was pressed, at most so many keys; the rest stays."""
        taken = "".join(self._keys.popleft() for _ in range(min(most, len(self._keys))))
        if not self._keys and self._over() is None:
            self.pressed.clear()
        return taken

    def push(self, key: str) -> None:
        """Add a key; for the reader of the event socket."""
        key = key.upper()
        if key not in KEYS or len(self._keys) >= self.CAPACITY:
            self.dropped += 1
            return
        self._keys.append(key)
        self.pressed.set()

    def wake(self) -> None:
        """Let those who wait see that the call is over."""
        self.pressed.set()
