"""The event socket's language: what FreeSWITCH sends, and what we may send to it. No I/O here.

`Connection` cuts bytes into packets, `commands` is the only place that builds bytes, `safe` says
what may go into them.
"""

from __future__ import annotations

from esl_app.protocol._codec import CONNECTION_CLOSED, NEED_DATA, Connection, Limits, Signal
from esl_app.protocol._errors import RemoteProtocolError
from esl_app.protocol._packets import (
    ApiResponse,
    ChannelData,
    CommandReply,
    DisconnectNotice,
    Event,
    Other,
    Packet,
)

__all__ = [
    "CONNECTION_CLOSED",
    "NEED_DATA",
    "ApiResponse",
    "ChannelData",
    "CommandReply",
    "Connection",
    "DisconnectNotice",
    "Event",
    "Limits",
    "Other",
    "Packet",
    "RemoteProtocolError",
    "Signal",
]
