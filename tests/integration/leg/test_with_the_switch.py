"""Server and leg against the FreeSWITCH stand-in, which behaves as the recorded one does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest

from esl_app.errors import Hangup
from esl_app.leg import Leg
from esl_app.protocol import Event, commands
from esl_app.server import ListenSettings, Server
from esl_app.switchsim import Caller, CallResult, HangUp, Press, Speak, Switch, Wait, WhenQuiet
from providers.deadline import Deadline

pytestmark = pytest.mark.integration

AUDIO = Path(__file__).parents[2] / "audio"
LONG = str(AUDIO / "human-patience.wav")


@contextlib.contextmanager
def calling(
    handler: Callable[[Leg], object], **settings: int
) -> Iterator[Callable[..., CallResult]]:
    server = Server(ListenSettings(port=0, **settings), handler)  # type: ignore[arg-type]
    server.start()

    def call(*steps: object, **options: object) -> CallResult:
        switch = Switch(speed=20)
        return switch.call(
            Caller(list(steps)),  # type: ignore[arg-type]
            port=server.port,
            timeout_s=20,
            **options,  # type: ignore[arg-type]
        )

    try:
        yield call
    finally:
        server.stop(5)  # the switch is done before the handler is


def soon() -> Deadline:
    return Deadline.after(10)


def test_the_caller_presses_a_key_during_the_prompt_and_the_agent_stops() -> None:
    keys: list[str] = []

    def handler(leg: Leg) -> None:
        leg.answer(soon())
        playing = leg.start(commands.playback(LONG))
        keys.append(leg.digits.get(soon()))
        leg.execute(commands.break_(), soon())
        playing.wait(soon())

    with calling(handler) as call:
        result = call(Wait(0.5), Press("7"), Wait(30))
    assert keys == ["7"]
    assert result.answered
    assert (result.hangup_cause, result.ended_by) == ("NORMAL_CLEARING", "controller")
    assert result.duration_s < 3


def test_a_recording_is_whole_when_the_caller_hangs_up_in_it(tmp_path: Path) -> None:
    found: list[Event | None] = []
    path = tmp_path / "1.wav"

    def handler(leg: Leg) -> None:
        leg.answer(soon())
        recording = leg.start(commands.record(str(path), limit_s=30, threshold=200, silence_s=10))
        with pytest.raises(Hangup):
            recording.wait(soon())
        found.append(recording.outcome(Deadline.after(1)))

    with calling(handler) as call:
        result = call(WhenQuiet(), Speak(AUDIO / "parking.wav"), Wait(0.2), HangUp())
    assert result.ended_by == "caller"
    assert found[0] is not None
    assert int(found[0].variable("record_ms") or 0) > 500
    assert path.stat().st_size > 8000


def test_a_transferred_call_goes_on_elsewhere() -> None:
    legs: list[Leg] = []

    def handler(leg: Leg) -> None:
        legs.append(leg)
        leg.answer(soon())
        leg.transfer("operator", context="voice-ai-fallback")

    with calling(handler) as call:
        result = call(Wait(0.5), HangUp())
    assert legs[0].transferred
    assert result.transferred_to == "operator"
    assert result.ended_by == "caller"
    assert not result.fell_back


def test_a_flow_that_fails_is_a_temporary_failure() -> None:
    def handler(leg: Leg) -> None:
        raise RuntimeError(leg.uuid)

    with calling(handler) as call:
        result = call(Wait(5))
    assert result.hangup_cause == "NORMAL_TEMPORARY_FAILURE"
    assert (result.answered, result.sip_status) == (False, 503)


def test_a_call_without_a_seat_reaches_the_dialplans_fallback() -> None:
    running: list[Leg] = []

    def handler(leg: Leg) -> None:
        running.append(leg)
        leg.digits.get(Deadline.after(30))

    with calling(handler, max_legs=1) as call:
        first = gevent.spawn(call, Wait(60), HangUp())
        gevent.sleep(0.3)
        result = call(Wait(2), HangUp())
        assert result.fell_back
        first.kill()
        running[0].close()


def test_another_tenants_header_in_a_sip_header_changes_nothing() -> None:
    seen: list[tuple[str | None, ...]] = []

    def handler(leg: Leg) -> None:
        channel = leg.channel
        seen.append((channel.get("Caller-Destination-Number"), channel.variable("domain_uuid")))

    forged = "x\nCaller-Destination-Number: 900\nvariable_domain_uuid: theirs"
    with calling(handler) as call:
        call(
            Wait(1),
            destination_number="4711",
            variables={"sip_h_X-Foo": forged, "domain_uuid": "ours"},
        )
    assert seen == [("4711", "ours")]
