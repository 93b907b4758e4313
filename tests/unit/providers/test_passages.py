from __future__ import annotations

import pytest

from providers.contracts import Source
from providers.llm.languages import words_of
from providers.llm.passages import ask, rank, say, units
from providers.llm.words import fold, same, stem

pytestmark = pytest.mark.unit


def cut(text: str) -> list[tuple[str, str]]:
    source = Source(id="s", title="T", text=text, score=1.0)
    return [(unit.heading, unit.text) for unit in units(source)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One is here. Two is there! Is it?", ["One is here.", "Two is there!", "Is it?"]),
        ("Ask Dr. Silva at 5 p.m. today.", ["Ask Dr. Silva at 5 p.m. today."]),
        ("From 8 a.m. to 6 p.m. On Fridays to 4.", ["From 8 a.m. to 6 p.m.", "On Fridays to 4."]),
        ("It costs 2.50 dollars. Cash only.", ["It costs 2.50 dollars.", "Cash only."]),
        ("A line that is\nwrapped. And more.", ["A line that is wrapped.", "And more."]),
        ("- One item\n- Another: **bold**", ["One item", "Another: bold"]),
        ("1. First\n2) Second", ["First", "Second"]),
        ("See [our page](https://example.com) now.", ["See our page now."]),
        ("¿Dónde está? Aquí. ¿Y cuándo? Hoy.", ["¿Dónde está?", "Aquí.", "¿Y cuándo?", "Hoy."]),
        ("", []),
        ("\n---\n  \n***", []),
    ],
)
def test_passages_are_cut_where_one_would_breathe(text: str, found: list[str]) -> None:
    assert [piece for _, piece in cut(text)] == found


def test_headings_stand_over_what_follows() -> None:
    text = "# Hours\n- Monday: 8 to 6\n## Prices:\nCleaning is 80 dollars.\nParking:\n* free"
    assert cut(text) == [
        ("Hours", "Monday: 8 to 6"),
        ("Prices", "Cleaning is 80 dollars."),
        ("Parking", "free"),
    ]


def test_a_short_first_line_is_a_heading() -> None:
    found = [("Our hours", "We open at eight.")]
    assert cut("Our hours\nWe open at eight.") == found
    assert cut("Our hours\n\nWe open at eight.") == found
    assert cut("Call us today") == [("", "Call us today")]


def test_short_lines_without_an_end_are_a_list() -> None:
    assert cut("Monday 8 to 6\nSaturday 9 to 1") == [("", "Monday 8 to 6"), ("", "Saturday 9 to 1")]


def test_rows_of_tables_are_items() -> None:
    assert cut("| What | How much |\n|---|:--:|\n| Cleaning | 80 | a year |") == [
        ("", "What: How much"),
        ("", "Cleaning: 80, a year"),
    ]


def test_items_are_said_as_one_sentence_under_their_heading() -> None:
    source = Source(id="s", title="T", text="# Hours\n- Monday: 8;\n- Sunday: closed.", score=1)
    assert say(units(source)) == "Hours: Monday: 8; Sunday: closed."


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "cleaning", "cleanings"),
        ("en", "price", "prices"),
        ("en", "close", "closed"),
        ("en", "cancel", "cancellation"),
        ("en", "insurance", "insurances"),
        ("pt", "sábado", "sábados"),
        ("pt", "aceitam", "aceitamos"),
        ("pt", "convênio", "convênios"),
        ("es", "tarjeta", "tarjetas"),
        ("es", "aceptan", "aceptamos"),
    ],
)
def test_forms_of_a_word_are_one_word(language: str, one: str, other: str) -> None:
    words = words_of(language)
    assert same(stem(fold(one), words), stem(fold(other), words))


@pytest.mark.parametrize(
    ("one", "other"), [("contact", "contract"), ("parking", "party"), ("internet", "interest")]
)
def test_words_that_only_begin_alike_are_two(one: str, other: str) -> None:
    words = words_of("en")
    assert not same(stem(one, words), stem(other, words))


def test_an_unknown_language_is_treated_as_english() -> None:
    assert words_of("xx-YY") is words_of("en-GB")


@pytest.mark.timeout(5)
@pytest.mark.parametrize("unit", ["[", "a", ". ", "a@", "|", "(", "# ", "1 ", "\n- ", "? ", "<"])
def test_hostile_passages_cost_no_more_than_their_length(unit: str) -> None:
    source = Source(id="s", title="T", text=unit * 50_000, score=1.0)
    found = units(source)
    question = ask(["How much is parking? " * 500], words_of("en"))
    assert len(question.terms) <= 24
    rank(question, found[:60], words_of("en"))
