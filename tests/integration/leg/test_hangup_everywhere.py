"""C19: the caller hangs up, or the switch dies, at every single message of a call.

A flow that waits in every way a flow can is driven by a switch that stops after its n-th message
and ends the call instead. Whatever n: the flow ends at once and nothing of the leg is left.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import gevent
import pytest

from esl_app.errors import Hangup, LegLost
from esl_app.leg import Leg
from esl_app.protocol import commands
from esl_app.server import ListenSettings, Server
from providers.deadline import Deadline
from tests.integration.leg.peer import Peer

pytestmark = pytest.mark.integration

PROMPT_S = 30.0
AT_ONCE_S = 0.25  # 0.1 on a quiet machine


class EndedInsteadError(Exception):
    """The call was ended where the next message would have been."""


class StepPeer(Peer):
    """A switch that says `steps` things and then ends the call."""

    steps = 0
    ending: Callable[[Peer], None]
    ended_at: float | None = None

    def say(self, data: bytes) -> None:
        if self.ended_at is not None:
            super().say(data)  # part of the ending
            return
        if self.steps == 0:
            self.ended_at = time.monotonic()
            type(self).ending(self)
            raise EndedInsteadError
        self.steps -= 1
        super().say(data)


def flow(leg: Leg) -> None:
    def soon() -> Deadline:
        return Deadline.after(PROMPT_S)

    leg.answer(soon())
    leg.execute(commands.playback("/srv/sounds/greeting.wav"), soon())
    playing = leg.start(commands.playback("/srv/sounds/menu.wav"))
    key = leg.digits.get(soon())
    leg.execute(commands.break_(), soon())
    playing.wait(soon())
    assert key == "5"
    leg.getvar("read_codec", soon())
    recording = leg.start(
        commands.record("/srv/spool/1.wav", limit_s=20, threshold=200, silence_s=2)
    )
    recording.wait(soon())
    leg.hangup()


def call(peer: Peer) -> None:
    peer.accept()
    peer.execute("answer")
    peer.execute("playback", "FILE PLAYED")
    menu = peer.command()
    peer.reply()
    peer.began(menu)
    peer.event("DTMF", DTMF_Digit="5")
    peer.execute("break")
    peer.complete(menu, "FILE PLAYED")
    assert peer.command().line == "getvar read_codec"
    peer.reply("PCMU")
    peer.execute("record")
    assert peer.let_hang_up() == "NORMAL_CLEARING"


def hangs_up(peer: Peer) -> None:
    peer.say(peer.hangup_data("ORIGINATOR_CANCEL") + peer.notice())
    peer.close()


def says_good_bye(peer: Peer) -> None:
    peer.say(peer.notice())


def hangs_up_and_lingers(peer: Peer) -> None:
    peer.say(peer.hangup_data("ORIGINATOR_CANCEL"))


def dies(peer: Peer) -> None:
    peer.close()


@pytest.mark.parametrize("ending", [hangs_up, says_good_bye, hangs_up_and_lingers, dies])
def test_whenever_the_call_ends_the_flow_ends_at_once(ending: Callable[[Peer], None]) -> None:
    ends: list[tuple[float, BaseException | None]] = []

    def watched(leg: Leg) -> None:
        try:
            flow(leg)
        except (Hangup, LegLost) as error:
            ends.append((time.monotonic(), error))
            raise
        ends.append((time.monotonic(), None))

    StepPeer.ending = ending
    server = Server(ListenSettings(port=0), watched)
    server.start()
    greenlets_before = _greenlets()
    steps = 0
    while True:
        ends.clear()
        with StepPeer.to(server.port) as peer:
            assert isinstance(peer, StepPeer)
            peer.steps = steps
            try:
                call(peer)
            except EndedInsteadError:
                pass
            else:
                break
            over = Deadline.after(2)
            while server.legs:
                assert not over.passed, f"stuck after {steps} messages"
                gevent.sleep(0.002)
            assert peer.ended_at is not None
            if ends:  # else the call ended before the flow began
                at, error = ends[0]
                assert at - peer.ended_at < AT_ONCE_S, f"slow after {steps} messages"
                if b"call-command: hangup" not in peer.received:  # else it has what it wanted
                    assert isinstance(error, LegLost if ending is dies else Hangup)
        steps += 1
    assert steps > 20
    server.stop(1)
    assert server.counters["leg_failed"] == 0
    gevent.sleep(0.05)
    assert _greenlets() <= greenlets_before


def _greenlets() -> int:
    gc.collect()
    return sum(isinstance(found, gevent.Greenlet) and not found.dead for found in gc.get_objects())
