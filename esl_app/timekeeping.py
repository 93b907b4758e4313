"""A call's clocks at work: they warn its caller, end its flow, and hang up on one that will not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import gevent
import structlog
from greenlet import greenlet

from esl_app.errors import EslError, TimeUp
from esl_app.journal import Entry
from esl_app.leg import Leg
from esl_app.turn import CallClock, CallLimits, Over, Warn

log = structlog.get_logger()

FAREWELL_S: Final = 20.0  # for a farewell; a flow that will not end is hung up on after it


class Timekeeper:
    """Keeps one call's time.

    The flow is ended as a hang-up ends it, by an exception in whatever verb it is in: so that no
    verb has to look at a clock, and no flow has to be written for it.

    Args:
        leg: the caller's.
        limits: how long the call may last, and be silent.
        began_at: on the monotonic clock; another worker may have had the call before.
    """

    def __init__(self, leg: Leg, limits: CallLimits, *, began_at: float) -> None:
        self._leg = leg
        self._clock = CallClock(limits, began_at=began_at)
        self._flow: greenlet | None = None
        self._sign()
        leg.on("DTMF", lambda _: self._sign())

    def watch(self, entry: Entry) -> None:
        """Take words of the caller for a sign of him; an observer of the journal."""
        if entry.kind == "heard" and entry.data["pii_text"]:
            self._sign()

    @contextmanager
    def flow(self) -> Iterator[None]:
        """What runs in here, in this greenlet, is ended by `TimeUp` when the time is up."""
        self._flow = gevent.getcurrent()
        try:
            yield
        finally:
            self._flow = None

    def run(self, warn: Callable[[], None]) -> None:
        """Keep the time until the call is over; `warn` tells the caller that it ends soon."""
        while (due := self._clock.due_at()) is not None:
            gevent.sleep(max(0.0, due - time.monotonic()))
            match self._clock.tick(time.monotonic()):
                case Warn():
                    warn()
                case Over(why=why):
                    # From the hub, where nothing happens between the look and the throw.
                    gevent.get_hub().loop.run_callback(self._end_flow, why)
        gevent.sleep(FAREWELL_S)
        log.warning("call_too_long")
        try:
            self._leg.hangup("ALLOTTED_TIMEOUT")
        except EslError as error:
            log.warning("hangup_failed", error=str(error))

    def _end_flow(self, why: str) -> None:
        if self._flow is not None:
            self._flow.throw(TimeUp(why))

    def _sign(self) -> None:
        self._clock.sign(time.monotonic())
