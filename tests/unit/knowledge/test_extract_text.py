from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.extract import markdown, plain
from knowledge.extract.blocks import Block, clean, unwrap

pytestmark = pytest.mark.unit


def _found(blocks: list[Block]) -> list[tuple[tuple[str, ...], str, str]]:
    return [(b.titles, b.anchor, b.text) for b in blocks]


def test_headings_nest() -> None:
    text = "intro\n\n# A\n\none\n\n## B\n\ntwo\n\n### C\nthree\n\n## D ##\nfour\n# E\nfive"
    assert _found(markdown.blocks(text)) == [
        ((), "line 1", "intro"),
        (("A",), "line 5", "one"),
        (("A", "B"), "line 9", "two"),
        (("A", "B", "C"), "line 12", "three"),
        (("A", "D"), "line 15", "four"),
        (("E",), "line 17", "five"),
    ]


def test_underlined_headings() -> None:
    text = "Prices\n======\n\nlow\n\nFillings\n--------\nhigh\n"
    assert [(b.titles, b.text) for b in markdown.blocks(text)] == [
        (("Prices",), "low"),
        (("Prices", "Fillings"), "high"),
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("We open at **nine**.", "We open at nine."),
        ("Call [the desk](tel:123) now", "Call the desk now"),
        ("![logo](x.png) Willow", "logo Willow"),
        ("See <https://willow.example>", "See https://willow.example"),
        ("_Not_ on `Sundays`", "Not on Sundays"),
        ("snake_case_stays 2*3*4", "snake_case_stays 2*3*4"),
        ("> quoted", "quoted"),
        ("one<br/>two", "onetwo"),
    ],
)
def test_marks_that_cannot_be_said_go(line: str, said: str) -> None:
    (block,) = markdown.blocks(line)
    assert block.text == said


def test_comments_front_matter_rules_and_fences() -> None:
    text = (
        "---\ntitle: x\n---\n<!-- secret\nnote -->\nvisible\n\n***\n\n```sh\n# no heading\n```\nend"
    )
    (block,) = markdown.blocks(text)
    assert block.titles == ()
    assert block.text == "visible\n\n# no heading\nend"
    assert block.anchor == "line 6"


def test_lists_and_tables_keep_their_lines() -> None:
    text = "- cleaning: 90\n- filling: 120\n\n| day | hours |\n|---|:-:|\n| Monday | 8 to 6 |"
    (block,) = markdown.blocks(text)
    assert block.text == ("- cleaning: 90\n- filling: 120\n\n| day | hours |\n| Monday | 8 to 6 |")


def test_plain_text_headings_are_capital_or_underlined() -> None:
    text = (
        "OPENING HOURS\n\nMonday to Friday.\n\nPrices\n------\nLow.\nNO SMOKING!\nA1 B2 2026 C3\n"
    )
    assert [(b.titles, b.text) for b in plain.blocks(text)] == [
        (("OPENING HOURS",), "Monday to Friday."),
        (("Prices",), "Low.\nNO SMOKING!\nA1 B2 2026 C3"),
    ]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("olá".encode(), "olá"),
        (b"\xef\xbb\xbfhi", "hi"),
        ("olá".encode("utf-16"), "olá"),
        ("preço: 10 €".encode("cp1252"), "preço: 10 €"),
        (b"\x00\x01\x02binary", None),
        (bytes(range(1, 256)) * 4, None),
    ],
)
def test_text_is_told_from_what_is_none(data: bytes, text: str | None) -> None:
    assert plain.decode(data) == text


def test_lines_broken_at_a_margin_are_joined() -> None:
    lines = [
        "If you need to cancel or move an appointment, please tell us at",
        "least 24 hours before. Later cancellations of appoint-",
        "ments cost 40 dollars.",
        "Cleaning: 90 dollars",
        "Filling: 120 dollars",
        "",
        "- an item",
    ]
    assert unwrap(lines) == [
        (
            "If you need to cancel or move an appointment, please tell us at least 24 hours "
            "before. Later cancellations of appointments cost 40 dollars."
        ),
        "Cleaning: 90 dollars",
        "Filling: 120 dollars",
        "",
        "- an item",
    ]


def test_what_the_database_or_a_voice_cannot_take_goes() -> None:
    assert clean("a\x00b\x1b[1m\u202ec\ud800\r\nd\u00ade\xa0f") == "ab[1mc\nde f"


@given(st.text(alphabet=st.characters(), max_size=300))
def test_any_text_gives_blocks_that_can_be_kept(text: str) -> None:
    for block in [*markdown.blocks(clean(text)), *plain.blocks(clean(text))]:
        assert block.text.strip()
        assert "\0" not in block.text
        block.text.encode()
