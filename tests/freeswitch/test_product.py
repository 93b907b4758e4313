"""The product, as it is shipped, answers a telephone through a real FreeSWITCH.

The demo's caller asks the demo's practice, on the offline engines.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from tests.freeswitch.config import NUMBER, OPERATOR_HZ
from tests.freeswitch.conftest import SORRY_HZ
from tests.freeswitch.heard import Spurt
from tests.freeswitch.product import Product
from tests.freeswitch.sipcaller import Call, Phone
from tests.freeswitch.sounds import load_wav, pitch
from tests.freeswitch.switch import FreeSwitch

log = structlog.get_logger()

pytestmark = [pytest.mark.freeswitch, pytest.mark.speech, pytest.mark.timeout(300)]

# Where the demo's flow transfers to: an extension that answers with a tone.
_PERSON = f"""
<context name="default"><extension name="person">
  <condition field="destination_number" expression="^2000$">
    <action application="answer"/>
    <action application="endless_playback" data="tone_stream://%(1000,0,{OPERATOR_HZ});loops=-1"/>
  </condition>
</extension></context>
"""


@dataclass(frozen=True, slots=True)
class Site:
    switch: FreeSwitch
    data_dir: Path

    def controller(self, address: tuple[str, int], **environment: str) -> Product:
        return Product(self.data_dir, address, token=self.switch.token, **environment)


@pytest.fixture(scope="module")
def site(start_switch: Callable[..., FreeSwitch], tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A FreeSWITCH that routes to the demo's tenant, and a data directory that has it."""
    missing = [m for m in ("faster_whisper", "piper") if importlib.util.find_spec(m) is None]
    if missing:
        pytest.skip(f"needs the offline speech engines: {', '.join(missing)} not installed")
    from esl_app.demo import clinic

    switch = start_switch(domain_uuid=str(clinic.DOMAIN_UUID), extra_dialplan=_PERSON)
    site = Site(switch, tmp_path_factory.mktemp("product"))
    site.controller(switch.primary).prepare()
    return site


@pytest.fixture
def caller(site: Site) -> Iterator[Phone]:
    with Phone(switch=site.switch.sip) as phone:
        yield phone
    site.switch.wait_idle()


def _words(number: int) -> bytes:
    """What the demo's caller says, by its place in the script."""
    from esl_app.demo import clinic

    return load_wav(clinic.CALLER / clinic.SCRIPT[number][0])


def _ask(call: Call, number: int) -> Spurt:
    """Say it, and wait for an answer to its end."""
    said = call.say(_words(number))
    answer = call.listen(since=said.ended_at, quiet_ms=1200, timeout_s=40.0)
    # Not judged here: the engines share two cores with FreeSWITCH and this telephone.
    log.info("answered", question=number, after_s=round(answer.start - said.ended_at, 2))
    return answer


def _greeted(phone: Phone) -> Call:
    call = phone.call(NUMBER, timeout_s=30.0)
    call.listen(timeout_s=30.0, quiet_ms=1000)
    return call


def test_a_whole_call_ends_with_a_person(site: Site, caller: Phone) -> None:
    with site.controller(site.switch.primary) as controller:
        call = _greeted(caller)
        for number in range(3):
            assert _ask(call, number).seconds > 1.0
        said = call.say(_words(3))
        deadline = time.monotonic() + 40.0
        while time.monotonic() < deadline:
            now = time.monotonic()
            heard = call.heard.pcm(max(said.ended_at, now - 1.0), now)
            if len(heard) > 8000 and pitch(heard) == pytest.approx(OPERATOR_HZ, abs=5):
                break
            time.sleep(0.2)
        else:
            pytest.fail("never reached the person")
        call.hangup()
    [line] = [entry for entry in controller.entries if entry["event"] == "call"]
    assert (line["turns"], line["disposition"], line["troubles"]) == (4, "transferred", 0)
    assert call.media.worst_lateness_s < 0.25, "the telephone itself stuttered"


def test_a_killed_controller_does_not_cost_the_call(site: Site, caller: Phone) -> None:
    # The standby is first: it owns the database that both use, and survives.
    with (
        site.controller(site.switch.standby) as standby,
        site.controller(site.switch.primary) as primary,
    ):
        call = _greeted(caller)
        _ask(call, 0)
        call.say(_words(1))
        call.heard.wait_for_sound(since=time.monotonic(), timeout_s=40.0)
        primary.kill()
        killed = time.monotonic()
        apology = call.listen(since=killed + 0.3, quiet_ms=1500, timeout_s=40.0)
        log.info("went_on", after_s=round(apology.start - killed, 2))
        assert not call.ended.is_set()
        assert _ask(call, 1).seconds > 1.0
        call.hangup()
    [line] = [entry for entry in standby.entries if entry["event"] == "call"]
    assert line["domain"] == "willow-dental.example"


def test_a_controller_told_to_stop_finishes_its_calls(site: Site, caller: Phone) -> None:
    with site.controller(site.switch.primary) as controller:
        call = _greeted(caller)
        controller.terminate()
        assert _ask(call, 0).seconds > 1.0
        call.hangup()
    assert not call.end_reason


def test_a_killed_supervisor_costs_nobody_anything(site: Site, caller: Phone) -> None:
    """Its worker goes on with the call it has; who calls then reaches the standby."""
    with (
        site.controller(site.switch.standby) as standby,
        site.controller(site.switch.primary) as primary,
    ):
        call = _greeted(caller)
        primary.orphan()
        assert _ask(call, 0).seconds > 1.0
        _greeted(caller).hangup()
        call.hangup()
    ended = [entry for entry in standby.entries if entry["event"] == "call"]
    assert len(ended) == 1
    assert not call.end_reason


def test_a_switch_without_the_token_gets_no_answer(site: Site, caller: Phone) -> None:
    """The controller lets go, and the caller hears the dialplan's apology instead of nothing."""
    with site.controller(site.switch.primary, VOICE_AI_LISTEN__TOKEN="another"):
        call = caller.call(NUMBER)
        sorry = call.heard.wait_for_sound(since=0.0, timeout_s=10.0)
        time.sleep(0.6)
        assert pitch(call.heard.pcm(sorry, sorry + 0.5)) == pytest.approx(SORRY_HZ, abs=5)
