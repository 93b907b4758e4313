from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from esl_app.speech import sentences, spoken
from tests.unit.speech.spoken_forms import ENGLISH, PORTUGUESE, REGIONS, SPANISH

pytestmark = pytest.mark.unit

LANGUAGES = ("en", "en-GB", "pt", "pt-PT", "es", "es-MX", "fr", "", "x" * 1000, "\0-\ud800")
TABLE = [
    (language, written, said)
    for language, forms in (("en", ENGLISH), ("pt", PORTUGUESE), ("es", SPANISH))
    for written, said in forms.items()
] + [(language, written, said) for (language, written), said in REGIONS.items()]


def test_the_tables_are_large_enough() -> None:
    assert min(map(len, (ENGLISH, PORTUGUESE, SPANISH))) >= 60


@pytest.mark.parametrize(("language", "written", "said"), TABLE)
def test_what_is_said(language: str, written: str, said: str) -> None:
    assert spoken(written, language) == said


@pytest.mark.parametrize(("language", "written", "said"), TABLE)
def test_what_is_said_once_stays(language: str, written: str, said: str) -> None:
    assert written
    assert spoken(said, language) == said


WORDS = {
    "en": "we are open may march second sat sun no ext dr to a i",
    "pt": "nós abrimos segunda sex às um mil dois a e na rua",
    "es": "nosotros abrimos mar lunes uno mil dos y a la calle",
}


@given(st.sampled_from(sorted(WORDS)), st.data())
def test_plain_words_stay_as_they_are(language: str, data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from(WORDS[language].split()), min_size=1, max_size=12))
    text = ", ".join(words)  # with commas: "sat to sun" is a span of days
    assert spoken(text, language) == text


HOSTILE = st.text(max_size=120) | st.text(
    alphabet="0123456789.,:/-–−$€£%°ºª@#&*()+ RhkmgapMACu\n\0\x1b\ud800é²٣½", max_size=80
)


@given(HOSTILE, st.sampled_from(LANGUAGES))
@example("2.15", "en")
@example("99999999999999999999,999999999", "es")
@example("9" * 5000, "pt")
@example("31/02/2026 0/0/0000 00:99 99:99 0h99", "pt")
@example("$0 $.5 $0.00 R$0,00 -$0 1/0", "en")
@example("0º 0th 000th 999999999999th", "en")
def test_any_text_in_any_language_is_no_error(text: str, language: str) -> None:
    said = spoken(text, language)
    assert not re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", said)
    if language[:2] in {"en", "pt", "es"}:
        assert not re.search(r"\d", said)


def test_a_letter_beside_a_number_does_not_grow_into_it() -> None:
    assert spoken("A5B", "en") == "A five B"


def test_sentences_and_their_spoken_form_fit_together() -> None:
    text = "O Dr. Lima atende às 9. Custa R$ 1.234,56. Ligue (11) 3456-7890."
    assert [spoken(sentence, "pt-BR") for sentence in sentences(text, "pt-BR")] == [
        "O Doutor Lima atende às nove.",
        "Custa mil duzentos e trinta e quatro reais e cinquenta e seis centavos.",
        "Ligue um um, três quatro cinco meia, sete oito nove zero.",
    ]


@pytest.mark.parametrize("language", ["en", "pt", "es"])
@pytest.mark.parametrize(
    "unit",
    ["1", "1 ", "1.", "1,", "1-", "1/", "1:", "a@", "a.", "a-", "+1", "$1 ", "www.", "code 123",
     "1.000.", "[a](", "*", "- ", "May 1", "1 de ", "9 a.m.", "a" * 63 + ".", "12.34.5678 ", " "],
)  # fmt: skip
def test_hostile_text_takes_linear_time(unit: str, language: str) -> None:
    text = (unit * 30_000)[:30_000]
    begin = time.process_time()
    spoken(text, language)
    assert time.process_time() - begin < 3  # it is 0.15 s; squared it would be minutes
