"""A duplex leg's UDP port under attack: the leg goes on or falls back, and nobody else notices."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest
import structlog

from esl_app.bench import media
from esl_app.media.duplex import NoAudio
from esl_app.switchsim import Caller, HangUp, SpeakWhenQuiet, Switch, Wait
from providers.deadline import Deadline
from tests.fix_calls import AUDIO, NUMBER
from tests.fix_calls import Rig as Calls
from tests.integration.media.duplex.parked import FRAME, Rig, parked, udp

log = structlog.get_logger()

pytestmark = pytest.mark.security

FORGED = bytes(320)


@pytest.fixture
def link() -> Iterator[Rig]:
    """One link, and its beats in our hand."""
    with parked() as link:
        yield link


def test_a_flood_on_one_port_costs_the_other_legs_nothing_one_could_hear() -> None:
    """From before the first frame on: the leg finds its FreeSWITCH among 20 000 a second.

    What the machine's other work costs, it costs in one of three runs without a flood as well.
    """
    for _ in range(3):
        quiet, flooded = media.run(8, 2.0), media.run(8, 2.0, flood=20_000)
        log.info("beats_skipped", quiet=quiet.skipped, flooded=flooded.skipped)
        assert not flooded.flooded_closed
        assert flooded.flooded_lost <= 2
        assert (flooded.lost_in, flooded.lost_out) == (0, 0)
        if flooded.skipped <= quiet.skipped:
            return
    pytest.fail("the flood cost all legs beats, three times")


def test_a_flood_of_every_size_before_the_first_frame_does_not_decide_the_rate(link: Rig) -> None:
    with udp("127.0.0.2") as stranger:
        for round_ in range(20):
            for size in (0, 1, 160, 320, 640, 1920, 60_000):
                link.say(bytes(size), stranger)
                link.say(bytes(size + 1))
            if round_ == 10:
                link.say(FRAME)
            link.beat()
    assert link.link.rate == 8000
    assert link.frames == [FRAME]


def test_who_is_faster_than_freeswitch_is_left_within_two_seconds_of_its_silence(link: Rig) -> None:
    """A process of FreeSWITCH's own host that guesses the port: it gets one leg, and not for long.

    From then on the kernel keeps FreeSWITCH out. When the intruder goes, the leg goes to file mode.
    """
    with udp() as intruder:
        link.say(FORGED, intruder)
        link.beat()
        for _ in range(10):
            link.say(FRAME)
            link.beat()
        assert link.frames == [FORGED]
    link.beat(120)
    assert link.lost in (["silent"], ["refused"])


def test_a_peer_that_sends_twice_the_rate_is_heard_at_its_own_pace(link: Rig) -> None:
    link.say(FRAME)
    link.beat()
    for _ in range(500):
        link.say(FRAME)
        link.say(FRAME)
        link.beat()
    assert link.lost == []
    assert len(link.frames) <= 500 * 1.25 + 51
    assert link.times == sorted(link.times)
    assert link.times[-1] <= link.now
    assert link.link.statistics.frames_out == 501, "ours goes on at ours"


def test_a_peer_that_changes_its_packets_is_lost_and_not_misheard(link: Rig) -> None:
    """A re-INVITE to another codec or packet length: what comes then is no sound of this leg."""
    link.say(FRAME)
    link.beat()
    while not link.link.closed:
        link.say(FRAME * 2)
        link.beat()
    assert link.now < 103, "two seconds, as if nothing came"
    assert link.frames == [FRAME]
    assert link.lost == ["silent"]


def test_a_leg_under_flood_alone_is_no_audio_in_time(link: Rig) -> None:
    with udp("127.0.0.2") as stranger:

        def beat() -> None:
            while not link.link.closed:
                for _ in range(100):
                    link.say(FORGED, stranger)
                link.beat()
                gevent.sleep(0.001)

        beating = gevent.spawn(beat)
        with pytest.raises(NoAudio):
            link.link.wait_first(Deadline.after(0.1))
        beating.join(1)
    assert link.frames == []


def test_a_peer_that_falls_silent_in_a_call_leaves_it_to_file_mode(rig: Calls) -> None:
    rig.tenant(hears=["Goodbye."], secretary={"media_mode": "duplex"})
    switch = Switch(speed=1.0)
    question = SpeakWhenQuiet(AUDIO / "goodbye.wav", quiet_s=1.5)
    placed = switch.place(
        Caller([Wait(5.0), question, Wait(8.0), HangUp()]),
        port=rig.controller.server.port,
        destination_number=NUMBER,
    )
    gevent.sleep(1.0)
    session = switch.session(placed.uuid)
    assert session is not None
    assert session._parked is not None
    session._parked._skip = 1_000_000  # FreeSWITCH sends and takes nothing any more
    result = placed.result(timeout_s=40)
    rig.settle()
    journal, facts = rig.ended[result.uuid]
    fallen = journal.last("file_mode")
    assert fallen is not None
    assert fallen.data["reason"] == "silent"
    assert facts["ending"] == "goodbye"
