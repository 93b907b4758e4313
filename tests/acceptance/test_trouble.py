"""One part fails; the caller still gets somewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gevent
import pytest

from esl_app.journal import Entry
from esl_app.leg import Leg
from esl_app.switchsim import Caller, SpeakWhenQuiet, Switch
from providers.fake import FakeLlm
from tests.fix_calls import AUDIO, NUMBER, SPEED, PlacedCall, Rig

pytestmark = pytest.mark.acceptance

QUESTION = SpeakWhenQuiet(AUDIO / "parking.wav")
TROUBLE = "I am sorry, I cannot look that up right now."


def test_a_recogniser_that_fails_once_is_forgiven(rig: Rig) -> None:
    tenant = rig.tenant(hears=["fail:timeout", "Is there parking?", "Goodbye."], answers=["Yes."])
    call = rig.call(QUESTION, QUESTION, QUESTION)
    assert call.said() == [
        "Good morning.", TROUBLE, "Could you ask again?", "Yes.", "Good bye now.",
    ]  # fmt: skip
    assert rig.rows(call, tenant)[0].final_action == "goodbye"


def test_a_model_that_keeps_failing_hands_over(rig: Rig) -> None:
    rig.tenant(hears=["Is there parking?"], answers=["fail:unavailable"])
    call = rig.call(QUESTION, QUESTION)
    assert TROUBLE in call.said()
    assert call.facts["ending"] == "trouble"
    assert call.result.transferred_to == "2000"


def test_a_voice_that_fails_does_not_end_the_call(rig: Rig) -> None:
    rig.tenant(hears=["I want a person"], speaks=["fail:unavailable"])
    call = rig.call(QUESTION)
    assert call.said() == []
    assert call.result.transferred_to == "2000"


def test_a_broken_configuration_sends_the_call_on(rig: Rig) -> None:
    tenant = rig.tenant()
    with rig.database.tenant(tenant.domain.domain_uuid) as cursor:
        cursor.execute("""UPDATE voice_ai.provider SET config = '{"nonsense": 1}'""")
    call = rig.call()
    assert call.result.fell_back, "the dialplan's next actions run"


def test_a_flow_that_fails_apologises_and_hands_over(
    rig: Rig, flows_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rig.tenant()
    (flows_dir / "reception.py").write_text(
        "from esl_app.flow import Call, flow\n\n\n@flow\ndef reception(call: Call) -> None:\n"
        "    call.answer()\n    raise RuntimeError('the caller said 4111 1111')\n"
    )
    call = rig.call()
    assert call.facts["disposition"] == "flow_failed"
    assert "I am sorry, we have a technical problem." in call.said()
    assert call.result.transferred_to == "operator"
    assert call.journal is not None
    failed = next(entry for entry in call.journal.entries if entry.kind == "flow_failed")
    assert failed.data["line"] == 7
    assert "4111" not in capsys.readouterr().out


def test_a_database_that_is_gone_sends_new_calls_on(rig: Rig) -> None:
    rig.tenant()
    rig.stores.database.close()
    assert rig.call().result.fell_back


def test_another_controller_goes_on_where_the_first_one_died(make_rig: Any) -> None:
    def die_after_the_answer(leg: Leg, entry: Entry) -> None:
        if entry.kind == "answered":
            gevent.spawn(leg.close)

    first, second = make_rig(observe=die_after_the_answer), make_rig()
    began = datetime.now(UTC)
    tenant = first.tenant(hears=["Is there parking?", "Goodbye."], answers=["Behind the house."])
    standby = f"127.0.0.1:{second.controller.server.port}"
    call = first.call(*[QUESTION] * 4, standby=standby)
    second.settle()
    assert call.result.attempts == 2
    assert call.facts["disposition"] == "leg_lost"
    journal, facts = second.ended[call.result.uuid]
    said = [entry.data["pii_text"] for entry in journal.entries if entry.kind == "said"]
    assert said[0] == "Sorry, we were interrupted."
    assert "Good morning." not in said
    assert facts["ending"] == "goodbye"
    assert facts["began"] == call.facts["began"]
    here_s = journal.entries[-1].at_s
    assert facts["duration_s"] > call.facts["duration_s"] + here_s - 0.1, "both parts"
    conversation, messages = second.rows(call, tenant)
    assert conversation.duration_seconds is not None
    assert abs((conversation.start_time - began).total_seconds()) < 2.0
    assert float(conversation.duration_seconds) == facts["duration_s"]
    # The second one's recogniser begins its script anew.
    assert conversation.total_turns == 3
    assert sorted({message.turn_number for message in messages}) == [1, 2, 3]


def test_a_mode_that_is_not_served_sends_the_call_on(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant = rig.tenant()
    with rig.database.tenant(tenant.domain.domain_uuid) as cursor:
        cursor.execute("UPDATE voice_ai.secretary SET processing_mode = 'realtime'")
    assert rig.call().result.fell_back, "the dialplan's next actions run"
    assert "processing_mode: realtime is not served" in "".join(capsys.readouterr())


@pytest.mark.parametrize(("latency_s", "bridged"), [(0.0, False), (2.0, True)])
def test_an_answer_that_takes_long_is_announced(rig: Rig, latency_s: float, bridged: bool) -> None:
    tenant = rig.tenant(hears=["Is there parking?", "Goodbye."], answers=["Yes."])
    model = rig.controller.engines.for_tenant(tenant).llm
    assert isinstance(model, FakeLlm)
    model.settings = model.settings.model_copy(update={"latency_s": latency_s})
    call = rig.call(QUESTION, QUESTION)
    assert ("filler" in call.kinds()) is bridged
    assert "Yes." in call.said()


@pytest.mark.parametrize(
    "ending", ["raise SystemExit(0)", "import gevent; raise gevent.Timeout(1)"]
)
def test_a_flow_that_exits_ends_its_own_call_alone(rig: Rig, flows_dir: Path, ending: str) -> None:
    rig.tenant()
    shipped = (flows_dir / "reception.py").read_text()
    (flows_dir / "reception.py").write_text(
        "from esl_app.flow import Call, flow\n\n\n@flow\ndef reception(call: Call) -> None:\n"
        f"    call.answer()\n    {ending}\n"
    )
    call = rig.call()
    assert call.facts["disposition"] == "flow_failed"
    assert call.result.transferred_to == "operator"
    (flows_dir / "reception.py").write_text(shipped)
    assert rig.call().facts["disposition"] == "completed", "the worker is still there"


def test_a_callers_odd_number_costs_no_record(rig: Rig) -> None:
    tenant = rig.tenant(hears=["Goodbye."])
    result = Switch(speed=SPEED).call(
        Caller([QUESTION], number="55\x000199"),
        port=rig.controller.server.port,
        destination_number=NUMBER,
        timeout_s=60,
    )
    rig.settle()
    journal, facts = rig.ended[result.uuid]
    call = PlacedCall(result=result, journal=journal, facts=facts)
    conversation, messages = rig.rows(call, tenant)
    assert conversation.end_time is not None
    assert conversation.caller_id_number == "55 0199"
    assert messages
