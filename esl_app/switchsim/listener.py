"""One connection to the controller: commands in, replies and subscribed events out.

Two greenlets: one reads and obeys, one writes, so that a controller that stops reading never stops
the channel. Replies and events leave in the order in which they came about.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import gevent
from gevent.event import Event as Flag
from gevent.queue import Queue

from esl_app.switchsim import packets
from esl_app.switchsim.commands import obey
from esl_app.switchsim.events import MY_EVENTS, Event
from esl_app.switchsim.faults import Fault, FaultPlan, Send
from esl_app.switchsim.packets import Format, Packet
from esl_app.switchsim.wire import Command, CommandParser, OversizeError

if TYPE_CHECKING:
    from esl_app.switchsim.messages import Message
    from esl_app.switchsim.session import Session
    from esl_app.switchsim.switch import Switch

# How long FreeSWITCH waits for a first command (mod_event_socket.c, line 2712).
FIRST_COMMAND_S = 25.0
# `linger N` was seen to last from N to N+1 s.
_LINGER_SLACK_S = 0.4
_RECEIVE_BYTES = 65536


class Listener:
    """FreeSWITCH's end of an outbound socket."""

    def __init__(
        self,
        *,
        switch: Switch,
        session: Session,
        sock: socket.socket,
        full: bool,
        async_: bool,
        faults: Sequence[Fault] = (),
    ) -> None:
        self.switch = switch
        self.session = session
        self.full = full
        self.async_ = async_
        self.connected = False  # a first command has come
        self.alive = True
        self.subscribed: set[str] = set()
        self.my_events = False
        self.format: Format = "plain"
        self.filters: list[tuple[str, str]] = []
        self.linger_s: int | None = None
        self.exiting = False
        self.after_reply: tuple[Session, Message] | None = None
        self._sock = sock
        self._faults = FaultPlan(faults)
        self._out: Queue[Packet | None] = Queue()
        self._held: list[Packet] | None = None
        self._first = Flag()
        self._closing = Flag()
        self.finished = Flag()
        for work in (self._read, self._write, self._watch_first):
            gevent.spawn(work)

    # -- outgoing -----------------------------------------------------------------------------

    def wants(self, name: str) -> bool:
        return self.alive and ("ALL" in self.subscribed or name in self.subscribed)

    def offer(self, event: Event) -> None:
        """Send an event if it is subscribed to and passes the filters."""
        if not self.wants(event.name) or (
            self.my_events and event.uuid != self.session.channel.uuid
        ):
            return
        if self.filters and not any(event.get(name) == value for name, value in self.filters):
            return
        packet = packets.event(event.headers, format_=self.format, body=event.body)
        if self._held is not None:
            self._held.append(packet)
        else:
            self._out.put(packet)

    def divert(self, event: Event) -> None:
        """Send an event that was the session's own, whatever is subscribed to."""
        self.send(packets.event(event.headers, format_=self.format, body=event.body))

    def send(self, packet: Packet) -> None:
        """Send a reply, a notice or a diverted event."""
        self._out.put(packet)

    def hold(self) -> None:
        """Keep events back while a command keeps the listener busy."""
        self._held = []

    def release(self) -> None:
        held, self._held = self._held or [], None
        for packet in held:
            self._out.put(packet)

    def _write(self) -> None:
        try:
            while (packet := self._out.get()) is not None:
                for step in self._faults.apply(packet):
                    if not isinstance(step, Send):
                        self.session.note("fault", "closed")
                        return
                    if step.after_s:
                        gevent.sleep(step.after_s)
                    self._sock.sendall(step.data)
        except OSError:
            pass  # the controller is gone: the reader sees it, too
        finally:
            self._shut()

    def _shut(self) -> None:
        """Close, letting what was written arrive."""
        with suppress(OSError):  # not connected any more
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        self._ended()
        self.finished.set()

    # -- incoming -----------------------------------------------------------------------------

    def _read(self) -> None:
        parser = CommandParser()
        try:
            while not self._closing.is_set() and (data := self._sock.recv(_RECEIVE_BYTES)):
                parser.receive_data(data)
                for command in parser.commands():
                    if self._closing.is_set():
                        return
                    self._obey(command)
        except (OSError, OversizeError):
            pass  # as if the controller had closed
        finally:
            self.say_goodbye()

    def _obey(self, command: Command) -> None:
        first, self.connected = not self.connected, True
        self._first.set()
        self.session.note("command", command.line, command.get("execute-app-name"))
        answer = obey(self, command)
        # The reply to a first command is sent only if it is `connect` or `api` (transcript i3).
        if answer is not None and not (first and command.name not in {"connect", "api"}):
            self.send(answer)
        posting, self.after_reply = self.after_reply, None
        if posting is not None:
            session, message = posting
            session.post(message)
        if self.exiting:
            self.say_goodbye()

    def _watch_first(self) -> None:
        time, patience = self.switch.time, self.session.patience
        if not time.wait(FIRST_COMMAND_S * patience, self._first) and not self._closing.is_set():
            self.say_goodbye()

    # -- the end ------------------------------------------------------------------------------

    def say_goodbye(self) -> None:
        """The final notice, then EOF."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._first.set()
        self.release()
        self.send(packets.disconnect_notice(uuid=self.session.channel.uuid))
        self._out.put(None)
        self._ended()

    def _ended(self) -> None:
        if not self.alive:
            return
        self.alive = False
        self._closing.set()
        self._first.set()
        self._out.put(None)
        self.switch.forget(self)
        if self.session.channel.up:
            self.session.controller_gone(self)

    def channel_down(self) -> None:
        """The call is over: linger if asked to, then say goodbye."""
        if not self.alive:
            return
        if self.linger_s is None:
            self.say_goodbye()
            return
        channel = self.session.channel
        self.send(
            packets.linger_notice(
                uuid=channel.uuid, channel_name=channel.name, seconds=self.linger_s
            )
        )
        if self.linger_s >= 0:
            gevent.spawn(self._linger, self.linger_s)

    def _linger(self, seconds: int) -> None:
        wait_s = (seconds + _LINGER_SLACK_S) * self.session.patience
        if not self.switch.time.wait(wait_s, self._closing):
            self.say_goodbye()

    def subscribe_own(self) -> None:
        self.my_events = True
        self.subscribed |= MY_EVENTS
