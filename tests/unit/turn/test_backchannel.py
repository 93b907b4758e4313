from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.turn.backchannel import Overlap, only_sounds, overlap

pytestmark = pytest.mark.unit

OWN = "On Saturdays we open at nine and there is no fee for parking."


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("uh-huh", "en-US"),
        ("Mm-hmm.", "en-US"),
        ("mhm", "en-US"),
        ("hmm", "en-US"),
        ("Okay, right.", "en-US"),
        ("I see", "en-GB"),
        ("aham", "pt-BR"),
        ("Sim, sim.", "pt-BR"),
        ("tá bom", "pt-BR"),
        ("Entendi.", "pt-BR"),
        ("vale", "es-ES"),
        ("Ajá, sí", "es-MX"),
        ("de acuerdo", "es"),
    ],
)
def test_listening(said: str, language: str) -> None:
    assert overlap(said, language=language, own=OWN) is Overlap.BACKCHANNEL


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("no", "en-US"),
        ("stop", "en-US"),
        ("wait a moment", "en-US"),
        ("yes but what about Sunday", "en-US"),
        ("okay okay okay okay yes", "en-US"),
        ("não", "pt-BR"),
        ("espera", "pt-BR"),
        ("sí, pero cuánto cuesta", "es-MX"),
        ("Saturdays", "en-US"),
    ],
)
def test_wanting_the_turn(said: str, language: str) -> None:
    assert overlap(said, language=language, own=OWN) is Overlap.WORDS


@pytest.mark.parametrize("said", ["yes", "okay", "uh-huh", "sure"])
def test_a_yes_to_a_question_is_an_answer(said: str) -> None:
    assert overlap(said, language="en", own="Shall I book it?", asked=True) is Overlap.WORDS


def test_a_hum_answers_no_question() -> None:
    assert overlap("hmm", language="en", own="Shall I?", asked=True) is Overlap.BACKCHANNEL


@pytest.mark.parametrize("said", ["", "  ", "...", "♪"])
def test_a_cough_has_no_words(said: str) -> None:
    assert overlap(said, language="en") is Overlap.NOTHING


@pytest.mark.parametrize(
    ("said", "brief", "expected"),
    [
        ("we open at nine", False, Overlap.ECHO),
        ("Saturdays we open at nine and", False, Overlap.ECHO),
        ("at nine", False, Overlap.WORDS),
        ("at nine", True, Overlap.ECHO),
        ("no", True, Overlap.WORDS),
        ("what do you charge for parking", False, Overlap.WORDS),
        ("nine at", True, Overlap.WORDS),
    ],
)
def test_our_own_words(said: str, brief: bool, expected: Overlap) -> None:
    assert overlap(said, language="en", own=OWN, brief=brief) is expected


@pytest.mark.parametrize(
    ("said", "language", "expected"),
    [
        ("", "en", True),
        ("...", "en", True),
        ("Hmm.", "en", True),
        ("uh, um", "en", True),
        ("uh-huh", "en", False),
        ("yes", "en", False),
        ("um", "pt-BR", False),
        ("hum, eh", "pt-BR", True),
        ("é", "pt-BR", False),
        ("mmm", "es", True),
        ("e", "es", False),
    ],
)
def test_a_hum_is_nothing_to_answer(said: str, language: str, expected: bool) -> None:
    assert only_sounds(said, language=language) is expected


@given(st.text(), st.text(), st.sampled_from(["en", "pt", "es", "xx"]), st.booleans())
def test_any_text_is_judged(said: str, own: str, language: str, flag: bool) -> None:
    result = overlap(said, language=language, own=own, asked=flag, echo=flag, brief=flag)
    assert result in Overlap


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["m", "h", "ha ", "um ", "uh huh ", "mm hmm ", "a b ", "@."])
@pytest.mark.parametrize("language", ["en", "pt", "es"])
def test_no_text_is_long_to_judge(piece: str, language: str) -> None:
    for end in ("", "x"):
        for text in (piece * 3 + end, piece * 12 + end, piece * 5000 + end):
            overlap(text, language=language, own=text, brief=True)
            only_sounds(text, language=language)
