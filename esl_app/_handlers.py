"""Event handlers that cannot hold up the reader.

Each handler has its own bounded queue and, while that is not empty, its own greenlet: a handler may
block, call the leg, fail or be killed, and neither the reader nor another handler notices. An idle
handler costs nothing. Events for one handler arrive one at a time and in order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

import gevent
import structlog

from esl_app.errors import trace_of
from esl_app.greenlets import spawn
from esl_app.protocol import Event
from providers.deadline import Deadline

log = structlog.get_logger()

Callback = Callable[[Event], object]


class _Handler:
    CAPACITY: Final = 256

    def __init__(self, event_name: str, callback: Callback) -> None:
        self.event_name = event_name
        self.callback = callback
        self.dropped = 0
        self._queue: deque[Event] = deque()
        self.greenlet: gevent.Greenlet[..., None] | None = None

    def offer(self, event: Event) -> None:
        if len(self._queue) >= self.CAPACITY:
            self.dropped += 1
            return
        self._queue.append(event)
        if self.greenlet is None or self.greenlet.dead:
            self.greenlet = spawn(self._run)

    def _run(self) -> None:
        while self._queue:
            event = self._queue.popleft()
            try:
                self.callback(event)
            except (Exception, SystemExit, gevent.Timeout) as error:  # noqa: BLE001 - outermost edge of a greenlet
                # One event is lost, not the leg; no message, which may hold what a caller said.
                log.error("handler_failed", event_name=self.event_name, **trace_of(error))  # noqa: TRY400


class Handlers:
    """The handlers of one leg, by event name; `*` is every event."""

    def __init__(self) -> None:
        self._by_name: dict[str, list[_Handler]] = {}

    def add(self, event_name: str, callback: Callback) -> None:
        handlers = self._by_name.setdefault(event_name, [])
        if not any(handler.callback == callback for handler in handlers):
            handlers.append(_Handler(event_name, callback))

    def remove(self, event_name: str, callback: Callback) -> None:
        """Stop calling it.

        Raises:
            ValueError: it was not registered for this event.
        """
        handlers = self._by_name.get(event_name, [])
        left = [handler for handler in handlers if handler.callback != callback]
        if len(left) == len(handlers):
            raise ValueError(f"no such handler for {event_name}")
        self._by_name[event_name] = left

    def offer(self, event: Event) -> None:
        if not self._by_name:
            return
        for key in (event.name, "*"):
            for handler in self._by_name.get(key, ()):
                handler.offer(event)

    @property
    def dropped(self) -> int:
        """Events that found a handler's queue full."""
        return sum(h.dropped for handlers in self._by_name.values() for h in handlers)

    def settle(self, deadline: Deadline) -> None:
        """Let what runs come to its end; kill what has not by the deadline."""
        current = gevent.getcurrent()
        running = [
            handler.greenlet
            for handlers in self._by_name.values()
            for handler in handlers
            if handler.greenlet is not None and handler.greenlet is not current
        ]
        gevent.joinall(running, timeout=deadline.remaining_s)
        gevent.killall(running, timeout=1.0)
