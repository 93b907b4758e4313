"""Callers who are told or asked that they are recorded: what they answer decides."""

from __future__ import annotations

from typing import Any

import pytest

from esl_app.switchsim import CallResult, HangUp, Press, SpeakWhenQuiet, Switch, Wait
from esl_app.switchsim.dialplan import Action, controlled
from tests.acceptance.test_detect import row
from tests.acceptance.test_recording import recording_of, set_policy, sides
from tests.fix_calls import AUDIO, NUMBER, PlacedCall, Rig

pytestmark = pytest.mark.acceptance

PARKING = AUDIO / "parking.wav"
QUESTION = SpeakWhenQuiet(PARKING, quiet_s=1.5)
ASKED = "May we record this call? Say yes or press 1; say no or press 2."


def recorded(result: CallResult) -> bool:
    return "record_session" in result.applications()


def answer_of(call: PlacedCall) -> Any:
    assert call.journal is not None
    entry = call.journal.last("consent")
    return entry and entry.data["answer"]


def test_it_is_announced_before_the_recording_begins(rig: Rig) -> None:
    tenant = rig.tenant(hears=["Goodbye."])
    set_policy(rig, tenant, recording_enabled=True, consent="announce")
    call = rig.call(QUESTION)
    assert call.said()[:2] == ["This call is recorded.", "Good morning."]
    applications = call.result.applications()
    assert applications.index("playback") < applications.index("record_session")
    kept, _ = rig.rows(call, tenant)
    assert kept.consent == "announced"
    assert sides(recording_of(rig, tenant, call))[1].any()


def test_the_tenants_own_words_in_his_language(rig: Rig) -> None:
    tenant = rig.tenant(hears=["Até logo."], secretary={"language": "pt-BR"})
    set_policy(rig, tenant, recording_enabled=True, consent="announce", consent_message="Gravamos.")
    assert rig.call(QUESTION).said()[0] == "Gravamos."


MODES = {
    "duplex": Switch(speed=1.0),
    "file": Switch(speed=20.0),
    "detect": Switch(speed=8.0, recognises=("Yes, please.", "Goodbye.")),
}


@pytest.mark.parametrize("mode", MODES)
def test_a_word_agrees_in_every_mode(rig: Rig, mode: str) -> None:
    tenant = rig.tenant(
        hears=["Yes, please.", "Goodbye."],
        secretary={"media_mode": mode},
        more_providers=[row()] if mode == "detect" else [],
    )
    set_policy(rig, tenant, recording_enabled=True, consent="ask")
    call = rig.call(
        SpeakWhenQuiet(AUDIO / "goodbye.wav", quiet_s=1.5), QUESTION, switch=MODES[mode]
    )
    assert answer_of(call) == "given"
    kept, messages = rig.rows(call, tenant)
    assert (kept.consent, kept.recording_file_path is not None) == ("given", True)
    assert [m.content for m in messages][:2] == [ASKED, "Yes, please."], "what it rests on is kept"
    assert call.facts["ending"] == "goodbye"


@pytest.mark.parametrize(
    ("steps", "language", "hears", "given"),
    [
        ([Wait(1), Press("1")], "en-US", ["Goodbye."], True),
        ([Wait(1), Press("2")], "en-US", ["Goodbye."], False),
        ([QUESTION], "en-US", ["No, thanks.", "Goodbye."], False),
        ([QUESTION], "pt-BR", ["Pode sim.", "Tchau."], True),
        ([QUESTION], "pt-BR", ["Não.", "Tchau."], False),
        ([QUESTION], "es-ES", ["Sí, claro.", "Adiós."], True),
        ([QUESTION, QUESTION], "en-US", ["What?", "I do not agree.", "Goodbye."], False),
        ([QUESTION, QUESTION], "en-US", ["What?", "Okay.", "Goodbye."], True),
        ([], "en-US", ["Goodbye."], False),
    ],
)
def test_what_is_answered_decides(
    rig: Rig, steps: list[Any], language: str, hears: list[str], given: bool
) -> None:
    tenant = rig.tenant(hears=hears, secretary={"language": language})
    set_policy(rig, tenant, recording_enabled=True, consent="ask")
    # Who says nothing to the question says something after the greeting.
    wait = [] if steps else [Wait(25)]
    call = rig.call(*steps, *wait, QUESTION)
    assert answer_of(call) == ("given" if given else "refused")
    assert recorded(call.result) is given
    assert rig.rows(call, tenant)[0].consent == ("given" if given else "refused")
    assert call.facts["ending"] == "goodbye", "the call goes on in any case"


def test_who_did_not_hear_the_question_has_not_agreed(rig: Rig) -> None:
    tenant = rig.tenant(hears=["Yes.", "Goodbye."], speaks=["fail:unavailable"])
    set_policy(rig, tenant, recording_enabled=True, consent="ask")
    call = rig.call(QUESTION, QUESTION)
    assert answer_of(call) == "refused"
    assert not recorded(call.result)


def test_who_hangs_up_in_the_question_is_not_recorded(rig: Rig) -> None:
    tenant = rig.tenant()
    set_policy(rig, tenant, recording_enabled=True, consent="ask")
    call = rig.call(Wait(0.5), HangUp())
    assert not recorded(call.result)
    assert rig.rows(call, tenant)[0].consent is None


@pytest.mark.parametrize(("key", "given"), [("1", True), ("2", False)])
def test_who_comes_back_is_not_asked_again(rig: Rig, key: str, given: bool) -> None:
    tenant = rig.tenant(hears=["I want a person.", "Goodbye."])
    set_policy(rig, tenant, recording_enabled=True, consent="ask")
    person = (Action("sleep", "300"), Action("transfer", NUMBER))
    back = controlled(hosts=f"127.0.0.1:{rig.controller.server.port}")
    call = rig.call(
        Wait(1),
        Press(key),
        QUESTION,
        QUESTION,
        switch=Switch(speed=20.0, extensions={"2000": person, NUMBER: back}),
    )
    assert call.facts["ending"] == "goodbye"
    assert ASKED not in call.said(), "these are the words of the second half"
    assert call.result.applications().count("record_session") == (2 if given else 0)
    assert rig.rows(call, tenant)[0].consent == ("given" if given else "refused")
