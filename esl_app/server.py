"""Accepts FreeSWITCH's calls: admission, the `connect` deadline, the handler's edge, the drain.

Theory of operation. One greenlet accepts. At accept, before anything can wait, the peer is checked
and counted. Each admitted connection gets a greenlet that connects the leg, checks the token, runs
the handler, ends the call if the handler left it up, and gives the seat back. FreeSWITCH says
nothing until we say `connect`, and whoever reaches the port *is* FreeSWITCH: hence the list of
peers.
"""

from __future__ import annotations

import contextlib
import errno
import hmac
import ipaddress
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import gevent
import structlog

from esl_app._admission import Admission, Seat, networks
from esl_app._greenswitch import OutboundESLServer
from esl_app.errors import (
    ConfigError,
    EslError,
    Hangup,
    LegLost,
    LegTimeout,
    UntrustedChannel,
    trace_of,
)
from esl_app.greenlets import spawn
from esl_app.leg import Leg
from esl_app.protocol import Limits, commands
from esl_app.transport import PROTOCOL_ERROR
from providers.deadline import Deadline

log = structlog.get_logger()

Handler = Callable[[Leg], object]

# Out of descriptors or memory: the calls stay in the backlog until some are free again.
_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_RETRY_S: Final = 0.05
_REFUSALS: Final = 64
_REFUSE_S: Final = 2.0
_RELEASE_S: Final = 3.0
_SETTLE_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenSettings:
    """Where to listen, and who may come. `allow` empty means loopback only."""

    host: str = "127.0.0.1"
    port: int = 8084
    allow: tuple[object, ...] = ()
    """Networks (CIDR) peers must be in; if given, it is the whole list."""
    max_legs: int = 200
    max_legs_per_peer: int = 200
    connect_s: float = 5.0
    token: str | None = field(default=None, repr=False)
    """If set, the channel variable `voice_ai_token` must equal it."""
    backlog: int = 511


class Server(OutboundESLServer):  # type: ignore[misc]  # greenswitch has no types
    """An outbound event-socket server.

    Args:
        settings: where to listen, and who may come.
        handler: runs one call in its own greenlet. When it returns with the call up, the call is
            hung up; when it raises, it is hung up with NORMAL_TEMPORARY_FAILURE.
        listener: a listening socket to use instead of opening one (prefork, socket activation).
        limits: what a peer may make us hold.

    Raises:
        ConfigError: the settings would let strangers in, or make no sense.
    """

    def __init__(
        self,
        settings: ListenSettings,
        handler: Handler,
        *,
        listener: socket.socket | None = None,
        limits: Limits | None = None,
    ) -> None:
        # Not OutboundESLServer.__init__: it logs through the root logger, which configures it.
        self.settings = settings
        self.application = handler
        self.bind_address, self.bind_port = settings.host, [settings.port]
        self.bound_port: int | None = None
        self.max_connections = settings.max_legs
        self.server = listener
        self.counters: Counter[str] = Counter()
        """What has happened, by name: accepted, refused_peer, overloaded, connect_timeout, ..."""
        self._running = False
        self._limits = limits
        self._greenlets: set[gevent.Greenlet[..., None]] = set()
        self._legs: dict[Leg, Seat] = {}
        self._acceptor: gevent.Greenlet[[], None] | None = None
        self._refusals = 0
        self._refusal_logged = 0.0
        self._admission = Admission(
            settings.allow,
            max_legs=settings.max_legs,
            max_legs_per_peer=settings.max_legs_per_peer,
        )
        if settings.token is not None and not settings.token:
            raise ConfigError("listen.token: empty; leave it out to ask for none")
        _check_exposure(settings)

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self.bound_port is None:
            raise RuntimeError("start() comes first")
        return self.bound_port

    @property
    def legs(self) -> tuple[Leg, ...]:
        """The legs that are here now, connected or about to be."""
        return tuple(self._legs)

    @property
    def connection_count(self) -> int:
        return len(self._legs)

    def start(self) -> None:
        """Listen and accept.

        Raises:
            ConfigError: the address cannot be listened on; the message names the key.
        """
        if self.server is None:
            self.server = open_listener(self.settings)
        self.bound_port = self.server.getsockname()[1]
        self._running = True
        self._acceptor = gevent.spawn(self._accept)
        log.info("listening", host=self.settings.host, port=self.bound_port)

    def listen(self) -> None:
        """Greenswitch's way: start, and return when stopped."""
        self.start()
        assert self._acceptor is not None
        self._acceptor.join()

    def stop(self, drain_s: float = 0.0) -> None:
        """Stop accepting, let calls go on for `drain_s`, then hand them back to the dialplan.

        May be called again, from another greenlet, with a shorter time: the shorter one counts.
        """
        deadline = Deadline.after(drain_s)
        self._close_listener()
        gevent.joinall(self._others(), timeout=deadline.remaining_s)
        if left := self._others():
            log.warning("drain_expired", legs=len(left))
            gevent.killall(left, block=False)
            gevent.joinall(left, timeout=_RELEASE_S)
            for leg in self.legs:  # a handler that does not let itself be ended
                leg.close()
        log.info("stopped", **{name: self.counters[name] for name in ("accepted", "leg_failed")})

    def _others(self) -> list[gevent.Greenlet[..., None]]:
        current = gevent.getcurrent()  # a handler may stop the server it runs in
        return [greenlet for greenlet in self._greenlets if greenlet is not current]

    # Accepting.

    def _accept(self) -> None:
        burst = 0
        listener = self.server
        assert listener is not None
        while True:
            try:
                sock, address = listener.accept()
            except OSError as error:
                if not self._running:
                    return
                if error.errno in _EXHAUSTED:
                    self.counters["accept_exhausted"] += 1
                    log.error("accept_exhausted", error=error.strerror)  # noqa: TRY400
                    gevent.sleep(_RETRY_S)
                else:  # the peer was gone before we looked (ECONNABORTED and the like, accept(2))
                    self.counters["accept_failed"] += 1
                    gevent.sleep(0.001)
                continue
            self._admit(sock, address[0])
            burst += 1
            if burst % 16 == 0:  # let those already here say `connect`
                gevent.sleep(1e-5)

    def _admit(self, sock: socket.socket, host: str) -> None:
        seat = self._admission.admit(host)
        if seat == "overloaded" and (silent := self._admission.silent(host)) is not None:
            self.counters["evicted_silent"] += 1
            self._evict(silent)
            seat = self._admission.admit(host)
        if isinstance(seat, Seat):
            self.counters["accepted"] += 1
            leg = Leg(sock, peer=seat.peer, limits=self._limits)
            self._legs[leg] = seat
            self._spawn(self._serve, leg, seat)
            return
        self.counters[seat] += 1
        if time.monotonic() - self._refusal_logged > 1.0:  # a flood must not fill the disk
            self._refusal_logged = time.monotonic()
            log.warning("connection_refused", reason=seat, peer=host, times=self.counters[seat])
        if seat == "overloaded" and self._refusals < _REFUSALS:
            self._spawn(self._refuse, sock)
        else:
            sock.close()

    def _evict(self, seat: Seat) -> None:
        seat.give_back()
        for leg, held in self._legs.items():
            if held is seat:
                leg.close()
                return

    def _refuse(self, sock: socket.socket) -> None:
        """Send a call that has no seat on to the dialplan's next action.

        Closing without `connect` would park the caller for ever unless `socket_resume` is set; and
        closing with bytes unread would throw our own away (RST). So: both commands, then read until
        FreeSWITCH closes.
        """
        self._refusals += 1
        try:
            with contextlib.suppress(OSError, gevent.Timeout), gevent.Timeout(_REFUSE_S):
                sock.sendall(commands.connect() + commands.exit_())
                while sock.recv(65536):
                    pass
        finally:
            self._refusals -= 1
            sock.close()

    def _spawn(self, function: Callable[..., None], *args: object) -> None:
        greenlet = spawn(function, *args)
        self._greenlets.add(greenlet)
        greenlet.rawlink(self._greenlets.discard)

    def _close_listener(self) -> None:
        if self.server is None or not self._running:
            return
        self._running = False
        if self._acceptor is not None:
            self._acceptor.kill()
        # Closing resets what is still in the queue; FreeSWITCH believes those calls connected.
        self.server.settimeout(0)
        with contextlib.suppress(OSError):
            while True:
                sock, address = self.server.accept()
                self._admit(sock, address[0])
        self.server.close()

    # One call.

    def _serve(self, leg: Leg, seat: Seat) -> None:
        began = time.monotonic()
        try:
            if self._connect(leg):
                seat.silent = False
                with structlog.contextvars.bound_contextvars(leg=leg.uuid):
                    self._handle(leg, began)
        finally:
            leg.close()
            self._legs.pop(leg, None)
            seat.give_back()
            if leg.end_reason == PROTOCOL_ERROR:
                self.counters["protocol_error"] += 1
            leg.settle(Deadline.after(_SETTLE_S))

    def _connect(self, leg: Leg) -> bool:
        try:
            leg.connect(Deadline.after(self.settings.connect_s))
            self._check_token(leg)
        except LegTimeout:
            self.counters["connect_timeout"] += 1
            log.warning("connect_timeout", peer=leg.peer)
        except UntrustedChannel as error:
            self.counters["untrusted_channel"] += 1
            log.warning("untrusted_channel", peer=leg.peer, error=str(error))
            leg.release()
        except EslError as error:  # gone before it began: a port scan, a caller who cancelled
            self.counters["connect_failed"] += 1
            log.info("connect_failed", peer=leg.peer, error=str(error))
        else:
            return True
        return False

    def _check_token(self, leg: Leg) -> None:
        if self.settings.token is None:
            return
        # Absent and doubled are compared as well, so that all failures take the same time.
        given = leg.channel.variable("voice_ai_token") or ""
        expected = self.settings.token.encode()
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected):
            raise UntrustedChannel("voice_ai_token is missing or wrong")

    def _handle(self, leg: Leg, began: float) -> None:
        """Run the handler; whatever it does, the call ends by a decision, not by a lost socket."""
        disposition = "failed"
        try:
            self.application(leg)
            disposition = "completed"
        except Hangup:
            disposition = "completed"
        except LegLost:
            disposition = "lost"
        except gevent.GreenletExit:
            disposition = "released"
        except (Exception, SystemExit, gevent.Timeout) as error:  # noqa: BLE001 - the edge of a call
            log.error("leg_failed", **trace_of(error))  # noqa: TRY400 - a message may hold speech
        self.counters[f"leg_{disposition}"] += 1
        self._end(leg, disposition)
        log.info(
            "leg_closed",
            disposition=disposition,
            cause=leg.hangup_cause,
            transferred=leg.transferred,
            duration_s=round(time.monotonic() - began, 3),
            dropped=leg.dropped,
        )

    def _end(self, leg: Leg, disposition: str) -> None:
        cause = "NORMAL_TEMPORARY_FAILURE" if disposition == "failed" else "NORMAL_CLEARING"
        try:
            if disposition == "released":
                leg.release(Deadline.after(_RELEASE_S))
            else:
                leg.hangup(cause)
        except EslError as error:
            self.counters["end_unconfirmed"] += 1
            log.warning("end_unconfirmed", error=str(error))


def _check_exposure(settings: ListenSettings) -> None:
    """Refuse to stand open to a network that nobody has named.

    Raises:
        ConfigError: not on loopback, and no list of peers.
    """
    if networks(settings.allow):
        return
    try:
        loopback = ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        loopback = settings.host == "localhost"
    if not loopback:
        raise ConfigError(
            f"listen.allow: name the networks FreeSWITCH connects from when listen.host is "
            f"{settings.host!r}: the event socket has no password, so whoever connects is obeyed"
        )


def open_listener(settings: ListenSettings) -> socket.socket:
    """The listening socket, for a server here or in worker processes.

    Raises:
        ConfigError: it would let strangers in, or the address cannot be listened on.
    """
    _check_exposure(settings)
    where = f"{settings.host}:{settings.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(settings.backlog)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        raise ConfigError(f"listen.port: cannot listen on {where}: {error.strerror}") from error
    return listener
