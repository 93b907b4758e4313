"""Duplex audio end to end: our leg and link against the stand-in's `unicast`, in real time."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import gevent
import numpy as np
import pytest

from esl_app.errors import Hangup
from esl_app.leg import Leg
from esl_app.media.duplex import NoAudio, Pacer, Player, UnicastLink
from esl_app.protocol import commands
from esl_app.server import ListenSettings, Server
from esl_app.switchsim import (
    Action,
    Caller,
    CallResult,
    HangUp,
    LiveCaller,
    Press,
    Switch,
    Wait,
)
from providers.deadline import Deadline

pytestmark = pytest.mark.integration


def soon() -> Deadline:
    return Deadline.after(10)


def sound(seconds: float, seed: int) -> bytes:
    """Noise: any sample lost, doubled or out of place shows."""
    samples = np.random.default_rng(seed).integers(1000, 8000, int(8000 * seconds))
    return samples.astype("<i2").tobytes()


def kept(sent: bytes, got: bytes) -> float:
    """How many of the frames sent are there, of all."""
    frames = [sent[at : at + 320] for at in range(0, len(sent), 320)]
    return sum(frame in got for frame in frames) / len(frames)


@dataclass
class Ears:
    """What our side got."""

    frames: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def feed(self, frame: bytes, at: float) -> None:
        self.frames.append(frame)
        self.times.append(at)


Flow = Callable[[Leg, UnicastLink, Ears], object]


def duplex(flow: Flow, *, pacer: Pacer | None = None, **options: float) -> Callable[[Leg], None]:
    """A handler that answers and opens the audio before the flow begins."""
    beat = Pacer() if pacer is None else pacer

    def handler(leg: Leg) -> None:
        leg.answer(soon())
        ears = Ears()
        link = UnicastLink(
            leg,
            pacer=beat,
            on_frame=ears.feed,
            on_lost=ears.lost.append,
            **options,  # type: ignore[arg-type]
        )
        link.open(soon())
        link.wait_first()
        flow(leg, link, ears)
        link.close()

    return handler


def play(link: UnicastLink, pcm: bytes, *, timeout_s: float = 10) -> Player:
    player = Player(link.rate)
    player.enqueue("1", pcm)
    link.source = player.next_frame
    with gevent.Timeout(timeout_s):
        while not player.idle:
            gevent.sleep(0.01)
    return player


@contextlib.contextmanager
def serving(handler: Callable[[Leg], None]) -> Iterator[int]:
    failures: list[BaseException] = []

    def guarded(leg: Leg) -> None:
        try:
            handler(leg)
        except Hangup:
            raise
        except BaseException as error:
            failures.append(error)
            raise

    server = Server(ListenSettings(port=0), guarded)
    server.start()
    try:
        yield server.port
    finally:
        server.stop(5)
    if failures:
        raise failures[0]


def call(handler: Callable[[Leg], None], *steps: object, **options: object) -> CallResult:
    with serving(handler) as port:
        return Switch(**options).call(  # type: ignore[arg-type]
            Caller(list(steps) or [Wait(10)]),  # type: ignore[arg-type]
            port=port,
            timeout_s=20,
        )


def test_what_we_play_is_heard_sample_by_sample() -> None:
    said = sound(1.0, 1)
    first: list[float | None] = []

    def flow(_leg: Leg, link: UnicastLink, _ears: Ears) -> None:
        play(link, said)
        gevent.sleep(0.1)
        first.append(link.first_s)

    result = call(duplex(flow))
    assert said in result.agent_audio
    assert result.agent_audio.replace(said, b"").strip(b"\0") == b""
    assert (result.unicast.gaps, result.unicast.dropped, result.unicast.wrong_size) == (0, 0, 0)
    assert first[0] is not None
    assert 0.0 < first[0] < 0.2


def test_the_caller_is_heard_sample_by_sample_while_we_speak() -> None:
    spoken, played = sound(0.8, 2), sound(1.0, 3)
    caller = LiveCaller()
    heard: list[Ears] = []

    def flow(leg: Leg, link: UnicastLink, ears: Ears) -> None:
        caller.speak(spoken)
        play(link, played)
        gevent.sleep(0.1)
        heard.append(ears)
        leg.hangup()

    with serving(duplex(flow)) as port:
        result = Switch().call(caller, port=port, timeout_s=20)
    assert spoken in b"".join(heard[0].frames)
    assert played in result.agent_audio
    assert heard[0].times == sorted(heard[0].times)
    assert np.mean(np.diff(heard[0].times)) == pytest.approx(0.02, abs=0.002)
    assert heard[0].lost == []


def test_keys_and_settings_pass_beside_the_audio() -> None:
    keys: list[str] = []

    def flow(leg: Leg, link: UnicastLink, ears: Ears) -> None:
        keys.append(leg.digits.get(soon()))
        leg.execute(commands.set_variable("voice_ai_x", "1"), soon())
        before = len(ears.frames)
        gevent.sleep(0.2)
        assert len(ears.frames) > before + 5
        assert not link.closed

    result = call(duplex(flow), Wait(0.3), Press("5"), Wait(10))
    assert keys == ["5"]
    assert result.variables["voice_ai_x"] == "1"


def test_a_barge_in_stops_within_two_frames() -> None:
    said = sound(3.0, 4)
    sent: list[int] = []

    def flow(_leg: Leg, link: UnicastLink, _ears: Ears) -> None:
        player = Player(link.rate)
        player.enqueue("answer", said)
        link.source = player.next_frame
        gevent.sleep(0.5)
        sent.append(player.cut()[0].samples)
        gevent.sleep(0.3)

    result = call(duplex(flow))
    assert said[: 2 * sent[0]] in result.agent_audio
    assert said[: 2 * sent[0] + 2] not in result.agent_audio


def test_the_first_playback_ends_it_and_it_cannot_be_armed_again() -> None:
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
        assert again.closed

    result = call(duplex(flow))
    assert lost == ["refused"]
    ended = [moment.what for moment in result.of("unicast")]
    assert ended == ["armed", "ended", "armed"]


def test_datagrams_that_stay_away_are_a_loss() -> None:
    lost: list[str] = []

    def flow(leg: Leg, link: UnicastLink, ears: Ears) -> None:
        leg.start(commands.sleep(3000))
        with gevent.Timeout(3):
            while not link.closed:
                gevent.sleep(0.02)
        lost.extend(ears.lost)

    call(duplex(flow, lost_after_s=0.3))
    assert lost == ["silent"]


def test_a_leg_that_comes_back_on_a_new_socket_is_armed_anew() -> None:
    said = sound(0.4, 5)
    legs: list[str] = []

    def flow(leg: Leg, link: UnicastLink, _ears: Ears) -> None:
        legs.append(leg.uuid)
        play(link, said)
        gevent.sleep(0.1)
        if len(legs) == 1:
            leg.transfer("again", context="public")

    with serving(duplex(flow)) as port:
        switch = Switch(extensions={"again": (Action("socket", f"127.0.0.1:{port} async"),)})
        result = switch.call(Caller([Wait(10)]), port=port, timeout_s=20)
    assert len(legs) == 2
    assert legs[0] == legs[1]
    assert result.agent_audio.count(said) == 2


def test_a_switch_that_cannot_open_the_audio_is_found_out_in_half_a_second() -> None:
    waited: list[float] = []
    pacer = Pacer()

    def handler(leg: Leg) -> None:
        leg.answer(soon())
        link = UnicastLink(leg, pacer=pacer, on_frame=Ears().feed, on_lost=Ears().lost.append)
        began = gevent.get_hub().loop.now()
        link.open(soon())
        with pytest.raises(NoAudio):
            link.wait_first()
        waited.append(gevent.get_hub().loop.now() - began)
        assert len(pacer) == 0

    result = call(handler, unicast_fails=True)
    assert 0.4 < waited[0] < 0.9
    assert [moment.what for moment in result.of("unicast")] == ["failed"]


def test_the_callers_hang_up_ends_the_link_and_is_no_loss() -> None:
    seen: list[tuple[UnicastLink, Ears]] = []
    pacer = Pacer()

    def flow(leg: Leg, link: UnicastLink, ears: Ears) -> None:
        seen.append((link, ears))
        leg.ended.wait(5)

    call(duplex(flow, pacer=pacer), Wait(0.4), HangUp())
    link, ears = seen[0]
    assert link.closed
    assert (link.lost, ears.lost, len(pacer)) == (None, [], 0)


def test_a_hang_up_before_the_first_frame_is_a_hang_up() -> None:
    raised: list[BaseException] = []

    def handler(leg: Leg) -> None:
        leg.answer(soon())
        link = UnicastLink(leg, pacer=Pacer(), on_frame=Ears().feed, on_lost=Ears().lost.append)
        link.open(soon())
        try:
            link.wait_first(Deadline.after(5))
        except Hangup as error:
            raised.append(error)
            raise

    call(handler, Wait(0.2), HangUp(), unicast_fails=True)
    assert len(raised) == 1


@pytest.mark.security
def test_a_stranger_and_wrong_sizes_change_nothing() -> None:
    spoken, played = sound(0.6, 6), sound(0.8, 7)
    caller = LiveCaller()
    heard: list[tuple[UnicastLink, Ears]] = []

    def flow(leg: Leg, link: UnicastLink, ears: Ears) -> None:
        heard.append((link, ears))
        caller.speak(spoken)
        stop = gevent.spawn(flood, link.port)
        play(link, played)
        gevent.sleep(0.1)
        stop.kill()
        leg.hangup()

    def flood(port: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            while True:
                for _ in range(50):
                    with contextlib.suppress(OSError):
                        stranger.sendto(b"\x55" * 320, ("127.0.0.1", port))
                        stranger.sendto(b"\x55" * 33, ("127.0.0.1", port))
                gevent.sleep(0.002)

    with serving(duplex(flow)) as port:
        result = Switch().call(caller, port=port, timeout_s=20)
    got = b"".join(heard[0][1].frames)
    assert b"\x55" * 320 not in got
    assert kept(spoken, got) >= 0.9  # a busy machine may cost a frame or two, not a stranger
    assert kept(played, result.agent_audio) >= 0.9
    assert heard[0][1].lost == []
