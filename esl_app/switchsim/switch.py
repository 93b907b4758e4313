"""The stand-in itself: places calls to a controller and keeps what they share."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import gevent
from gevent import Greenlet

from esl_app.switchsim.caller import CallerSide
from esl_app.switchsim.channel import Channel
from esl_app.switchsim.dialplan import (
    FALLBACK,
    OPERATOR,
    Directory,
    Endpoint,
    Extension,
    controlled,
)
from esl_app.switchsim.events import Event
from esl_app.switchsim.faults import Fault
from esl_app.switchsim.listener import Listener
from esl_app.switchsim.result import CallResult
from esl_app.switchsim.session import Observer, Session
from esl_app.switchsim.waiting import RealTime, Time

_DEFAULT_PORT = 8084
# TCP's own patience is minutes (transcript j10); tests want an answer sooner.
_CONNECT_S = 10.0
_MAX_HOSTS = 50
# A controller that lingers for ever must not keep the result of a call that is over.
_AFTER_CALL_S = 60.0


class PlacedCall:
    """A call on its way."""

    def __init__(self, session: Session, greenlet: Greenlet[..., CallResult]) -> None:
        self._session = session
        self._greenlet = greenlet

    @property
    def uuid(self) -> str:
        return self._session.channel.uuid

    @property
    def over(self) -> bool:
        return bool(self._greenlet.dead)

    def hang_up(self) -> None:
        """Take the phone out of the caller's hand."""
        self._session.hang_up("NORMAL_CLEARING", by="caller")

    def result(self, timeout_s: float | None = None) -> CallResult:
        """Wait for the end.

        Raises:
            TimeoutError: the call is still going on.
        """
        self._greenlet.join(timeout_s)
        if not self.over:
            raise TimeoutError(f"the call is still going on after {timeout_s} s")
        result: CallResult = self._greenlet.get()
        return result


class Switch:
    """A FreeSWITCH stand-in that speaks the outbound event socket.

    Args:
        speed: how much faster than life audio passes while an application that takes time runs.
        sounds_root: where relative sound paths are looked up (FreeSWITCH's sound_prefix).
        extensions: what a transfer reaches; `default_extension` takes every other number, None
            refuses it.
        endpoints: whom a bridge reaches, by dial string without options.
        tick_latency: let commands wait for the next 20 ms frame, as FreeSWITCH does.
        patience: factor on the switch's own waits (25 s for the first command, linger).
        time: the time line; real by default.
        unicast_fails: open no audio for `unicast` and say nothing of it, as FreeSWITCH when it
            cannot bind.
        recognises: what the `test` engine makes of each call's utterances, in turn; a text, or a
            whole result that begins with a brace or an angle bracket. Then it says "agent".
    """

    def __init__(
        self,
        *,
        speed: float = 1.0,
        sounds_root: Path | None = None,
        extensions: Mapping[str, Extension] | None = None,
        default_extension: Extension | None = OPERATOR,
        endpoints: Mapping[str, Endpoint] | None = None,
        tick_latency: bool = False,
        patience: float = 1.0,
        time: Time | None = None,
        unicast_fails: bool = False,
        recognises: Sequence[str] = (),
    ) -> None:
        self.speed = speed
        self.sounds_root = sounds_root
        self.time: Time = time or RealTime()
        self.directory = Directory(
            extensions=extensions or {},
            endpoints=endpoints or {},
            default_extension=default_extension,
        )
        self._tick_latency = tick_latency
        self._patience = patience
        self._unicast_fails = unicast_fails
        self._recognises = tuple(recognises)
        self._sessions: dict[str, Session] = {}
        self._listeners: list[Listener] = []

    # -- calls --------------------------------------------------------------------------------

    def call(
        self,
        caller: CallerSide,
        *,
        host: str = "127.0.0.1",
        port: int = _DEFAULT_PORT,
        destination_number: str = "5551234567",
        variables: Mapping[str, str] | None = None,
        standby: str = "",
        full: bool = False,
        resume: bool = True,
        dialplan: Extension | None = None,
        faults: Sequence[Fault] = (),
        observer: Observer | None = None,
        timeout_s: float | None = None,
    ) -> CallResult:
        """Place one call and wait for its end.

        Args:
            caller: who is on the phone.
            host: where the controller listens.
            port: its port.
            destination_number: what the caller dialled.
            variables: channel variables set from the start (`domain_uuid`, ...).
            standby: `host:port` of a second controller, tried when the first one vanished.
            full: `async full` instead of `async`.
            resume: whether the dialplan sets `socket_resume`.
            dialplan: another entry extension; host, port, standby, full and resume are ignored.
            faults: what goes wrong on the wire, on each connection anew.
            observer: called with each moment as it happens.
            timeout_s: real seconds to wait for the end.

        Raises:
            TimeoutError: the call was not over in time; it goes on.
        """
        placed = self.place(
            caller,
            host=host,
            port=port,
            destination_number=destination_number,
            variables=variables,
            standby=standby,
            full=full,
            resume=resume,
            dialplan=dialplan,
            faults=faults,
            observer=observer,
        )
        return placed.result(timeout_s)

    def place(
        self,
        caller: CallerSide,
        *,
        host: str = "127.0.0.1",
        port: int = _DEFAULT_PORT,
        destination_number: str = "5551234567",
        variables: Mapping[str, str] | None = None,
        standby: str = "",
        full: bool = False,
        resume: bool = True,
        dialplan: Extension | None = None,
        faults: Sequence[Fault] = (),
        observer: Observer | None = None,
    ) -> PlacedCall:
        """Place one call in a greenlet of its own; arguments as of `call`."""
        entry = dialplan or controlled(
            hosts=f"{host}:{port}", standby=standby, full=full, resume=resume, fallback=FALLBACK
        )
        session = Session(
            channel=Channel(
                caller_number=caller.number,
                destination_number=destination_number,
                variables=variables or {},
            ),
            caller=caller,
            entry=entry,
            directory=self.directory,
            time=self.time,
            speed=self.speed,
            sounds_root=self.sounds_root,
            tick_latency=self._tick_latency,
            patience=self._patience,
            observer=observer,
            broadcast=self.broadcast,
            wanted=self._wanted,
            open_listener=lambda session, argument: self._connect(session, argument, faults),
            unicast_fails=self._unicast_fails,
            recognises=self._recognises,
        )
        self._sessions[session.channel.uuid] = session
        return PlacedCall(session, gevent.spawn(self._run, session))

    def _run(self, session: Session) -> CallResult:
        began = self.time.now()
        try:
            session.run()
        finally:
            del self._sessions[session.channel.uuid]
            if session.channel.up:  # a fault of the stand-in itself
                for listener in session.listeners:
                    listener.say_goodbye()
        for listener in session.listeners:
            listener.finished.wait(_AFTER_CALL_S)
        return session.result(real_s=self.time.now() - began)

    def sessions(self) -> list[Session]:
        return list(self._sessions.values())

    def session(self, uuid: str) -> Session | None:
        return self._sessions.get(uuid)

    def close(self) -> None:
        """Hang every call up and close every socket."""
        for session in self.sessions():
            session.hang_up("MANAGER_REQUEST", by="switch")
        for listener in list(self._listeners):
            listener.say_goodbye()

    # -- events -------------------------------------------------------------------------------

    def broadcast(self, event: Event) -> None:
        """Offer an event to every listener; each takes what it subscribed to."""
        for listener in list(self._listeners):
            listener.offer(event)

    def _wanted(self, name: str) -> bool:
        return any(listener.wants(name) for listener in self._listeners)

    def forget(self, listener: Listener) -> None:
        if listener in self._listeners:
            self._listeners.remove(listener)

    # -- the socket application ---------------------------------------------------------------

    def _connect(self, session: Session, argument: str, faults: Sequence[Fault]) -> Listener | None:
        """The first of `a|b` that accepts."""
        hosts, *flags = argument.split()
        port = _DEFAULT_PORT
        for where in hosts.split("|")[:_MAX_HOSTS]:
            address, _, path = where.partition("/")
            host, _, digits = address.partition(":")
            port = int(digits) if digits else port  # a missing port is the former host's
            session.note("attempt", f"{host}:{port}")
            session.channel.set("socket_host", host)
            session.channel.set("socket_path", path)
            try:
                sock = socket.create_connection((host, port), timeout=_CONNECT_S)
            except OSError as error:
                session.note("refused", f"{host}:{port}", type(error).__name__)
                continue
            sock.settimeout(None)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session.attempts += 1
            session.note("connected", f"{host}:{port}")
            listener = Listener(
                switch=self,
                session=session,
                sock=sock,
                full="full" in flags,
                async_="async" in flags,
                faults=faults,
            )
            self._listeners.append(listener)
            return listener
        return None
