from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.turn import sentences

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We open at nine. We close at one.", ["We open at nine.", "We close at one."]),
        ("Dr. Lee is in. Bye", ["Dr. Lee is in.", "Bye"]),
        ("It costs $1,234.50 a year! Yes", ["It costs $1,234.50 a year!", "Yes"]),
        ("Abrimos às 9. Às 13 fechamos.", ["Abrimos às 9.", "Às 13 fechamos."]),
        ("from 9 a.m. to 1 p.m. on Saturdays.", ["from 9 a.m. to 1 p.m. on Saturdays."]),
        ("", []),
        ("Yes. ... ", ["Yes. ..."]),
        ("...", []),
    ],
)
def test_whole_sentences(text: str, expected: list[str]) -> None:
    assert list(sentences([text])) == expected


def test_a_sentence_comes_before_the_text_ends() -> None:
    def pieces() -> object:
        yield "First one. Se"
        raise AssertionError("read on although a sentence was there")

    assert next(sentences(pieces())) == "First one."  # type: ignore[arg-type]


@given(st.text(alphabet="aB. !?9\n", max_size=60), st.data())
def test_cuts_of_the_stream_lose_no_text(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    spoken = "".join(sentences([text[:cut], text[cut:]]))
    assert [c for c in spoken if c.isalnum()] == [c for c in text if c.isalnum()]
