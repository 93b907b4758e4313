"""A gevent socket on one side, the codec's packets on the other.

One greenlet reads: recv → `Connection` → `on_packet`, in wire order, without ever waiting for what
a packet causes. It is paced (see `_Pace`), so one leg's flood costs the other legs little. The
transport ends once, whatever ends it first (EOF, error, hostile bytes, a stuck write, `close`, a
killed reader), and says why in `on_end(reason)`; packets that arrived before the end are delivered
before it.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from typing import Final

import gevent
import structlog
from gevent.lock import BoundedSemaphore

from esl_app.errors import LegLost, LegTimeout, trace_of
from esl_app.greenlets import spawn
from esl_app.protocol import CONNECTION_CLOSED, NEED_DATA, Connection, Limits, RemoteProtocolError
from esl_app.protocol import Packet as Packet  # noqa: PLC0414 - what `on_packet` gets
from providers.deadline import Deadline

log = structlog.get_logger()

RECV_BYTES: Final = 65536

# Our side of the connection must notice a dead switch itself: FreeSWITCH's own probes take up to
# five minutes (mod_event_socket.c:477: idle 30 s, interval 30 s, 9 probes), ours 20 s.
_KEEPALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 15_000),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
)

# Reasons a transport ends with.
EOF: Final = "eof"
CLOSED: Final = "closed"
PROTOCOL_ERROR: Final = "protocol_error"
SOCKET_ERROR: Final = "socket_error"
SEND_STUCK: Final = "send_stuck"
SEND_INTERRUPTED: Final = "send_interrupted"
INTERNAL_ERROR: Final = "internal_error"
KILLED: Final = "killed"


class Transport:
    """One connection from FreeSWITCH."""

    def __init__(
        self,
        sock: socket.socket,
        *,
        on_packet: Callable[[Packet], None],
        on_end: Callable[[str], None],
        limits: Limits | None = None,
    ) -> None:
        self._sock = sock
        self._connection = Connection(limits or Limits())
        self._on_packet = on_packet
        self._on_end = on_end
        self._write = BoundedSemaphore(1)
        self._reader: gevent.Greenlet[..., None] | None = None
        self.end_reason: str | None = None
        """Why it ended; None while it lives."""
        for level, option, value in _KEEPALIVE:
            # A Unix socket (tests) has no TCP options; a TCP socket that is gone says so on read.
            with contextlib.suppress(OSError):
                sock.setsockopt(level, option, value)

    @property
    def reader(self) -> gevent.Greenlet[..., None] | None:
        return self._reader

    def start(self) -> None:
        """Begin to read."""
        self._reader = spawn(self._read)

    def send(
        self, data: bytes, deadline: Deadline, *, on_turn: Callable[[], None] | None = None
    ) -> None:
        """Write all of `data`, not mixed with anybody else's.

        `on_turn` is called when nobody else can write before `data`: what it notes is in wire
        order. A write that stops half-way leaves half a command in the stream, which no later one
        can repair: the connection ends.

        Raises:
            LegLost: the connection is or went away, or the peer stopped reading.
            LegTimeout: others were writing until the deadline; nothing was sent.
        """
        if self.end_reason is not None:
            raise LegLost(self.end_reason)
        if not self._write.acquire(timeout=deadline.remaining_s):
            raise LegTimeout("the socket was busy until the deadline")
        try:
            if self.end_reason is not None:
                raise LegLost(self.end_reason)
            if on_turn is not None:
                on_turn()
            self._sendall(data, deadline)
        finally:
            self._write.release()

    def _sendall(self, data: bytes, deadline: Deadline) -> None:
        timeout = gevent.Timeout(max(deadline.remaining_s, 0.001))
        try:
            with timeout:
                self._sock.sendall(data)
        except OSError as error:
            self._end(SOCKET_ERROR)
            raise LegLost(f"{SOCKET_ERROR}: {error.strerror}") from error
        except gevent.Timeout as error:
            if error is not timeout:
                self._end(SEND_INTERRUPTED)
                raise
            self._end(SEND_STUCK)
            raise LegLost(SEND_STUCK) from None
        except gevent.GreenletExit:
            self._end(SEND_INTERRUPTED)
            raise

    def close(self) -> None:
        """End the connection; harmless when it has ended."""
        self._end(CLOSED)

    def join(self, timeout_s: float) -> None:
        """Wait for the reader to be gone; kill it when it is not in time."""
        reader = self._reader
        if reader is not None and reader is not gevent.getcurrent():
            reader.join(timeout_s)
            reader.kill()

    def _read(self) -> None:
        reason = KILLED
        try:
            reason = self._pump()
        except RemoteProtocolError as error:
            # The codec's messages name the rule that was broken, never the bytes.
            log.warning("protocol_error", error=str(error))
            reason = PROTOCOL_ERROR
        except OSError as error:
            reason = SOCKET_ERROR
            if self.end_reason is None:
                log.info("socket_error", error=error.strerror)
        except Exception as error:  # noqa: BLE001
            # The outermost edge of this greenlet: a bug must end the leg, not leave it deaf.
            log.error("reader_failed", **trace_of(error))  # noqa: TRY400 - events are personal
            reason = INTERNAL_ERROR
        finally:
            self._end(reason)

    def _pump(self) -> str:
        connection, pace = self._connection, _Pace()
        while True:
            asked = time.monotonic()
            data = self._sock.recv(RECV_BYTES)
            pace.waited_since(asked)
            connection.receive_data(data)
            pace.cost(len(data) / _Pace.BYTES_PER_UNIT)
            while (packet := connection.next_event()) is not NEED_DATA:
                if packet is CONNECTION_CLOSED:
                    return EOF
                self._on_packet(packet)
                pace.cost(1.0)
                if self.end_reason is not None:
                    return self.end_reason

    def _end(self, reason: str) -> None:
        if self.end_reason is not None:
            return
        self.end_reason = reason
        self._sock.close()
        self._on_end(reason)


class _Pace:
    """How fast one leg may be read: bursts at full speed, a flood at `RATE` units a second.

    A unit is a packet or `BYTES_PER_UNIT` of what may become one. A real call makes some 50 packets
    in its life, and a few thousand at worst; `BURST` never slows one down. Above it the reader
    sleeps, TCP pushes back, and the flood is the sender's problem. Whatever the rate, the reader
    lets go of the hub every `SLICE_S`: gevent's recv does not switch while data is there.
    `sleep(0)` would let only ready greenlets run, not timers and sockets; `idle()` could starve
    this leg on a busy hub.
    """

    RATE: Final = 2000.0
    BURST: Final = 4000.0
    BYTES_PER_UNIT: Final = 16384
    SLICE_S: Final = 0.003

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = gevent.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._credit = self.BURST
        self._refilled = self._slice = clock()

    def waited_since(self, asked: float) -> None:
        """A read that waited has let the hub run: a new slice begins."""
        now = self._clock()
        if now - asked > self.SLICE_S / 10:
            self._slice = now

    def cost(self, units: float) -> None:
        self._credit -= units
        now = self._clock()
        if self._credit < 0:
            self._credit = min(self.BURST, self._credit + (now - self._refilled) * self.RATE)
            self._refilled = now
            if self._credit < 0:
                # In portions of 10 ms at least, so that pacing itself costs little.
                self._sleep(max(0.01, -self._credit / self.RATE))
                self._slice = self._clock()
                return
        if now - self._slice > self.SLICE_S:
            self._sleep(1e-5)
            self._slice = self._clock()
