"""The stand-in's parser of commands, and the packets it builds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.switchsim import packets
from esl_app.switchsim.wire import MAX_BODY_BYTES, Command, CommandParser, OversizeError

pytestmark = pytest.mark.unit

_SENDMSG = (
    b"sendmsg\ncall-command: execute\nexecute-app-name: set\nEvent-UUID: one\n"
    b"content-type: text/plain\ncontent-length: 9\n\na=b\n\nc=d\n"
)
_SEVERAL = b"connect\n\n\n\nmyevents json\n\n" + _SENDMSG + b"exit\n\n"


def parse(data: bytes, step: int = 0) -> list[Command]:
    parser = CommandParser()
    found: list[Command] = []
    step = step or max(1, len(data))
    for begin in range(0, len(data), step):
        parser.receive_data(data[begin : begin + step])
        found += parser.commands()
    return found


def test_commands_headers_and_body() -> None:
    connect, myevents, sendmsg, leave = parse(_SEVERAL)
    assert (connect.name, myevents.name, myevents.argument) == ("connect", "myevents", "json")
    assert sendmsg.get("Execute-App-Name") == "set"
    assert sendmsg.get("event-uuid") == "one"
    assert sendmsg.body == b"a=b\n\nc=d\n"
    assert leave.line == "exit"


@pytest.mark.parametrize("step", [1, 2, 7, 64])
def test_any_pieces_give_the_same(step: int) -> None:
    assert parse(_SEVERAL, step) == parse(_SEVERAL)


def test_crlf_ends_lines_too() -> None:
    [command] = parse(b"getvar channel_name\r\n\r\n")
    assert command.line == "getvar channel_name"


def test_a_bare_cr_starts_a_new_header() -> None:
    """What makes CR in an argument dangerous has to show here as it would in FreeSWITCH."""
    [command] = parse(b"sendmsg\nexecute-app-arg: x\rcall-command: hangup\n\n")
    assert command.get("call-command") == "hangup"


def test_first_header_wins() -> None:
    [command] = parse(b"sendmsg\nevent-lock: true\nEvent-Lock: false\n\n")
    assert command.get("event-lock") == "true"


def test_bytes_that_are_no_text_are_marked() -> None:
    [command] = parse(b"getvar\xff\xfe name\n\n")
    assert not command.valid


def test_a_body_that_never_comes_blocks() -> None:
    assert parse(b"sendmsg\ncontent-length: 5\n\nabc") == []


def test_a_body_over_the_limit_is_refused() -> None:
    with pytest.raises(OversizeError):
        parse(b"sendmsg\ncontent-length: %d\n\n" % (MAX_BODY_BYTES + 1))


@given(st.binary(max_size=300))
def test_any_bytes_give_commands_or_nothing(data: bytes) -> None:
    for command in parse(data):
        assert "\n" not in command.line


@given(st.text(max_size=50))
def test_url_encoding_leaves_no_line_end(value: str) -> None:
    encoded = packets.url_encode(value)
    assert "\n" not in encoded
    assert "\r" not in encoded


def test_url_encoding_is_freeswitch_s() -> None:
    assert packets.url_encode("tone_stream://%(500,200,800);loops=2") == (
        "tone_stream%3A//%25(500,200,800)%3Bloops%3D2"
    )
    assert packets.url_encode("sofia/rig/1000@127.0.0.1") == "sofia/rig/1000%40127.0.0.1"
    assert packets.url_encode("ä ~!*") == "%C3%A4%20~!*"


def test_reply_is_cut_at_511_bytes() -> None:
    data = packets.reply("z" * 2000).data
    assert data.count(b"z") == 511


def test_connect_reply_has_an_empty_line_too_many_and_no_length() -> None:
    data = packets.channel_data(
        [("Event-Name", "CHANNEL_DATA")], socket_mode="async", control="full"
    ).data
    assert data.startswith(b"Event-Name: CHANNEL_DATA\n")
    assert data.endswith(b"Reply-Text: %2BOK%0A\nSocket-Mode: async\nControl: full\n\n\n")
    assert b"Content-Length" not in data


def test_plain_event_with_a_body_ends_without_a_line_end() -> None:
    packet = packets.event([("Event-Name", "BACKGROUND_JOB")], format_="plain", body="+OK\n")
    head, _, body = packet.data.partition(b"\n\n")
    assert head == b"Content-Length: %d\nContent-Type: text/event-plain" % len(body)
    assert body == b"Event-Name: BACKGROUND_JOB\nContent-Length: 4\n\n+OK\n"


def test_json_event_is_not_url_encoded_and_keeps_duplicates() -> None:
    packet = packets.event(
        [("Event-Name", "DTMF"), ("Name", "a b"), ("Name", "second")], format_="json", body="hi"
    )
    head, _, content = packet.data.partition(b"\n\n")
    assert head == b"Content-Length: %d\nContent-Type: text/event-json" % len(content)
    assert json.loads(content, object_pairs_hook=list) == [
        ("Event-Name", "DTMF"),
        ("Name", "a b"),
        ("Name", "second"),
        ("_body", "hi"),
    ]
    assert packet.event == "DTMF"


def test_goodbye_says_how_long_it_is() -> None:
    head, _, body = packets.disconnect_notice(uuid="u").data.partition(b"\n\n")
    assert head.endswith(b"Content-Length: 67")
    assert len(body) == 67
