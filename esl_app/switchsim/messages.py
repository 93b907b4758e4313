"""What others tell a channel's thread to do."""

from __future__ import annotations

from dataclasses import dataclass, field

from gevent.event import Event as Flag

from esl_app.switchsim.packets import Header

# The session's private queue (switch_core_session.c; measured in transcript d11).
QUEUE_LIMIT = 256


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
