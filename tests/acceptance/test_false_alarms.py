"""A voice that said nothing costs nothing: what it cut goes on. Duplex calls in real time."""

from __future__ import annotations

import pytest

from esl_app.switchsim import Speak, SpeakWhenQuiet, Switch, Wait
from providers.fake import FakeLlm
from tests.fix_calls import AUDIO, Rig

pytestmark = pytest.mark.acceptance

QUESTION = SpeakWhenQuiet(AUDIO / "parking.wav", quiet_s=1.5)
VOICE = Speak(AUDIO / "cancel.wav")
DUPLEX = {"media_mode": "duplex"}
WORDS = 24


def test_an_answer_cut_by_a_voice_without_words_goes_on_where_it_stopped(rig: Rig) -> None:
    answer = " ".join(str(number) for number in range(100, 100 + WORDS)) + ". Then more."
    tenant = rig.tenant(
        hears=["Is there parking?", "", "Goodbye."], answers=[answer], secretary=DUPLEX
    )
    call = rig.call(QUESTION, Wait(3.0), VOICE, QUESTION, switch=Switch(speed=1.0))
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
    tones = [e for e in call.journal.entries if e.kind == "said"]
    assert len(tones) == len({e.data["pii_text"] for e in tones}), "nothing was said twice"


@pytest.mark.parametrize(
    ("over", "said"), [("", "Behind the house."), ("How do I cancel?", "Call us.")]
)
def test_only_words_discard_an_answer_that_is_being_made(rig: Rig, over: str, said: str) -> None:
    tenant = rig.tenant(
        hears=["Is there parking?", over, "Goodbye."],
        answers=["Behind the house.", "Call us."],
        secretary=DUPLEX,
    )
    model = rig.controller.engines.for_tenant(tenant).llm
    assert isinstance(model, FakeLlm)
    model.settings = model.settings.model_copy(update={"latency_s": 3.5})
    call = rig.call(QUESTION, Wait(2.0), VOICE, QUESTION, switch=Switch(speed=1.0))
    assert "filler" in call.kinds()
    assert "interrupted" in call.kinds()
    assert {"Behind the house.", "Call us."} & set(call.said()) == {said}
    _, messages = rig.rows(call, tenant)
    assert [m.content for m in messages if m.role == "assistant"] == [said]
