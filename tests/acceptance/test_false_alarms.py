"""A voice that said nothing costs nothing: what it cut goes on. Duplex calls in real time."""

from __future__ import annotations

import pytest

from esl_app.switchsim import Speak, Step, Switch, Wait, WhenQuiet
from providers.fake import FakeLlm, FakeStt
from tenants.models import Tenant
from tests.fix_calls import AUDIO, Rig, Says

pytestmark = pytest.mark.acceptance

WORDS = 24


def scene(rig: Rig, tenant: Tenant, *, over: str, after_s: float) -> list[Step]:
    """A question, a voice over what comes of it, and goodbye."""
    stt = rig.controller.engines.for_tenant(tenant).stt
    assert isinstance(stt, FakeStt)
    question, voice = Speak(AUDIO / "parking.wav"), Speak(AUDIO / "cancel.wav")
    return [
        WhenQuiet(1.5),
        Says(stt, "Is there parking?", question),
        Wait(after_s),
        Says(stt, over, voice, slow=True),
        WhenQuiet(1.5),
        Says(stt, "Goodbye.", question),
    ]


def test_an_answer_cut_by_a_voice_without_words_goes_on_where_it_stopped(rig: Rig) -> None:
    answer = " ".join(str(number) for number in range(100, 100 + WORDS)) + ". Then more."
    tenant = rig.tenant(hears=[""], answers=[answer], secretary={"media_mode": "duplex"})
    call = rig.call(*scene(rig, tenant, over="", after_s=3.0), switch=Switch(speed=1.0))
    assert call.journal is not None
    cut, resumed = call.journal.last("interrupted"), call.journal.last("resumed")
    assert cut is not None
    assert resumed is not None
    assert resumed.data["why"] == "nothing_said"
    assert call.said().count("Then more.") == 1
    _, messages = rig.rows(call, tenant)
    assert [(m.role, m.content) for m in messages] == [
        ("user", "Is there parking?"),
        ("assistant", answer),
        ("user", "Goodbye."),
    ]
    assert len(call.said()) == len(set(call.said())), "nothing was said twice"


@pytest.mark.parametrize(
    ("after_s", "over", "heard"),
    [
        (1.3, "", "Behind the house."),  # over the filler
        (2.5, "", "Behind the house."),  # after it
        (1.3, "How do I cancel?", "Call us."),
    ],
)
def test_only_words_discard_an_answer_that_is_being_made(
    rig: Rig, over: str, heard: str, after_s: float
) -> None:
    tenant = rig.tenant(
        hears=[""], answers=["Behind the house.", "Call us."], secretary={"media_mode": "duplex"}
    )
    model = rig.controller.engines.for_tenant(tenant).llm
    assert isinstance(model, FakeLlm)
    model.settings = model.settings.model_copy(update={"latency_s": 3.5})
    call = rig.call(*scene(rig, tenant, over=over, after_s=after_s), switch=Switch(speed=1.0))
    assert "filler" in call.kinds()
    assert "interrupted" in call.kinds()
    _, messages = rig.rows(call, tenant)
    assert [m.content for m in messages if m.role == "assistant"] == [heard]
