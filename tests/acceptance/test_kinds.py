"""What was asked for decides how long the caller may pause: duplex calls in real time."""

from __future__ import annotations

from pathlib import Path

import pytest

from esl_app.media import sound
from esl_app.switchsim import SpeakWhenQuiet, Switch
from providers.contracts import Audio
from tests.fix_calls import AUDIO, Rig

pytestmark = pytest.mark.acceptance

QUESTION = SpeakWhenQuiet(AUDIO / "parking.wav", quiet_s=1.5)
PAUSE_S = 1.2  # as long as people pause inside a number
HALF, WHOLE = "it's one", "it's one 415 555 0134"
FLOW = """from esl_app.flow import PHONE, YES_NO, Call, flow


@flow
def reception(call: Call) -> None:
    call.answer()
    call.note("answer", pii_text=str(call.ask("Your number, please.", kind={kind})))
"""


@pytest.fixture
def hesitating(tmp_path: Path) -> SpeakWhenQuiet:
    """A voice, a pause, and the voice again: "it's one … 415 555 0134"."""
    audio = sound.read_wav(AUDIO / "parking.wav")
    start_s, end_s = sound.voiced_span(audio, threshold=300) or (0.0, 0.0)
    voice = audio.pcm[2 * int(start_s * audio.rate) : 2 * int(end_s * audio.rate)]
    pause = bytes(2 * int(PAUSE_S * audio.rate))
    path = tmp_path / "hesitating.wav"
    sound.write_wav(path, Audio(pcm=voice + pause + voice, rate=audio.rate))
    return SpeakWhenQuiet(path, quiet_s=1.5)


def test_a_number_our_own_answer_asked_for_is_not_cut(rig: Rig, hesitating: SpeakWhenQuiet) -> None:
    tenant = rig.tenant(
        hears=["Please call me back.", HALF, WHOLE, "Goodbye."],
        answers=["What is your phone number?", "Thank you."],
        secretary={"media_mode": "duplex"},
    )
    call = rig.call(QUESTION, hesitating, QUESTION, switch=Switch(speed=1.0))
    _, messages = rig.rows(call, tenant)
    assert [m.content for m in messages if m.role == "user"][:2] == ["Please call me back.", WHOLE]


@pytest.mark.parametrize(("kind", "heard"), [("PHONE", WHOLE), ("YES_NO", HALF)])
def test_the_kind_a_flow_asks_for_reaches_the_ears(
    rig: Rig, flows_dir: Path, hesitating: SpeakWhenQuiet, kind: str, heard: str
) -> None:
    (flows_dir / "reception.py").write_text(FLOW.format(kind=kind))
    rig.tenant(hears=[HALF, WHOLE], secretary={"media_mode": "duplex"})
    call = rig.call(hesitating, switch=Switch(speed=1.0))
    assert call.journal is not None
    answer = call.journal.last("flow.answer")
    assert answer is not None
    assert answer.data["pii_text"] == heard
