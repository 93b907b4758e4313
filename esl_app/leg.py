"""Our end of one channel: commands out, replies and events in, and the end of the call everywhere.

Theory of operation. The transport's reader calls `_packet` for each packet and never waits. A reply
goes to the oldest unanswered command, a completion to the execution whose Event-UUID it carries, a
key to `digits`, every event to the handlers registered for it (each in its own greenlet). A leg is
over exactly once, by the first of: hung up, transferred away, released to the dialplan, or the
socket lost. From then on `_over()` returns the exception that every wait of the leg, present and
future, ends with, and nothing more is sent.

The leg runs on FreeSWITCH's `async` mode without `full`: `connect` has to come first (the reply to
any other first command is never sent, mod_event_socket.c:2721), then `myevents`.
"""

from __future__ import annotations

import contextlib
import socket
import uuid as uuids
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

import structlog
from gevent.event import Event as Flag

from esl_app._digits import Digits
from esl_app._executions import Execution, Executions
from esl_app._greenswitch import ESLProtocol, OutboundSession
from esl_app._handlers import Callback, Handlers
from esl_app._replies import Answer, Replies, Slot
from esl_app.errors import CommandFailed, EslError, Hangup, LegLost, LegTimeout, UntrustedChannel
from esl_app.protocol import (
    ApiResponse,
    ChannelData,
    CommandReply,
    DisconnectNotice,
    Event,
    Limits,
    commands,
    safe,
)
from esl_app.transport import Packet, Transport
from providers.deadline import Deadline

__all__ = ["RELEASED", "Execution", "Leg"]

log = structlog.get_logger()

# What decides whose call this is. FreeSWITCH writes each once; a second one was made by the caller
# (a SIP header with an encoded line feed), so which of them is true cannot be known.
TRUSTED: Final = (
    "Unique-ID",
    "Channel-Call-UUID",
    "Caller-Destination-Number",
    "Caller-Unique-ID",
    "variable_uuid",
    "variable_domain_uuid",
    "variable_domain_name",
    "variable_voice_ai_token",
    "variable_voice_ai_attempt",
)

REPLY_S: Final = 5.0
HANGUP_S: Final = 10.0
APPLICATION_S: Final = 30.0

# Causes of our own making, next to FreeSWITCH's.
TRANSFERRED: Final = "BLIND_TRANSFER"
RELEASED: Final = "RELEASED"
UNSPECIFIED: Final = "UNSPECIFIED"

# CHANNEL_HANGUP can be lost (1 of 60 calls without linger); these say so too.
_MAY_SHOW_HANGUP: Final = frozenset(
    {"CHANNEL_EXECUTE_COMPLETE", "CHANNEL_UNPARK", "CHANNEL_STATE", "CHANNEL_DESTROY"}
)


class Leg(OutboundSession):  # type: ignore[misc]  # greenswitch has no types
    """One channel that FreeSWITCH has handed to us.

    From greenswitch: the session's shape, its method names, `while_connected`. Its methods that
    paste text into commands are closed: `send` takes only what `esl_app.protocol.commands` makes.

    >>> leg.connect(Deadline.after(5))                                   # doctest: +SKIP
    >>> leg.answer(Deadline.after(5))                                    # doctest: +SKIP
    >>> leg.execute(commands.playback(path), Deadline.after(30))         # doctest: +SKIP
    >>> leg.hangup()                                                     # doctest: +SKIP
    """

    def __init__(
        self, sock: socket.socket, *, peer: str = "", limits: Limits | None = None
    ) -> None:
        # Not OutboundSession.__init__: it starts the reader and the queue that are replaced here.
        ESLProtocol.__init__(self)
        self.sock = sock
        self.peer = peer
        self.connected = True
        self._outbound_connected = False  # what greenswitch's while_connected looks at
        self.hung_up = False
        self.hangup_cause: str | None = None
        self.transferred = False
        self.ended = Flag()
        """Set when the call is over for this leg, whatever ended it."""
        self.closed = Flag()
        """Set when the socket is gone."""
        self.digits = Digits(self._over)
        self.foreign_events = 0
        """Events of other channels: dropped."""
        self._releasing = False
        self._leaving = False
        self._before_leaving: list[commands.Execute] = []
        self._end: Callable[[], EslError] | None = None
        self._channel: ChannelData | None = None
        self._executions = Executions()
        self._slots: dict[str, Slot] = {}
        self._replies = Replies()
        self._handlers = Handlers()
        self._transport = Transport(
            sock, on_packet=self._packet, on_end=self._socket_ended, limits=limits
        )

    # Who is calling.

    @property
    def channel(self) -> ChannelData:
        """The channel as it was when we got it, with all its variables."""
        if self._channel is None:
            raise RuntimeError("connect() comes first")
        return self._channel

    @property
    def uuid(self) -> str:
        """The channel's uuid; empty before `connect`."""
        return "" if self._channel is None else self._channel.uuid

    @property
    def call_uuid(self) -> str:
        return "" if self._channel is None else self._channel.get("Channel-Call-UUID") or ""

    @property
    def caller_id_number(self) -> str | None:
        return None if self._channel is None else self._channel.get("Caller-Caller-ID-Number")

    @property
    def session_data(self) -> dict[str, str]:
        """Greenswitch's view of the channel; `channel` costs a hundredth of it."""
        return {} if self._channel is None else self._channel.headers()

    @property
    def end_reason(self) -> str | None:
        """Why the socket ended (`esl_app.transport`); None while it is open."""
        return self._transport.end_reason

    @property
    def dropped(self) -> int:
        """Keys and events that found their buffer full, or were none of ours."""
        return self.digits.dropped + self._handlers.dropped + self.foreign_events

    # Life cycle.

    def connect(self, deadline: Deadline | None = None) -> ChannelData:
        """Take the channel over and subscribe to its events.

        Raises:
            UntrustedChannel: a trusted header is doubled or malformed; the call was given back.
            CommandFailed: that is no FreeSWITCH.
            LegTimeout: no answer by the deadline.
        """
        if self._channel is not None:
            return self._channel
        deadline = deadline or Deadline.after(REPLY_S)
        self._transport.start()
        answer = self._ask(commands.connect(), deadline)
        if not isinstance(answer, ChannelData):
            raise CommandFailed(_text(answer))
        try:
            _check_trusted(answer)
        except UntrustedChannel:
            self.release(deadline)
            raise
        self._channel = answer
        self._outbound_connected = self._end is None
        self.myevents(deadline)
        return answer

    def myevents(self, deadline: Deadline | None = None) -> None:
        """Subscribe to the events of this channel; `connect` does it."""
        self.send(commands.myevents(), deadline)

    def hangup(self, cause: str = "NORMAL_CLEARING", deadline: Deadline | None = None) -> None:
        """End the call and wait until it has ended; harmless when it has.

        Raises:
            LegTimeout: FreeSWITCH has not confirmed by the deadline. It still will: a hang-up waits
                behind an application that was started with a lock.
        """
        if self._end is not None:
            return
        deadline = deadline or Deadline.after(HANGUP_S)
        try:
            self.send(commands.hangup_message(cause), deadline)
        except (Hangup, LegLost):
            return
        if not self.ended.wait(deadline.remaining_s):
            raise LegTimeout("the hang-up was not confirmed by the deadline")

    def on_leaving(self, execute: commands.Execute) -> None:
        """Have this executed before the call goes on elsewhere: what listens in must not follow."""
        self._before_leaving.append(execute)

    def transfer(
        self,
        extension: str,
        *,
        context: str,
        deadline: Deadline | None = None,
    ) -> None:
        """Send the call to an extension; the leg is over then and its socket closed.

        `socket_resume` goes off first: with it, our closing the socket resets the call in its new
        extension (mod_event_socket.c:2816-2821), and the caller hears nothing ever after.
        """
        deadline = deadline or Deadline.after(APPLICATION_S)
        target = commands.transfer(extension, context=context)
        self.execute(commands.set_variable("socket_resume", "false"), deadline)
        self._end_what_listens()
        self._leaving = True
        self.execute(target, deadline)

    def release(self, deadline: Deadline | None = None) -> None:
        """Give the call back to the dialplan, whose next action runs; harmless when it is over."""
        if self._end is None:
            deadline = deadline or Deadline.after(REPLY_S)
            self._releasing = True
            try:
                self._end_what_listens()
                self._ask(commands.exit_(), deadline)
            except EslError as error:
                log.info("release_unanswered", error=str(error))
            self._over_by(lambda: Hangup(RELEASED))
        self.close()

    def _end_what_listens(self) -> None:
        for execute in self._before_leaving:  # FreeSWITCH runs them in this order, before the last
            self.start(execute)

    def close(self) -> None:
        """Close the socket; harmless when it is closed. A call still up goes on in the dialplan."""
        self._transport.close()

    def stop(self) -> None:
        """Greenswitch's name for `close`."""
        self.close()

    def settle(self, deadline: Deadline) -> None:
        """After `close`: wait until nothing of this leg runs any more; end what still does."""
        self._handlers.settle(deadline)
        self._transport.join(deadline.remaining_s)

    # Commands.

    def send(self, data: bytes, deadline: Deadline | None = None) -> CommandReply:
        """Send a command made by `esl_app.protocol.commands`; its reply.

        Raises:
            CommandFailed: FreeSWITCH answered -ERR.
            Hangup, LegLost, LegTimeout: no reply came.
            TypeError: text. Greenswitch pastes arguments into it; a line feed in one is a command.
        """
        if not isinstance(data, bytes):
            raise TypeError("commands are the bytes that esl_app.protocol.commands makes, not text")
        answer = self._ask(data, deadline or Deadline.after(REPLY_S))
        if isinstance(answer, CommandReply) and not answer.text.startswith(("-ERR", "-USAGE")):
            return answer
        raise CommandFailed(_text(answer))

    def start(
        self, execute: commands.Execute, *, lock: bool = False, deadline: Deadline | None = None
    ) -> Execution:
        """Start an application; it runs on while we do other things.

        Without a lock a later application interrupts this one and runs nested in it; with a lock
        everything later waits for its end, `break` and `hangup` too (switch_ivr.c:503-794).

        Raises:
            Overloaded: too many are outstanding; nothing was sent.
            CommandFailed: FreeSWITCH refused it.
            Hangup, LegLost: the call is over; nothing was sent, or nothing will come of it.
            TypeError: a transfer. It takes more than the application: `transfer`.
        """
        if execute.app == "transfer" and not self._leaving:
            raise TypeError("a call is transferred by Leg.transfer, which readies it for that")
        execution = Execution(str(uuids.uuid4()), execute.app, self._over)
        data = commands.encode_execute(execute, event_uuid=execution.uuid, lock=lock)
        if (error := self._over()) is not None:
            raise error
        self._executions.add(execution)
        slot = self._slots[execution.uuid] = Slot(self._over)
        accepted = False
        try:
            answer = self._ask(data, deadline or Deadline.after(REPLY_S), slot)
            if not isinstance(answer, CommandReply) or not answer.ok:
                raise CommandFailed(_text(answer))
            accepted = True
        finally:
            self._slots.pop(execution.uuid, None)
            if not accepted:
                self._executions.drop(execution)
        return execution

    def _closed(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("greenswitch pastes text into commands here; use execute() or start()")

    # What `say`, `bridge`, `play_and_get_digits` and the like are made of.
    call_command = register_expected_event = _closed

    def execute(
        self, execute: commands.Execute, deadline: Deadline | None = None, *, lock: bool = False
    ) -> Event:
        """Run an application to its end; its CHANNEL_EXECUTE_COMPLETE.

        Raises:
            Hangup, LegLost: the call ended first.
            LegTimeout: it did not complete by the deadline (it may still be running).
            CommandFailed, Overloaded: as `start`.
        """
        deadline = deadline or Deadline.after(APPLICATION_S)
        execution = self.start(execute, lock=lock, deadline=deadline.sooner(REPLY_S))
        return execution.wait(deadline)

    def answer(self, deadline: Deadline | None = None) -> Event:
        """Pick up."""
        return self.execute(commands.answer(), deadline)

    def playback(self, path: Path | str, deadline: Deadline | None = None) -> Event:
        """Play a file to its end."""
        return self.execute(commands.playback(str(path)), deadline)

    def getvar(self, name: str, deadline: Deadline | None = None) -> str | None:
        """A channel variable, cut at 511 bytes by FreeSWITCH (mod_event_socket.c:2641).

        Never ask for what a caller can set: the reply is not encoded, an empty line in the value
        would be read as the end of the packet. Use `channel` or an event for that.
        """
        text = self.send(commands.getvar(name), deadline).text
        return None if text == "_undef_" else text

    def linger(self, seconds: int, deadline: Deadline | None = None) -> None:
        """Keep the socket after the hang-up (only with `full`)."""
        self.send(commands.linger(seconds), deadline)

    # Events.

    def on(self, event_name: str, callback: Callback) -> None:
        """Call `callback(event)` for each such event (`*`: for all), in a greenlet of its own."""
        self._handlers.add(event_name, callback)

    def off(self, event_name: str, callback: Callback) -> None:
        """Take back an `on`.

        Raises:
            ValueError: it was not registered for this event.
        """
        self._handlers.remove(event_name, callback)

    def register_handle(self, name: str, handler: Callback) -> None:
        """Greenswitch's name for `on`."""
        self.on(name, handler)

    def unregister_handle(self, name: str, handler: Callback) -> None:
        """Greenswitch's name for `off`."""
        self.off(name, handler)

    # The reader's side: nothing below may wait.

    def _ask(self, data: bytes, deadline: Deadline, slot: Slot | None = None) -> Answer:
        if (error := self._over()) is not None:
            raise error
        place = slot or Slot(self._over)
        self._transport.send(data, deadline, on_turn=lambda: self._replies.expect(place))
        return place.wait(deadline)

    def over(self) -> EslError:
        """The exception that says how the leg ended; only once `ended` is set."""
        error = self._over()
        assert error is not None
        return error

    def _over(self) -> EslError | None:
        """The exception that says how the leg ended, a new one each time; None while it lives."""
        return None if self._end is None else self._end()

    def _packet(self, packet: Packet) -> None:
        match packet:
            case Event():
                self._event(packet)
            case ChannelData():
                # The reader's logs, and those of the handlers it spawns, name the leg from here on.
                with contextlib.suppress(safe.UnsafeArgument):
                    structlog.contextvars.bind_contextvars(leg=safe.uuid(packet.uuid))
                self._replies.answered(packet)
            case CommandReply() | ApiResponse():
                self._replies.answered(packet)
            case DisconnectNotice() if self._releasing:
                self._over_by(lambda: Hangup(RELEASED))
            case DisconnectNotice():
                # Both kinds mean that the channel has left us: FreeSWITCH sends none when it dies.
                self._hang_up(None)

    def _event(self, event: Event) -> None:
        name, uuid = event.name, event.uuid
        if uuid and self._channel is not None and uuid != self._channel.uuid:
            self.foreign_events += 1
            return
        if name in {"CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"}:
            self._hang_up(event.get("Hangup-Cause"))
        elif name in _MAY_SHOW_HANGUP and event.get("Answer-State") == "hangup":
            self._hang_up(event.get("Hangup-Cause") or event.variable("hangup_cause"))
        if name == "DTMF":
            self.digits.push(event.get("DTMF-Digit") or "")
        elif name == "CHANNEL_EXECUTE":
            self._caught_up(event)
            execution = self._executions.get(event.application_uuid or "")
            if execution is not None:
                execution.started = True
        elif name == "CHANNEL_EXECUTE_COMPLETE":
            self._caught_up(event)
            self._completed(event)
        self._handlers.offer(event)

    def _caught_up(self, event: Event) -> None:
        slot = self._slots.get(event.application_uuid or "")
        if slot is not None:
            self._replies.caught_up(slot)

    def _completed(self, event: Event) -> None:
        execution = self._executions.complete(event.application_uuid or "", event)
        if execution is not None and execution.app == "transfer" and self._end is None:
            # FreeSWITCH would go on sending us the events of the call's new life.
            self.transferred = True
            self._over_by(lambda: Hangup(TRANSFERRED))
            self.close()

    def _hang_up(self, cause: str | None) -> None:
        if self.hangup_cause in {None, UNSPECIFIED}:
            self.hangup_cause = cause or UNSPECIFIED
        if self._end is None:
            self.hung_up = True
            self._over_by(lambda: Hangup(self.hangup_cause or UNSPECIFIED))

    def _over_by(self, end: Callable[[], EslError]) -> None:
        if self._end is not None:
            return
        self._end = end
        self._outbound_connected = False
        self._replies.wake()
        self._executions.call_ended()
        self.digits.wake()
        self.ended.set()

    def _socket_ended(self, reason: str) -> None:
        self.connected = False
        self._over_by(lambda: LegLost(reason))
        self._executions.socket_ended()
        self.closed.set()


def _check_trusted(channel: ChannelData) -> None:
    for key in TRUSTED:
        if len(channel.all(key)) > 1:
            raise UntrustedChannel(f"{key} stands more than once in the channel's data")
    try:
        safe.uuid(channel.uuid)
    except safe.UnsafeArgument:
        raise UntrustedChannel("Unique-ID is no uuid") from None


def _text(answer: Answer) -> str:
    match answer:
        case CommandReply():
            return answer.text
        case ApiResponse():
            return "(an api/response)"
        case _:
            return "(channel data)"
