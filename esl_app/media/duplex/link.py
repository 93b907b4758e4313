"""Audio both ways between a parked leg and us: FreeSWITCH's `unicast` over UDP.

Theory of operation. `open` binds a UDP socket, has FreeSWITCH send the caller's frames there and
joins the pacer. Nothing tells us which port FreeSWITCH sends from (we let it choose), so the first
datagram from its address that has the size of a packet decides both the source and the rate. The
socket is connected to that address from the beginning and to the source from then on: the kernel
keeps everybody else's datagrams out, however many there are, before they take room in the buffer.

A datagram is what the telephone puts into a packet: 20 ms nearly always, but 10 to 60 were measured
to pass as they are. Sizes alone do not tell (640 bytes are 20 ms at 16 kHz or 40 ms at 8 kHz), so
the length of a packet has to be known: `packet_ms`.

Each beat of the pacer reads what has come (boundedly) and gives 20 ms to send: silence until
`source` is set. A parked leg sends nothing to the caller by itself, so frames have to flow.

Over for good is a link when datagrams stop. FreeSWITCH ends its side at the first application that
plays, records or bridges, and it cannot be armed again in the same park (PROTOCOL, `unicast`).
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from gevent.event import Event as Flag
from gevent.monkey import get_original

from esl_app.errors import EslError
from esl_app.media.duplex.pacer import FRAME_S, Pacer
from esl_app.protocol import CommandReply, Event, commands
from providers.deadline import Deadline

log = structlog.get_logger()

# What telephony codecs have.
RATES: Final = (8000, 16000, 24000, 32000, 48000)
PACKETS_MS: Final = (10, 20, 30, 40, 50, 60)
_USUAL_MS: Final = 20
FIRST_S: Final = 0.5
"""No datagram by then: FreeSWITCH could not bind, and only its log says so."""
_REPLY_S: Final = 5.0
# A datagram longer than the longest packet is cut to one byte more, so that it has a wrong size.
_LONGEST: Final = 2 * max(RATES) * max(PACKETS_MS) // 1000 + 1
# Reads in a beat. A beat normally finds one packet, after a stall of a second 50.
_READS: Final = 64
# Sound handed on: a little more than real time, and a second at once after a stall.
_BURST_S: Final = 1.0
_PER_BEAT: Final = 1.25
_BUFFER_BYTES: Final = 64 * 1024


class NoAudio(EslError):  # noqa: N818 - the field's word
    """FreeSWITCH sends no audio: the leg cannot be had in duplex mode."""


class DuplexLeg(Protocol):
    """What a link needs of a leg; `esl_app.leg.Leg` is one."""

    sock: socket.socket
    ended: Flag

    def send(self, data: bytes, deadline: Deadline | None = None) -> CommandReply: ...

    def over(self) -> EslError: ...


class AskedLeg(Protocol):
    """What `packet_ms` needs of a leg."""

    def getvar(self, name: str, deadline: Deadline | None = None) -> str | None: ...


class ExecutingLeg(Protocol):
    """What `quieten` needs of a leg."""

    def execute(self, execute: commands.Execute, deadline: Deadline | None = None) -> Event: ...


@dataclass(slots=True)
class LinkStatistics:
    """What has passed. Frames out that FreeSWITCH's host refused or had no room for are lost."""

    frames_in: int = 0
    frames_out: int = 0
    foreign: int = 0
    wrong_size: int = 0
    excess: int = 0
    out_lost: int = 0


class UnicastLink:
    """The audio of one leg.

    Args:
        leg: parked, and executing nothing that plays or records while the link is open.
        pacer: what ticks it.
        on_frame: called with each packet of the caller and its instant (`time.monotonic`, spread
            over a late beat's), in the pacer's greenlet: it must not wait or compute much.
        on_lost: called once if the audio ends before the call and without `close`.
        local_ip: our address FreeSWITCH sends to; None: where its event socket reached us.
        switch_ip: its address, which it binds and sends from; None: where that socket came from.
        packet_ms: how much sound a datagram of the leg holds, both ways (`packet_ms`).
        lost_after_s: how long datagrams may stay away; `sleep` and other applications that only
            take time hold them back while they run.

    Raises:
        Hangup, LegLost: the call is over.
        NoAudio: the event socket names no address that `unicast` could use.

    >>> link = UnicastLink(leg, pacer=pacer, on_frame=ears.feed, on_lost=end)   # doctest: +SKIP
    >>> link.open(Deadline.after(5))                                            # doctest: +SKIP
    >>> link.wait_first()                                                       # doctest: +SKIP
    8000
    >>> link.source = Player(link.rate).next_frame                              # doctest: +SKIP
    """

    def __init__(
        self,
        leg: DuplexLeg,
        *,
        pacer: Pacer,
        on_frame: Callable[[bytes, float], object],
        on_lost: Callable[[str], None],
        local_ip: str | None = None,
        switch_ip: str | None = None,
        packet_ms: int = _USUAL_MS,
        lost_after_s: float = 2.0,
    ) -> None:
        if packet_ms not in PACKETS_MS:
            raise NoAudio(f"packets of {packet_ms} ms are none that a telephone sends")
        self.statistics = LinkStatistics()
        self.rate = 0
        """Samples a second both ways; 0 before the first frame."""
        self.frame_bytes = 0
        """Of the 20 ms that `source` gives."""
        self.source: Callable[[], bytes] | None = None
        """Gives the sound to send, once each 20 ms; it must not wait."""
        self.closed = False
        self.lost: str | None = None
        """Why the audio ended, if it did so by itself."""
        self.first_s: float | None = None
        """Seconds from the command to the first frame."""
        self._leg = leg
        self._pacer = pacer
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._local_ip = local_ip or _address(leg, leg.sock.getsockname)
        self._switch_ip = switch_ip or _address(leg, leg.sock.getpeername)
        self._lost_after_s = lost_after_s
        self._sock: Any = None  # the unpatched class: gevent's would wait where we poll
        self._known = False  # the source, that is
        self._settled = Flag()  # the first frame is there, or will never be
        self._silence = b""
        self._packet_s = packet_ms / 1000
        self._packet_bytes = 0
        self._sizes = {2 * rate * packet_ms // 1000: rate for rate in RATES}
        self._credit_s = _BURST_S
        self._opened_at = 0.0
        self._last_in = 0.0
        self._refused = 0
        self._unsent = bytearray()  # less than a packet, where packets are not 20 ms long

    # -- life ---------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """Ours; 0 when there is none."""
        return int(self._sock.getsockname()[1]) if self._sock is not None and not self.closed else 0

    def open(self, deadline: Deadline | None = None) -> None:
        """Bind, have FreeSWITCH send, and begin to tick.

        Raises:
            NoAudio: our address cannot be bound.
            Hangup, LegLost, LegTimeout, CommandFailed: of the command.
        """
        if self._sock is not None or self.closed:
            raise RuntimeError("a link is opened once")
        sock = get_original("socket", "socket")(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            sock.bind((self._local_ip, 0))
            # Port 0: Linux then passes on what comes from that address, from whichever port.
            sock.connect((self._switch_ip, 0))
        except OSError as error:
            sock.close()
            raise NoAudio(
                f"cannot receive on {self._local_ip} from {self._switch_ip}: {error.strerror}"
            ) from error
        self._sock = sock
        self._opened_at = time.monotonic()
        self._leg.ended.rawlink(self._leg_ended)
        # First: frames may come before the reply has been read.
        self._pacer.add(self)
        try:
            self._leg.send(
                commands.unicast(
                    local_ip=self._switch_ip, remote_ip=self._local_ip, remote_port=self.port
                ),
                deadline or Deadline.after(_REPLY_S),
            )
        except BaseException:
            self.close()
            raise

    def wait_first(self, deadline: Deadline | None = None) -> int:
        """Wait for the first frame; the rate.

        Raises:
            NoAudio: none came by the deadline (half a second from now); the link is closed.
            Hangup, LegLost: the call ended first.
        """
        deadline = deadline or Deadline.after(FIRST_S)
        self._settled.wait(deadline.remaining_s)
        if self._leg.ended.is_set():
            raise self._leg.over()
        if not self.rate:
            self.close()
            raise NoAudio("FreeSWITCH sent no frame of the caller's audio in time")
        return self.rate

    def close(self) -> None:
        """End it; harmless when it has ended. FreeSWITCH goes on sending until the park ends."""
        if self.closed:
            return
        self.closed = True
        self._pacer.remove(self)
        self._leg.ended.unlink(self._leg_ended)
        if self._sock is not None:
            self._sock.close()
        self._settled.set()

    def _leg_ended(self, _: object) -> None:
        self.close()

    def _lose(self, reason: str) -> None:
        if self.closed:
            return
        self.close()
        self.lost = reason
        log.info("duplex_lost", reason=reason, frames_in=self.statistics.frames_in)
        self._on_lost(reason)

    def failed(self, error: Exception) -> None:
        """The pacer's word that a tick raised."""
        self._lose(f"failed: {type(error).__name__}")

    # -- one beat -----------------------------------------------------------------------------

    def hear(self, now: float) -> None:
        """Read what has come."""
        self._receive(now)
        if self.rate and not self.closed and now - self._last_in > self._lost_after_s:
            self._lose("silent")

    def tick(self, now: float) -> None:  # noqa: ARG002 - of a stream
        """Send 20 ms."""
        if self._known and not self.closed:
            self._send()

    def _receive(self, now: float) -> None:
        frames = self._read()
        self._credit_s = min(_BURST_S, self._credit_s + _PER_BEAT * FRAME_S)
        allowed = int(self._credit_s / self._packet_s + 1e-6)
        if len(frames) > allowed:
            self.statistics.excess += len(frames) - allowed
            del frames[: len(frames) - allowed]  # the oldest
        if not frames:
            return
        self._credit_s -= len(frames) * self._packet_s
        self._refused = 0
        self.statistics.frames_in += len(frames)
        since = self._last_in
        self._last_in = now
        if not self._settled.is_set():
            self.first_s = now - self._opened_at
            self._settled.set()
        for ago, frame in zip(range(len(frames) - 1, -1, -1), frames, strict=True):
            if self.closed:
                return
            self._on_frame(frame, max(since, now - ago * self._packet_s))

    def _read(self) -> list[bytes]:
        """Frames of the caller that have come; everything else is counted and forgotten."""
        frames: list[bytes] = []
        receive = self._sock.recvfrom
        for _ in range(_READS):
            try:
                data, source = receive(_LONGEST)
            except BlockingIOError:
                break
            except ConnectionRefusedError:
                self._was_refused()  # what became of a frame we sent
                if self.closed:
                    break
                continue
            if self._is_frame(data, source):
                frames.append(data)
        return frames

    def _is_frame(self, data: bytes, source: tuple[str, int]) -> bool:
        statistics = self.statistics
        if source[0] != self._switch_ip or (self._known and source != self._source):
            # Once the source is known these were queued before; later ones the kernel refuses.
            statistics.foreign += 1
            return False
        right = len(data) == self._packet_bytes if self._known else len(data) in self._sizes
        if not right:
            statistics.wrong_size += 1
            return False
        if not self._known and not self._know(source, len(data)):
            statistics.foreign += 1
            return False
        return True

    def _know(self, source: tuple[str, int], size: int) -> bool:
        try:
            self._sock.connect(source)
        except OSError:
            return False  # no address one can answer: nobody's real one
        self._source = source
        self._known = True
        self._packet_bytes, self.rate = size, self._sizes[size]
        self.frame_bytes = round(2 * self.rate * FRAME_S)
        self._silence = bytes(self.frame_bytes)
        return True

    def _send(self) -> None:
        frame = self._silence if self.source is None else self.source()
        # FreeSWITCH converts nothing, and an empty datagram ends its receiving thread
        # (switch_ivr.c:347).
        if len(frame) != self.frame_bytes:
            raise ValueError(f"{len(frame)} bytes are no frame of {self.frame_bytes}")
        if self._packet_bytes == self.frame_bytes:  # nearly always
            self._transmit(frame)
            return
        self._unsent += frame
        while len(self._unsent) >= self._packet_bytes and not self.closed:
            self._transmit(bytes(self._unsent[: self._packet_bytes]))
            del self._unsent[: self._packet_bytes]

    def _transmit(self, packet: bytes) -> None:
        try:
            self._sock.send(packet)
            self.statistics.frames_out += 1
        except ConnectionRefusedError:
            self._was_refused()
        except OSError:
            self.statistics.out_lost += 1  # no room, no route: the next one may pass

    def _was_refused(self) -> None:
        """FreeSWITCH has closed its port: several in a row, since a stray ICMP proves nothing."""
        self.statistics.out_lost += 1
        self._refused += 1
        if self._refused >= 5:
            self._lose("refused")


def packet_ms(leg: AskedLeg, deadline: Deadline) -> int:
    """How much sound a packet of an answered leg holds, as it was negotiated.

    FreeSWITCH writes the variable itself, a number. Legs that are not SIP have none and use 20 ms.
    """
    text = leg.getvar("rtp_use_codec_ptime", deadline) or ""
    return int(text) if text.isascii() and text.isdecimal() and text != "0" else _USUAL_MS


def quieten(leg: ExecutingLeg, deadline: Deadline) -> None:
    """Before the answer, in duplex mode: have the parked leg send nothing of its own.

    With `send_silence_when_idle` the park loop writes noise at every frame, beside ours
    (switch_ivr.c:1066). Measured: in a third of the calls the caller hears the noise instead of us,
    from some moment on. The loop looks at the variable once, when the media comes up (:1009), so
    for a leg that comes back answered it is too late here: the dialplan must not set it again.
    """
    leg.execute(commands.set_variable("send_silence_when_idle", "0"), deadline)


def _address(leg: DuplexLeg, name: Callable[[], Any]) -> str:
    """Our or FreeSWITCH's address, of the event socket; the call may have ended just before."""
    try:
        return _ipv4(str(name()[0]))
    except OSError as error:
        if leg.ended.is_set():
            raise leg.over() from None
        raise NoAudio(f"the event socket is gone: {error.strerror}") from error


def _ipv4(text: str) -> str:
    """An address of the event socket as IPv4: `unicast` knows no other (switch_ivr.c:481)."""
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(text)
        if isinstance(address, ipaddress.IPv4Address):
            return text
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
    raise NoAudio("the event socket is not on IPv4: name the addresses for the audio")
