"""The duplex link on real calls: both ways at once, how soon, and without gaps one could hear."""

from __future__ import annotations

import time

import gevent
import pytest

from esl_app.leg import Leg
from esl_app.media.duplex import NoAudio, Pacer, Player, UnicastLink
from esl_app.protocol import commands
from tests.freeswitch.config import NUMBER
from tests.freeswitch.linked import Ears, controlled, play, soon
from tests.freeswitch.sipcaller import Phone
from tests.freeswitch.sounds import pitch, tone
from tests.freeswitch.switch import FreeSwitch

pytestmark = pytest.mark.freeswitch


def test_both_sides_are_heard_at_once_without_gaps(switch: FreeSwitch, phone: Phone) -> None:
    seen: list[tuple[UnicastLink, Ears, float]] = []
    pacer = Pacer()

    def flow(_leg: Leg, link: UnicastLink, ears: Ears) -> None:
        began = play(link, tone(600, 3.0))
        seen.append((link, ears, began))
        gevent.sleep(0.2)

    with controlled(switch, flow, pacer=pacer):
        call = phone.call(NUMBER)
        said = call.say(tone(900, 2.0), wait=False)
        heard = call.listen(quiet_ms=150)
        call.wait_ended()

    link, ears, began = seen[0]
    assert link.rate == 8000
    assert link.first_s is not None
    assert link.first_s < 0.2
    # To the caller: soon, whole, and no hole a jitter buffer would not have bridged.
    assert heard.start - began < 0.1
    assert heard.seconds == pytest.approx(3.0, abs=0.06)
    sound = call.heard.pcm(heard.start, heard.end)
    assert pitch(sound) == pytest.approx(600, abs=3)
    assert call.heard.worst_gap_s(heard.start, heard.end) < 0.06
    assert pacer.statistics.skipped == 0
    # From the caller, meanwhile.
    theirs = ears.pcm(said.started_at + 0.3)[: 2 * 8000]
    assert pitch(theirs) == pytest.approx(900, abs=3)
    statistics = link.statistics
    assert (statistics.foreign, statistics.wrong_size, statistics.excess) == (0, 0, 0)
    assert ears.lost == []


def test_what_the_caller_hears_stops_at_once_when_we_stop_sending(
    switch: FreeSwitch, phone: Phone
) -> None:
    cut: list[float] = []

    def flow(leg: Leg, link: UnicastLink, _ears: Ears) -> None:
        player = Player(link.rate)
        player.enqueue("answer", tone(600, 10.0))
        link.source = player.next_frame
        gevent.sleep(1.0)
        (position,) = player.cut()
        cut.append(time.monotonic())
        assert position.samples == pytest.approx(8000, abs=400)
        leg.execute(commands.set_variable("voice_ai_x", "1"), soon())  # goes on beside it
        gevent.sleep(0.5)
        assert not link.closed

    with controlled(switch, flow):
        call = phone.call(NUMBER)
        heard = call.listen(quiet_ms=300)
        call.wait_ended()
    assert heard.end - cut[0] < 0.1
    assert heard.seconds == pytest.approx(1.0, abs=0.1)


def test_keys_pass_beside_the_audio(switch: FreeSwitch, phone: Phone) -> None:
    keys: list[str] = []

    def flow(leg: Leg, link: UnicastLink, _ears: Ears) -> None:
        keys.extend(leg.digits.get(soon()) for _ in range(3))
        assert not link.closed

    with controlled(switch, flow):
        call = phone.call(NUMBER)
        call.press("4#2")
        call.wait_ended()
    assert keys == list("4#2")


def test_the_first_playback_ends_it_for_this_park(switch: FreeSwitch, phone: Phone) -> None:
    lost: list[str] = []

    def flow(leg: Leg, link: UnicastLink, ears: Ears) -> None:
        leg.execute(commands.playback("/nowhere.wav"), soon())
        with gevent.Timeout(5):
            while not link.closed:
                gevent.sleep(0.02)
        lost.extend(ears.lost)
        again = UnicastLink(leg, pacer=Pacer(), on_frame=ears.feed, on_lost=ears.lost.append)
        again.open(soon())
        with pytest.raises(NoAudio):
            again.wait_first()

    with controlled(switch, flow):
        call = phone.call(NUMBER)
        call.wait_ended()
    assert lost in (["refused"], ["silent"])


def test_a_caller_who_hangs_up_ends_the_link(switch: FreeSwitch, phone: Phone) -> None:
    seen: list[tuple[UnicastLink, Ears]] = []
    pacer = Pacer()

    def flow(leg: Leg, link: UnicastLink, ears: Ears) -> None:
        seen.append((link, ears))
        leg.ended.wait(5)

    with controlled(switch, flow, pacer=pacer):
        call = phone.call(NUMBER)
        time.sleep(0.5)
        call.hangup()
        time.sleep(0.3)
    link, ears = seen[0]
    assert link.closed
    assert (ears.lost, len(pacer)) == ([], 0)


def test_twenty_calls_at_once_are_all_heard_whole(switch: FreeSwitch) -> None:
    pacer = Pacer()
    first: list[float] = []

    def flow(_leg: Leg, link: UnicastLink, _ears: Ears) -> None:
        first.append(link.first_s or 9.9)
        play(link, tone(600, 2.0))
        gevent.sleep(0.8)

    def one(phone: Phone) -> tuple[float, float]:
        call = phone.call(NUMBER)
        heard = call.listen()
        call.wait_ended()
        return heard.seconds, call.heard.worst_gap_s(heard.start, heard.end)

    with controlled(switch, flow, pacer=pacer), Phone(switch=switch.sip) as phone:
        calls = [gevent.spawn(one, phone) for _ in range(20)]
        gevent.joinall(calls, timeout=30, raise_error=True)
    switch.wait_idle()
    heard_s = [call.get()[0] for call in calls]
    gaps_s = sorted(call.get()[1] for call in calls)
    assert heard_s == pytest.approx([2.0] * 20, abs=0.06)
    # Two shared cores run FreeSWITCH, twenty telephones and us: the worst call may have stumbled.
    assert gaps_s[-2] < 0.06
    assert sorted(first)[10] < 0.2
    assert pacer.statistics.failures == 0


def test_frames_made_up_for_after_a_stall_are_heard(switch: FreeSwitch, phone: Phone) -> None:
    """FreeSWITCH passes several frames at once on as they come: none may be lost."""
    pacer = Pacer()

    def flow(_leg: Leg, link: UnicastLink, _ears: Ears) -> None:
        player = Player(link.rate)
        player.enqueue("1", tone(600, 2.0))
        link.source = player.next_frame
        with gevent.Timeout(20):
            while not player.idle:
                time.sleep(0.05)
                gevent.get_hub().loop.run_callback(stall)
        gevent.sleep(0.8)

    def stall() -> None:
        """Keep the hub for 50 ms: the pacer comes two beats too late."""
        until = time.monotonic() + 0.05
        while time.monotonic() < until:
            pass

    with controlled(switch, flow, pacer=pacer):
        call = phone.call(NUMBER)
        heard = call.listen()
        call.wait_ended()
    frames = [f for f in call.heard.frames(heard.start, heard.end) if f.rms > 150]
    assert pacer.statistics.lateness.worst_s > 0.02
    assert len(frames) == 100


def test_a_leg_that_comes_back_is_heard_again(switch: FreeSwitch, phone: Phone) -> None:
    """After a transfer to the entry extension: a new socket, the same leg, audio anew."""

    def flow(leg: Leg, link: UnicastLink, _ears: Ears) -> None:
        if leg.channel.get("Answer-State") == "answered":
            play(link, tone(900, 2.0))
            gevent.sleep(0.3)
        else:
            play(link, tone(600, 1.0))
            context = leg.channel.get("Caller-Context") or ""
            leg.transfer(NUMBER, context=context, deadline=soon())

    def one() -> list[float]:
        call = phone.call(NUMBER)
        call.wait_ended(15)
        return [spurt.seconds for spurt in call.heard.spurts(gap_ms=100)]

    with controlled(switch, flow):
        calls = [gevent.spawn(one) for _ in range(6)]
        gevent.joinall(calls, timeout=40, raise_error=True)
    for call in calls:
        first, second = call.get()
        assert first == pytest.approx(1.0, abs=0.15)
        assert second == pytest.approx(2.0, abs=0.15), "the idle noise took our place"
