"""What flows ask: words or keys, again after a silence, and what is kept of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from esl_app.switchsim import HangUp, Press, Speak, SpeakWhenQuiet, Switch, Wait, WhenQuiet
from providers.fake import FakeLlm, FakeTts
from tests.fix_calls import AUDIO, PlacedCall, Rig

pytestmark = pytest.mark.acceptance

SPEECH = SpeakWhenQuiet(AUDIO / "parking.wav")
HEADER = """from esl_app.flow import DATE, OPEN, PHONE, YES_NO, Call, PromptKind, flow


@flow
def reception(call: Call) -> None:
    call.answer()
    """
MENU = (
    "found = call.menu('Sales or support?', {'1': 'sales', '2': 'support'}, tries=2,"
    " words={'1': ['sales'], '2': ['support', 'help']})"
)


@pytest.fixture
def asking(flows_dir: Path) -> Any:
    """Have calls run this line, which puts what it found into `found`."""

    def write(line: str) -> None:
        text = f"{HEADER}{line}\n    call.note('found', pii_found=found)\n"
        (flows_dir / "reception.py").write_text(text)

    return write


def found(call: PlacedCall) -> Any:
    assert call.journal is not None
    entry = call.journal.last("flow.found")
    return None if entry is None else entry.data["pii_found"]


def test_an_answer_and_what_was_asked_are_kept_like_a_conversation(rig: Rig, asking: Any) -> None:
    asking("found = str(call.ask('What is your name?'))")
    tenant = rig.tenant(hears=["Ann Lee."])
    call = rig.call(SPEECH)
    assert found(call) == "Ann Lee."
    _, messages = rig.rows(call, tenant)
    assert [(m.turn_number, m.role, m.content) for m in messages] == [
        (1, "assistant", "What is your name?"),
        (1, "user", "Ann Lee."),
    ]
    assert messages[1].stt_provider == "fake"


@pytest.mark.parametrize(
    ("kind", "pressed", "keys"),
    [
        ("PHONE", "4155550134#", "4155550134"),
        ("PromptKind.digits(4)", "01349", "0134"),
        ("YES_NO", "1", "1"),
    ],
)
def test_keys_are_an_answer_too(rig: Rig, asking: Any, kind: str, pressed: str, keys: str) -> None:
    asking(f"reply = call.ask('Well?', kind={kind}); found = [reply.keys, reply.digits]")
    tenant = rig.tenant()
    call = rig.call(WhenQuiet(), Press(pressed))
    assert found(call) == [keys, keys]
    _, messages = rig.rows(call, tenant)
    assert messages[-1].content == "•" * len(keys), "what was pressed may be a secret"


@pytest.mark.parametrize(
    ("hears", "steps", "yes"),
    [
        (["That's right."], [SPEECH], True),
        (["No, it is not."], [SPEECH], False),
        (["What for?"], [SPEECH], None),
        ([], [WhenQuiet(), Press("1")], True),
        ([], [WhenQuiet(), Press("2")], False),
        ([], [WhenQuiet(), Press("7")], None),
    ],
)
def test_a_yes_is_said_or_pressed(
    rig: Rig, asking: Any, hears: list[str], steps: list[Any], yes: bool | None
) -> None:
    asking("found = call.ask('Right?', kind=YES_NO).yes")
    rig.tenant(hears=hears)
    assert found(rig.call(*steps)) is yes


def test_only_where_a_yes_was_asked_for_is_it_one(rig: Rig, asking: Any) -> None:
    asking("found = call.ask('Well?', kind=OPEN).yes")
    rig.tenant(hears=["Yes."])
    assert found(rig.call(SPEECH)) is None


def test_the_digits_of_a_number_that_was_said(rig: Rig, asking: Any) -> None:
    asking("found = call.ask('Your number?', kind=PHONE).digits")
    rig.tenant(hears=["It's four one five, 555 oh one three four."])
    assert found(rig.call(SPEECH)) == "4155550134"


def test_silence_is_asked_about_and_then_the_flow_goes_on(rig: Rig, asking: Any) -> None:
    asking("found = bool(call.ask('Your name?', tries=2))")
    tenant = rig.tenant()
    call = rig.call()
    assert call.said() == ["Your name?", "I did not hear you.", "Your name?"]
    assert found(call) is False
    assert rig.rows(call, tenant)[1] == []


def test_sound_without_words_is_asked_about(rig: Rig, asking: Any) -> None:
    asking("found = str(call.ask('Your name?'))")
    rig.tenant(hears=["", "Ann."], secretary={"fallback_message": "Pardon me?"})
    call = rig.call(SPEECH, SPEECH)
    assert call.said() == ["Your name?", "Pardon me?"]
    assert found(call) == "Ann."


def test_a_recogniser_that_fails_is_asked_about_too(rig: Rig, asking: Any) -> None:
    asking("found = str(call.ask('Your name?'))")
    rig.tenant(hears=["fail:timeout", "Ann."])
    assert found(rig.call(SPEECH, SPEECH)) == "Ann."


@pytest.mark.parametrize(
    ("hears", "steps", "choice"),
    [
        (["I need some help."], [SPEECH], "support"),
        (["Two, please."], [SPEECH], "support"),
        (["Both sales and support."], [SPEECH], None),
        (["What was that?", "Sales."], [SPEECH, SPEECH], "sales"),
        ([], [WhenQuiet(), Press("1")], "sales"),
        ([], [Press("2")], "support"),
    ],
)
def test_a_menu_is_said_or_pressed(
    rig: Rig, asking: Any, hears: list[str], steps: list[Any], choice: str | None
) -> None:
    asking(MENU)
    tenant = rig.tenant(hears=hears)
    call = rig.call(*steps)
    assert found(call) == choice
    assert rig.rows(call, tenant)[1] == []


@pytest.mark.parametrize(
    ("hears", "steps", "number"),
    [
        (["one two three four"], [SPEECH], "1234"),
        (["three four"], [WhenQuiet(), Press("12"), SPEECH], "1234"),
        ([], [WhenQuiet(), Press("9*1234")], "1234"),
        ([], [WhenQuiet(), Press("12#")], "12"),
        (["one two three four five"], [SPEECH], ""),
        ([], [], ""),
    ],
)
def test_a_number_is_said_or_pressed(
    rig: Rig, asking: Any, hears: list[str], steps: list[Any], number: str
) -> None:
    asking("found = call.gather('Your code?', longest=4, first_s=4, speech=True)")
    tenant = rig.tenant(hears=hears)
    call = rig.call(*steps)
    assert found(call) == number
    assert rig.rows(call, tenant)[1] == [], "what is gathered is not kept"


def test_keys_pressed_for_one_menu_are_there_for_the_next(rig: Rig, asking: Any) -> None:
    asking(f"{MENU}; first = found; {MENU}; found = [first, found]")
    rig.tenant()
    assert found(rig.call(Press("12"))) == ["sales", "support"]


@pytest.mark.parametrize(
    "line",
    [
        "found = call.menu('?', {'1': 'a'}, words={'2': ['b']})",
        "found = call.menu('?', {'10': 'a'})",
        "found = call.ask('?', tries=0)",
        "found = call.gather(longest=65)",
    ],
)
def test_a_wrong_question_fails_where_it_is_asked(rig: Rig, asking: Any, line: str) -> None:
    asking(line)
    rig.tenant()
    call = rig.call()
    assert call.journal is not None
    failed = call.journal.last("flow_failed")
    assert failed is not None
    assert (failed.data["error"], failed.data["line"]) == ("FlowError", 7)


def test_a_key_while_the_answer_is_made_is_an_answer(rig: Rig) -> None:
    tenant = rig.tenant(hears=["Is there parking?"], answers=["Behind the house."])
    model = rig.controller.engines.for_tenant(tenant).llm
    assert isinstance(model, FakeLlm)
    model.settings = model.settings.model_copy(update={"latency_s": 8.0})
    call = rig.call(SPEECH, Wait(1.5), Press("0"))
    assert call.result.transferred_to == "2000"
    assert "filler" not in call.kinds(), "a second and more is not waited for"
    _, messages = rig.rows(call, tenant)
    assert [(m.role, m.content) for m in messages] == [("user", "Is there parking?")]


def test_of_an_answer_that_breaks_off_what_was_heard_is_kept(rig: Rig) -> None:
    tenant = rig.tenant(
        hears=["Goodbye.", "Is there parking?", "Goodbye."],
        answers=["There is parking behind the house. It is free."],
    )
    rig.call(SPEECH)  # what is said in every call is made now
    voice = rig.controller.engines.for_tenant(tenant).tts
    assert isinstance(voice, FakeTts)
    voice.calls.clear()
    script = ["made", "fail:unavailable", "made"]
    voice.settings = voice.settings.model_copy(update={"script": script})
    call = rig.call(SPEECH, SPEECH)
    _, messages = rig.rows(call, tenant)
    answer = next(m.content for m in messages if m.role == "assistant")
    assert answer.startswith("There is parking behind the house. I am sorry")
    assert "free" not in answer


def test_of_an_answer_that_is_hung_up_in_what_was_heard_is_kept(rig: Rig) -> None:
    tenant = rig.tenant(
        hears=["Is there parking?"], answers=["word " * 40], secretary={"media_mode": "duplex"}
    )
    question = SpeakWhenQuiet(AUDIO / "parking.wav", quiet_s=1.5)
    call = rig.call(question, Wait(4.0), HangUp(), switch=Switch(speed=1.0))
    _, messages = rig.rows(call, tenant)
    answer = next(m.content for m in messages if m.role == "assistant")
    assert 3 <= answer.count("word") <= 15


def test_words_do_not_cut_a_prompt_that_wants_keys(rig: Rig, asking: Any) -> None:
    asking("found = call.gather('word ' * 20, longest=2)")
    rig.tenant(hears=["Hello?"], secretary={"media_mode": "duplex"})
    call = rig.call(
        Wait(2.0), Speak(AUDIO / "cancel.wav"), WhenQuiet(1.0), Press("42"), switch=Switch(speed=1)
    )
    assert found(call) == "42"
    assert "interrupted" not in call.kinds()


@pytest.mark.parametrize(
    ("language", "number", "right"),
    [
        ("en-US", "Four one five, five five five, 0134.", ""),
        ("en-US", "Four one five, five five five, 0134.", "Yeah, that's it."),
        ("pt-BR", "Quatro um cinco, cinco cinco cinco, 0134.", "Isso mesmo."),
        ("es-MX", "Cuatro uno cinco, cinco cinco cinco, 0134.", "Sí, así es."),
    ],
)
def test_the_shipped_callback_flow_takes_words_and_keys(
    make_rig: Any, language: str, number: str, right: str
) -> None:
    rig: Rig = make_rig(flow="callback")
    hears = ["It is about an invoice.", number, *filter(None, [right])]
    rig.tenant(hears=hears, secretary={"language": language})
    confirms = [SPEECH] if right else [WhenQuiet(), Press("1")]
    call = rig.call(SPEECH, SPEECH, *confirms)
    assert call.journal is not None
    noted = call.journal.last("flow.callback")
    assert noted is not None
    assert noted.data == {"topic": "billing", "pii_number": "4155550134"}
    assert call.said()[-1] == "Thank you, we will call you back."
