"""The API functions a controller with `full` may call, as far as a call needs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import gevent

from esl_app.switchsim import causes
from esl_app.switchsim.events import connect_headers, switch_event
from esl_app.switchsim.session import Message

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


def _with_session(act: Callable[[Session, list[str]], str], usage: str) -> Function:
    def function(switch: Switch, arguments: list[str]) -> str:
        if not arguments or not arguments[0]:
            return f"-USAGE: {usage}\n"
        session = switch.session(arguments[0])
        if session is None or not session.channel.up:
            return _NO_CHANNEL
        return act(session, arguments[1:])

    return function


def _break(session: Session, arguments: list[str]) -> str:
    session.broken = True
    if "all" in arguments:
        session.drop_messages()  # flushed executes never execute and never complete (d4)
    return "+OK\n"


def _kill(session: Session, arguments: list[str]) -> str:
    session.hang_up(causes.known(arguments[0] if arguments else causes.NORMAL), by="controller")
    return "+OK\n"


def _getvar(session: Session, arguments: list[str]) -> str:
    return (session.channel.get(arguments[0]) if arguments else None) or "_undef_"


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


def _dump(session: Session, _arguments: list[str]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in connect_headers(session.channel))


def _exists(switch: Switch, arguments: list[str]) -> str:
    session = switch.session(arguments[0]) if arguments else None
    return "true" if session is not None and session.channel.up else "false"


def _msleep(switch: Switch, arguments: list[str]) -> str:
    switch.time.wait(int(arguments[0]) / 1000 if arguments else 0)
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
    "show": _show,
    "status": _status,
    "uuid_broadcast": _with_session(_broadcast, "<uuid> <path> [aleg|bleg|holdb|both]"),
    "uuid_dump": _with_session(_dump, "<uuid> [format]"),
    "uuid_break": _with_session(_break, "<uuid> [all]"),
    "uuid_exists": _exists,
    "uuid_getvar": _with_session(_getvar, "<uuid> <var>"),
    "uuid_kill": _with_session(_kill, "<uuid> [cause]"),
    "uuid_setvar": _with_session(_setvar, "<uuid> <var> [value]"),
    "uuid_transfer": _with_session(
        _transfer, "<uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]"
    ),
}
