"""The rig itself: telephone, FreeSWITCH and a bare controller agree on what is said and heard."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.freeswitch.config import NUMBER
from tests.freeswitch.rawcontroller import RawController, RawLeg
from tests.freeswitch.sipcaller import CallRefusedError, Phone
from tests.freeswitch.sounds import load_wav, pitch, save_wav, tone
from tests.freeswitch.switch import FreeSwitch

pytestmark = pytest.mark.freeswitch


def _answer(leg: RawLeg) -> None:
    leg.connect()
    leg.command("myevents")
    leg.execute("answer")


def test_a_caller_hears_a_prompt_and_is_recorded(
    switch: FreeSwitch, phone: Phone, tmp_path: Path
) -> None:
    prompt = save_wav(tmp_path / "prompt.wav", tone(600, 1.0))
    recording = tmp_path / "recording.wav"

    def script(leg: RawLeg) -> None:
        _answer(leg)
        leg.execute("playback", str(prompt))
        leg.execute("record", f"{recording} 10 200 1")
        leg.start("hangup")

    with RawController(switch.primary, script) as controller:
        call = phone.call(NUMBER)
        heard = call.listen(quiet_ms=300)
        call.say(tone(900, 1.0))
        call.wait_ended()
        controller.join()

    assert heard.seconds == pytest.approx(1.0, abs=0.1)
    assert pitch(call.heard.pcm(heard.start, heard.end)) == pytest.approx(600, abs=5)
    assert heard.start - call.answered_at < 0.5
    assert (call.ended_by, "NORMAL_CLEARING" in call.end_reason) == ("them", True)
    said = load_wav(recording)
    assert pitch(said) == pytest.approx(900, abs=5)


def test_keys_reach_the_controller(switch: FreeSwitch, phone: Phone) -> None:
    digits: list[str] = []

    def script(leg: RawLeg) -> None:
        _answer(leg)
        leg.wait_event(lambda e: e.get("DTMF-Digit") == "#")
        digits.extend(e["DTMF-Digit"] for _, e in leg.events if "DTMF-Digit" in e)
        leg.start("hangup")

    with RawController(switch.primary, script) as controller:
        call = phone.call(NUMBER)
        call.press("19*#")
        call.wait_ended()
        controller.join()
    assert digits == list("19*#")


def test_both_ways_at_once_over_unicast(switch: FreeSwitch, phone: Phone) -> None:
    """The stream the product lives on: what comes in goes out again, frame by frame."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as echo:
        echo.bind(("127.0.0.1", 0))
        echo.settimeout(0.5)
        sizes: set[int] = set()

        def script(leg: RawLeg) -> None:
            leg.connect()
            leg.command("myevents")
            leg.execute("set", "send_silence_when_idle=0")  # else its noise races with the echo
            leg.execute("answer")
            leg.command(
                "sendmsg\ncall-command: unicast\nlocal-ip: 127.0.0.1\nlocal-port: 0\n"
                f"remote-ip: 127.0.0.1\nremote-port: {echo.getsockname()[1]}\ntransport: udp"
            )
            until = time.monotonic() + 3.0
            while time.monotonic() < until:
                frame, source = echo.recvfrom(2048)
                sizes.add(len(frame))
                echo.sendto(frame, source)
            leg.start("hangup")

        with RawController(switch.primary, script) as controller:
            call = phone.call(NUMBER)
            time.sleep(0.5)
            said = call.say(tone(700, 1.0))
            heard = call.listen(since=said.started_at, quiet_ms=300)
            call.wait_ended()
            controller.join()
    assert sizes == {320}
    assert heard.start - said.started_at < 0.2
    assert heard.seconds == pytest.approx(1.0, abs=0.1)
    assert pitch(call.heard.pcm(heard.start, heard.end)) == pytest.approx(700, abs=5)


def test_a_caller_gives_up_before_the_answer(switch: FreeSwitch, phone: Phone) -> None:
    ended: list[str] = []

    def script(leg: RawLeg) -> None:
        leg.connect()
        leg.command("myevents")
        hangup = leg.wait_event(lambda e: e.get("Event-Name") == "CHANNEL_HANGUP")
        ended.append(hangup["Hangup-Cause"])

    with RawController(switch.primary, script) as controller:
        call = phone.dial(NUMBER)
        controller.wait_legs(1)
        time.sleep(0.2)
        call.cancel()
        with pytest.raises(CallRefusedError, match="487"):
            call.wait_answered()
        controller.join()
    assert ended == ["ORIGINATOR_CANCEL"]


def test_a_call_that_is_not_wanted_gets_its_sip_answer(switch: FreeSwitch, phone: Phone) -> None:
    def script(leg: RawLeg) -> None:
        leg.connect()
        leg.start("hangup", "CALL_REJECTED")

    with RawController(switch.primary, script), pytest.raises(CallRefusedError, match="603"):
        phone.call(NUMBER)


def test_a_bridge_reaches_another_telephone_and_comes_back(
    switch: FreeSwitch, phone: Phone
) -> None:
    """The agent hangs up first; `hangup_after_bridge=false` leaves the caller to the controller."""
    agent = Phone(switch=switch.sip, user="agent")
    after: list[str] = []

    def script(leg: RawLeg) -> None:
        _answer(leg)
        leg.execute("bridge", f"sofia/rig/{agent.uri.removeprefix('sip:')}")
        after.append(leg.execute("set", "back=true").get("variable_back", ""))
        leg.start("hangup")

    with agent, RawController(switch.primary, script) as controller:
        call = phone.call(NUMBER)
        other = agent.wait_call()
        other.answer()
        time.sleep(0.3)
        said = call.say(tone(500, 0.5))
        heard = other.listen(since=said.started_at, quiet_ms=300)
        other.hangup()
        call.wait_ended()
        controller.join()
    assert heard.seconds == pytest.approx(0.5, abs=0.1)
    assert after == ["true"]


def test_a_busy_agent_does_not_cost_the_caller_the_call(switch: FreeSwitch, phone: Phone) -> None:
    agent = Phone(switch=switch.sip, user="agent")
    why: list[str] = []

    def script(leg: RawLeg) -> None:
        _answer(leg)
        done = leg.execute("bridge", f"sofia/rig/{agent.uri.removeprefix('sip:')}")
        why.append(done.get("variable_originate_disposition", ""))
        leg.start("hangup")

    with agent, RawController(switch.primary, script) as controller:
        call = phone.call(NUMBER)
        agent.wait_call().refuse(486)
        call.wait_ended()
        controller.join()
    assert why == ["USER_BUSY"]
