"""Whatever a peer sends gives packets or `RemoteProtocolError`, in linear time."""

from __future__ import annotations

import itertools
import random
import time
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from esl_app.protocol import (
    ChannelData,
    CommandReply,
    Connection,
    Event,
    Limits,
    Packet,
    RemoteProtocolError,
    Signal,
)
from tests import transcript_files

pytestmark = pytest.mark.security

REPLY = b"Content-Type: command/reply\nReply-Text: +OK\n\n"


def outcome(pieces: Iterable[bytes], limits: Limits | None = None) -> list[Packet | str]:
    """All packets, then how it ended."""
    connection = Connection(limits) if limits else Connection()
    found: list[Packet | str] = []
    try:
        for piece in (*pieces, b""):
            connection.receive_data(piece)
            while not isinstance(packet := connection.next_event(), Signal):
                found.append(packet)
                look_at(packet)
    except RemoteProtocolError as error:
        found.append(str(error))
    return found


def look_at(packet: Packet) -> None:
    """Read everything a packet offers; nothing of it may raise."""
    repr(packet)
    if isinstance(packet, ChannelData | Event):
        headers = packet.headers()
        assert {name: packet.get(name) for name in headers if usable(name)} == {
            name: text for name, text in headers.items() if usable(name)
        }
        assert packet.all("Unique-ID")[:1] == ((packet.uuid,) if packet.uuid else ()) or (
            packet.all("Unique-ID")[0] in {"_undef_", ""}
        )
        assert isinstance(packet.body, bytes)
        assert packet.variable("x") == headers.get("variable_x")


def usable(name: str) -> bool:
    return ": " not in name and "\n" not in name


FRAGMENTS = st.sampled_from(
    [
        b"Content-Type: ",
        b"Content-Length: ",
        b"command/reply",
        b"text/event-plain",
        b"text/event-json",
        b"api/response",
        b"text/disconnect-notice",
        b"Event-Name: CHANNEL_DATA\n",
        b"Event-Name: CHANNEL_EXECUTE\n",
        b"Reply-Text: +OK",
        b"Unique-ID: a\n",
        b"variable_x: %0A\n",
        b"0",
        b"7",
        b"31",
        b"-1",
        b"\n",
        b"\n\n",
        b": ",
        b"%",
        b"\xff",
        b"\0",
        b"\r",
        b"{}",
        b'{"a":"b"}',
    ]
)
STREAMS = st.one_of(
    st.binary(max_size=300),
    st.lists(st.one_of(FRAGMENTS, st.binary(max_size=4)), max_size=40).map(b"".join),
)


@given(stream=STREAMS, cuts=st.lists(st.integers(0, 400), max_size=8))
@settings(max_examples=400)
def test_any_bytes_give_packets_or_the_one_error(stream: bytes, cuts: list[int]) -> None:
    whole = outcome([stream])
    places = sorted({0, *(place for place in cuts if place < len(stream)), len(stream)})
    pieces = [stream[a:b] for a, b in itertools.pairwise(places)]
    assert outcome(pieces) == whole
    assert outcome(bytes([byte]) for byte in stream) == whole


TINY = Limits(line=40, header_block=90, body=60, headers=4)


@given(stream=STREAMS)
@settings(max_examples=200)
def test_limits_do_not_depend_on_the_cuts(stream: bytes) -> None:
    """The packets before an error are the same; which limit is named first may differ."""
    whole = outcome([stream], TINY)
    single = outcome([bytes([byte]) for byte in stream], TINY)
    assert [p for p in single if not isinstance(p, str)] == [
        p for p in whole if not isinstance(p, str)
    ]
    assert [isinstance(p, str) for p in single] == [isinstance(p, str) for p in whole]


def recorded() -> bytes:
    transcript = transcript_files.load("f4_detect_speech")
    return transcript.stream(transcript.connections[0], "fs")[:40_000]


@given(
    changes=st.lists(
        st.tuples(st.integers(0, 39_999), st.integers(0, 3), st.binary(min_size=1, max_size=3)),
        min_size=1,
        max_size=5,
    ),
    cut=st.integers(1, 40_000),
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_damaged_recordings(changes: list[tuple[int, int, bytes]], cut: int) -> None:
    damaged = bytearray(recorded())
    for place, removed, added in changes:
        damaged[place : place + removed] = added
    stream = bytes(damaged[:cut])
    whole = outcome([stream])
    chance = random.Random(cut)
    places = sorted({0, len(stream), *(chance.randrange(len(stream)) for _ in range(20))})
    assert outcome(stream[a:b] for a, b in itertools.pairwise(places)) == whole


def test_f1_a_body_that_never_comes() -> None:
    """greenswitch spins for ever here and takes the whole process with it."""
    stream = b"Content-Type: api/response\nContent-Length: 1000\n\n12345"
    assert outcome([stream]) == ["the stream ended inside a packet"]


def test_f2_an_encoded_line_feed_forges_nothing() -> None:
    """One SIP header, by which a caller chose another destination and another uuid."""
    stream = (
        b"Event-Name: CHANNEL_DATA\nUnique-ID: 3848111d\nCaller-Destination-Number: 100\n"
        b"variable_sip_h_X-Foo: a%0ACaller-Destination-Number: 18005550000%0AUnique-ID: 0\n"
        b"variable_sip_from_display: a%0D%0A x: y\n"
        b"Content-Type: command/reply\nReply-Text: %2BOK%0A\nControl: single-channel\n\n\n"
    )
    (data,) = outcome([stream])
    assert isinstance(data, ChannelData)
    assert data.all("Unique-ID") == ("3848111d",)
    assert data.all("Caller-Destination-Number") == ("100",)
    assert (data.variable("sip_h_X-Foo") or "").count("\n") == 2
    assert set(data.headers()) == {
        "Event-Name",
        "Unique-ID",
        "Caller-Destination-Number",
        "variable_sip_h_X-Foo",
        "variable_sip_from_display",
        "Content-Type",
        "Reply-Text",
        "Control",
    }


def test_a_raw_value_cannot_bring_a_body_along() -> None:
    """`getvar` of a text with line feeds would otherwise swallow the packets that follow."""
    stream = b"Content-Type: command/reply\nReply-Text: a\nContent-Length: 70\n\n" + REPLY * 3
    assert outcome([stream]) == ["command/reply: a Content-Length"]


def test_a_raw_value_with_an_empty_line_is_seen() -> None:
    first, error = outcome([b"Content-Type: command/reply\nReply-Text: a\n\n+FORGED\n\n" + REPLY])
    assert isinstance(first, CommandReply)
    assert error == "header block: no Content-Type"


def test_a_huge_length_fails_at_once_and_costs_nothing() -> None:
    tracemalloc.start()
    try:
        for head in (
            b"Content-Length: 99999999999\nContent-Type: text/event-plain\n\n",
            b"Content-Length: 9999999999\nContent-Type: text/event-plain\n\n",
            b"Content-Type: api/response\nContent-Length: " + b"9" * 60_000 + b"\n\n",
            b"Content-Type: api/response\nContent-Length: 16777217\n\n",
        ):
            connection = Connection()
            connection.receive_data(head)
            with pytest.raises(RemoteProtocolError, match="Content-Length: more than"):
                connection.next_event()
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_after_an_error_nothing_is_kept() -> None:
    connection = Connection()
    connection.receive_data(b"nonsense\n\n" + b"x" * 1000)
    with pytest.raises(RemoteProtocolError):
        connection.next_event()
    assert not connection._buffer
    tracemalloc.start()
    try:
        for _ in range(50):
            connection.receive_data(b"x" * 100_000)
        assert tracemalloc.get_traced_memory()[0] < 300_000
    finally:
        tracemalloc.stop()
    with pytest.raises(RemoteProtocolError, match="no Content-Type"):
        connection.next_event()


def seconds(pieces: Iterable[bytes]) -> float:
    pieces = list(pieces)
    begin = time.process_time()
    outcome(pieces, Limits(line=10**7, header_block=10**7, headers=10**7))
    return time.process_time() - begin


@pytest.mark.parametrize(
    "stream",
    [
        b"x" * 100_000,
        b"a: b\n" * 20_000,
        b"\n" * 100_000,
        b"Content-Type: api/response\nContent-Length: 100000\n\n" + b"x" * 99_000,
        b"Content-Type" + b" " * 100_000,
        b"content-type:" + b" \t" * 50_000 + b"\n\n",
        b"content-length : 1\n" * 5_000,
    ],
    ids=["a line", "headers", "empty lines", "a body", "blanks", "blanks behind", "lengths"],
)
def test_byte_by_byte_costs_in_proportion(stream: bytes) -> None:
    """Four times the bytes cost about four times the time; quadratic would be sixteen."""
    quarter = stream[: len(stream) // 4]
    short = min(seconds(bytes([byte]) for byte in quarter) for _ in range(3))
    long = min(seconds(bytes([byte]) for byte in stream) for _ in range(2))
    assert long < 10 * short + 0.05


def test_deep_json_and_long_numbers_do_no_harm() -> None:
    for body in (b"[" * 200_000, b'{"a":' + b"9" * 200_000 + b"}", b'{"a":' * 50_000):
        head = b"Content-Length: %d\nContent-Type: text/event-json\n\n" % len(body)
        begin = time.process_time()
        assert len(outcome([head + body])) == 1
        assert time.process_time() - begin < 0.5
