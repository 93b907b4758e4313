"""Calls in detect mode through the stand-in: the switch's own engine listens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from esl_app.switchsim import HangUp, Moment, Press, Speak, SpeakWhenQuiet, Switch, Wait
from esl_app.switchsim.messages import Message
from tests.fix_calls import AUDIO, Rig

pytestmark = pytest.mark.acceptance

PARKING = AUDIO / "parking.wav"
QUESTION = SpeakWhenQuiet(PARKING)
DETECT = {"media_mode": "detect"}
VAD = {"vad-silence-ms": 400, "vad-voice-ms": 40, "vad-thresh": 200, "no-input-timeout": -1}


def row(
    engine: str = "test", grammar: str = "default", params: Mapping[str, object] | None = None
) -> Mapping[str, Any]:
    return {
        "provider_type": "stt",
        "provider_name": "freeswitch",
        "config": {"engine": engine, "grammar": grammar, "params": {**VAD, **(params or {})}},
    }


def switch(*words: str) -> Switch:
    return Switch(speed=8.0, recognises=words)


def test_a_question_is_answered_and_goodbye_ends_the_call(rig: Rig) -> None:
    tenant = rig.tenant(
        answers=["Yes. Behind the house."], secretary=DETECT, more_providers=[row()]
    )
    call = rig.call(QUESTION, QUESTION, switch=switch("Is there parking?", "Goodbye."))
    assert call.said() == ["Good morning.", "Yes.", "Behind the house.", "Good bye now."]
    assert "file_mode" not in call.kinds()
    assert "record" not in call.result.applications()
    assert "detect_speech_result" not in call.result.variables, "words of a caller in a variable"
    _, messages = rig.rows(call, tenant)
    assert [(m.turn_number, m.role) for m in messages] == [
        (1, "user"), (1, "assistant"), (2, "user"),
    ]  # fmt: skip
    assert messages[0].content == "Is there parking?"
    assert messages[0].stt_provider == "freeswitch:test"
    assert messages[0].endpoint_ms is None, "nobody knows when the last voiced frame was"
    assert messages[0].audio_duration_ms is None
    assert call.journal is not None
    heard = call.journal.last("heard")
    assert heard is not None
    assert heard.data["confidence"] == 0.873


def test_a_voice_stops_the_prompt_and_its_words_are_answered(rig: Rig) -> None:
    tenant = rig.tenant(
        answers=["word " * 60, "Call us."], secretary=DETECT, more_providers=[row()]
    )
    cancel = Speak(AUDIO / "cancel.wav")
    words = ("Is there parking?", "How do I cancel?", "Goodbye.")
    call = rig.call(QUESTION, Wait(6.0), cancel, QUESTION, switch=switch(*words))
    assert "Call us." in call.said()
    _, messages = rig.rows(call, tenant)
    first = next(m for m in messages if m.role == "assistant")
    assert 0 < first.content.count("word") < 50, "what was heard, not what was written"
    assert call.facts["ending"] == "goodbye"


def test_a_key_cuts_a_prompt(rig: Rig) -> None:
    rig.tenant(secretary={**DETECT, "greeting_message": "word " * 60}, more_providers=[row()])
    call = rig.call(Wait(1.0), Press("0"), switch=switch())
    assert call.result.transferred_to == "2000"
    assert call.result.duration_s < 15


def test_before_a_transfer_the_engine_is_closed(rig: Rig) -> None:
    rig.tenant(secretary=DETECT, more_providers=[row()])
    call = rig.call(QUESTION, switch=switch("Give me a person, please."))
    assert call.result.transferred_to == "2000"
    moved = next(m.at_s for m in call.result.moments if m.kind == "transfer")
    speech = call.result.of("speech")
    assert speech[-1].what == "closed"
    assert speech[-1].at_s <= moved


@pytest.mark.parametrize(
    ("provider", "said"),
    [(row("nosuch"), "ASR INIT ERROR"), (row("pocketsphinx", "nosuch"), "GRAMMAR ERROR")],
)
def test_without_the_engine_the_call_goes_on_in_file_mode(
    rig: Rig, provider: Mapping[str, Any], said: str
) -> None:
    rig.tenant(hears=["Goodbye."], secretary=DETECT, more_providers=[provider])
    call = rig.call(QUESTION, switch=Switch(speed=20.0))
    assert call.journal is not None
    fell = call.journal.last("file_mode")
    assert fell is not None
    assert fell.data["reason"].endswith(said)
    assert call.facts["ending"] == "goodbye"
    assert {"playback", "record"} <= set(call.result.applications())


def test_the_engines_impatience_and_its_silence_are_not_the_callers(rig: Rig) -> None:
    """It reports "no input" after 300 ms, and the caller has 3 s."""
    rig.tenant(secretary=DETECT, more_providers=[row(params={"no-input-timeout": 300})])
    late = SpeakWhenQuiet(PARKING, quiet_s=2.0)
    call = rig.call(late, switch=switch("Goodbye."))
    assert "silence" not in call.kinds()
    assert call.facts["ending"] == "goodbye"


def test_nobody_speaks(rig: Rig) -> None:
    quiet = {**DETECT, "silence_fallback_seconds": 1, "silence_fallback_max_retries": 1}
    rig.tenant(secretary=quiet, more_providers=[row()])
    call = rig.call(switch=switch())
    assert call.kinds().count("silence") == 2
    assert call.facts["ending"] == "no_input"


@pytest.mark.parametrize("result", ['{"error": "license"}', "<!DOCTYPE x><result/>"])
def test_a_result_that_cannot_be_read_is_asked_again(rig: Rig, result: str) -> None:
    rig.tenant(secretary=DETECT, more_providers=[row()])
    call = rig.call(QUESTION, QUESTION, switch=switch(result, "Goodbye."))
    assert "recognition_unreadable" in call.kinds()
    assert call.facts["ending"] == "goodbye"


def test_an_engine_that_never_comes_to_a_result_is_opened_anew(rig: Rig) -> None:
    """Its silence never lasts long enough; the caller gets an apology and is heard again."""
    stuck = row(params={"vad-silence-ms": 60_000, "speech-timeout": 0})
    impatient = {**DETECT, "max_recording_seconds": 1, "silence_fallback_max_retries": 1}
    rig.tenant(secretary=impatient, more_providers=[stuck])
    call = rig.call(QUESTION, switch=switch())
    assert call.kinds().count("recogniser_stuck") == 1
    assert call.kinds().count("detect") == 2
    assert call.journal is not None
    trouble = call.journal.last("trouble")
    assert trouble is not None
    assert "no result of an utterance" in trouble.data["error"]
    assert call.facts["disposition"] == "completed"


@pytest.mark.parametrize(("times", "ends"), [(1, "detect"), (9, "file_mode")])
def test_an_engine_that_closes_is_opened_again_but_not_for_ever(
    rig: Rig, times: int, ends: str
) -> None:
    rig.tenant(hears=["Goodbye."], secretary=DETECT, more_providers=[row()])
    frail = switch("Goodbye.")
    left = times

    def close_it(moment: Moment) -> None:
        """Just after it has been opened for good, which is the second time."""
        nonlocal left
        if moment.kind == "complete" and moment.what == "detect_speech" and left:
            [session] = frail.sessions()
            if any(bug.function == "detect_speech" for bug in session.bugs):
                left -= 1
                session.post(
                    Message(command="execute", application="detect_speech", argument="stop")
                )

    call = rig.call(SpeakWhenQuiet(PARKING, quiet_s=2.0), switch=frail, observer=close_it)
    assert call.kinds().count("recogniser_closed") == min(times, 4)
    opened = [kind for kind in call.kinds() if kind in {"detect", "file_mode"}]
    assert opened[-1] == ends
    assert call.facts["ending"] == "goodbye"


def test_partial_results_are_noted(rig: Rig) -> None:
    rig.tenant(secretary=DETECT, more_providers=[row(params={"partial": True})])
    call = rig.call(QUESTION, switch=switch("Goodbye."))
    assert "partial" in call.kinds()
    assert call.facts["ending"] == "goodbye"


@pytest.mark.parametrize("after_s", [0.3, 2.5])
def test_hanging_up_leaves_nothing(rig: Rig, after_s: float) -> None:
    rig.tenant(answers=["word " * 10], secretary=DETECT, more_providers=[row()])
    call = rig.call(
        Speak(PARKING, wait=False), Wait(after_s), HangUp(), switch=switch("Is there parking?")
    )
    assert call.facts["disposition"] == "hangup"


@pytest.mark.parametrize("config", [{}, {"engine": "test x"}])
def test_a_row_that_cannot_work_is_refused(rig: Rig, config: Mapping[str, Any]) -> None:
    provider = {"provider_type": "stt", "provider_name": "freeswitch", "config": config}
    rig.tenant(secretary=DETECT, more_providers=[provider])
    call = rig.call(Wait(2.0), HangUp(), switch=Switch(speed=20.0))
    assert call.journal is None
    assert call.result.fell_back, "the dialplan's apology"
