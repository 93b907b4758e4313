"""What others tell a channel's thread to do."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gevent.event import Event as Flag

from esl_app.switchsim.packets import Header

# The session's private queue (switch_core_session.c; measured in transcript d11).
_LIMIT = 256


@dataclass(slots=True, kw_only=True)
class Message:
    """A sendmsg on its way to the channel's thread."""

    command: str
    application: str = ""
    argument: str = ""
    event_uuid: str = ""
    lock: bool = False
    loops: int = 1
    cause: str = ""
    headers: list[Header] = field(default_factory=list)  # of a sendevent or a unicast
    done: Flag = field(default_factory=Flag)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a transfer sends the channel."""

    extension: str
    context: str


class MessageQueue:
    """Messages that wait for the channel's thread, and the event-locks that keep them waiting."""

    def __init__(self) -> None:
        self._waiting: deque[Message] = deque()
        self._locks = 0

    def __bool__(self) -> bool:
        """Whether messages wait for their turn."""
        return bool(self._waiting)

    @property
    def full(self) -> bool:
        return len(self._waiting) >= _LIMIT

    def put(self, message: Message) -> None:
        self._waiting.append(message)

    def drop(self) -> None:
        """Forget what waits: it will never execute nor complete."""
        while self._waiting:
            self._waiting.popleft().done.set()

    def next(self) -> Message | None:
        """The oldest, unless an event-lock is held."""
        return self._waiting.popleft() if self._waiting and not self._locks else None

    @contextmanager
    def obeying(self, message: Message) -> Iterator[None]:
        """While it runs its lock holds the others; then whoever sent it is told."""
        self._locks += message.lock
        try:
            yield
        finally:
            self._locks -= message.lock
            message.done.set()
