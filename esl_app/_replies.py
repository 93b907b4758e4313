"""Replies to commands: one each, strictly in the order of the commands (mod_event_socket.c:2641).

A wait that gave up leaves its place in the queue, because the reply still comes. Should one be lost
after all (no FreeSWITCH does that, a broken proxy might), the first event that a later command
caused shows it: FreeSWITCH writes a command's reply before the command's events. `caught_up` then
drops what can no longer come, so that one lost reply does not shift all later ones.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from gevent.event import Event as Flag

from esl_app.errors import EslError, LegTimeout, Overloaded
from esl_app.protocol import ApiResponse, ChannelData, CommandReply
from providers.deadline import Deadline

Answer = CommandReply | ChannelData | ApiResponse


class Slot:
    """The place of one command's reply."""

    def __init__(self, over: Callable[[], EslError | None]) -> None:
        self._over = over
        self._answered = Flag()
        self.answer: Answer | None = None

    def set(self, answer: Answer) -> None:
        self.answer = answer
        self._answered.set()

    def wake(self) -> None:
        self._answered.set()

    def wait(self, deadline: Deadline) -> Answer:
        """The reply.

        Raises:
            Hangup, LegLost: the call ended before it came.
            LegTimeout: it did not come by the deadline.
        """
        self._answered.wait(deadline.remaining_s)
        if self.answer is not None:
            return self.answer
        raise self._over() or LegTimeout("no reply by the deadline")


class Replies:
    """The commands that were sent and not answered, oldest first."""

    CAPACITY: Final = 128

    def __init__(self) -> None:
        self._waiting: deque[Slot] = deque()
        self.unexpected = 0
        """Replies that nobody had asked for."""

    def __len__(self) -> int:
        return len(self._waiting)

    def expect(self, slot: Slot) -> None:
        if len(self._waiting) >= self.CAPACITY:
            raise Overloaded(f"{self.CAPACITY} commands are unanswered")
        self._waiting.append(slot)

    def answered(self, answer: Answer) -> None:
        if not self._waiting:
            self.unexpected += 1
            return
        self._waiting.popleft().set(answer)

    def caught_up(self, slot: Slot) -> None:
        """The command of `slot` has had an effect: its reply and those before it are overdue."""
        if slot not in self._waiting:
            return
        while (lost := self._waiting.popleft()) is not slot:
            lost.wake()
        slot.set(_IMPLIED)

    def wake(self) -> None:
        """The call is over: nobody waits any longer. Places stay: replies may still come."""
        for slot in self._waiting:
            slot.wake()


_IMPLIED: Final = CommandReply(text="+OK (implied by its effect)", headers={})
