"""The channel's own thread: dialplan, parking, executing, hanging up.

Theory of operation. One greenlet walks the extension's actions. An application that takes time
calls `tick` once a frame: that lets the frame's time pass, exchanges audio with the caller, takes
their keys and, unless an event-lock is held, runs the messages that the controller has queued -
inside the running application, which is how FreeSWITCH nests them (last in, first out). `socket`
parks: the same, at true pace, until hang-up, a transfer or the controller's end.
"""

from __future__ import annotations

import re
import uuid as uuid_module
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from gevent.event import Event as Flag

from esl_app.switchsim import causes
from esl_app.switchsim.audio import AudioPath
from esl_app.switchsim.caller import SILENCE, CallerSide
from esl_app.switchsim.channel import STATE_NUMBERS, Channel, Digit, now_us
from esl_app.switchsim.clock import FRAME_S
from esl_app.switchsim.dialplan import Directory, Extension
from esl_app.switchsim.events import Event, channel_event, message_event
from esl_app.switchsim.messages import Destination, Message, MessageQueue
from esl_app.switchsim.overhearing import Bugs, PrivateEvents
from esl_app.switchsim.packets import Header
from esl_app.switchsim.result import CallResult, Moment
from esl_app.switchsim.unicast import ParkedAudio, UnicastStatistics
from esl_app.switchsim.waiting import Time

if TYPE_CHECKING:
    from esl_app.switchsim.listener import Listener

# While one of these runs, the agent listens.
_LISTENING = frozenset({"record", "play_and_get_digits", "read"})
# These reset the session, which ends `unicast` (switch_core_session.c:1428).
_RESETTING = frozenset({"bridge", "play_and_get_digits", "playback", "read", "record"})
_SPEECH = frozenset({"Speech-Type"})  # what a private event has of its own
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")

Observer = Callable[[Moment], None]


class Session:
    """One call, from INVITE to the last event."""

    def __init__(
        self,
        *,
        channel: Channel,
        caller: CallerSide,
        entry: Extension,
        directory: Directory,
        time: Time,
        speed: float,
        sounds_root: Path | None,
        tick_latency: bool,
        patience: float,
        observer: Observer | None,
        broadcast: Callable[[Event], None],
        wanted: Callable[[str], bool],
        open_listener: Callable[[Session, str], Listener | None],
        unicast_fails: bool = False,
        recognises: Iterable[str] = (),
    ) -> None:
        self.channel = channel
        self.directory = directory
        self.time = time
        self.audio = AudioPath(time=time, speed=speed, caller=caller)
        self.sounds_root = sounds_root
        self.patience = patience
        self.open_listener = open_listener
        self.listeners: list[Listener] = []
        self.held_by: Listener | None = None  # the controller of the running `socket`
        self.moments: list[Moment] = []
        self.wake = Flag()
        self.broken = False  # a break is pending for whatever plays
        self.cut = False  # the controller is gone and socket_resume is set
        self.stranded = False  # reset in mid-extension: up, silent, and nobody's
        self.bugs = Bugs(self.emit)
        self.private = PrivateEvents()
        self.queue = MessageQueue()
        self.destination: Destination | None = None
        self.transferred_to: str | None = None
        self.ended_by = "switch"
        self.answered_at_s: float | None = None
        self.attempts = 0
        self.lost = False  # a controller has gone, or none could be had
        self.fell_back = False
        self.sip_status = 0
        self._entry = entry
        self._tick_latency = tick_latency
        self._observer = observer
        self._broadcast = broadcast
        self._wanted = wanted
        self._recognises = iter(recognises)
        self._running: list[str] = []
        self._phone_down = False
        self._unicast_fails = unicast_fails
        self._unicast_statistics = UnicastStatistics()
        self._parked: ParkedAudio | None = None
        # `record` counts whole seconds of the clock: where in a second did the call begin?
        self.second_offset = time.now() % 1.0

    # -- walking the dialplan -----------------------------------------------------------------

    def run(self) -> None:
        """The whole call."""
        extension: Extension | None = self._entry
        while extension is not None:
            self._walk(extension)
            extension = self._route()
        while self.stranded and self.channel.up:
            if self._wait_parked():
                self._frame(SILENCE, nest=False)
        self.hang_up(causes.NORMAL, by="switch")
        self._report()

    def _walk(self, extension: Extension) -> None:
        for action in extension:
            if not self.ready:
                return
            if self.lost and self.transferred_to is None:
                self.fell_back |= action.application not in {"set", "socket"}
            self.note("dialplan", action.application, action.data)
            self.execute(action.application, action.data)

    def _route(self) -> Extension | None:
        destination, self.destination = self.destination, None
        if destination is None or not self.channel.up:
            return None
        channel = self.channel
        channel.rdnis, channel.destination_number = (
            channel.destination_number,
            destination.extension,
        )
        channel.context = destination.context
        self.set_state("CS_ROUTING")
        self.set_state("CS_EXECUTE")
        extension = self.directory.extension(destination.extension)
        if extension is None:
            self.hang_up("NO_ROUTE_DESTINATION", by="switch")
            return None
        return extension

    def transfer(self, extension: str, context: str = "") -> None:
        """Leave whatever runs and go to another extension."""
        channel = self.channel
        channel.profile_index += 1
        channel.profile_created_us = now_us()
        stamp = f"{now_us() // 1_000_000}:{uuid_module.uuid4()}:bl_xfer:{extension}/public/XML"
        channel.variables["max_forwards"] = str(int(channel.variables["max_forwards"]) - 1)
        channel.variables["transfer_history"] = channel.variables["transfer_source"] = stamp
        self.destination = Destination(extension=extension, context=context or "public")
        self.transferred_to = extension
        self.note("transfer", extension)
        self.wake.set()

    @property
    def ready(self) -> bool:
        """Whether a running application may go on."""
        return self.channel.up and self.destination is None and not (self.cut or self.stranded)

    # -- executing ----------------------------------------------------------------------------

    def execute(
        self, application: str, data: str, *, uuid: str = "", loops: int | None = None
    ) -> None:
        """Run one application, with its events; `loops` is given for a controller's message."""
        from esl_app.switchsim.apps import APPLICATIONS  # noqa: PLC0415 - apps need this module

        handler = APPLICATIONS.get(application)
        if handler is None:
            # switch_core_session.c:2771: no event for it, the channel is hung up
            self.note("unsupported", application, data)
            self.hang_up(causes.OUT_OF_ORDER, by="switch")
            return
        argument = self.expand(data)
        uuid = uuid or str(uuid_module.uuid4())
        channel = self.channel
        for round_ in range(1, (loops or 1) + 1):
            began_s = self.audio.now_s
            channel.set("current_application_response", None)
            if loops is not None:
                channel.set("current_loop", str(round_))
                channel.set("total_loops", str(loops))
            channel.set("current_application", application)
            channel.set("current_application_data", argument or None)
            names = [("Application", application)]
            names += [("Application-Data", argument)] if argument else []
            self.emit("CHANNEL_EXECUTE", [*names, ("Application-UUID", uuid)])
            self.note("execute", application, argument)
            self._running.append(application)
            self._reset_audio(application)
            try:
                handler(self, argument)
            finally:
                self._running.pop()
                self._reset_audio(application)
            response = channel.get("current_application_response") or "_none_"
            ends = [("Application-Response", response), ("Application-UUID", uuid)]
            self.emit("CHANNEL_EXECUTE_COMPLETE", [*names, *ends])
            self.note("complete", application, response)
            # A round of under half a second is not repeated (switch_ivr.c).
            if not self.ready or self.audio.now_s - began_s < 0.5:
                break
        for name in ("current_loop", "total_loops") if loops is not None else ():
            channel.set(name, None)

    def expand(self, text: str) -> str:
        """`${variable}` replaced by its value, as FreeSWITCH does to every argument."""
        return _VARIABLE.sub(lambda match: self.channel.get(match[1]) or "", text)

    def respond(self, response: str) -> None:
        """Set the running application's Application-Response."""
        self.channel.set("current_application_response", response)

    # -- messages -----------------------------------------------------------------------------

    def post(self, message: Message) -> None:
        """Queue a message; the channel's thread takes it up at its next frame."""
        self.queue.put(message)
        self.wake.set()

    def run_messages(self) -> None:
        """Execute what is queued, here, unless an event-lock is held."""
        while self.ready and (message := self.queue.next()) is not None:
            with self.queue.obeying(message):
                self._obey(message)
        if not self.channel.up:
            self.queue.drop()

    def _obey(self, message: Message) -> None:
        answered = self.channel.answered
        if message.command == "execute" and message.application:
            self.execute(
                message.application,
                message.argument,
                uuid=message.event_uuid,
                loops=max(1, message.loops),
            )
        elif message.command == "hangup":
            self.hang_up(causes.known(message.cause or causes.NORMAL), by="controller")
        elif message.command == "sendevent":
            self._broadcast(message_event(self.channel, message.headers))
        elif message.command == "unicast" and self._parked is not None:
            self._arm(self._parked, message)
        elif message.command in {"unicast", "xferext", "nomedia"}:
            self.note("unsupported", message.command)
        if answered:
            self.emit("PRIVATE_COMMAND")

    # -- time and audio -----------------------------------------------------------------------

    def tick(self, agent: bytes = SILENCE) -> bytes:
        """One frame of a running application; returns what the caller said in it."""
        self.audio.wait_fast()
        return self._frame(agent)

    def attend(self, while_: Callable[[], bool]) -> None:
        """Serve a controller on a socket without `async`: its own thread waits for each command."""
        while self.ready and while_():
            self.run_messages()
            if self.ready and while_() and self._wait_parked():
                self._frame(SILENCE, nest=False)
        for listener in self.listeners:
            if not listener.async_:
                listener.channel_down()
                # Its thread is this one: the channel's last events come when nobody listens.
                listener.finished.wait()

    def park(self, while_: Callable[[], bool]) -> None:
        """Wait at true pace for messages, digits and the end."""
        self.emit("CHANNEL_PARK")
        outer, self._parked = self._parked, self._new_park()
        try:
            self._stay(self._parked, while_)
        finally:
            self._parked.end()
            self._parked = outer
        self.emit("CHANNEL_UNPARK")

    def _stay(self, parked: ParkedAudio, while_: Callable[[], bool]) -> None:
        while self.ready and while_():
            self.broken = False  # a break while nothing plays does not hurt the next playback
            self.run_messages()
            if not (self.ready and while_()):
                break
            if self._wait_parked():
                mine = self.private.next()
                parked.said(self._frame(parked.heard() or SILENCE, nest=False))
                if mine is not None:
                    rows = [(name, value) for name, value in mine.headers if name in _SPEECH]
                    self.fire(channel_event(self.channel, mine.name, rows, body=mine.body))
                # Digits typed while nothing runs are taken here and never reach a later
                # application (switch_ivr.c:1151).
                while self.take_digit() is not None:
                    pass

    def _new_park(self) -> ParkedAudio:
        return ParkedAudio(
            self._unicast_statistics,
            fails=self._unicast_fails,
            # The command takes effect at a frame's end, so the first datagram is the next frame's;
            # without `tick_latency` it is heard of a part of a frame too early.
            skip_frames=0 if self._tick_latency else 1,
        )

    def _arm(self, parked: ParkedAudio, message: Message) -> None:
        self.early_media()
        connection = parked.arm({name.lower(): value for name, value in message.headers})
        if connection is None:
            self.note("unicast", "failed")
        else:
            self.note("unicast", "armed", "{}:{}".format(*connection.address))

    def _reset_audio(self, application: str) -> None:
        if application in _RESETTING and self._parked is not None and self._parked.end():
            self.note("unicast", "ended", application)

    def _wait_parked(self) -> bool:
        """True when a frame is due, False when something else woke the thread."""
        return self.audio.wait_parked(
            self.wake, to_the_frame=lambda: self._tick_latency and bool(self.queue)
        )

    def _frame(self, agent: bytes, *, nest: bool = True) -> bytes:
        act = self.audio.exchange(
            agent,
            listening=any(name in _LISTENING for name in self._running)
            or (self._parked is not None and self._parked.alive)
            or any(bug.listens for bug in self.bugs),
            answered=self.channel.answered,
        )
        if act.note:
            self.note("caller", act.note)
        self.private.divert(self.held_by.divert if self.held_by is not None else None)
        for bug in self.bugs:
            bug.frame(act.frame, agent)
        if nest:
            self.private.drop_unheeded()
        if act.digit is not None and self.channel.up:
            self.channel.digits.append(act.digit)
        if self._phone_down:
            self.hang_up(causes.NORMAL if self.channel.answered else causes.CANCELLED, by="caller")
        self._phone_down = act.hang_up  # BYE takes effect about 20 ms later
        if nest:
            self.run_messages()
        return act.frame

    # -- what the caller does -----------------------------------------------------------------

    def next_words(self) -> str:
        """What the stand-in's recogniser makes of the next utterance; mod_test says "agent"."""
        return next(self._recognises, "agent")

    def take_digit(self) -> Digit | None:
        """The next key press, announced as a DTMF event when it is taken."""
        if not self.channel.digits:
            return None
        digit = self.channel.digits.popleft()
        self.emit(
            "DTMF",
            [
                ("DTMF-Digit", digit.key),
                ("DTMF-Duration", str(digit.samples)),
                ("DTMF-Source", "RTP"),
            ],
        )
        self.note("digit", digit.key)
        return digit

    # -- state --------------------------------------------------------------------------------

    def answer(self) -> None:
        channel = self.channel
        if channel.answered or not channel.up:
            return
        channel.answer()
        self.answered_at_s = self.audio.now_s
        self.emit("CHANNEL_ANSWER")
        channel.call_state = "ACTIVE"
        channel.set("endpoint_disposition", "ANSWER")
        self.emit("CHANNEL_CALLSTATE")
        self.note("answered")

    def early_media(self) -> None:
        """Sound before the answer; whatever plays or records asks for it."""
        channel = self.channel
        if channel.answer_state != "ringing":
            return
        channel.answer_state = "early"
        channel.set("endpoint_disposition", "EARLY MEDIA")
        self.emit("CHANNEL_PROGRESS_MEDIA")

    def hang_up(self, cause: str, *, by: str, sip_status: int | None = None) -> None:
        """End the call; the first cause stands. Whatever runs sees it at its next frame."""
        channel = self.channel
        if not channel.up:
            return
        channel.hangup_cause = cause
        channel.state_number = STATE_NUMBERS["CS_HANGUP"]
        channel.answer_state = "hangup"
        self.ended_by = by
        self.sip_status = 200 if channel.answered else (sip_status or causes.sip_status(cause))
        if by == "caller" and channel.answered:
            channel.set("sip_hangup_disposition", "recv_bye")
        elif channel.answered:
            channel.set("sip_hangup_disposition", "send_bye")
        channel.set("sip_term_status", str(self.sip_status))
        channel.set("sip_term_cause", str(causes.q850(cause)))
        self.emit("CHANNEL_HANGUP")
        self.note("hangup", cause, by)
        self.wake.set()

    def set_state(self, state: str) -> None:
        channel = self.channel
        channel.state = state
        channel.state_number = STATE_NUMBERS[state]
        if channel.up:
            answered = "ACTIVE" if channel.answered else "RINGING"
            channel.call_state = "RINGING" if state == "CS_ROUTING" else answered
        elif state == "CS_REPORTING":
            channel.call_state = "HANGUP"
            channel.hangup_us = now_us()
        self.emit("CHANNEL_STATE")

    def _report(self) -> None:
        self.queue.drop()
        self.set_state("CS_HANGUP")
        self.emit("CHANNEL_CALLSTATE")
        for bug in self.bugs:
            self.bugs.remove(bug)
        self.set_state("CS_REPORTING")
        self.emit("CHANNEL_HANGUP_COMPLETE")
        for listener in list(self.listeners):
            listener.channel_down()

    def controller_gone(self, listener: Listener) -> None:
        """A listener has ended while the channel goes on."""
        if self.transferred_to is not None and self.channel.true("socket_resume"):
            # Its CS_RESET hits whatever the call does by now (mod_event_socket.c:2816-2821).
            self.note("stranded")
            self.stranded = True
            self.wake.set()
            return
        if listener is not self.held_by or self.destination is not None:
            return  # of an extension that the channel has left
        self.note("lost")
        self.cut = self.channel.true("socket_resume")
        self.wake.set()

    # -- telling the world --------------------------------------------------------------------

    def emit(self, name: str, extra: Iterable[Header] = ()) -> None:
        """An event to whoever subscribed to it."""
        if self._wanted(name):
            self._broadcast(channel_event(self.channel, name, extra))

    def fire(self, event: Event) -> None:
        """An event that is made already, to whoever subscribed to its kind."""
        self._broadcast(event)

    def note(self, kind: str, what: str = "", detail: str = "") -> None:
        """A line in the call's own log."""
        moment = Moment(kind=kind, at_s=round(self.audio.now_s, 3), what=what, detail=detail)
        self.moments.append(moment)
        if self._observer is not None:
            self._observer(moment)

    def result(self, *, real_s: float) -> CallResult:
        """What is left of the call."""
        channel = self.channel
        return CallResult(
            uuid=channel.uuid,
            hangup_cause=channel.hangup_cause or causes.NORMAL,
            ended_by=self.ended_by,
            answered=channel.answered,
            sip_status=self.sip_status,
            answered_at_s=self.answered_at_s,
            duration_s=self.audio.now_s,
            real_s=real_s,
            caller_audio=bytes(self.audio.from_caller),
            agent_audio=bytes(self.audio.from_agent),
            moments=tuple(self.moments),
            variables=dict(channel.variables),
            transferred_to=self.transferred_to,
            fell_back=self.fell_back,
            attempts=self.attempts,
            script_finished=bool(getattr(self.audio.caller, "finished", True)),
            caller_gave_up=bool(getattr(self.audio.caller, "gave_up", False)),
            unicast=self._unicast_statistics,
        )

    def frames_of(self, seconds: float) -> int:
        return max(0, round(seconds / FRAME_S))
