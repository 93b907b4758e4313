"""What a real FreeSWITCH sent decodes whole, however it is cut."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_to_bytes

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
    Other,
    Packet,
    Signal,
)
from tests import transcript_files

pytestmark = pytest.mark.unit

RECORDED = {
    f"{transcript.name}-{conn}": transcript.stream(conn, "fs")
    for transcript in transcript_files.load_all()
    for conn in transcript.connections
}
every_stream = pytest.mark.parametrize("stream", RECORDED.values(), ids=RECORDED.keys())


def sole(name: str) -> bytes:
    """What FreeSWITCH sent on the one connection of a recording."""
    transcript = transcript_files.load(name)
    (conn,) = transcript.connections
    return transcript.stream(conn, "fs")


def decode(pieces: Iterable[bytes]) -> list[Packet]:
    """The packets of a stream that comes in these pieces and then ends."""
    connection = Connection()
    packets: list[Packet] = []
    for piece in (*pieces, b""):
        connection.receive_data(piece)
        while not isinstance(packet := connection.next_event(), Signal):
            packets.append(packet)
        assert packet is (NEED_DATA if piece else CONNECTION_CLOSED)
    return packets


def framed(stream: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Header block and body of each packet, by the plainest reading of the format."""
    while stream := stream.lstrip(b"\n"):
        block, _, stream = stream.partition(b"\n\n")
        length = dict(pairs(block)).get(b"Content-Length", b"0")
        yield block, stream[: int(length)]
        stream = stream[int(length) :]


def pairs(block: bytes) -> list[tuple[bytes, bytes]]:
    return [(line.split(b": ", 1)[0], line.split(b": ", 1)[1]) for line in block.split(b"\n")]


def url_decoded(block: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs(block):
        text = unquote_to_bytes(value).decode("utf-8", "surrogateescape")
        found.setdefault(name.decode(), text)
    return {name: text for name, text in found.items() if text != "_undef_"}


def cut(stream: bytes, at: Iterable[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(place for place in at if 0 < place < len(stream))})
    return [stream[one:two] for one, two in itertools.pairwise(places)]


def borders(stream: bytes) -> list[int]:
    """Where packets begin."""
    places = [0]
    while (place := stream.find(b"\nContent-", places[-1] + 1)) >= 0:
        places.append(place + 1)
    return places


@every_stream
def test_every_packet_holds_what_the_bytes_say(stream: bytes) -> None:
    expected = list(framed(stream))
    packets = decode([stream])
    assert len(packets) == len(expected)
    for packet, (block, body) in zip(packets, expected, strict=True):
        content_type = dict(pairs(block))[b"Content-Type"]
        if isinstance(packet, ChannelData):
            assert content_type == b"command/reply"
            assert packet.raw == block + b"\n\n"
            assert packet.headers() == url_decoded(block)
            assert packet.name == "CHANNEL_DATA"
            assert packet.get("Control") in {"full", "single-channel"}
        elif isinstance(packet, CommandReply):
            assert content_type == b"command/reply"
            assert packet.text.encode() == dict(pairs(block))[b"Reply-Text"]
            assert packet.ok == packet.text.startswith("+OK")
        elif isinstance(packet, Event):
            assert content_type.startswith(b"text/event-")
            assert packet.raw == block + b"\n\n" + body
        elif isinstance(packet, ApiResponse):
            assert content_type == b"api/response"
            assert packet.body == body
        elif isinstance(packet, DisconnectNotice):
            assert content_type == b"text/disconnect-notice"
            assert packet.body == body
            assert (packet.disposition == "linger") == (b"Linger-Time" in block)
        else:
            assert isinstance(packet, Other)
            assert (packet.content_type, packet.body) == ("log/data", body)


@every_stream
def test_an_event_gives_each_header_its_first_value(stream: bytes) -> None:
    for packet in decode([stream]):
        if type(packet) is not Event:
            continue
        inner = packet.raw.partition(b"\n\n")[2]
        block, _, body = inner.partition(b"\n\n")
        expected = url_decoded(block)
        assert packet.headers() == expected
        assert {name: packet.get(name) for name in expected} == expected
        assert packet.name == expected.get("Event-Name", "")
        assert packet.uuid == expected.get("Unique-ID", "")
        assert packet.application == expected.get("Application")
        assert packet.application_uuid == expected.get("Application-UUID")
        assert packet.response == expected.get("Application-Response")
        assert packet.variable("uuid") == expected.get("variable_uuid")
        assert packet.body == body
        assert len(body) == int(expected.get("Content-Length", "0"))


@every_stream
def test_cuts_change_nothing(stream: bytes) -> None:
    """Byte by byte where it matters: around each packet's head; at random elsewhere.

    Thirteen million single bytes would take half a minute, and deep inside a body one byte is like
    another; three whole sessions are fed byte by byte below.
    """
    whole = decode([stream])
    chance = random.Random(len(stream))
    near = [place + off for place in borders(stream) for off in range(-4, 64)]
    assert decode(cut(stream, near)) == whole
    anywhere = [chance.randrange(len(stream)) for _ in range(len(stream) // 500)]
    assert decode(cut(stream, anywhere)) == whole


@pytest.mark.parametrize("name", ["a2_json", "f4_detect_speech", "i4_bad"])
def test_single_bytes_change_nothing(name: str) -> None:
    stream = sole(name)
    assert decode(cut(stream, range(len(stream)))) == decode([stream])


def test_the_recorder_s_own_pieces_change_nothing() -> None:
    for transcript in transcript_files.load_all():
        for conn in transcript.connections:
            pieces = transcript.pieces(conn, "fs")
            assert decode(pieces) == decode([b"".join(pieces)])


def test_all_kinds_of_packets_are_in_the_recordings() -> None:
    found = Counter(
        type(packet).__name__ for stream in RECORDED.values() for packet in decode([stream])
    )
    assert found == {
        "ApiResponse": 85,
        "ChannelData": 150,
        "CommandReply": 1108,
        "DisconnectNotice": 245,
        "Event": 2234,
        "JsonEvent": 13,
        "Other": 5,
    }


def test_json_events_read_like_plain_ones() -> None:
    packets = decode([sole("a2_json")])
    events = [packet for packet in packets if isinstance(packet, Event)]
    complete = [event for event in events if event.name == "CHANNEL_EXECUTE_COMPLETE"]
    channel = next(packet for packet in packets if isinstance(packet, ChannelData))
    assert len(events) == 13
    assert [event.application for event in complete] == ["answer", "playback", "hangup", "socket"]
    assert {event.uuid for event in events} == {channel.uuid}
    assert complete[1].response == "FILE PLAYED"
    assert complete[1].variable("uuid") == channel.uuid
    assert complete[1].get("no such header", "default") == "default"
    assert all(
        event.get(name) == text for event in events for name, text in event.headers().items()
    )


def test_an_event_without_a_name_is_an_event() -> None:
    packets = decode([sole("i9_log_sendevent")])
    nameless = [packet for packet in packets if isinstance(packet, Event) and not packet.name]
    assert [event.get("Event-Subclass") for event in nameless] == ["my::evt"]
    assert nameless[0].get("foo") == "bär"


def test_a_header_that_comes_twice_counts_once_and_shows_twice() -> None:
    packets = [packet for stream in RECORDED.values() for packet in decode([stream])]
    twice = [e for e in packets if isinstance(e, Event) and len(e.all("Hangup-Cause")) == 2]
    assert twice
    assert all(event.get("Hangup-Cause") == event.all("Hangup-Cause")[0] for event in twice)
