"""The one exception the protocol core raises for what a peer sent."""

from __future__ import annotations


class RemoteProtocolError(Exception):
    """The peer sent bytes that no FreeSWITCH sends; the connection cannot be used any further.

    The message names what is wrong and where, never what stood there: bytes of a call are personal.
    """
