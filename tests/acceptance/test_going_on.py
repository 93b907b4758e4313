"""Words that come while the answer is made belong to the question. Duplex calls in real time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from esl_app.switchsim import Speak, Step, Switch, Wait, WhenQuiet
from providers.fake import FakeLlm, FakeStt
from tenants.models import Tenant
from tests.fix_calls import AUDIO, Rig, Says

pytestmark = pytest.mark.acceptance

FLOW = """from esl_app.flow import Call, acts, flow


@flow
def hours(call: Call) -> None:
    @acts
    def book(day: str) -> str:
        "Book a day."
        call.note("booked", day=day)
        return "booked"

    call.answer()
    call.say(call.secretary.greeting)
    call.converse(tools=[book])
"""


def scene(rig: Rig, tenant: Tenant, *, more: str, after_s: float, latency_s: float) -> list[Step]:
    """A question, a voice while its answer is made, and goodbye."""
    engines = rig.controller.engines.for_tenant(tenant)
    stt, model = engines.stt, engines.llm
    assert isinstance(stt, FakeStt)
    assert isinstance(model, FakeLlm)
    model.settings = model.settings.model_copy(update={"latency_s": latency_s})
    question, voice = Speak(AUDIO / "parking.wav"), Speak(AUDIO / "cancel.wav")
    return [
        WhenQuiet(1.5),
        Says(stt, "What are your hours?", question),
        Wait(after_s),
        Says(stt, more, voice),
        Wait(latency_s),
        WhenQuiet(1.5),
        Says(stt, "Goodbye.", question),
    ]


def asked(rig: Rig, tenant: Tenant) -> list[str]:
    model = rig.controller.engines.for_tenant(tenant).llm
    assert isinstance(model, FakeLlm)
    return [request.messages[-1].content for request in model.calls]


BOTH = "What are your hours? On Saturday?"
DUPLEX = {"media_mode": "duplex", "silence_fallback_seconds": 10}


@pytest.mark.parametrize("after_s", [0.7, 2.6])  # before the filler, after it
def test_words_while_the_answer_is_made_are_of_the_question(
    make_rig: Any, flows_dir: Path, after_s: float
) -> None:
    path = flows_dir / "hours.py"
    path.write_text(FLOW)
    path.chmod(0o644)
    rig: Rig = make_rig(flow="hours")
    tenant = rig.tenant(answers=['call:book {"day": "today"}', "Nine to noon."], secretary=DUPLEX)
    steps = scene(rig, tenant, more="On Saturday?", after_s=after_s, latency_s=5.0)
    call = rig.call(*steps, switch=Switch(speed=1.0))
    assert asked(rig, tenant) == ["What are your hours?", BOTH]
    assert "flow.booked" not in call.kinds(), "the answer was cancelled before it came to that"
    _, messages = rig.rows(call, tenant)
    assert [(m.turn_number, m.role, m.content) for m in messages] == [
        (1, "user", BOTH),
        (1, "assistant", "Nine to noon."),
        (2, "user", "Goodbye."),
    ]


def test_a_noise_while_the_answer_is_made_costs_nothing(rig: Rig) -> None:
    tenant = rig.tenant(answers=["Nine to noon."], secretary=DUPLEX)
    steps = scene(rig, tenant, more="", after_s=0.7, latency_s=4.0)
    call = rig.call(*steps, switch=Switch(speed=1.0))
    assert asked(rig, tenant) == ["What are your hours?"]
    assert call.said() == ["Good morning.", "Nine to noon.", "Good bye now."]
    assert "interrupted" not in call.kinds()
    assert call.journal is not None
    assert call.journal.turns[0].question == "What are your hours?"
