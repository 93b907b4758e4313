"""The shipped flow, as a caller hears it."""

from __future__ import annotations

import time
from datetime import time as clock_time
from pathlib import Path
from typing import Any

import gevent
import numpy as np
import pytest

from esl_app.switchsim import HangUp, Press, SpeakWhenQuiet, Wait, WhenQuiet
from providers.fake import FakeEmbedder, FakeLlm, FakeStt, FakeTts
from tenants.opening import BusinessHours, WeekdaySlot, save_hours
from tests.fix_calls import AUDIO, Rig

pytestmark = pytest.mark.acceptance

QUESTION = SpeakWhenQuiet(AUDIO / "parking.wav")


def test_what_calls_need_is_loaded_before_they_come(
    make_rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr("providers.registry.preload", lambda: loaded.append("all"))
    make_rig()
    assert loaded == ["all"]


def test_a_question_is_answered_and_goodbye_ends_the_call(rig: Rig) -> None:
    tenant = rig.tenant(
        hears=["Is there parking near the clinic?", "Goodbye."],
        answers=["Yes. Behind the house."],
    )
    call = rig.call(QUESTION, QUESTION)
    assert call.said() == ["Good morning.", "Yes.", "Behind the house.", "Good bye now."]
    assert call.result.ended_by == "controller"
    assert call.result.hangup_cause == "NORMAL_CLEARING"
    conversation, messages = rig.rows(call, tenant)
    assert (conversation.total_turns, conversation.final_action) == (2, "goodbye")
    assert [(m.turn_number, m.role, m.content) for m in messages] == [
        (1, "user", "Is there parking near the clinic?"),
        (1, "assistant", "Yes. Behind the house."),
        (2, "user", "Goodbye."),
    ]
    heard, answered, goodbye = messages
    assert heard.stt_provider == answered.llm_provider == answered.tts_provider == "fake"
    assert answered.embeddings_provider == "fake"
    assert goodbye.detected_intent == "goodbye"
    for value in (heard.endpoint_ms, heard.stt_ms, heard.audio_duration_ms):
        assert value is not None
    for value in (answered.retrieval_ms, answered.llm_ms, answered.tts_ms, answered.first_audio_ms):
        assert value is not None
    assert heard.endpoint_ms is not None
    assert 900 <= heard.endpoint_ms <= 1500, "a second of silence ends an utterance"


def test_the_caller_hears_what_was_said(rig: Rig) -> None:
    rig.tenant(hears=["Goodbye."])
    call = rig.call(QUESTION)
    agent = np.frombuffer(call.result.agent_audio, "<i2")
    loud_s = np.count_nonzero(np.abs(agent) > 1000) / 8000
    # Two words of greeting, three of farewell, 0.3 s of tone each.
    assert loud_s == pytest.approx(5 * 0.3, rel=0.25)


def test_a_person_is_fetched(rig: Rig) -> None:
    tenant = rig.tenant(hears=["I would like to speak to a person, please."])
    call = rig.call(QUESTION)
    assert call.result.transferred_to == "2000"
    assert call.facts["disposition"] == "transferred"
    conversation, _ = rig.rows(call, tenant)
    assert (conversation.final_action, conversation.transfer_extension) == ("handoff", "2000")


def test_without_an_extension_the_caller_is_told(rig: Rig) -> None:
    rig.tenant(hears=["I want a person"], secretary={"transfer_extension": None})
    call = rig.call(QUESTION)
    assert "I am sorry, nobody is available right now." in call.said()
    assert call.result.transferred_to is None
    assert call.result.hangup_cause == "NORMAL_CLEARING"


def test_silence_is_asked_about_and_then_ends_the_call(rig: Rig) -> None:
    tenant = rig.tenant(secretary={"silence_fallback_max_retries": 2})
    call = rig.call()
    assert call.said().count("Are you still there?") == 2
    assert call.said()[-1] == "Good bye now."
    conversation, messages = rig.rows(call, tenant)
    assert (conversation.final_action, messages) == ("no_input", [])


def test_sound_without_words_is_asked_about(rig: Rig) -> None:
    rig.tenant(hears=["", "Goodbye."], secretary={"fallback_message": "Pardon me?"})
    assert "Pardon me?" in rig.call(QUESTION, QUESTION).said()


def test_the_last_answer_is_said_again(rig: Rig) -> None:
    rig.tenant(
        hears=["Is there parking?", "Sorry, could you say that again?", "Goodbye."],
        answers=["Behind the house.", "another answer"],
    )
    assert rig.call(QUESTION, QUESTION, QUESTION).said().count("Behind the house.") == 2


def test_after_the_last_turn_a_person_takes_over(rig: Rig) -> None:
    rig.tenant(hears=["One?", "Two?"], answers=["Yes."], secretary={"max_turns": 1})
    call = rig.call(QUESTION, QUESTION)
    assert call.facts["ending"] == "max_turns"
    assert call.result.transferred_to == "2000"


def test_a_key_interrupts_the_greeting_and_fetches_the_operator(rig: Rig) -> None:
    rig.tenant(secretary={"greeting_message": "word " * 60})
    call = rig.call(Wait(1.5), Press("0"))
    assert call.result.transferred_to == "2000"
    agent = np.frombuffer(call.result.agent_audio, "<i2")
    greeting_s = np.flatnonzero(np.abs(agent) > 1000)[0] / 8000
    assert greeting_s < 1.0
    assert call.result.duration_s < 15, "the 18 s of greeting were not played to the end"


def test_any_other_key_leaves_the_conversation_going(rig: Rig) -> None:
    rig.tenant(hears=["Goodbye."])
    call = rig.call(WhenQuiet(), Press("7"), QUESTION)
    assert call.facts["ending"] == "goodbye"


@pytest.mark.parametrize("after_s", [0.05, 0.4, 0.9, 1.6, 2.4, 3.1, 4.2])
def test_hanging_up_at_any_moment_leaves_nothing_behind(rig: Rig, after_s: float) -> None:
    tenant = rig.tenant(hears=["Is there parking?"], answers=["word " * 20])
    call = rig.call(Wait(after_s), HangUp())
    assert call.result.ended_by == "caller"
    conversation, _ = rig.rows(call, tenant)
    assert conversation.end_time is not None
    assert conversation.hangup_cause == "NORMAL_CLEARING"
    assert not any(rig.settings.spool.rglob("*.wav"))
    assert rig.call(QUESTION).facts, "the next call works"


def test_two_calls_at_once_do_not_mix(rig: Rig) -> None:
    rig.tenant(hears=["Goodbye."], number="1001", secretary={"greeting_message": "First."})
    rig.tenant(hears=["Goodbye."], number="1002", secretary={"greeting_message": "Second."})
    calls = {n: gevent.spawn(rig.call, QUESTION, number=n) for n in ("1001", "1002")}
    gevent.joinall(list(calls.values()), timeout=60, raise_error=True)
    greetings = {number: call.get().said()[0] for number, call in calls.items()}
    assert greetings == {"1001": "First.", "1002": "Second."}


def test_a_number_of_nobody_is_refused_before_it_is_answered(rig: Rig) -> None:
    call = rig.call(number="999")
    assert not call.result.answered
    assert call.result.hangup_cause == "UNALLOCATED_NUMBER"
    assert call.journal is None


def test_a_header_of_the_callers_chooses_no_tenant(rig: Rig) -> None:
    mine = rig.tenant(hears=["Goodbye."])
    theirs = rig.tenant(number="1002")
    call = rig.call(
        QUESTION,
        variables={
            "sip_h_X-domain_uuid": str(theirs.domain.domain_uuid),
            "sip_h_X-Foo": f"a\nvariable_domain_uuid: {theirs.domain.domain_uuid}",
        },
    )
    assert call.facts["domain"] == mine.domain.domain_name


def test_the_spool_holds_recordings_only_while_they_are_needed(rig: Rig, tmp_path: Path) -> None:
    rig.tenant(hears=["Is there parking?", "Goodbye."], answers=["Yes."])
    rig.call(QUESTION, QUESTION)
    assert list(rig.settings.spool.iterdir()) == []
    assert any((tmp_path / "data" / "prompts").rglob("*.wav")), "prompts are kept"


@pytest.mark.parametrize("slow", ["stt", "llm", "tts", "embeddings"])
def test_hanging_up_while_a_provider_thinks_ends_the_call_at_once(rig: Rig, slow: str) -> None:
    tenant = rig.tenant(hears=["Is there parking?"], answers=["Yes."])
    engines = rig.controller.engines.for_tenant(tenant)
    engine = {
        "stt": engines.stt, "llm": engines.llm, "tts": engines.tts, "embeddings": engines.embedder
    }[slow]  # fmt: skip
    rig.call(QUESTION)  # the greeting is in the cache now
    assert isinstance(engine, FakeStt | FakeLlm | FakeTts | FakeEmbedder)
    engine.settings = engine.settings.model_copy(update={"latency_s": 8.0, "script": ["Other."]})
    began = time.monotonic()
    call = rig.call(QUESTION, Wait(2.0), HangUp())
    assert time.monotonic() - began < 7, "nobody waited for the provider"
    assert call.facts["disposition"] == "hangup"


def test_a_number_of_nobody_hears_so_and_pays_nothing(make_rig: Any) -> None:
    rig: Rig = make_rig(no_service_sound="goodbye.wav")
    call = rig.call(number="999")
    assert not call.result.answered
    played = [moment for moment in call.result.of("execute") if moment.what == "playback"]
    assert played[0].detail.endswith("goodbye.wav")
    assert call.result.hangup_cause == "UNALLOCATED_NUMBER"
    assert not call.result.fell_back


@pytest.mark.parametrize("sound", ["none.wav", "noise.txt"])
def test_a_sound_that_is_not_there_ends_the_call_all_the_same(make_rig: Any, sound: str) -> None:
    rig: Rig = make_rig(no_service_sound=sound)
    call = rig.call(number="999")
    assert call.result.hangup_cause == "UNALLOCATED_NUMBER"


@pytest.mark.parametrize(("weekdays", "greeting"), [(7, "Good morning."), (0, "We are closed.")])
def test_the_greeting_goes_by_the_hours(rig: Rig, weekdays: int, greeting: str) -> None:
    tenant = rig.tenant(hears=["Goodbye."], secretary={"outside_hours_message": "We are closed."})
    domain_uuid = tenant.domain.domain_uuid
    slots = tuple(
        WeekdaySlot(weekday=day, start_time=clock_time(), end_time=clock_time())
        for day in range(weekdays)
    )
    row = BusinessHours(name="office", time_zone="UTC", is_default=True, slots=slots)
    with rig.database.tenant(domain_uuid) as cursor:
        save_hours(cursor, domain_uuid, row)
    assert rig.call(QUESTION).said()[0] == greeting
