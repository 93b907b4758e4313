"""The API functions a controller with `full` may call, as far as a call needs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import gevent

from esl_app.switchsim import causes
from esl_app.switchsim.dialplan import Answers, Refuses
from esl_app.switchsim.events import connect_headers, switch_event
from esl_app.switchsim.legs import DialString, FarLeg
from esl_app.switchsim.messages import Message

if TYPE_CHECKING:
    from esl_app.switchsim.session import Session
    from esl_app.switchsim.switch import Switch

_NO_CHANNEL = "-ERR No such channel!\n"
Function = Callable[["Switch", list[str]], str]


def call_api(switch: Switch, line: str) -> str:
    """The answer of one API call; may be empty."""
    name, *arguments = line.split(" ")
    function = _FUNCTIONS.get(name.lower())
    if function is None:
        return f"-ERR {name} Command not found!\n"
    return function(switch, arguments)


def background(switch: Switch, line: str, *, job: str, owner: str) -> None:
    """Run a call beside everything else and report it as BACKGROUND_JOB."""

    def run() -> None:
        answer = call_api(switch, line)
        name, _, argument = line.partition(" ")
        headers = [
            ("Job-UUID", job),
            ("Job-Command", name),
            *([("Job-Command-Arg", argument)] if argument else []),
            ("Job-Owner-UUID", owner),
        ]
        switch.broadcast(switch_event("BACKGROUND_JOB", owner, headers, body=answer))

    gevent.spawn(run)


def _with_session(
    act: Callable[[Session, list[str]], str],
    usage: str,
    *,
    far: Callable[[FarLeg, list[str]], str] | None = None,
) -> Function:
    """A function on a call, and `far` if it also works on the leg at the other end."""

    def function(switch: Switch, arguments: list[str]) -> str:
        if not arguments or not arguments[0]:
            return f"-USAGE: {usage}\n"
        uuid, *rest = arguments
        session = switch.session(uuid)
        if session is not None and session.channel.up:
            return act(session, rest)
        leg = switch.directory.legs.get(uuid)
        if leg is None or not leg.up or far is None:
            return _NO_CHANNEL
        return far(leg, rest)

    return function


def _break(session: Session, arguments: list[str]) -> str:
    session.broken = True
    if "all" in arguments:
        session.queue.drop()  # flushed executes never execute and never complete (d4)
    return "+OK\n"


def _kill(session: Session, arguments: list[str]) -> str:
    session.hang_up(causes.known(arguments[0] if arguments else causes.NORMAL), by="controller")
    return "+OK\n"


def _kill_far(leg: FarLeg, _arguments: list[str]) -> str:
    leg.up = False
    return "+OK\n"


def _getvar(session: Session, arguments: list[str]) -> str:
    return (session.channel.get(arguments[0]) if arguments else None) or "_undef_"


def _getvar_far(leg: FarLeg, arguments: list[str]) -> str:
    return leg.variables.get(arguments[0] if arguments else "", "_undef_")


def _setvar(session: Session, arguments: list[str]) -> str:
    if not arguments:
        return "-USAGE: <uuid> <var> [value]\n"
    session.channel.set(arguments[0], " ".join(arguments[1:]))
    return "+OK\n"


def _transfer(session: Session, arguments: list[str]) -> str:
    if not arguments:
        return "-USAGE: <uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]\n"
    session.transfer(arguments[0], arguments[2] if len(arguments) > 2 else "")
    return "+OK\n"


def _broadcast(session: Session, arguments: list[str]) -> str:
    """`<uuid> <path>|<app>::<args> [aleg]`: an execute without event-lock, from outside."""
    if not arguments:
        return "-USAGE: <uuid> <path> [aleg|bleg|holdb|both]\n"
    application, separator, argument = arguments[0].partition("::")
    if not separator:
        application, argument = "playback", arguments[0]
    session.post(Message(command="execute", application=application, argument=argument))
    return "+OK Message sent\n"


def _buglist(session: Session, _arguments: list[str]) -> str:
    bugs = "".join(
        f" <media-bug>\n  <function>{bug.function}</function>\n  <target>{bug.target}</target>\n"
        "  <thread-locked>0</thread-locked>\n </media-bug>\n"
        for bug in session.bugs
    )
    return f"<media-bugs>\n{bugs}</media-bugs>\n"


def _dump(session: Session, _arguments: list[str]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in connect_headers(session.channel))


def _dual_transfer(session: Session, arguments: list[str]) -> str:
    """Each end of a bridge to an extension of its own, `exten[/dialplan[/context]]`."""
    if len(arguments) < 2:
        return "-USAGE: <uuid> <A-dest-exten>[/<dialplan>[/<context>]] <B-dest-exten>[...]\n"
    extension, _, rest = arguments[0].partition("/")
    session.transfer(extension, rest.partition("/")[2])
    return "+OK\n"


def _originate(switch: Switch, arguments: list[str]) -> str:
    """A leg of the switch's own, parked; it blocks until somebody answers or nobody does."""
    if not arguments:
        return "-USAGE: <call url> <exten>|&<application_name>(<app_args>)\n"
    dialled = DialString.parse(arguments[0])
    endpoint = switch.directory.endpoint(dialled.endpoint)
    if isinstance(endpoint, Refuses):
        switch.time.wait(endpoint.after_s)
        return f"-ERR {endpoint.cause}\n"
    if not isinstance(endpoint, Answers):
        switch.time.wait(dialled.timeout_s)
        return "-ERR NO_ANSWER\n"
    switch.time.wait(endpoint.ring_s)
    leg = dialled.leg()
    switch.directory.legs[leg.uuid] = leg
    return f"+OK {leg.uuid}\n"


def _exists(switch: Switch, arguments: list[str]) -> str:
    uuid = arguments[0] if arguments else ""
    session = switch.session(uuid)
    leg = switch.directory.legs.get(uuid)
    up = (leg is not None and leg.up) or (session is not None and session.channel.up)
    return "true" if up else "false"


def _msleep(switch: Switch, arguments: list[str]) -> str:
    milliseconds = arguments[0] if arguments else ""
    switch.time.wait(int(milliseconds) / 1000 if milliseconds.isdecimal() else 0)
    return "+OK"


def _global_getvar(_switch: Switch, _arguments: list[str]) -> str:
    return ""


def _status(switch: Switch, _arguments: list[str]) -> str:
    return f"UP 0 years, 0 days\nswitchsim is ready\n{len(switch.sessions())} session(s)\n"


def _show(switch: Switch, arguments: list[str]) -> str:
    sessions = switch.sessions()
    if "json" in arguments:
        rows = [
            {"uuid": each.channel.uuid, "direction": "inbound", "state": each.channel.state}
            for each in sessions
        ]
        return json.dumps({"row_count": len(rows), "rows": rows})
    return f"\n{len(sessions)} total.\n"


def _expand(_switch: Switch, _arguments: list[str]) -> str:
    return ""


_FUNCTIONS: dict[str, Function] = {
    "expand": _expand,
    "global_getvar": _global_getvar,
    "msleep": _msleep,
    "originate": _originate,
    "show": _show,
    "status": _status,
    "uuid_broadcast": _with_session(_broadcast, "<uuid> <path> [aleg|bleg|holdb|both]"),
    "uuid_buglist": _with_session(_buglist, "<uuid>"),
    "uuid_dump": _with_session(_dump, "<uuid> [format]"),
    "uuid_break": _with_session(_break, "<uuid> [all]"),
    "uuid_dual_transfer": _with_session(_dual_transfer, "<uuid> <A-dest-exten> <B-dest-exten>"),
    "uuid_exists": _exists,
    "uuid_getvar": _with_session(_getvar, "<uuid> <var>", far=_getvar_far),
    "uuid_kill": _with_session(_kill, "<uuid> [cause]", far=_kill_far),
    "uuid_setvar": _with_session(_setvar, "<uuid> <var> [value]"),
    "uuid_transfer": _with_session(
        _transfer, "<uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]"
    ),
}
