"""Duplex calls through the stand-in, in real time."""

from __future__ import annotations

from pathlib import Path

import pytest

from esl_app.media import sound
from esl_app.switchsim import HangUp, Press, Speak, SpeakWhenQuiet, Switch, Wait
from esl_app.switchsim.dialplan import Action, controlled
from providers.contracts import Audio
from tests.fix_calls import AUDIO, NUMBER, Rig

pytestmark = pytest.mark.acceptance

# Asked for twice: while the voice over us goes on, and when it has ended.
OVER_US = ["How do I cancel?"] * 2

PARKING = AUDIO / "parking.wav"
QUESTION = SpeakWhenQuiet(PARKING, quiet_s=1.5)
DUPLEX = {"media_mode": "duplex"}


def duplex() -> Switch:
    return Switch(speed=1.0)


def test_a_question_is_answered_and_goodbye_ends_the_call(rig: Rig) -> None:
    tenant = rig.tenant(
        hears=["Is there parking near the clinic?", "Goodbye."],
        answers=["Yes. Behind the house."],
        secretary=DUPLEX,
    )
    call = rig.call(QUESTION, QUESTION, switch=duplex())
    assert "duplex" in call.kinds()
    assert call.said() == ["Good morning.", "Yes.", "Behind the house.", "Good bye now."]
    _, messages = rig.rows(call, tenant)
    assert [(m.turn_number, m.role) for m in messages] == [
        (1, "user"), (1, "assistant"), (2, "user"),
    ]  # fmt: skip
    assert messages[0].endpoint_ms is not None
    assert messages[0].endpoint_ms < 900, "faster than a second of silence"
    assert "playback" not in call.result.applications()


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """Four tenths of a second of voice: an "uh-huh"."""
    audio = sound.read_wav(PARKING)
    start_s, _ = sound.voiced_span(audio, threshold=300) or (0.0, 0.0)
    first = 2 * int(start_s * audio.rate)
    path = tmp_path / "short.wav"
    sound.write_wav(path, Audio(pcm=audio.pcm[first : first + 2 * 3200], rate=audio.rate))
    return path


def test_words_over_an_answer_cut_it_and_are_answered(rig: Rig) -> None:
    tenant = rig.tenant(
        hears=["Is there parking?", *OVER_US, "Goodbye."],
        answers=["word " * 40, "Call us."],
        secretary=DUPLEX,
    )
    cancel = Speak(AUDIO / "cancel.wav")
    call = rig.call(QUESTION, Wait(3.0), cancel, QUESTION, switch=duplex())
    assert "interrupted" in call.kinds()
    assert "Call us." in call.said()
    _, messages = rig.rows(call, tenant)
    first = next(m for m in messages if m.role == "assistant")
    assert 0 < first.content.count("word") < 20, "what was heard, not what was written"
    assert call.facts["ending"] == "goodbye"


def test_a_backchannel_pauses_and_the_answer_goes_on(rig: Rig, short: Path) -> None:
    rig.tenant(
        hears=["Is there parking?", "uh-huh", "Goodbye."],
        answers=["word " * 14],
        secretary=DUPLEX,
    )
    call = rig.call(QUESTION, Wait(2.0), Speak(short), QUESTION, switch=duplex())
    assert "interrupted" not in call.kinds()
    assert call.journal is not None
    resumed = call.journal.last("resumed")
    assert resumed is not None
    assert resumed.data["why"] == "backchannel"
    assert resumed.data["paused_s"] < 1.3
    assert call.facts["ending"] == "goodbye"


def test_a_noise_without_words_is_no_input(rig: Rig, short: Path) -> None:
    tenant = rig.tenant(
        hears=["", "Is there parking?", "Goodbye."],
        answers=["Yes."],
        secretary={**DUPLEX, "silence_fallback_seconds": 6},
    )
    cough = SpeakWhenQuiet(short, quiet_s=1.0)
    call = rig.call(cough, Wait(1.5), Speak(PARKING), QUESTION, switch=duplex())
    assert call.said() == ["Good morning.", "Yes.", "Good bye now."]
    assert rig.rows(call, tenant)[0].total_turns == 2


def test_a_key_cuts_a_prompt(rig: Rig) -> None:
    rig.tenant(secretary={**DUPLEX, "greeting_message": "word " * 40})
    call = rig.call(Wait(1.0), Press("0"), switch=duplex())
    assert call.result.transferred_to == "2000"
    assert call.result.duration_s < 9


@pytest.mark.parametrize("after_s", [0.1, 1.0, 2.5, 4.0])
def test_hanging_up_leaves_nothing(rig: Rig, after_s: float) -> None:
    rig.tenant(hears=["Is there parking?"], answers=["word " * 10], secretary=DUPLEX)
    call = rig.call(Wait(after_s), HangUp(), switch=duplex())
    assert call.facts["disposition"] == "hangup"
    assert len(rig.controller.pacer) == 0


def test_without_datagrams_the_call_goes_on_in_file_mode(rig: Rig) -> None:
    rig.tenant(hears=["Goodbye."], secretary=DUPLEX)
    call = rig.call(QUESTION, switch=Switch(speed=20.0, unicast_fails=True))
    assert "file_mode" in call.kinds()
    assert call.facts["ending"] == "goodbye"
    assert {"playback", "record"} <= set(call.result.applications())


def test_after_an_interruption_the_next_answer_is_whole(rig: Rig) -> None:
    tenant = rig.tenant(
        hears=["Is there parking?", *OVER_US, "Is there parking?", "Goodbye."],
        answers=["word " * 40, "word " * 8],
        secretary=DUPLEX,
    )
    cancel = Speak(AUDIO / "cancel.wav")
    call = rig.call(QUESTION, Wait(3.0), cancel, QUESTION, QUESTION, switch=duplex())
    assert call.kinds().count("interrupted") == 1
    _, messages = rig.rows(call, tenant)
    answers = [m.content for m in messages if m.role == "assistant"]
    assert answers[1:] == ["word " * 7 + "word"] * 2


def test_a_caller_who_comes_back_from_a_transfer_goes_on_where_they_were(rig: Rig) -> None:
    """Three times in one call: one conversation, remembered, in duplex each time."""
    tenant = rig.tenant(
        hears=["Is there parking near the clinic?"],
        answers=["Yes."],
        secretary={
            **DUPLEX,
            "greeting_message": "Hi.",
            "transfer_message": "Wait.",
            "hold_return_message": "Back again.",
        },
    )
    person = (Action("sleep", "300"), Action("transfer", NUMBER))
    back = controlled(hosts=f"127.0.0.1:{rig.controller.server.port}")
    ask = [SpeakWhenQuiet(PARKING, quiet_s=0.8), Wait(1.5)]
    call = rig.call(
        *[*ask, Press("0"), Wait(1.5)] * 3,
        *ask,
        HangUp(),
        switch=Switch(speed=1.0, extensions={"2000": person, NUMBER: back}),
    )
    conversation, messages = rig.rows(call, tenant)
    assert [m.turn_number for m in messages if m.role == "user"] == [1, 2, 3, 4]
    assert (conversation.total_turns, conversation.transfer_extension) == (4, "2000")
    assert conversation.final_action == "hangup"
    tokens = [m.prompt_tokens or 0 for m in messages if m.role == "assistant"]
    assert tokens == sorted(set(tokens)), "the model is told more of the conversation each time"
    assert {"duplex", "call"} <= set(call.kinds())
    assert call.said() == ["Back again.", "Yes."]
    assert "playback" not in call.result.applications()
