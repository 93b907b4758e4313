"""`unicast`: the caller's audio to the controller's UDP socket, and what comes back to the caller.

As FreeSWITCH does it (switch_ivr.c:336-502, 1076-1146; transcripts m1, m2): the command opens a
socket and says nothing, whether it could or not; the park loop takes the first one opened and keeps
it for good. What plays, records or bridges closes it, and since the loop holds on to the closed
one, the next that is opened is closed at the loop's next round.

Each datagram is written to the caller at once. A phone smooths that with its jitter buffer, and so
does the stand-in: the caller's side takes a frame every 20 ms from a queue that is begun to be
emptied when two frames are there.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gevent.monkey import get_original

from esl_app.switchsim.clock import FRAME_BYTES

# What a telephone's jitter buffer holds: frames before it begins, and before it throws away.
_BEGIN = 2
_MOST = 10
_READS = 100


@dataclass(slots=True)
class UnicastStatistics:
    """What has passed, as the caller's phone would count it."""

    sent: int = 0
    received: int = 0
    gaps: int = 0
    """Times the phone had nothing to play though frames had been coming."""
    dropped: int = 0
    """Frames too many for the jitter buffer."""
    wrong_size: int = 0
    played: int = 0
    held: int = 0
    """Frames that lay in the jitter buffer behind those played, summed over these."""


class Connection:
    """One socket that a command opened."""

    def __init__(self, local: tuple[str, int], remote: tuple[str, int]) -> None:
        # The unpatched class: it is asked once a frame and never waited on.
        self._sock: Any = get_original("socket", "socket")(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._sock.setblocking(False)
            self._sock.bind(local)
        except (OSError, OverflowError):
            self._sock.close()
            raise
        self._remote = remote
        self.open = True
        self.listening = True

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._sock.getsockname()
        return str(host), int(port)

    def send(self, frame: bytes) -> bool:
        """False when it cannot be sent, which ends the connection."""
        try:
            self._sock.sendto(frame, self._remote)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True

    def receive(self) -> list[bytes]:
        """Datagrams that have come, whoever sent them: FreeSWITCH does not ask."""
        datagrams: list[bytes] = []
        while self.listening and len(datagrams) < _READS:
            with suppress(ConnectionError):
                try:
                    data = self._sock.recv(8192)
                except BlockingIOError:
                    break
                if not data:
                    self.listening = False  # an empty one ends the receiving thread for good
                    break
                datagrams.append(data)
        return datagrams

    def close(self) -> None:
        self.open = False
        self._sock.close()


class ParkedAudio:
    """The audio of one park."""

    def __init__(
        self, statistics: UnicastStatistics, *, fails: bool = False, skip_frames: int = 1
    ) -> None:
        self.statistics = statistics
        self._fails = fails
        self._skip_frames = skip_frames
        self._skip = 0
        self._opened: list[Connection] = []  # since the last end; the last one is the channel's
        self._loops: Connection | None = None  # the one the park loop took, for good
        self._buffer: deque[bytes] = deque()
        self._playing = False

    def arm(self, headers: Mapping[str, str]) -> Connection | None:
        """What the command does; None when it failed, of which nobody is told."""
        local = (headers.get("local-ip") or "127.0.0.1", _port(headers.get("local-port"), 8025))
        remote = (headers.get("remote-ip") or "127.0.0.1", _port(headers.get("remote-port"), 8026))
        if self._fails or "native" in headers.get("flags", ""):
            return None
        try:
            connection = Connection(local, remote)
        except (OSError, OverflowError):
            return None
        if not self._opened:
            self._skip = self._skip_frames
        self._opened.append(connection)
        return connection

    @property
    def alive(self) -> bool:
        """Whether frames pass."""
        return self._loops is not None and self._loops.open

    def heard(self) -> bytes | None:
        """What the caller hears in this frame; None when nothing is open."""
        if not self._opened:
            return None
        if self._skip:
            self._skip -= 1
            return None
        if self._loops is None:
            self._loops = self._opened[-1]
        if not self._loops.open:
            self.end()
            return None
        for datagram in self._loops.receive():
            self.statistics.received += 1
            if len(datagram) != FRAME_BYTES:
                self.statistics.wrong_size += 1
            else:
                self._buffer.append(datagram)
        while len(self._buffer) > _MOST:
            self._buffer.popleft()
            self.statistics.dropped += 1
        was, self._playing = self._playing, len(self._buffer) >= (1 if self._playing else _BEGIN)
        if self._playing:
            self.statistics.played += 1
            self.statistics.held += len(self._buffer) - 1
            return self._buffer.popleft()
        self.statistics.gaps += was
        return None

    def said(self, frame: bytes) -> None:
        """Send what the caller said in this frame."""
        if self._skip or self._loops is None or not self._loops.open:
            return
        if self._loops.send(frame):
            self.statistics.sent += 1
        else:
            self.end()

    def end(self) -> bool:
        """Close what is open, as a session reset does; True if something was."""
        opened, self._opened = self._opened, []
        for connection in opened:
            connection.close()
        self._buffer.clear()
        self._playing = False
        return bool(opened)


def _port(text: str | None, default: int) -> int:
    digits = (text or "").strip()
    return int(digits) if digits.isdecimal() else default if not digits else 0
