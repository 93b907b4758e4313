"""The dialplan we ship keeps its promises on a real FreeSWITCH, whatever the controller does.

Each test plays a controller that fails in one way and asks what the caller hears.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.freeswitch.config import DOMAIN_UUID, NUMBER, OPERATOR, OPERATOR_HZ
from tests.freeswitch.conftest import SORRY_HZ
from tests.freeswitch.rawcontroller import RawController, RawLeg
from tests.freeswitch.sipcaller import Call, CallRefusedError, Phone
from tests.freeswitch.sounds import pitch
from tests.freeswitch.switch import FreeSwitch

pytestmark = pytest.mark.freeswitch

ENDLESS = "tone_stream://%(1000,0,600);loops=-1"
LONG_PROMPT = "tone_stream://%(20000,0,600)"


def _answer(leg: RawLeg) -> None:
    leg.connect()
    leg.command("myevents")
    leg.execute("answer")


def _hangup(leg: RawLeg) -> None:
    leg.connect()
    leg.start("hangup")


def _heard_pitch(call: Call, start: float, seconds: float = 0.5) -> float:
    time.sleep(max(0.0, start + seconds - time.monotonic()))
    return pitch(call.heard.pcm(start, start + seconds))


def _expect_sorry_then_operator(call: Call, since: float) -> None:
    sorry = call.heard.wait_for_sound(since=since, timeout_s=5.0)
    assert _heard_pitch(call, sorry) == pytest.approx(SORRY_HZ, abs=5)
    operator = call.heard.wait_for_sound(since=sorry + 1.3, timeout_s=5.0)
    assert _heard_pitch(call, operator) == pytest.approx(OPERATOR_HZ, abs=5)


def test_without_any_controller_the_caller_is_told_and_reaches_the_operator(phone: Phone) -> None:
    call = phone.call(NUMBER)
    assert call.answered_at - call.invited_at < 1.0
    _expect_sorry_then_operator(call, since=call.answered_at)


def test_without_an_operator_the_call_ends_after_the_apology(
    start_switch: Callable[..., FreeSwitch],
) -> None:
    switch = start_switch(operator=False)
    with Phone(switch=switch.sip) as phone:
        call = phone.call(NUMBER)
        sorry = call.heard.wait_for_sound(since=0.0, timeout_s=5.0)
        assert _heard_pitch(call, sorry) == pytest.approx(SORRY_HZ, abs=5)
        call.wait_ended(5.0)
    assert "NORMAL_TEMPORARY_FAILURE" in call.end_reason


def test_a_refused_controller_costs_nothing(switch: FreeSwitch, phone: Phone) -> None:
    with RawController(switch.standby, _hangup) as standby:
        started = time.monotonic()
        with pytest.raises(CallRefusedError):
            phone.call(NUMBER)
        assert time.monotonic() - started < 1.0
        [leg] = standby.legs
    assert leg.variable("voice_ai_attempt") == "1"


def _while_idle(leg: RawLeg) -> None:
    _answer(leg)


def _in_a_prompt(leg: RawLeg) -> None:
    _answer(leg)
    leg.wait(leg.start("playback", LONG_PROMPT), "CHANNEL_EXECUTE")
    time.sleep(0.5)


def _in_an_endless_prompt(leg: RawLeg) -> None:
    _answer(leg)
    leg.wait(leg.start("endless_playback", ENDLESS), "CHANNEL_EXECUTE")
    time.sleep(0.5)


def _before_connect(leg: RawLeg) -> None:
    del leg


def _before_the_answer(leg: RawLeg) -> None:
    leg.connect()


@pytest.mark.parametrize(
    "moment",
    [_while_idle, _in_a_prompt, _in_an_endless_prompt, _before_connect, _before_the_answer],
)
def test_a_controller_that_dies_hands_the_leg_to_the_standby(
    switch: FreeSwitch, phone: Phone, moment: Callable[[RawLeg], None]
) -> None:
    died: list[float] = []
    resumed: list[float] = []

    def first(leg: RawLeg) -> None:
        moment(leg)
        died.append(time.monotonic())
        leg.crash()

    def second(leg: RawLeg) -> None:
        resumed.append(time.monotonic())
        _answer(leg)
        leg.start("hangup")

    with (
        RawController(switch.primary, first) as primary,
        RawController(switch.standby, second) as standby,
    ):
        phone.call(NUMBER).wait_ended()
        primary.join()
        standby.join()
        [one], [two] = primary.legs, standby.legs
    assert resumed[0] - died[0] < 1.0
    assert two.variable("voice_ai_attempt") == "2"
    if one.variables:
        assert two.uuid == one.uuid


def _say_nothing(leg: RawLeg) -> None:
    leg.wait_closed(40.0)


@pytest.mark.timeout(90)
def test_a_controller_that_never_says_a_word_is_given_up(switch: FreeSwitch, phone: Phone) -> None:
    with (
        RawController(switch.primary, _say_nothing),
        RawController(switch.standby, _hangup) as standby,
    ):
        started = time.monotonic()
        with pytest.raises(CallRefusedError):
            phone.call(NUMBER, timeout_s=40.0)
        waited = time.monotonic() - started
        assert len(standby.legs) == 1
    assert 20.0 < waited < 30.0  # FreeSWITCH's own patience with the first command


def test_when_both_die_the_caller_is_told(switch: FreeSwitch, phone: Phone) -> None:
    died: list[float] = []

    def die(leg: RawLeg) -> None:
        _in_an_endless_prompt(leg)
        died.append(time.monotonic())
        leg.crash()

    with RawController(switch.primary, die) as primary, RawController(switch.standby, die):
        call = phone.call(NUMBER)
        primary.wait_legs(1)
        deadline = time.monotonic() + 10.0
        while len(died) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
    _expect_sorry_then_operator(call, since=died[1] + 0.1)


def test_a_leg_that_was_ended_is_not_offered_again(switch: FreeSwitch, phone: Phone) -> None:
    def script(leg: RawLeg) -> None:
        _answer(leg)
        leg.start("hangup")

    with RawController(switch.primary, script), RawController(switch.standby, _hangup) as standby:
        call = phone.call(NUMBER).wait_ended()
        time.sleep(0.5)
        assert not standby.legs
    assert not call.heard.spurts()


def test_a_transferred_leg_is_not_offered_again(switch: FreeSwitch, phone: Phone) -> None:
    def script(leg: RawLeg) -> None:
        _answer(leg)
        leg.start("transfer", f"{OPERATOR} XML rig-operator")

    with RawController(switch.primary, script), RawController(switch.standby, _hangup) as standby:
        call = phone.call(NUMBER)
        operator = call.heard.wait_for_sound(since=0.0, timeout_s=5.0)
        assert _heard_pitch(call, operator) == pytest.approx(OPERATOR_HZ, abs=5)
        assert not standby.legs


@pytest.mark.parametrize(
    ("resume", "target", "hears"),
    [
        ("false", f"{OPERATOR} XML rig-operator", OPERATOR_HZ),
        ("true", "operator XML voice-ai-fallback", OPERATOR_HZ),
        # What FreeSWITCH does to a controller that forgets: silence, and no end to it.
        ("true", f"{OPERATOR} XML rig-operator", 0),
    ],
)
def test_a_controller_may_close_after_a_transfer_if_resume_is_off(
    switch: FreeSwitch, phone: Phone, resume: str, target: str, hears: int
) -> None:
    def script(leg: RawLeg) -> None:
        _answer(leg)
        leg.execute("set", f"socket_resume={resume}")
        leg.execute("transfer", target)
        time.sleep(0.05)
        leg.close()

    with RawController(switch.primary, script) as controller:
        call = phone.call(NUMBER)
        controller.join()
        time.sleep(1.0)
        heard = call.heard.spurts(time.monotonic() - 0.5)
        assert not call.ended.is_set()
        if hears:
            assert _heard_pitch(call, time.monotonic()) == pytest.approx(hears, abs=5)
        else:
            assert not heard


@pytest.mark.parametrize("resume", ["false", "true"])
def test_a_leg_may_come_back_in_by_its_number(
    switch: FreeSwitch, phone: Phone, resume: str
) -> None:
    """How audio is armed again after a bridge: a new connection, the same leg."""

    def script(leg: RawLeg) -> None:
        leg.connect()
        leg.command("myevents")
        if leg.variable("went_round"):
            leg.execute("playback", "tone_stream://%(1500,0,600)")
            leg.start("hangup")
            return
        leg.execute("answer")
        leg.execute("multiset", f"^^;went_round=true;socket_resume={resume}")
        leg.execute("transfer", f"{NUMBER} XML voice-ai")
        leg.close()

    with (
        RawController(switch.primary, script) as controller,
        RawController(switch.standby, _hangup) as standby,
    ):
        call = phone.call(NUMBER).wait_ended()
        controller.join()
        first, again = controller.legs
        assert not standby.legs
    assert first.uuid == again.uuid
    assert again.variable("voice_ai_attempt") == "1"
    [prompt] = call.heard.spurts()
    assert prompt.seconds == pytest.approx(1.5, abs=0.1)


def test_what_is_no_number_does_not_get_in(switch: FreeSwitch, phone: Phone) -> None:
    def script(leg: RawLeg) -> None:
        _answer(leg)
        leg.start("transfer", "root XML voice-ai")

    with RawController(switch.primary, script) as controller:
        call = phone.call(NUMBER).wait_ended()
        assert len(controller.legs) == 1
    assert "UNALLOCATED_NUMBER" in call.end_reason


def test_an_operator_that_leads_back_is_tried_once(switch: FreeSwitch, phone: Phone) -> None:
    def script(leg: RawLeg) -> None:
        _answer(leg)
        leg.execute("set", "voice_ai_operator_context=voice-ai")
        leg.crash()

    with RawController(switch.primary, script) as controller:
        call = phone.call(NUMBER)
        controller.join()
    call.wait_ended(15.0)
    assert "NORMAL_TEMPORARY_FAILURE" in call.end_reason
    assert len(call.heard.spurts(gap_ms=100)) == 2  # sorry, and once more


def test_the_tenant_comes_from_the_dialplan_and_not_from_the_caller(
    switch: FreeSwitch, phone: Phone
) -> None:
    headers = [
        ("X-domain_uuid", "99999999-9999-4999-8999-999999999999"),
        ("domain_uuid", "99999999-9999-4999-8999-999999999999"),
        ("X-Foo", "a%0Avariable_domain_uuid: 9%0ACaller-Destination-Number: 18005550000"),
    ]
    with RawController(switch.primary, _hangup) as controller:
        with pytest.raises(CallRefusedError):
            phone.call(NUMBER, headers=headers)
        [leg] = controller.legs
    assert leg.variable("domain_uuid") == DOMAIN_UUID
    assert leg.variable("domain_name") == "example.voice-ai.test"
    assert leg.variables["Caller-Destination-Number"] == NUMBER
    assert leg.variable("voice_ai_token") == switch.token
    assert leg.variables["Socket-Mode"] == "async"
    assert leg.variables["Control"] == "single-channel"


def test_a_leg_has_no_console(switch: FreeSwitch, phone: Phone) -> None:
    replies: dict[str, str] = {}

    def script(leg: RawLeg) -> None:
        leg.connect()
        for command in ("api status", "bgapi status", "event plain ALL", "linger", "log debug"):
            replies[command] = leg.command(command)
        leg.start("hangup")

    with RawController(switch.primary, script) as controller:
        with pytest.raises(CallRefusedError):
            phone.call(NUMBER)
        controller.join()
    assert set(replies.values()) == {"-ERR command not found"}


def test_a_parked_leg_goes_on_sending(switch: FreeSwitch, phone: Phone) -> None:
    def script(leg: RawLeg) -> None:
        _answer(leg)
        time.sleep(2.0)
        leg.start("hangup")

    with RawController(switch.primary, script):
        call = phone.call(NUMBER).wait_ended()
    frames = call.heard.frames(call.answered_at + 0.5, call.answered_at + 1.5)
    assert len(frames) == pytest.approx(50, abs=5)
    assert not call.heard.spurts()  # and what it sends does not pass for speech


def test_no_key_ends_a_prompt(switch: FreeSwitch, phone: Phone) -> None:
    def script(leg: RawLeg) -> None:
        _answer(leg)
        leg.execute("playback", "tone_stream://%(2000,0,600)")
        leg.start("hangup")

    with RawController(switch.primary, script):
        call = phone.call(NUMBER)
        call.heard.wait_for_sound(since=0.0, timeout_s=5.0)
        call.press("*#")
        call.wait_ended()
    [prompt] = call.heard.spurts()
    assert prompt.seconds == pytest.approx(2.0, abs=0.1)


def test_nothing_lives_for_ever(start_switch: Callable[..., FreeSwitch]) -> None:
    switch = start_switch(limit_s=3)
    with Phone(switch=switch.sip) as phone, RawController(switch.primary, _in_an_endless_prompt):
        call = phone.call(NUMBER).wait_ended(8.0)
    assert "ALLOTTED_TIMEOUT" in call.end_reason


def test_a_talk_between_people_is_not_cut(start_switch: Callable[..., FreeSwitch]) -> None:
    switch = start_switch(limit_s=3)
    agent = Phone(switch=switch.sip, user="agent")

    def script(leg: RawLeg) -> None:
        _answer(leg)
        leg.execute("bridge", f"sofia/rig/{agent.uri.removeprefix('sip:')}")
        leg.start("hangup")

    with agent, Phone(switch=switch.sip) as phone, RawController(switch.primary, script):
        call = phone.call(NUMBER)
        other = agent.wait_call().answer()
        assert not call.ended.wait(6.0)
        other.hangup()
        call.wait_ended()
    assert "NORMAL_CLEARING" in call.end_reason
