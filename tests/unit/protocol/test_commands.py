"""What we send: exact bytes, one command each, whatever stands in an argument."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.protocol import commands
from esl_app.protocol.commands import Execute
from esl_app.protocol.safe import HANGUP_CAUSES, UnsafeArgument, UnsafePath

pytestmark = pytest.mark.unit

UUID_1 = "0e8400e2-9b41-41d4-a716-446655440000"


def received(message: bytes) -> tuple[list[str], dict[str, str], str]:
    """A message as mod_event_socket reads it: command, headers, an empty line, the body."""
    block, empty, rest = message.partition(b"\n\n")
    assert empty
    first, *lines = block.decode().split("\n")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(": ")
        assert colon
        assert name.lower() not in headers
        headers[name.lower()] = value
    length = int(headers.get("content-length", "0"))
    assert len(rest) == length
    return first.split(" "), headers, rest.decode()


@pytest.mark.parametrize(
    ("execute", "app", "argument"),
    [
        (commands.answer(), "answer", ""),
        (commands.pre_answer(), "pre_answer", ""),
        (commands.playback("/var/lib/x/1.wav"), "playback", "/var/lib/x/1.wav"),
        (
            commands.record("/s/1.wav", limit_s=30, threshold=200, silence_s=2),
            "record",
            "/s/1.wav 30 200 2",
        ),
        (
            commands.record_session("/s/c.wav", limit_s=60),
            "record_session",
            "/s/c.wav +60 {RECORD_STEREO=true,RECORD_APPEND=true,RECORD_MIN_SEC=0}",
        ),
        (commands.record_session_mask("/s/c.wav"), "record_session_mask", "/s/c.wav"),
        (commands.record_session_unmask("/s/c.wav"), "record_session_unmask", "/s/c.wav"),
        (commands.record_session_pause("/s/c.wav"), "record_session_pause", "/s/c.wav"),
        (commands.record_session_resume("/s/c.wav"), "record_session_resume", "/s/c.wav"),
        (
            commands.detect_speech("test", "default", {"vad-silence-ms": "300", "partial": "true"}),
            "detect_speech",
            "test {vad-silence-ms=300,partial=true}default voice_ai",
        ),
        (
            commands.detect_speech("unimrcp:profile-1", "builtin:speech/transcribe", {}),
            "detect_speech",
            "unimrcp:profile-1 builtin:speech/transcribe voice_ai",
        ),
        (
            commands.try_recogniser("pocketsphinx", "/g/digits.gram", {"a": "1"}),
            "play_and_detect_speech",
            "silence_stream://20 detect:pocketsphinx {a=1}/g/digits.gram",
        ),
        (commands.detect_speech_resume(), "detect_speech", "resume"),
        (commands.detect_speech_stop(), "detect_speech", "stop"),
        (commands.stop_record_session("/s/c.wav"), "stop_record_session", "/s/c.wav"),
        (commands.break_(), "break", ""),
        (commands.hangup(), "hangup", "NORMAL_CLEARING"),
        (commands.hangup("USER_BUSY"), "hangup", "USER_BUSY"),
        (commands.sched_hangup(60), "sched_hangup", "+60 ALLOTTED_TIMEOUT"),
        (commands.transfer("1000", context="a.example"), "transfer", "1000 XML a.example"),
        (commands.transfer("operator", context="public"), "transfer", "operator XML public"),
        (commands.set_variable("voice_ai_x", "a=b c"), "set", "voice_ai_x=a=b c"),
        (commands.set_variable("playback_terminators", "#*"), "set", "playback_terminators=#*"),
        (
            commands.set_variable("sip_h_X-Y".replace("-", "_"), "1", configured={"sip_h_X_Y"}),
            "set",
            "sip_h_X_Y=1",
        ),
        (commands.unset_variable("voice_ai_x"), "unset", "voice_ai_x"),
        (commands.sleep(500), "sleep", "500"),
        (commands.flush_dtmf(), "flush_dtmf", ""),
        (commands.start_dtmf(), "start_dtmf", ""),
        (commands.stop_dtmf(), "stop_dtmf", ""),
        (commands.send_dtmf("12#"), "send_dtmf", "12#"),
    ],
    ids=lambda value: value.app if isinstance(value, Execute) else "",
)
@pytest.mark.parametrize("lock", [False, True], ids=["", "locked"])
def test_execute(execute: Execute, app: str, argument: str, lock: bool) -> None:
    command, headers, body = received(
        commands.encode_execute(execute, event_uuid=UUID_1, lock=lock)
    )
    assert command == ["sendmsg"]
    assert body == argument
    expected = {"call-command": "execute", "execute-app-name": app, "event-uuid": UUID_1}
    if lock:
        expected["event-lock"] = "true"
    if argument:
        expected |= {"content-type": "text/plain", "content-length": str(len(argument))}
    assert headers == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (commands.connect(), b"connect\n\n"),
        (commands.myevents(), b"myevents\n\n"),
        (commands.filter_("Unique-ID", UUID_1), b"filter Unique-ID " + UUID_1.encode() + b"\n\n"),
        (commands.linger(5), b"linger 5\n\n"),
        (commands.getvar("domain_uuid"), b"getvar domain_uuid\n\n"),
        (commands.divert_events(True), b"divert_events on\n\n"),
        (commands.divert_events(False), b"divert_events off\n\n"),
        (commands.resume(), b"resume\n\n"),
        (commands.exit_(), b"exit\n\n"),
        (
            commands.hangup_message("CALL_REJECTED"),
            b"sendmsg\ncall-command: hangup\nhangup-cause: CALL_REJECTED\n\n",
        ),
    ],
    ids=lambda value: value.split()[0].decode(),
)
def test_plain_commands(message: bytes, expected: bytes) -> None:
    assert message == expected


@pytest.mark.parametrize(
    "build",
    [
        lambda: commands.playback("1.wav"),
        lambda: commands.playback("/s/../etc/passwd"),
        lambda: commands.playback("/s/1.wav@@8000"),
        lambda: commands.record("/s/a b.wav", limit_s=1, threshold=1, silence_s=1),
        lambda: commands.stop_record_session("all\n"),
        lambda: commands.record_session_mask("/s/1.wav {a=b}"),
    ],
)
def test_paths_that_are_no_paths(build: Callable[[], Execute]) -> None:
    with pytest.raises(UnsafePath):
        build()


@pytest.mark.parametrize(
    "build",
    [
        lambda: commands.record("/s/1.wav", limit_s=0, threshold=1, silence_s=1),
        lambda: commands.record("/s/1.wav", limit_s=99999, threshold=1, silence_s=1),
        lambda: commands.record("/s/1.wav", limit_s=True, threshold=1, silence_s=1),
        lambda: commands.record("/s/1.wav", limit_s=1.5, threshold=1, silence_s=1),  # type: ignore[arg-type]
        lambda: commands.record("/s/1.wav", limit_s=1, threshold=-1, silence_s=1),
        lambda: commands.record_session("/s/1.wav", limit_s=0),
        lambda: commands.detect_speech("test x", "default", {}),
        lambda: commands.detect_speech("a::b", "default", {}),
        lambda: commands.detect_speech("", "default", {}),
        lambda: commands.detect_speech("test", "default x", {}),
        lambda: commands.detect_speech("test", "{a=b}default", {}),
        lambda: commands.detect_speech("test", "http://169.254.169.254/", {}),
        lambda: commands.detect_speech("test", "../../etc/passwd", {}),
        lambda: commands.detect_speech("test", "${system x}", {}),
        lambda: commands.detect_speech("test", "default", {"a,b": "1"}),
        lambda: commands.detect_speech("test", "default", {"a": "1,result=x"}),
        lambda: commands.detect_speech("test", "default", {"a": "1}x"}),
        lambda: commands.detect_speech("test", "default", {"a": ""}),
        lambda: commands.try_recogniser("test\n", "default", {}),
        lambda: commands.hangup("BECAUSE"),
        lambda: commands.hangup_message("normal_clearing"),
        lambda: commands.sched_hangup(0),
        lambda: commands.sleep(0),
        lambda: commands.linger(0),
        lambda: commands.linger(-1),
        lambda: commands.transfer("set:pwned=1,park inline", context="public"),
        lambda: commands.transfer("1000", dialplan="inline", context="public"),  # type: ignore[arg-type]
        lambda: commands.transfer("1000", context="public x"),
        lambda: commands.transfer("", context="public"),
        lambda: commands.set_variable("execute_on_answer", "system x"),
        lambda: commands.set_variable("sip_h_X", "1"),
        lambda: commands.set_variable("voice_ai_x", "${system x}"),
        lambda: commands.unset_variable("socket_host"),
        lambda: commands.send_dtmf("1w2"),
        lambda: commands.filter_("Unique-ID", "a\n\napi status"),
        lambda: commands.filter_("Unique-ID", "/.*/"),
        lambda: commands.filter_("Unique ID", "x"),
        lambda: commands.getvar("x\n\napi status"),
        lambda: commands.encode_execute(commands.answer(), event_uuid="1\ncall-command: hangup"),
    ],
)
def test_refused_before_a_byte_exists(build: Callable[[], object]) -> None:
    with pytest.raises(UnsafeArgument):
        build()


def test_a_recording_without_a_limit_cannot_be_said() -> None:
    with pytest.raises(TypeError):
        commands.record("/s/1.wav")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Execute(app="record", argument="/s/1.wav")
    with pytest.raises(TypeError):
        dataclasses.replace(commands.answer(), app="record", argument="/s/1.wav")
    with pytest.raises(AttributeError):
        commands.answer().app = "system"  # type: ignore[misc]


@pytest.mark.parametrize("app", ["system", "mod_dptools::system", "set\n", "bridge", ""])
def test_only_listed_applications(app: str) -> None:
    with pytest.raises(UnsafeArgument):
        commands._execute(app)


@given(value=st.text(max_size=300), uuid=st.uuids(), lock=st.booleans())
def test_whatever_the_value_it_is_one_message_or_none(value: str, uuid: UUID, lock: bool) -> None:
    try:
        execute = commands.set_variable("voice_ai_note", value)
    except UnsafeArgument:
        return
    command, headers, body = received(
        commands.encode_execute(execute, event_uuid=str(uuid), lock=lock)
    )
    assert command == ["sendmsg"]
    assert headers.get("event-lock") == ("true" if lock else None)
    assert headers["event-uuid"] == str(uuid)
    assert body == f"voice_ai_note={value}"


@given(
    extension=st.text(max_size=40),
    context=st.text(max_size=40),
    cause=st.sampled_from(sorted(HANGUP_CAUSES)),
)
def test_a_transfer_is_three_words_or_nothing(extension: str, context: str, cause: str) -> None:
    try:
        execute = commands.transfer(extension, context=context)
    except UnsafeArgument:
        return
    assert execute.argument.split() == [extension, "XML", context]
    assert commands.hangup(cause).argument == cause
