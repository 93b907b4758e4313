"""Reception, with an end of our own making: the caller's number says which and when.

1mmmmm…: hang up after that many milliseconds; 2…: break the socket; 3…: hand the call back to the
dialplan. A leg that has come back is left alone.
"""

from __future__ import annotations

import gevent

from esl_app.flow import Call, flow

_seen: set[str] = set()


@flow
def endings(call: Call) -> None:
    """The shipped reception, and its end."""
    number = call.caller_number
    if call.uuid not in _seen and number[:1] in {"1", "2", "3"}:
        leg = call._parts.leg
        end = {"1": leg.hangup, "2": leg.close, "3": leg.release}[number[0]]
        gevent.spawn_later(int(number[1:6]) / 1000, end)
    _seen.add(call.uuid)
    call.run("reception")
