from __future__ import annotations

import pytest

from esl_app.turn import Intent, detect

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("said", "language", "expected"),
    [
        ("I would like to speak to a person, please.", "en-US", Intent.HANDOFF),
        ("Can I talk to someone?", "en-US", Intent.HANDOFF),
        ("I need a human", "en-US", Intent.HANDOFF),
        ("Operator.", "en-US", Intent.HANDOFF),
        ("Can a person park near the clinic?", "en-US", Intent.QUESTION),
        ("Who is the operator of the clinic?", "en-US", Intent.QUESTION),
        ("What time do you open on Saturday?", "en-US", Intent.QUESTION),
        ("Thank you, that's all. Goodbye.", "en-US", Intent.GOODBYE),
        ("That's all, thanks", "en-US", Intent.GOODBYE),
        ("Sorry, could you say that again?", "en-US", Intent.REPEAT),
        ("Thank you. How do I cancel?", "en-US", Intent.QUESTION),
        ("Quero falar com um atendente, por favor.", "pt-BR", Intent.HANDOFF),
        ("Não, obrigada, era só isso.", "pt-BR", Intent.GOODBYE),
        ("Pode repetir?", "pt-BR", Intent.REPEAT),
        ("Quiero hablar con una persona", "es-MX", Intent.HANDOFF),
        ("Eso es todo, gracias", "es", Intent.GOODBYE),
    ],
)
def test_what_a_caller_wants_of_the_call(said: str, language: str, expected: Intent) -> None:
    assert detect(said, language=language) is expected


def test_the_tenants_own_keywords_are_whole_words() -> None:
    keywords = ["Recepção"]
    assert detect("recepcao por favor", language="pt-BR", handoff_keywords=keywords) is (
        Intent.HANDOFF
    )
    assert detect("recepções de hotel", language="pt-BR", handoff_keywords=keywords) is (
        Intent.QUESTION
    )


def test_an_unknown_language_is_heard_as_english() -> None:
    assert detect("goodbye", language="xx") is Intent.GOODBYE


def test_an_empty_keyword_matches_nothing() -> None:
    assert detect("hello", language="en", handoff_keywords=["", "?!"]) is Intent.QUESTION
