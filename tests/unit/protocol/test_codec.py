"""Packets by hand: framing, limits, and what a header's value may be."""

from __future__ import annotations

import pytest

from esl_app.protocol import (
    CONNECTION_CLOSED,
    NEED_DATA,
    ApiResponse,
    ChannelData,
    CommandReply,
    Connection,
    DisconnectNotice,
    Event,
    Limits,
    Other,
    Packet,
    RemoteProtocolError,
    Signal,
)

pytestmark = pytest.mark.unit


def plain(headers: bytes, *, outer: bytes = b"") -> bytes:
    return (
        b"Content-Length: %d\nContent-Type: text/event-plain\n%b\n" % (len(headers), outer)
        + headers
    )


def packets(stream: bytes, limits: Limits | None = None) -> list[Packet]:
    connection = Connection(limits) if limits else Connection()
    connection.receive_data(stream)
    found = []
    while not isinstance(packet := connection.next_event(), Signal):
        found.append(packet)
    return found


def event(headers: bytes) -> Event:
    (packet,) = packets(plain(headers))
    assert isinstance(packet, Event)
    return packet


def test_nothing_came() -> None:
    connection = Connection()
    assert connection.next_event() is NEED_DATA
    connection.receive_data(b"")
    assert connection.next_event() is CONNECTION_CLOSED
    assert connection.next_event() is CONNECTION_CLOSED


def test_data_after_the_end_is_the_caller_s_mistake() -> None:
    connection = Connection()
    connection.receive_data(b"")
    with pytest.raises(RuntimeError, match="after the end"):
        connection.receive_data(b"x")


def test_packets_before_the_end_are_not_lost() -> None:
    connection = Connection()
    connection.receive_data(b"Content-Type: command/reply\nReply-Text: +OK\n\n" * 2)
    connection.receive_data(b"")
    assert isinstance(connection.next_event(), CommandReply)
    assert isinstance(connection.next_event(), CommandReply)
    assert connection.next_event() is CONNECTION_CLOSED


@pytest.mark.parametrize(
    "stream",
    [
        b"C",
        b"Content-Type: command/reply\n",
        b"Content-Type: command/reply\nReply-Text: +OK\n",
        b"Content-Type: api/response\nContent-Length: 3\n\n",
        b"Content-Type: api/response\nContent-Length: 3\n\n+O",
        b"Content-Length: 1000\nContent-Type: text/event-plain\n\nEvent",
    ],
)
def test_the_end_inside_a_packet_is_an_error(stream: bytes) -> None:
    connection = Connection()
    connection.receive_data(stream)
    assert connection.next_event() is NEED_DATA
    connection.receive_data(b"")
    for _ in range(2):
        with pytest.raises(RemoteProtocolError, match="inside a packet"):
            connection.next_event()


def test_empty_lines_between_packets_are_skipped() -> None:
    reply = b"Content-Type: command/reply\nReply-Text: +OK\n\n"
    assert len(packets(b"\n\n" + reply + b"\n\n\n" + plain(b"Event-Name: X\n\n") + b"\n")) == 2
    connection = Connection()
    connection.receive_data(reply + b"\n")
    connection.receive_data(b"")
    assert isinstance(connection.next_event(), CommandReply)
    assert connection.next_event() is CONNECTION_CLOSED


def test_the_reply_to_connect_is_url_encoded_and_has_one_empty_line_too_many() -> None:
    stream = (
        b"Event-Name: CHANNEL_DATA\nUnique-ID: u-1\nvariable_sip_from_display: Zo%C3%AB\n"
        b"variable_empty: _undef_\nReply-Text: %2BOK%0A\nContent-Type: command/reply\n"
        b"Socket-Mode: async\nControl: single-channel\n\n\n"
    )
    (data,) = packets(stream)
    assert isinstance(data, ChannelData)
    assert (data.name, data.uuid) == ("CHANNEL_DATA", "u-1")
    assert data.variable("sip_from_display") == "Zoë"
    assert data.get("variable_empty", "default") == "default"
    assert data.get("Reply-Text") == "+OK\n"
    assert data.raw == stream[:-1]
    assert data.body == b""


def test_a_reply_is_raw() -> None:
    (reply,) = packets(b"Content-Type: command/reply\nReply-Text: 50%25 \xe9 \n\n")
    assert isinstance(reply, CommandReply)
    assert reply.text == "50%25 \udce9 "
    assert not reply.ok


def test_a_raw_value_of_several_lines_is_one_reply() -> None:
    """`getvar switch_r_sdp` answers with an SDP as it is."""
    sdp = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\na=rtpmap:0 PCMU/8000\r\n"
    (reply,) = packets(b"Content-Type: command/reply\nReply-Text: " + sdp + b"\n\n")
    assert isinstance(reply, CommandReply)
    assert reply.text == "v=0\r"
    assert reply.headers["Content-Type"] == "command/reply"


def test_of_repeated_framing_headers_the_first_type_counts() -> None:
    (reply,) = packets(
        b"Content-Type: command/reply\nReply-Text: x\nContent-Type: text/event-plain\n\n"
    )
    assert isinstance(reply, CommandReply)


def test_framing_headers_are_found_in_any_case() -> None:
    (answer,) = packets(b"content-type:api/response\nCONTENT-LENGTH :  3\n\n+OK")
    assert answer == ApiResponse(body=b"+OK")


def test_notices() -> None:
    linger, end, forever = packets(
        b"Content-Type: text/disconnect-notice\nContent-Disposition: linger\nLinger-Time: 3\n"
        b"Content-Length: 0\n\n"
        b"Content-Type: text/disconnect-notice\nContent-Disposition: disconnect\n"
        b"Content-Length: 4\n\nBye\n"
        b"Content-Type: text/disconnect-notice\nContent-Disposition: linger\nLinger-Time: -1\n"
        b"Content-Length: 0\n\n"
    )
    assert linger == DisconnectNotice(disposition="linger", linger_s=3, body=b"")
    assert end == DisconnectNotice(disposition="disconnect", linger_s=None, body=b"Bye\n")
    assert isinstance(forever, DisconnectNotice)
    assert forever.linger_s == -1


def test_what_nobody_asked_for_is_kept_apart() -> None:
    xml, greeting = packets(
        b"Content-Length: 8\nContent-Type: text/event-xml\n\n<event/>Content-Type: auth/request\n\n"
    )
    assert isinstance(xml, Other)
    assert isinstance(greeting, Other)
    assert (xml.content_type, xml.body) == ("text/event-xml", b"<event/>")
    assert (greeting.content_type, greeting.body) == ("auth/request", b"")


def test_the_body_of_an_event_is_no_header() -> None:
    found = event(
        b"Event-Name: DETECTED_SPEECH\nContent-Length: 30\n\nline\nUnique-ID: forged\nx: y\n\n"
    )
    job = event(b"Event-Name: BACKGROUND_JOB\nContent-Length: 27\n\n+OK\nApplication: playback\n\n")
    cdr = event(
        b"Event-Name: CHANNEL_HANGUP_COMPLETE\nContent-Length: 22\n\n<cdr/>\nUnique-ID: x\n\n"
    )
    assert job.application is None
    assert (cdr.uuid, cdr.body) == ("", b"<cdr/>\nUnique-ID: x\n\n")
    assert found.uuid == ""
    assert found.get("x") is None
    assert found.all("Unique-ID") == ()
    assert found.body == b"line\nUnique-ID: forged\nx: y\n\n"
    assert found.headers() == {"Event-Name": "DETECTED_SPEECH", "Content-Length": "30"}


def test_lines_first_then_values() -> None:
    """F2: a line feed that a caller wrote as %0A stays inside the value."""
    found = event(
        b"Event-Name: CHANNEL_EXECUTE\nUnique-ID: real\n"
        b"variable_sip_h_X-Foo: a%0AUnique-ID: forged%0ADTMF-Digit: 5\n"
        b"Caller-Destination-Number: 100\n\n"
    )
    assert found.all("Unique-ID") == ("real",)
    assert found.get("DTMF-Digit") is None
    assert found.variable("sip_h_X-Foo") == "a\nUnique-ID: forged\nDTMF-Digit: 5"
    assert found.get("Caller-Destination-Number") == "100"


def test_of_repeated_headers_the_first_counts_and_all_are_seen() -> None:
    found = event(
        b"Event-Name: X\nUnique-ID: one\nvariable_a: 1\nUnique-ID: two\nvariable_a: 2\n\n"
    )
    assert found.uuid == found.get("Unique-ID") == found.headers()["Unique-ID"] == "one"
    assert found.variable("a") == "1"
    assert found.all("Unique-ID") == ("one", "two")


def test_a_first_value_that_is_undefined_hides_a_second() -> None:
    found = event(b"Event-Name: X\nUnique-ID: _undef_\nUnique-ID: two\n\n")
    assert found.get("Unique-ID", "default") == "default"
    assert "Unique-ID" not in found.headers()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"", ""),
        (b"%E4%BD%A0%E5%A5%BD", "你好"),
        (b"caf%E9", "caf\udce9"),
        (b"caf\xe9", "caf\udce9"),
        (b"100%", "100%"),
        (b"%zz%4", "%zz%4"),
        (b"a: b", "a: b"),
        (b"ARRAY::a|:b", "ARRAY::a|:b"),
        (b"%00", "\0"),
    ],
)
def test_values(value: bytes, text: str) -> None:
    found = event(b"Event-Name: X\nName: " + value + b"\n\n")
    assert found.get("Name") == found.headers()["Name"] == text
    assert found.all("Name") == (text,)


def test_a_name_is_a_whole_name() -> None:
    found = event(b"Event-Name: X\nvariable_abc: 1\nxUnique-ID: 2\nUnique-IDs: 3\n\n")
    assert found.variable("ab") is None
    assert found.variable("bc") is None
    assert found.uuid == ""


@pytest.mark.parametrize("name", ["a\nb", "a: b"])
def test_a_name_cannot_reach_into_a_value(name: str) -> None:
    with pytest.raises(ValueError, match="header's name"):
        event(b"Event-Name: X\n\n").get(name)


def test_an_event_without_its_empty_line() -> None:
    assert event(b"Event-Name: X\nUnique-ID: u").uuid == "u"
    assert event(b"Event-Name: X\nUnique-ID: u\n").headers() == {
        "Event-Name": "X",
        "Unique-ID": "u",
    }


def test_a_packet_s_picture_shows_nothing_personal() -> None:
    found = event(b"Event-Name: DTMF\nUnique-ID: u\nDTMF-Digit: 7\nvariable_pin: 4711\n\n")
    assert "DTMF" in repr(found)
    assert "4711" not in repr(found)


def test_packets_are_equal_by_their_bytes() -> None:
    one, two = event(b"Event-Name: X\n\n"), event(b"Event-Name: X\n\n")
    assert one == two
    assert len({one, two, event(b"Event-Name: Y\n\n")}) == 2


def json_event(body: bytes) -> Event:
    (packet,) = packets(b"Content-Length: %d\nContent-Type: text/event-json\n\n" % len(body) + body)
    assert isinstance(packet, Event)
    return packet


def test_json() -> None:
    found = json_event(
        b'{"Event-Name":"CUSTOM","Unique-ID":"u","Unique-ID":"v","n":"caf\xe9 %41",'
        b'"list":["a","b"],"empty":"_undef_","number":12345678901234567890,"_body":"text"}'
    )
    assert (found.name, found.uuid) == ("CUSTOM", "u")
    assert found.all("Unique-ID") == ("u", "v")
    assert found.get("n") == "caf\udce9 %41"
    assert found.get("list") == "ARRAY::a|:b"
    assert found.get("empty", "default") == "default"
    assert found.get("number") == "12345678901234567890"
    assert found.body == b"text"
    assert "_body" not in found.headers()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"1",
        b'{"a":{"b":"c"}}',
        b'{"a":[["b"]]}',
        b'{"a":null}',
        b'{"a":NaN}',
        b'{"a":"' + b"x" * 10,
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_json_that_is_no_event(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="text/event-json"):
        json_event(body)


SMALL = Limits(line=100, header_block=300, body=1000, headers=10)


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (b"\0", None),
        (b"Content-Type: command/reply\nReply-Text: a\0b\n\n", "NUL"),
        (plain(b"Event-Name: X\nA: \0\n\n"), "NUL"),
        (b"X: y\n\n", "no Content-Type"),
        (b"nonsense\n\n", "no Content-Type"),
        (b"Content-Type: text/event-plain\n\n", "no Content-Length"),
        (b"Content-Type: text/event-json\n\n", "no Content-Length"),
        (b"Content-Type: api/response\n\n", "no Content-Length"),
        (b"Content-Type: api/response\nContent-Length: -1\n\n", "not a number"),
        (b"Content-Type: api/response\nContent-Length: +1\n\n", "not a number"),
        (b"Content-Type: api/response\nContent-Length: 1 1\n\n", "not a number"),
        (b"Content-Type: api/response\nContent-Length: 0x1\n\n", "not a number"),
        (b"Content-Type: api/response\nContent-Length: 1\r\n\n", "not a number"),
        (b"Content-Type: api/response\nContent-Length: \xd9\xa3\n\n", "not a number"),
        (b"Content-Type: api/response\nContent-Length:\n\n", "not a number"),
        (b"Content-Type: api/response\nContent-Length: 1\nContent-Length: 1\n\n", "more than one"),
        (b"Content-Type: api/response\nContent-Length: 1\ncontent-length: 2\n\n", "more than one"),
        (plain(b"Event-Name: X\n\n", outer=b"Content-Length: 15\n"), "more than one"),
        (b"Content-Type: command/reply\nReply-Text: a\nContent-Length: 5\n\n", "a Content-Length"),
        (b"Content-Type: api/response\nContent-Length: 1001\n\n", "more than 1000"),
        (b"Content-Length: 1001\nContent-Type: text/event-plain\n\n", "more than 1000"),
        (b"Content-Type: api/response\nContent-Length: " + b"9" * 80 + b"\n\n", "more than 1000"),
        (b"Content-Length: 9999999999\nContent-Type: text/event-plain\n\n", "more than 1000"),
        (b"Content-Length: 99999999999\nContent-Type: text/event-plain\n\n", "more than 1000"),
        (b"X" * 101, "a line of more than 100"),
        (b"A: b\n" + b"X" * 101, "a line of more than 100"),
        (b"A: b\nContent-Type: x\nX: " + b"x" * 100 + b"\n\n", "a line of more than 100"),
        (b"A: b\n" * 61, "more than 300 bytes"),
        (b"A: b\n" * 10 + b"Content-Type: x\n\n", "more than 10 headers"),
        (plain(b"Event-Name: X\n" + b"a: b\n" * 10 + b"\n"), "more than 10 headers"),
        (plain(b"Event-Name: X\nA: " + b"a" * 100 + b"\n\n"), "a line of more than 100"),
        (plain((b"A: " + b"a" * 80 + b"\n") * 4 + b"\n"), "more than 300 bytes"),
    ],
)
@pytest.mark.parametrize("single", [False, True], ids=["whole", "single bytes"])
def test_refused(stream: bytes, message: str | None, single: bool) -> None:
    connection = Connection(SMALL)
    pieces = [bytes([byte]) for byte in stream] if single else [stream]
    with pytest.raises(RemoteProtocolError, match=message):  # noqa: PT012 - which piece is open
        for piece in (*pieces, b""):
            connection.receive_data(piece)
            assert isinstance(connection.next_event(), Signal)
    with pytest.raises(RemoteProtocolError, match=message):
        connection.next_event()


@pytest.mark.parametrize(
    "stream",
    [
        b"Content-Type: api/response\nContent-Length: 1000\n\n" + b"x" * 1000,
        b"Content-Type: x\nX: " + b"x" * 97 + b"\n\n",
        b"Content-Type: x\n" + b"A: b\n" * 9 + b"\n",
        plain(b"Event-Name: X\n" + b"a: b\n" * 9 + b"\n"),
        plain(b"Event-Name: X\nA: " + b"a" * 97 + b"\n\n"),
    ],
)
def test_just_within_the_limits(stream: bytes) -> None:
    assert len(packets(stream, SMALL)) == 1


def test_zeros_in_front_of_a_length_are_only_zeros() -> None:
    stream = b"Content-Type: api/response\nContent-Length: 0000000000000000000000001\n\nx"
    assert packets(stream) == [ApiResponse(body=b"x")]


def test_limits_hold_after_many_packets() -> None:
    connection = Connection(SMALL)
    reply = b"Content-Type: command/reply\nReply-Text: +OK\n\n"
    for byte in reply * 5:
        connection.receive_data(bytes([byte]))
        connection.next_event()
    for _ in range(100):
        connection.receive_data(b"x")
        assert connection.next_event() is NEED_DATA
    connection.receive_data(b"x")
    with pytest.raises(RemoteProtocolError, match="a line of more than 100"):
        connection.next_event()


def test_default_limits_take_what_freeswitch_sends() -> None:
    limits = Limits()
    value = b"x" * (limits.line - 100)
    assert (
        event(b"Event-Name: X\nvariable_big: " + value + b"\n\n").variable("big") == value.decode()
    )
    many = b"".join(b"variable_%d: %d\n" % (number, number) for number in range(1900))
    assert event(b"Event-Name: CHANNEL_EXECUTE\n" + many + b"\n").variable("1899") == "1899"
    too_many = b"".join(b"a%d: 1\n" % number for number in range(2001))
    with pytest.raises(RemoteProtocolError, match="2000 headers"):
        event(b"Event-Name: CHANNEL_EXECUTE\n" + too_many + b"\n")
