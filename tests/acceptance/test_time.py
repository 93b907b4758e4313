"""What ends a call that nobody ends. The clocks are real, the sound is faster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from esl_app.switchsim import SpeakWhenQuiet, Switch, Wait
from tests.fix_calls import AUDIO, Rig

pytestmark = pytest.mark.acceptance

QUESTION = SpeakWhenQuiet(AUDIO / "parking.wav")
ENDLESS = """from esl_app.flow import Call, flow


@flow
def reception(call: Call) -> None:
    call.answer()
"""


def test_a_call_that_lasts_too_long_is_warned_and_ended_with_a_farewell(make_rig: Any) -> None:
    rig: Rig = make_rig(max_s=3.0, warn_s=2.0)
    tenant = rig.tenant(hears=["Is there parking?"], answers=["Yes."])
    call = rig.call(*[QUESTION] * 400)
    assert call.facts["disposition"] == "time_up"
    assert call.result.hangup_cause == "ALLOTTED_TIMEOUT"
    assert call.said()[-1] == "Good bye now."
    kinds = call.kinds()
    assert kinds.count("notice") == 1
    assert kinds.index("notice") < kinds.index("time_up")
    conversation, messages = rig.rows(call, tenant)
    assert conversation.final_action == "call_time"
    assert messages


def test_the_farewell_is_said_over_whatever_plays(make_rig: Any, flows_dir: Path) -> None:
    rig: Rig = make_rig(max_s=1.5, warn_s=0)
    (flows_dir / "reception.py").write_text(ENDLESS + "    call.say('word ' * 400)\n")
    rig.tenant()
    call = rig.call()
    assert call.facts["disposition"] == "time_up"
    assert call.said()[-1] == "Good bye now."
    assert "notice" not in call.kinds()


def test_in_duplex_too(make_rig: Any, flows_dir: Path) -> None:
    rig: Rig = make_rig(max_s=3.0, warn_s=0)
    (flows_dir / "reception.py").write_text(ENDLESS + "    call.say('word ' * 40)\n")
    rig.tenant(secretary={"media_mode": "duplex"})
    call = rig.call(switch=Switch(speed=1.0))
    assert call.said()[-1] == "Good bye now."
    assert call.result.duration_s < 7


def test_a_line_on_which_nobody_is_left_is_ended(make_rig: Any, flows_dir: Path) -> None:
    rig: Rig = make_rig(longest_silence_s=2.0)
    (flows_dir / "reception.py").write_text(ENDLESS + "    while True:\n        call.converse()\n")
    tenant = rig.tenant(hears=["Is there parking?"], answers=["Yes."])
    call = rig.call(QUESTION, Wait(600))
    assert call.facts["disposition"] == "time_up"
    assert rig.rows(call, tenant)[0].final_action == "silence"


def test_a_flow_that_goes_on_all_the_same_is_hung_up_on(
    make_rig: Any, flows_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("esl_app.timekeeping.FAREWELL_S", 0.5)
    rig: Rig = make_rig(max_s=1.0, warn_s=0)
    swallows = "    try:\n        call.say('word ' * 400)\n    except Exception:\n        pass\n"
    (flows_dir / "reception.py").write_text(f"{ENDLESS}{swallows}    call.say('again ' * 400)\n")
    rig.tenant()
    call = rig.call(Wait(600))
    assert call.facts["disposition"] == "hangup"
    assert call.result.hangup_cause == "ALLOTTED_TIMEOUT"
