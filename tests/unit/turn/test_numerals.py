from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.turn.numerals import numerals

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("said", "language", "digits"),
    [
        ("it's five five five uh zero one three four", "en-US", "5550134"),
        ("my number is 555-0134.", "en-US", "5550134"),
        ("double five, triple zero", "en-US", "55000"),
        ("double 5 1", "en-US", "551"),
        ("five oh three", "en-US", "503"),
        ("oh, five", "en-US", "5"),
        ("nineteen eighty-five", "en-US", "1985"),
        ("twenty twenty-three", "en-US", "2023"),
        ("two hundred and five", "en-US", "205"),
        ("two thousand and five", "en-US", "2005"),
        ("vinte e três, meia", "pt-BR", "236"),
        ("onze nove oito meia cinco", "pt-BR", "119865"),
        ("quinhentos e cinquenta e cinco", "pt-BR", "555"),
        ("mil novecentos e oitenta e cinco", "pt-BR", "1985"),
        ("seis seis uno dos", "es-MX", "6612"),
        ("quinientos cincuenta y cinco veintitrés", "es-ES", "55523"),
        ("doble cinco uno", "es-ES", "551"),
        ("um, 5 5", "en-US", "55"),
        ("não sei", "pt-BR", ""),
    ],
)
def test_digits_of_what_was_said(said: str, language: str, digits: str) -> None:
    assert numerals(said, language=language).all == digits


@pytest.mark.parametrize(
    ("said", "language", "tail", "before"),
    [
        ("we are 4 people", "en", "", "people"),
        ("a table at 9", "en", "9", "at"),
        ("the other one", "en", "", "one"),
        ("my number is one", "en", "1", "is"),
        ("quiero un", "es", "", "un"),
        ("meu número é 5 5 e", "pt", "55", "numero"),
    ],
)
def test_the_end(said: str, language: str, tail: str, before: str) -> None:
    found = numerals(said, language=language)
    assert (found.tail, found.before) == (tail, before)


def test_a_correction_starts_the_number_again() -> None:
    found = numerals("five five, no, sorry, five six", language="en")
    assert (found.all, found.corrected) == ("56", True)


def test_a_no_before_the_number_corrects_nothing() -> None:
    found = numerals("no, it is 55", language="en")
    assert (found.all, found.corrected) == ("55", False)


@given(st.text(), st.sampled_from(["en", "pt-BR", "es", "xx", ""]))
def test_any_text_is_read(text: str, language: str) -> None:
    found = numerals(text, language=language)
    assert found.all.isdigit() or not found.all
    assert found.all.endswith(found.tail)


@given(st.text(alphabet="0123456789", min_size=1, max_size=16), st.data())
def test_figures_are_counted_however_they_are_grouped(digits: str, data: st.DataObject) -> None:
    said = "".join(d + data.draw(st.sampled_from(["", " ", "-", ", uh "])) for d in digits)
    assert numerals(said, language="en").all == digits
