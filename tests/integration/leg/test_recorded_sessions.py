"""What a real FreeSWITCH said, said to a leg: every recorded session ends as it ended."""

from __future__ import annotations

import contextlib
import re
import socket

import gevent
import pytest

from esl_app.errors import EslError
from esl_app.leg import Leg
from providers.deadline import Deadline
from tests.integration.leg.peer import pair
from tests.transcript_files import load, names

pytestmark = pytest.mark.integration

_CHANNEL = b"Event-Name: CHANNEL_DATA\n"


@pytest.mark.parametrize("name", names())
def test_a_recorded_session(name: str) -> None:
    transcript = load(name)
    for conn in transcript.connections:
        said = transcript.stream(conn, "fs")
        if not said.startswith(_CHANNEL) or b"text/event-json" in said:
            continue  # an inbound socket, or one whose first command was not `connect`
        with pair() as (sock, peer):
            leg = Leg(sock)
            connecting = gevent.spawn(_connect, leg)
            assert peer.command().line == "connect"
            peer.sock.sendall(said)
            peer.sock.shutdown(socket.SHUT_WR)  # closing with our commands unread would be a reset
            connecting.get(timeout=5)
            assert leg.closed.wait(5)
            assert leg.end_reason in {"eof", "closed"}
            uuid = _first(rb"\nUnique-ID: (\S+)", said)
            assert leg.foreign_events == sum(
                uuid not in event for event in re.findall(rb"\nUnique-ID: (\S+)", said)
            )
            gone = _first(rb"\nEvent-Name: CHANNEL_HANGUP\n(?:.+\n)*?Hangup-Cause: (\w+)", said)
            if gone and leg.foreign_events == 0 and not leg.transferred:
                assert leg.hung_up
                assert leg.hangup_cause == gone.decode()


def _connect(leg: Leg) -> None:
    # The recording may end while we still ask for our events.
    with contextlib.suppress(EslError):
        leg.connect(Deadline.after(5))


def _first(pattern: bytes, data: bytes) -> bytes:
    found = re.search(pattern, data)
    return found[1] if found else b""
