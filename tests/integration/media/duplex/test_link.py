"""The link on real sockets, with a few lines in FreeSWITCH's place and no pacer's beat."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import numpy as np
import pytest

from esl_app.errors import Hangup, LegTimeout
from esl_app.media.duplex import NoAudio, UnicastLink, packet_ms
from providers.deadline import Deadline
from tests.integration.media.duplex.parked import FRAME, Rig, parked, udp

pytestmark = pytest.mark.integration


@pytest.fixture
def rig() -> Iterator[Rig]:
    with parked() as rig:
        yield rig


def test_it_asks_for_audio_between_the_hosts_of_the_event_socket(rig: Rig) -> None:
    assert rig.leg.sent == [
        b"sendmsg\ncall-command: unicast\nlocal-ip: 127.0.0.1\nlocal-port: 0\n"
        b"remote-ip: 127.0.0.1\nremote-port: %d\ntransport: udp\n\n" % rig.link.port
    ]


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 32000, 48000])
def test_the_first_frame_decides_the_rate_and_silence_flows_back(rig: Rig, rate: int) -> None:
    frame = bytes(rate // 25)
    rig.beat()
    assert rig.got() == []  # nobody to send to yet
    rig.say(frame)
    rig.beat()
    assert rig.link.wait_first() == rig.link.rate == rate
    assert rig.frames == [frame]
    assert rig.got() == [frame]


def test_other_sizes_are_dropped_before_and_after_the_first_frame(rig: Rig) -> None:
    for size in (0, 1, 159, 321, 2000, 60000):
        rig.say(bytes(size))
    rig.beat()
    assert (rig.link.rate, rig.frames) == (0, [])
    rig.say(FRAME)
    for size in (0, 319, 640, 1920, 60000):
        rig.say(bytes(size))
    rig.say(FRAME)
    rig.beat()
    assert rig.frames == [FRAME, FRAME]
    assert rig.link.statistics.wrong_size == 11


def test_another_host_never_becomes_the_source(rig: Rig) -> None:
    with udp("127.0.0.2") as stranger:
        rig.say(b"\1" * 320, stranger)
        rig.beat()
        assert (rig.link.rate, rig.frames) == (0, [])
        rig.say(FRAME)
        rig.beat()
        rig.say(b"\1" * 320, stranger)
        rig.beat()
    assert rig.frames == [FRAME]
    assert rig.link.statistics.foreign == 0, "the kernel keeps it out, however much it is"


def test_another_port_of_the_host_is_dropped_once_the_source_is_known(rig: Rig) -> None:
    with udp() as stranger:
        rig.say(FRAME)
        rig.say(b"\1" * 320, stranger)
        rig.beat()
        for _ in range(2000):
            rig.say(b"\1" * 320, stranger)
        rig.say(FRAME)
        rig.beat()
    assert rig.frames == [FRAME, FRAME]
    assert rig.link.statistics.foreign == 1  # the kernel keeps the others out


def test_a_flood_from_the_source_itself_is_bounded(rig: Rig) -> None:
    rig.say(FRAME)
    rig.beat()
    for _ in range(100):
        for _ in range(100):
            rig.say(FRAME)
        rig.beat()
    assert len(rig.frames) < 50 + 100 * 1.25 + 2
    assert rig.link.statistics.excess > 1000


def test_what_comes_after_a_stall_keeps_its_place_in_time(rig: Rig) -> None:
    rig.say(FRAME)
    rig.beat()
    began = rig.now
    for _ in range(10):
        rig.say(FRAME)
    rig.now += 0.18
    rig.beat()
    gaps = [b - a for a, b in zip(rig.times, rig.times[1:], strict=False)]
    assert gaps == pytest.approx([0.02] * 10)
    assert rig.times[0] == began


@pytest.mark.parametrize("size", [0, 319, 640])
def test_a_frame_of_another_size_is_never_sent(rig: Rig, size: int) -> None:
    rig.say(FRAME)
    rig.beat()
    rig.got()
    rig.link.source = lambda: bytes(size)
    rig.beat()
    assert rig.got() == []
    assert rig.lost == ["failed: ValueError"]


def test_a_listener_that_fails_loses_the_link_and_is_told(rig: Rig) -> None:
    def fail(_frame: bytes, _at: float) -> None:
        raise RuntimeError

    rig.link._on_frame = fail
    rig.say(FRAME)
    rig.beat(3)
    assert rig.lost == ["failed: RuntimeError"]
    assert (rig.link.closed, len(rig.pacer)) == (True, 0)


def test_silence_of_the_socket_is_a_loss_said_once(rig: Rig) -> None:
    rig.say(FRAME)
    rig.beat(99)
    assert rig.lost == []
    rig.beat(20)
    assert rig.lost == ["silent"]
    rig.link.close()
    assert rig.lost == ["silent"]


def test_a_port_that_was_closed_is_a_loss_within_a_few_beats(rig: Rig) -> None:
    rig.say(FRAME)
    rig.beat()
    rig.switch.close()
    for _ in range(12):
        rig.beat()
        gevent.sleep(0.001)
    assert rig.lost == ["refused"]


def test_no_frame_in_time_is_no_audio_and_closes(rig: Rig) -> None:
    with pytest.raises(NoAudio):
        rig.link.wait_first(Deadline.after(0.01))
    assert (rig.link.closed, rig.lost, len(rig.pacer)) == (True, [], 0)


def test_the_end_of_the_call_ends_every_wait(rig: Rig) -> None:
    gevent.spawn_later(0.01, rig.leg.ended.set)
    with pytest.raises(Hangup):
        rig.link.wait_first(Deadline.after(5))
    assert (rig.link.closed, rig.lost) == (True, [])


def test_a_command_that_fails_leaves_nothing_behind(rig: Rig) -> None:
    rig.leg.refuses = LegTimeout("no reply")
    link = UnicastLink(rig.leg, pacer=rig.pacer, on_frame=rig.hear, on_lost=rig.lost.append)
    with pytest.raises(LegTimeout):
        link.open()
    assert (link.closed, len(rig.pacer)) == (True, 1)


def test_an_address_that_is_not_ours_is_no_audio(rig: Rig) -> None:
    link = UnicastLink(
        rig.leg,
        pacer=rig.pacer,
        on_frame=rig.hear,
        on_lost=rig.lost.append,
        local_ip="192.0.2.1",
    )
    with pytest.raises(NoAudio, match=r"192\.0\.2\.1"):
        link.open()


def test_a_link_is_opened_once(rig: Rig) -> None:
    with pytest.raises(RuntimeError, match="once"):
        rig.link.open()


def test_a_call_that_is_over_gets_no_link_and_is_no_failure_of_the_audio(rig: Rig) -> None:
    """Its socket has no address any more; file mode would be of no use to it."""
    rig.leg.sock.close()
    with pytest.raises(NoAudio, match="event socket is gone"):
        UnicastLink(rig.leg, pacer=rig.pacer, on_frame=rig.hear, on_lost=rig.lost.append)
    rig.leg.ended.set()
    with pytest.raises(Hangup):
        UnicastLink(rig.leg, pacer=rig.pacer, on_frame=rig.hear, on_lost=rig.lost.append)


@pytest.mark.parametrize(
    ("length_ms", "rate", "sent"),
    [
        (10, 16000, [2, 2, 2, 2, 2, 2]),
        (30, 8000, [0, 1, 1, 0, 1, 1]),
        (40, 8000, [0, 1, 0, 1, 0, 1]),
        (60, 16000, [0, 0, 1, 0, 0, 1]),
    ],
)
def test_packets_of_other_lengths_carry_the_same_sound(
    rig: Rig, length_ms: int, rate: int, sent: list[int]
) -> None:
    """640 bytes are 40 ms at 8 kHz as well as 20 ms at 16 kHz."""
    rig.link.close()
    rig.link = UnicastLink(
        rig.leg, pacer=rig.pacer, on_frame=rig.hear, on_lost=rig.lost.append, packet_ms=length_ms
    )
    rig.link.open()
    size = 2 * rate * length_ms // 1000
    sound = np.random.default_rng(1).bytes(6 * rate // 25)
    frames = iter([sound[at : at + rate // 25] for at in range(0, len(sound), rate // 25)])
    rig.link.source = lambda: next(frames)
    rig.say(b"\1" * size)
    rig.say(b"\2" * size)
    counts, got = [], b""
    for _ in sent:
        rig.beat()
        packets = rig.got()
        counts.append(len(packets))
        assert {len(packet) for packet in packets} <= {size}
        got += b"".join(packets)
    assert rig.link.rate == rate
    assert rig.frames == [b"\1" * size, b"\2" * size]
    assert rig.times[1] - rig.times[0] <= length_ms / 1000 + 1e-9
    assert counts == sent
    assert sound.startswith(got)


@pytest.mark.parametrize("length_ms", [0, 15, 200])
def test_packets_that_no_telephone_sends_are_no_audio(rig: Rig, length_ms: int) -> None:
    with pytest.raises(NoAudio, match=f"{length_ms} ms"):
        UnicastLink(
            rig.leg,
            pacer=rig.pacer,
            on_frame=rig.hear,
            on_lost=rig.lost.append,
            packet_ms=length_ms,
        )


@pytest.mark.parametrize(
    ("value", "found"), [("40", 40), (None, 20), ("", 20), ("0", 20), ("\u0663", 20), ("4 0", 20)]
)
def test_what_was_negotiated_is_asked_for(value: str | None, found: int) -> None:
    class Asked:
        def getvar(self, name: str, deadline: Deadline | None = None) -> str | None:
            assert (name, deadline is not None) == ("rtp_use_codec_ptime", True)
            return value

    assert packet_ms(Asked(), Deadline.after(1)) == found
