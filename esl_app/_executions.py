"""Applications that were started and have not completed.

FreeSWITCH gives the `Event-UUID` of a command back as `Application-UUID` of CHANNEL_EXECUTE and
CHANNEL_EXECUTE_COMPLETE (switch_core_session.c:2855, 2953): the only key that tells two playbacks
apart. On hang-up CHANNEL_HANGUP comes first, then the running application's completion; what was
only queued never completes. So a wait ends with `Hangup` at once, and the completion, if it
follows, is kept for `outcome`: a recording is whole when it arrives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gevent.event import Event as Flag

from esl_app.errors import EslError, LegTimeout, Overloaded
from esl_app.protocol import Event
from providers.deadline import Deadline


class Execution:
    """One application of one leg, from its start to its completion."""

    def __init__(self, uuid: str, app: str, over: Callable[[], EslError | None]) -> None:
        self.uuid = uuid
        self.app = app
        self.started = False
        """FreeSWITCH has begun to run it (CHANNEL_EXECUTE came)."""
        self.result: Event | None = None
        """Its CHANNEL_EXECUTE_COMPLETE, also when that came after the hang-up."""
        self.given_up = False
        """A wait for it timed out; it may still complete."""
        self._over = over
        self._ended_first = False
        self._decided = Flag()
        self._final = Flag()

    @property
    def done(self) -> bool:
        """True when a wait would not wait: it completed, or the call ended."""
        return self._decided.is_set()

    def wait(self, deadline: Deadline) -> Event:
        """Its completion.

        Raises:
            Hangup, LegLost: the call ended before it completed; see `outcome`.
            LegTimeout: neither by the deadline. It goes on running; one may wait again.
        """
        if not self._decided.wait(deadline.remaining_s):
            self.given_up = True
            raise LegTimeout(f"{self.app} did not complete by the deadline")
        if self._ended_first or self.result is None:
            error = self._over()
            assert error is not None
            raise error
        return self.result

    def outcome(self, deadline: Deadline) -> Event | None:
        """Its completion even if the call ended meanwhile; None when none comes by the deadline.

        For what leaves something behind: FreeSWITCH closes a recording before it sends the
        completion, and sends that right behind CHANNEL_HANGUP.
        """
        self._final.wait(deadline.remaining_s)
        return self.result

    # For the leg.

    def complete(self, event: Event) -> None:
        if self.result is None:
            self.result = event
        self._decided.set()
        self._final.set()

    def call_ended(self) -> None:
        if not self._decided.is_set():
            self._ended_first = True
            self._decided.set()

    def socket_ended(self) -> None:
        self.call_ended()
        self._final.set()

    def __repr__(self) -> str:
        return f"<Execution {self.app} {self.uuid} {'done' if self.done else 'running'}>"


class Executions:
    """A leg's outstanding executions, by uuid, bounded.

    FreeSWITCH closes the socket at the 257th unprocessed message (switch_core_pvt.h:65,
    mod_event_socket.c:2210), without a word; 64 is more than a flow needs.
    """

    CAPACITY: Final = 64

    def __init__(self) -> None:
        self._running: dict[str, Execution] = {}

    def __len__(self) -> int:
        return len(self._running)

    def add(self, execution: Execution) -> None:
        """Count one in.

        Raises:
            Overloaded: too many are outstanding. Those whose wait timed out are given up first:
                FreeSWITCH never completes what a transfer or a flush took out of its queue.
        """
        if len(self._running) >= self.CAPACITY:
            lost = next((e for e in self._running.values() if e.given_up), None)
            if lost is None:
                raise Overloaded(f"{self.CAPACITY} applications are outstanding on this leg")
            del self._running[lost.uuid]
        self._running[execution.uuid] = execution

    def drop(self, execution: Execution) -> None:
        """Forget one that FreeSWITCH refused."""
        self._running.pop(execution.uuid, None)

    def get(self, uuid: str) -> Execution | None:
        return self._running.get(uuid)

    def complete(self, uuid: str, event: Event) -> Execution | None:
        """Hand a completion to its execution; None when it is nobody's (again)."""
        execution = self._running.pop(uuid, None)
        if execution is not None:
            execution.complete(event)
        return execution

    def call_ended(self) -> None:
        for execution in tuple(self._running.values()):
            execution.call_ended()

    def socket_ended(self) -> None:
        for execution in tuple(self._running.values()):
            execution.socket_ended()
        self._running.clear()
