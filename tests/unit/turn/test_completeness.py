from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.turn.completeness import Completeness, completeness
from esl_app.turn.prompt_kind import (
    DATE,
    EMAIL,
    OPEN,
    PHONE,
    SPELLED,
    YES_NO,
    Kind,
    PromptKind,
)

pytestmark = pytest.mark.unit

COMPLETE, UNSURE, UNFINISHED = Completeness


@pytest.mark.parametrize(
    ("said", "language", "expected"),
    [
        ("What time do you open on Saturday?", "en-US", COMPLETE),
        ("I would like to cancel my appointment.", "en-US", COMPLETE),
        ("I would like to cancel my appointment", "en-US", UNSURE),
        ("I would like to", "en-US", UNFINISHED),
        ("My number is", "en-US", UNFINISHED),
        ("My number is.", "en-US", UNFINISHED),
        ("My name's", "en-US", UNFINISHED),
        ("I want it and, uh", "en-US", UNFINISHED),
        ("Well, let me see.", "en-US", UNFINISHED),
        ("One moment please.", "en-US", UNFINISHED),
        ("Yes it is.", "en-US", COMPLETE),
        ("I think so.", "en-US", COMPLETE),
        ("What is it for?", "en-US", UNSURE),
        ("On Saturday,", "en-US", UNFINISHED),
        ("Yeah.", "en-US", COMPLETE),
        ("Yes.", "en-US", COMPLETE),
        ("yeah", "en-US", COMPLETE),
        ("No, thank you", "en-US", COMPLETE),
        ("no,", "en-US", UNSURE),
        ("My number is 555", "en-US", UNFINISHED),
        ("My number is 555.", "en-US", UNFINISHED),
        ("You can reach me at 55", "en-US", UNFINISHED),
        ("My phone number is 415 555 0134", "en-US", UNSURE),
        ("A table at 9", "en-US", UNSURE),
        ("since 1985", "en-US", UNSURE),
        ("It costs $50.", "en-US", UNSURE),
        ("We are four people.", "en-US", COMPLETE),
        ("at 9 a.m.", "en-US", COMPLETE),
        ("my name is J O H", "en-US", UNFINISHED),
        ("Meu número é", "pt-BR", UNFINISHED),
        ("É.", "pt-BR", COMPLETE),
        ("é", "pt-BR", UNFINISHED),
        ("Sim, é.", "pt-BR", COMPLETE),
        ("Eu gostaria de", "pt-BR", UNFINISHED),
        ("Qual é o horário de vocês?", "pt-BR", COMPLETE),
        ("Deixa eu ver", "pt-BR", UNFINISHED),
        ("Aham", "pt-BR", COMPLETE),
        ("Sí.", "es-ES", COMPLETE),
        ("Quiero saber si", "es-MX", UNFINISHED),
        ("Claro que sí.", "es-MX", COMPLETE),
        ("Un momento, por favor.", "es-MX", UNFINISHED),
        ("Mi teléfono es el", "es-MX", UNFINISHED),
        ("Vale", "es-ES", COMPLETE),
        ("", "en-US", UNSURE),
        ("...", "en-US", UNSURE),
    ],
)
def test_free_speech(said: str, language: str, expected: Completeness) -> None:
    assert completeness(said, OPEN, language=language) is expected


@pytest.mark.parametrize(
    ("said", "kind", "language", "expected"),
    [
        ("two five", PromptKind.digits(4), "en", UNFINISHED),
        ("two five one three", PromptKind.digits(4), "en", COMPLETE),
        ("two five one three four", PromptKind.digits(4), "en", UNSURE),
        ("two five six", PromptKind.digits(), "en", UNSURE),
        ("Sure.", PromptKind.digits(4), "en", UNSURE),
        ("I don't have it.", PromptKind.digits(4), "en", COMPLETE),
        ("Which number?", PromptKind.digits(4), "en", COMPLETE),
        ("it's", PromptKind.digits(4), "en", UNFINISHED),
        ("1 2 3 no sorry 1 2 4 5", PromptKind.digits(4), "en", UNSURE),
        ("415 555 0134", PHONE, "en-US", COMPLETE),
        ("555 0134", PHONE, "en-US", UNSURE),
        ("415 555", PHONE, "en-US", UNFINISHED),
        ("onze nove oito sete seis cinco quatro três dois um", PHONE, "pt-BR", COMPLETE),
        ("11 9 8765 432", PHONE, "pt-BR", UNSURE),
        ("11 3456 7890", PHONE, "pt-BR", COMPLETE),
        ("612 345 678", PHONE, "es-ES", COMPLETE),
        ("612 345 678", PHONE, "es-MX", UNSURE),
        ("55 1234 5678", PHONE, "es-MX", COMPLETE),
        ("maria at", EMAIL, "en", UNFINISHED),
        ("maria.silva@example.com", EMAIL, "en", COMPLETE),
        ("maria at example dot com", EMAIL, "en", COMPLETE),
        ("maria arroba exemplo ponto com", EMAIL, "pt-BR", UNSURE),
        ("maria arroba exemplo ponto com ponto br", EMAIL, "pt-BR", COMPLETE),
        ("maria arroba gmail ponto com", EMAIL, "pt-BR", COMPLETE),
        ("I don't have one.", EMAIL, "en", COMPLETE),
        ("J O H N", SPELLED, "en", UNFINISHED),
        ("Silva.", SPELLED, "pt-BR", UNSURE),
        ("March", DATE, "en", UNFINISHED),
        ("March 5", DATE, "en", UNSURE),
        ("March 5, 1985", DATE, "en", COMPLETE),
        ("05/03/1985", DATE, "pt-BR", COMPLETE),
        ("cinco de março de", DATE, "pt-BR", UNFINISHED),
        ("amanhã", DATE, "pt-BR", COMPLETE),
        ("Yes, tomorrow works", YES_NO, "en", COMPLETE),
        ("Yes, but", YES_NO, "en", UNFINISHED),
        ("é", YES_NO, "pt-BR", COMPLETE),
        ("Sim, pode ser", YES_NO, "pt-BR", COMPLETE),
    ],
)
def test_what_was_asked_for(
    said: str, kind: PromptKind, language: str, expected: Completeness
) -> None:
    assert completeness(said, kind, language=language) is expected


@given(st.text(), st.sampled_from(list(Kind)), st.sampled_from(["en-US", "pt", "es_MX", "xx", ""]))
def test_any_text_is_judged(text: str, kind: Kind, language: str) -> None:
    assert completeness(text, PromptKind(kind=kind), language=language) in Completeness


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "piece", ["m", "um ", "no 5 ", "five ", "@.", "a@", "at dot ", "yes ", "1"]
)
def test_no_text_is_long_to_judge(piece: str) -> None:
    for kind in Kind:
        for text in (piece * 12 + "x", piece * 5000, piece * 5000 + "x"):
            completeness(text, PromptKind(kind=kind), language="en")
