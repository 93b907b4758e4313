"""What we say to FreeSWITCH: the only place that builds bytes for the event socket.

An application and its argument exist only as an `Execute`, which only the constructors below make:
each takes the types its application knows and no raw string. Arguments travel in the message's
body, where a line feed is a line feed; in a header it would begin another header (F4), and the
words "reload mod_event_socket" would run a command (F6).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from dataclasses import InitVar, dataclass
from typing import Final, Literal

from esl_app.protocol import safe
from esl_app.protocol.safe import UnsafeArgument

# An unknown application hangs the caller up (switch_core_session.c:2771), and `a::b` is another
# way of naming one.
APPLICATIONS: Final = frozenset(
    {
        "answer",
        "break",
        "detect_speech",
        "flush_dtmf",
        "hangup",
        "play_and_detect_speech",
        "playback",
        "pre_answer",
        "record",
        "record_session",
        "record_session_mask",
        "record_session_pause",
        "record_session_resume",
        "record_session_unmask",
        "sched_hangup",
        "send_dtmf",
        "set",
        "sleep",
        "start_dtmf",
        "stop_dtmf",
        "stop_record_session",
        "transfer",
        "unset",
    }
)
LONGEST_RECORDING_S: Final = 4 * 3600
_OWN: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Execute:
    """An application with its argument, made by this module's constructors only."""

    app: str
    argument: str = ""
    made_by: InitVar[object] = None

    def __post_init__(self, made_by: object) -> None:
        if made_by is not _OWN:
            raise TypeError("an Execute is made by the constructors of esl_app.protocol.commands")
        if self.app not in APPLICATIONS:
            raise UnsafeArgument("not an application that may be executed")
        safe.argument(self.argument, what=self.app)


def _execute(app: str, argument: str = "") -> Execute:
    return Execute(app=app, argument=argument, made_by=_OWN)


def _whole(what: str, value: int, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise UnsafeArgument(f"{what}: not a whole number from {low} to {high}")
    return value


def _ipv4(what: str, text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise UnsafeArgument(f"{what}: not an IPv4 address") from None


def answer() -> Execute:
    """Answer the call."""
    return _execute("answer")


def pre_answer() -> Execute:
    """Open the audio path without answering."""
    return _execute("pre_answer")


def playback(path: str) -> Execute:
    """Play a file; `path` as `safe.media_path` gave it."""
    return _execute("playback", safe.absolute_path(path))


def record(path: str, *, limit_s: int, threshold: int, silence_s: int) -> Execute:
    """Record the caller until `silence_s` of silence, a terminating key or `limit_s`.

    `threshold` is the energy below which a frame is silent. The limit counts whole seconds of the
    clock: 5 gives up to 6. A folder that is not there hangs the caller up
    (switch_ivr_play_say.c:567): make it first.
    """
    _whole("record: limit_s", limit_s, 1, LONGEST_RECORDING_S)
    _whole("record: threshold", threshold, 0, 32767)
    _whole("record: silence_s", silence_s, 0, LONGEST_RECORDING_S)
    return _execute("record", f"{safe.absolute_path(path)} {limit_s} {threshold} {silence_s}")


def record_session(path: str, *, limit_s: int = LONGEST_RECORDING_S) -> Execute:
    """Record the call in the background, for `limit_s` at most: left the caller, right the agent.

    It goes on where a file of that name ends; a recording to it that is under way is left alone.
    Nothing says that a path cannot be written. The settings are the recording's own: as channel
    variables they would be `record`'s, too. FreeSWITCH deletes recordings under RECORD_MIN_SEC.
    """
    _whole("record_session: limit_s", limit_s, 1, LONGEST_RECORDING_S)
    own = "{RECORD_STEREO=true,RECORD_APPEND=true,RECORD_MIN_SEC=0}"
    return _execute("record_session", f"{safe.absolute_path(path)} +{limit_s} {own}")


def stop_record_session(path: str) -> Execute:
    """End the background recording to `path`."""
    return _execute("stop_record_session", safe.absolute_path(path))


def record_session_mask(path: str) -> Execute:
    """Have the background recording to `path` hold silence from here on."""
    return _execute("record_session_mask", safe.absolute_path(path))


def record_session_unmask(path: str) -> Execute:
    """End `record_session_mask`."""
    return _execute("record_session_unmask", safe.absolute_path(path))


def record_session_pause(path: str) -> Execute:
    """Have the background recording to `path` leave out what comes: it gets shorter."""
    return _execute("record_session_pause", safe.absolute_path(path))


def record_session_resume(path: str) -> Execute:
    """End `record_session_pause`."""
    return _execute("record_session_resume", safe.absolute_path(path))


def _grammar(grammar: str, parameters: Mapping[str, str]) -> str:
    pairs = ",".join(safe.recogniser_parameter(*pair) for pair in parameters.items())
    return f"{{{pairs}}}{safe.grammar(grammar)}" if pairs else safe.grammar(grammar)


def detect_speech(engine: str, grammar: str, parameters: Mapping[str, str]) -> Execute:
    """Recognise the caller's words in the background, with FreeSWITCH's own `engine`.

    Nothing says that there is no such engine (transcript f8): `try_recogniser` does.
    """
    # The last word is a name for the grammar, of which there is one.
    return _execute(
        "detect_speech", f"{safe.recogniser(engine)} {_grammar(grammar, parameters)} voice_ai"
    )


def try_recogniser(engine: str, grammar: str, parameters: Mapping[str, str]) -> Execute:
    """Open an engine and load a grammar, while nothing is played.

    Its Application-Response is `ASR INIT ERROR` or `GRAMMAR ERROR` where that fails; otherwise it
    waits for the engine's result, and `detect_speech_stop` ends it with `DONE`.
    """
    argument = f"silence_stream://20 detect:{safe.recogniser(engine)} "
    return _execute("play_and_detect_speech", argument + _grammar(grammar, parameters))


def detect_speech_resume() -> Execute:
    """Have the engine listen again: after each result it is deaf."""
    return _execute("detect_speech", "resume")


def detect_speech_stop() -> Execute:
    """Close the engine; harmless when none is open."""
    return _execute("detect_speech", "stop")


def break_() -> Execute:
    """Stop what is playing or recording; waits behind a locked application."""
    return _execute("break")


def hangup(cause: str = "NORMAL_CLEARING") -> Execute:
    """Hang up; waits behind a locked application."""
    return _execute("hangup", safe.hangup_cause(cause))


def sched_hangup(seconds: int, cause: str = "ALLOTTED_TIMEOUT") -> Execute:
    """Have FreeSWITCH hang up in `seconds`, whatever has become of us."""
    _whole("sched_hangup: seconds", seconds, 1, 86400)
    return _execute("sched_hangup", f"+{seconds} {safe.hangup_cause(cause)}")


def transfer(extension: str, *, dialplan: Literal["XML"] = "XML", context: str) -> Execute:
    """Send the caller to an extension of the dialplan.

    Only the XML dialplan: `inline` would run whatever applications the extension names (F5).
    """
    if dialplan != "XML":
        raise UnsafeArgument("transfer: only the XML dialplan")
    target = f"{safe.extension(extension)} {dialplan} {safe.context(context)}"
    return _execute("transfer", target)


def set_variable(name: str, value: str, *, configured: Collection[str] = ()) -> Execute:
    """Set a channel variable of the allow-list (`safe.VARIABLES`, `voice_ai_*`, `configured`).

    Never with a text from outside: FreeSWITCH expands what `set` gets twice, and whoever reads the
    variable once more.
    """
    safe.variable_name(name, configured=configured)
    return _execute("set", f"{name}={safe.argument(value, what=f'set {name}')}")


def unset_variable(name: str, *, configured: Collection[str] = ()) -> Execute:
    """Remove a channel variable."""
    return _execute("unset", safe.variable_name(name, configured=configured))


def sleep(ms: int) -> Execute:
    """Do nothing for `ms`; `break_` ends it."""
    return _execute("sleep", str(_whole("sleep: ms", ms, 1, 3_600_000)))


def flush_dtmf() -> Execute:
    """Forget the digits the caller typed ahead."""
    return _execute("flush_dtmf")


def start_dtmf() -> Execute:
    """Listen for digits in the audio itself."""
    return _execute("start_dtmf")


def stop_dtmf() -> Execute:
    """Stop listening for digits in the audio."""
    return _execute("stop_dtmf")


def send_dtmf(digits: str) -> Execute:
    """Send digits to the other side."""
    return _execute("send_dtmf", safe.digits(digits))


def encode_execute(execute: Execute, *, event_uuid: str, lock: bool = False) -> bytes:
    """The message that runs an application.

    `event_uuid` comes back as Application-UUID of the events about it (switch_ivr.c:637). With
    `lock` later messages wait for its end; without, they run nested inside it.
    """
    lines = [
        "sendmsg",
        "call-command: execute",
        f"execute-app-name: {execute.app}",
        f"Event-UUID: {safe.uuid(event_uuid)}",
    ]
    if lock:
        lines.append("event-lock: true")
    body = execute.argument.encode()
    if body:
        lines += ["content-type: text/plain", f"content-length: {len(body)}"]
    return "\n".join([*lines, "", ""]).encode() + body


def hangup_message(cause: str = "NORMAL_CLEARING") -> bytes:
    """Hang up without an application."""
    safe.hangup_cause(cause)
    return f"sendmsg\ncall-command: hangup\nhangup-cause: {cause}\n\n".encode()


def unicast(*, local_ip: str, local_port: int = 0, remote_ip: str, remote_port: int) -> bytes:
    """Full-duplex audio over UDP while the leg is parked.

    FreeSWITCH binds `local_ip` (an address of its host; port 0: any) and sends the caller's frames
    to the remote address: ours. Signed 16-bit at the leg's rate: the flag `native`, which passes
    the codec's payload on, saves nothing (docs/why/measured.md). Nothing ever says that it failed:
    no datagram within half a second means so.

    Raises:
        UnsafeArgument: not an IPv4 address (FreeSWITCH opens AF_INET, switch_ivr.c:481), or a port
            that is none.
    """
    lines = [
        "sendmsg",
        "call-command: unicast",
        f"local-ip: {_ipv4('unicast: local_ip', local_ip)}",
        f"local-port: {_whole('unicast: local_port', local_port, 0, 65535)}",
        f"remote-ip: {_ipv4('unicast: remote_ip', remote_ip)}",
        f"remote-port: {_whole('unicast: remote_port', remote_port, 1, 65535)}",
        "transport: udp",
    ]
    return "\n".join([*lines, "", ""]).encode()


def connect() -> bytes:
    """Take the call over. The first command of all: the reply to any other is never sent."""
    return b"connect\n\n"


def myevents() -> bytes:
    """Subscribe to this channel's events."""
    return b"myevents\n\n"


def filter_(header: str, value: str) -> bytes:
    """Let only events through whose header has this value."""
    return f"filter {safe.header_name(header)} {safe.header_value(value)}\n\n".encode()


def linger(seconds: int) -> bytes:
    """Keep the socket open after the hang-up until its events are out. Needs `full`.

    Always with a number: without one FreeSWITCH keeps the session until we close.
    """
    return b"linger %d\n\n" % _whole("linger: seconds", seconds, 1, 600)


def getvar(name: str) -> bytes:
    """Ask for a channel variable.

    Only for one whose value no caller chooses: the reply is raw, and an empty line in a value
    would make it two packets.
    """
    return f"getvar {safe.variable_to_read(name)}\n\n".encode()


def divert_events(on: bool) -> bytes:
    """Send the session's private events here, subscribed or not."""
    return b"divert_events on\n\n" if on else b"divert_events off\n\n"


def resume() -> bytes:
    """Have the dialplan go on when this socket is gone."""
    return b"resume\n\n"


def exit_() -> bytes:
    """Close the socket from FreeSWITCH's side; it says good-bye first."""
    return b"exit\n\n"
