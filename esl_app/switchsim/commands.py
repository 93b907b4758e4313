"""What each command of the event socket does: one function a command."""

from __future__ import annotations

import re
import uuid as uuid_module
from collections.abc import Callable
from typing import TYPE_CHECKING

from esl_app.switchsim import packets
from esl_app.switchsim.api import background, call_api
from esl_app.switchsim.events import KNOWN_EVENTS, connect_headers, switch_event
from esl_app.switchsim.messages import Message
from esl_app.switchsim.packets import Packet, reply
from esl_app.switchsim.wire import Command

if TYPE_CHECKING:
    from esl_app.switchsim.listener import Listener

_NOT_FOUND = reply("-ERR command not found")
# Without `full` these are as if they did not exist (mod_event_socket.c:2236).
_FULL_ONLY = frozenset(
    {
        "linger",
        "nolinger",
        "event",
        "nixevent",
        "noevents",
        "api",
        "bgapi",
        "log",
        "nolog",
        "sendevent",
    }
)

Obedience = Callable[["Listener", Command], Packet | None]


def obey(listener: Listener, command: Command) -> Packet | None:
    """Carry a command out; None when the answer comes by another way."""
    handler = _COMMANDS.get(command.name)
    if handler is None or not command.valid or (command.name in _FULL_ONLY and not listener.full):
        return _NOT_FOUND
    return handler(listener, command)


def _connect(listener: Listener, _command: Command) -> Packet:
    return packets.channel_data(
        connect_headers(listener.session.channel),
        socket_mode="async" if listener.async_ else "static",
        control="full" if listener.full else "single-channel",
    )


def _myevents(listener: Listener, command: Command) -> Packet:
    if listener.my_events:
        return reply("-ERR aready enabled.")  # sic
    _set_format(listener, command.argument)
    listener.subscribe_own()
    return reply("+OK Events Enabled")


def _event(listener: Listener, command: Command) -> Packet:
    words = command.argument.replace(",", " ").split()
    if words and words[0].lower() in {"plain", "json", "xml"}:
        format_, *words = words
    else:
        format_ = "plain"
    names = {word.upper() for word in words}
    # Words after CUSTOM are subclasses, not names.
    subscribed = names & (KNOWN_EVENTS | {"ALL"})
    if not subscribed:
        return reply("-ERR no keywords supplied")
    _set_format(listener, format_)
    listener.subscribed |= subscribed
    return reply(f"+OK event listener enabled {listener.format}")


def _set_format(listener: Listener, word: str) -> None:
    listener.format = "json" if word.lower() == "json" else "plain"


def _nixevent(listener: Listener, command: Command) -> Packet:
    names = {word.upper() for word in command.argument.split()}
    if not names:
        return reply("-ERR no keywords supplied")
    listener.subscribed -= names
    return reply("+OK events nixed")


def _noevents(listener: Listener, _command: Command) -> Packet:
    listener.subscribed.clear()
    listener.my_events = False
    return reply("+OK no longer listening for events")


def _filter(listener: Listener, command: Command) -> Packet:
    words = command.argument.split(" ", 2)
    if not words[0]:
        return _NOT_FOUND
    if words[0].lower() == "delete":
        header = words[1] if len(words) > 1 else ""
        value = words[2] if len(words) > 2 else ""
        listener.filters = [
            kept
            for kept in listener.filters
            if not (header == "all" or (kept[0] == header and value in ("", kept[1])))
        ]
        return reply(f"+OK filter deleted. [{header}][{value}]")
    if len(words) < 2:
        return reply("-ERR invalid syntax")
    header, value = words[0], " ".join(words[1:])
    listener.filters.append((header, value))
    return reply(f"+OK filter added. [{header}]=[{value}]")


def _getvar(listener: Listener, command: Command) -> Packet:
    if not command.argument:
        return _NOT_FOUND
    return reply(listener.session.channel.get(command.argument) or "")


def _divert_events(listener: Listener, command: Command) -> Packet:
    if not command.argument:
        return reply("-ERR missing value.")
    on = command.argument.lower() in {"on", "true", "yes"}
    listener.session.private.diverted = on
    return reply("+OK events diverted" if on else "+OK events not diverted")


def _resume(listener: Listener, _command: Command) -> Packet:
    listener.session.channel.set("socket_resume", "true")
    return reply("+OK")


def _linger(listener: Listener, command: Command) -> Packet:
    if not command.argument:
        listener.linger_s = -1
        return reply("+OK will linger")
    digits = re.match(r"\d+", command.argument)
    listener.linger_s = int(digits[0]) if digits else 0
    return reply(f"+OK will linger {listener.linger_s} seconds")


def _nolinger(listener: Listener, _command: Command) -> Packet:
    listener.linger_s = None
    return reply("+OK will not linger")


def _log(_listener: Listener, command: Command) -> Packet:
    level = command.argument or "7"
    number = int(level) if level.isdecimal() else 7
    return reply(f"+OK log level {level} [{number:x}]")


def _nolog(_listener: Listener, _command: Command) -> Packet:
    return reply("+OK no longer logging")


def _sendevent(listener: Listener, command: Command) -> Packet:
    uuid = str(uuid_module.uuid4())
    session = listener.switch.session(command.get("unique-id"))
    if session is not None:
        headers = [*command.rows, ("Command", command.line), ("Event-UUID", uuid)]
        session.post(Message(command="sendevent", headers=headers))
    else:
        event = switch_event(command.argument.upper(), "", [*command.rows, ("Event-UUID", uuid)])
        listener.switch.broadcast(event)
    return reply(f"+OK {uuid}")


def _exit(listener: Listener, _command: Command) -> Packet:
    listener.exiting = True
    return reply("+OK bye")


def _api(listener: Listener, command: Command) -> Packet | None:
    if not command.argument:
        return _NOT_FOUND
    listener.hold()  # an api blocks its listener: events wait till it is over (transcript i10)
    try:
        answer = call_api(listener.switch, command.argument)
        listener.send(packets.api_response(answer or "-ERR no reply\n"))
    finally:
        listener.release()
    return None


def _bgapi(listener: Listener, command: Command) -> Packet:
    if not command.argument:
        return _NOT_FOUND
    job = command.get("job-uuid") or str(uuid_module.uuid4())
    owner = listener.session.channel.uuid
    background(listener.switch, command.argument, job=job, owner=owner)
    return reply(f"+OK Job-UUID: {job}", ("Job-UUID", job))


def _sendmsg(listener: Listener, command: Command) -> Packet | None:
    session = listener.session
    target = command.argument
    if target and target != session.channel.uuid:
        other = listener.switch.session(target)
        leg = listener.switch.directory.legs.get(target)
        if leg is not None:
            name, _, value = _message(command).argument.partition("=")
            leg.variables[name] = value  # `set` is all a far leg knows
            return reply("+OK")
        if other is None:
            return reply(f"-ERR invalid session id [{target}]")
        session = other
    message = _message(command)
    if not session.channel.up:
        return reply("+OK")  # during linger: taken, and never heard of again
    if session.queue.full:
        listener.say_goodbye()
        return None
    if not listener.async_:
        listener.hold()
        session.post(message)
        message.done.wait()
        listener.send(reply("+OK"))
        listener.release()
        return None
    # The reply goes out before the channel's thread can say anything about the message.
    listener.after_reply = (session, message)
    return reply("+OK")


def _message(command: Command) -> Message:
    loops = re.match(r"\d+", command.get("loops"))
    name = command.get("call-command").lower()
    return Message(
        command=name,
        headers=command.rows if name == "unicast" else [],
        application=command.get("execute-app-name"),
        argument=command.body.decode("utf-8", "replace")
        if command.body
        else command.get("execute-app-arg"),
        event_uuid=command.get("event-uuid"),
        lock=command.get("event-lock").lower() == "true",
        loops=int(loops[0]) if loops else 1,
        cause=command.get("hangup-cause"),
    )


_COMMANDS: dict[str, Obedience] = {
    "api": _api,
    "bgapi": _bgapi,
    "connect": _connect,
    "divert_events": _divert_events,
    "event": _event,
    "exit": _exit,
    "filter": _filter,
    "getvar": _getvar,
    "linger": _linger,
    "log": _log,
    "myevents": _myevents,
    "nixevent": _nixevent,
    "noevents": _noevents,
    "nolinger": _nolinger,
    "nolog": _nolog,
    "resume": _resume,
    "sendevent": _sendevent,
    "sendmsg": _sendmsg,
}
