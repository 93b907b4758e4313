"""The telephone's own parts, which have to be right before one believes what it heard."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.freeswitch import g711
from tests.freeswitch.config import CONF
from tests.freeswitch.heard import Heard, NothingHeardError
from tests.freeswitch.media import Media
from tests.freeswitch.rtp import FRAME_SAMPLES, PCMU, Packet, digit_of, key_press
from tests.freeswitch.sip import Message, Sdp, respond, uri_of
from tests.freeswitch.sounds import load_wav, pitch, tone

pytestmark = pytest.mark.unit

AUDIO = CONF.parents[1] / "tests" / "audio"


def test_every_mu_law_code_survives_a_round_trip() -> None:
    codes = bytes(range(256))
    again = g711.encode(g711.decode(codes))
    # 0x7F is "minus zero"; it means the same as 0xFF and cannot come back.
    assert again.replace(b"\xff", b"\x7f") == codes.replace(b"\xff", b"\x7f")


@pytest.mark.parametrize(
    ("sample", "code"), [(0, 0xFF), (-1, 0x7F), (32635, 0x80), (-32768, 0x00), (1000, 0xCE)]
)
def test_mu_law_has_the_values_of_the_standard(sample: int, code: int) -> None:
    assert g711.encode(np.int16(sample).tobytes()) == bytes([code])


def test_sounds_that_went_through_mu_law_once_are_not_changed_again() -> None:
    pcm = load_wav(AUDIO / "goodbye.wav")
    assert g711.decode(g711.encode(pcm)) == pcm


def test_a_packet_survives_packing() -> None:
    packet = Packet(
        payload_type=PCMU, sequence=65535, timestamp=2**32 - 1, ssrc=7, payload=b"abc", marker=True
    )
    assert Packet.unpack(packet.pack()) == packet


def test_padding_extension_and_sources_are_taken_off() -> None:
    head = bytes([0x80 | 0x20 | 0x10 | 1, 0, 0, 1]) + bytes(8)
    datagram = head + bytes(4) + b"\xbe\xde\0\1" + bytes(4) + b"sound" + b"\0\0\3"
    assert Packet.unpack(datagram).payload == b"sound"


@pytest.mark.parametrize("datagram", [b"", b"\x80" * 11, b"\x00" * 20, b"\x9f" + b"\xff" * 30])
def test_what_is_no_rtp_is_a_value_error(datagram: bytes) -> None:
    with pytest.raises(ValueError, match=r"RTP|headers|extension"):
        Packet.unpack(datagram)


def test_a_key_press_grows_and_ends_three_times() -> None:
    payloads = list(key_press("#", 100))
    assert [digit_of(p) for p in payloads] == [("#", False)] * 5 + [("#", True)] * 3
    durations = [int.from_bytes(p[2:]) for p in payloads]
    assert durations == [160, 320, 480, 640, 800, 800, 800, 800]


def _heard(*stretches: tuple[float, int]) -> tuple[Heard, float]:
    """Frames of given loudness, as if they had just arrived one each 20 ms."""
    heard, at = Heard(), time.monotonic() - sum(seconds for seconds, _ in stretches)
    begin = at
    for seconds, peak in stretches:
        pcm = g711.encode(tone(400, 0.02, peak))
        for number in range(round(seconds / 0.02)):
            packet = Packet(payload_type=0, sequence=number, timestamp=0, ssrc=1, payload=pcm)
            heard.add(packet, at)
            at += 0.02
    return heard, begin


def test_spurts_join_over_short_pauses_and_part_at_long_ones() -> None:
    heard, begin = _heard((0.2, 5000), (0.2, 0), (0.2, 5000), (0.6, 0), (0.4, 5000))
    found = [(s.start - begin, s.end - begin) for s in heard.spurts()]
    assert found == [pytest.approx((0.0, 0.6)), pytest.approx((1.2, 1.6))]


def test_silence_is_measured_from_the_last_sound() -> None:
    heard, begin = _heard((0.2, 5000), (0.5, 0))
    ended = heard.wait_for_silence(quiet_ms=400, timeout_s=1.0, since=begin)
    assert ended - begin == pytest.approx(0.2, abs=0.01)


def test_waiting_for_a_sound_that_does_not_come_fails() -> None:
    heard, begin = _heard((0.2, 0))
    with pytest.raises(NothingHeardError):
        heard.wait_for_sound(since=begin, timeout_s=0.05)


def test_a_gap_in_the_packets_is_a_gap_in_the_sound() -> None:
    heard, begin = Heard(), 100.0
    loud = g711.encode(tone(400, 0.02))
    for at in (0.0, 0.02, 0.5):
        packet = Packet(payload_type=0, sequence=0, timestamp=0, ssrc=1, payload=loud)
        heard.add(packet, begin + at)
    assert len(heard.pcm()) == pytest.approx(2 * 8000 * 0.52, abs=2 * FRAME_SAMPLES)


def test_two_ends_hear_each_other_in_real_time() -> None:
    here, there = Media(), Media()
    try:
        here.start(("127.0.0.1", there.port))
        there.start(("127.0.0.1", here.port))
        said = here.say(tone(700, 0.5)).wait()
        here.press("4#").wait()
        start = there.heard.wait_for_sound(since=0.0, timeout_s=1.0)
        sound = there.heard.spurts()[0]
        assert start - said.started_at < 0.1
        assert sound.seconds == pytest.approx(0.5, abs=0.1)
        assert pitch(there.heard.pcm(sound.start, sound.end)) == pytest.approx(700, abs=5)
        assert there.digits == "4#"
    finally:
        here.close()
        there.close()


def test_folded_and_compact_headers_are_read() -> None:
    message = Message.parse(
        b"SIP/2.0 200 OK\r\ni: a@b\r\nX: 1\r\n  2\r\nCSeq: 3 INVITE\r\n\r\nbody"
    )
    assert (message.status, message.method, message.sequence) == (200, "INVITE", 3)
    assert (message.get("call-id"), message.get("x"), message.body) == ("a@b", "1 2", "body")


def test_a_response_carries_the_routing_of_its_request() -> None:
    request = Message.parse(
        b"BYE sip:x SIP/2.0\r\nVia: one\r\nVia: two\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>\r\n"
        b"Call-ID: c\r\nCSeq: 9 BYE\r\n\r\n"
    )
    answer = Message.parse(respond(request, 200, "OK", to_tag="t").pack())
    assert answer.get_all("via") == ["one", "two"]
    assert (answer.get("to"), answer.get("cseq")) == ("<sip:b>;tag=t", "9 BYE")


def test_an_offer_to_hold_is_answered_by_listening_only() -> None:
    offer = Sdp(address="127.0.0.1", port=4000, direction="sendonly")
    assert Sdp.parse(offer.text()) == offer
    assert Sdp.parse(offer.mirrored("127.0.0.1", 5000).text()).direction == "recvonly"


def test_uris_come_out_of_addresses() -> None:
    assert uri_of('"Bob, X" <sip:bob@h:1>;tag=2') == "sip:bob@h:1"
    assert uri_of("sip:bob@h;tag=2") == "sip:bob@h"
