"""What listens in on a session: media bugs, and the queue of what they have to tell it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from esl_app.switchsim.bugs import MediaBug
from esl_app.switchsim.events import Event
from esl_app.switchsim.packets import Header

_MOST_EVENTS = 100


class Bugs:
    """The bugs of one channel, in the order they came.

    Args:
        emit: an event of the channel, with rows of its own.
    """

    def __init__(self, emit: Callable[[str, Iterable[Header]], None]) -> None:
        self._emit = emit
        self._on_stop: dict[MediaBug, Callable[[], None]] = {}

    def __iter__(self) -> Iterator[MediaBug]:
        """Over those there are now: one may go meanwhile."""
        return iter(list(self._on_stop))

    def add(self, bug: MediaBug, *, on_stop: Callable[[], None] = lambda: None) -> None:
        """Have something hear every frame; `on_stop` runs when it has been closed."""
        self._on_stop[bug] = on_stop
        self._tell("MEDIA_BUG_START", bug)

    def remove(self, bug: MediaBug) -> None:
        """Close it."""
        on_stop = self._on_stop.pop(bug)
        bug.close()
        on_stop()
        self._tell("MEDIA_BUG_STOP", bug)

    def _tell(self, name: str, bug: MediaBug) -> None:
        self._emit(name, [("Media-Bug-Function", bug.function), ("Media-Bug-Target", bug.target)])


class PrivateEvents:
    """Events for the session itself (f16), which go to its controller while they are diverted."""

    def __init__(self) -> None:
        self.diverted = False
        self.heeded = False  # by the application that runs
        self._events: deque[Event] = deque(maxlen=_MOST_EVENTS)

    def put(self, event: Event) -> None:
        self._events.append(event)

    def take(self) -> list[Event]:
        """All of them, unless the controller has diverted them."""
        if self.diverted:
            return []
        events = list(self._events)
        self._events.clear()
        return events

    def next(self) -> Event | None:
        """The oldest, unless the controller has diverted them."""
        return self._events.popleft() if self._events and not self.diverted else None

    def divert(self, to: Callable[[Event], None] | None) -> None:
        """Hand on all of them, where they are diverted; nobody to take them loses them."""
        while self.diverted and self._events:
            event = self._events.popleft()
            if to is not None:
                to(event)

    def drop_unheeded(self) -> None:
        """An application without an ear for them lets them drop (f10)."""
        if not self.diverted and not self.heeded:
            self._events.clear()
