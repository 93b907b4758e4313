from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.turn.heard import HeardText, Spoken, heard_of, heard_text

pytestmark = pytest.mark.unit

ANSWER = [
    Spoken(text="We are open on Saturdays.", samples=16000),
    Spoken(text="Parking is free.", samples=8000),
]


@pytest.mark.parametrize(
    ("samples", "heard"),
    [
        (-5, ""),
        (0, ""),
        (8000, "We are open"),
        (15999, "We are open on"),
        (16000, "We are open on Saturdays."),
        (20000, "We are open on Saturdays. Parking"),
        (23999, "We are open on Saturdays. Parking is"),
        (24000, "We are open on Saturdays. Parking is free."),
        (10**9, "We are open on Saturdays. Parking is free."),
    ],
)
def test_what_was_heard(samples: int, heard: str) -> None:
    assert heard_text(ANSWER, samples).text == heard


def test_by_sentence_as_the_player_reports() -> None:
    assert heard_of(ANSWER, [16000, 4000]) == HeardText(
        text="We are open on Saturdays. Parking", unheard="is free."
    )
    assert heard_of(ANSWER, [16000]).unheard == "Parking is free."
    assert heard_of(ANSWER, []).text == ""
    assert heard_of(ANSWER, [8000, 8000]).text == "We are open"


def test_nothing_said() -> None:
    assert heard_text([], 5).whole


spoken = st.lists(
    st.builds(Spoken, text=st.text(alphabet="ab é.\n", max_size=20), samples=st.integers(0, 500)),
    max_size=5,
)


@given(spoken, st.integers(-10, 3000), st.integers(0, 3000))
def test_heard_and_unheard_are_the_whole_and_grow_one_at_the_cost_of_the_other(
    sentences: list[Spoken], samples: int, more: int
) -> None:
    words = " ".join(s.text for s in sentences).split()
    now, later = heard_text(sentences, samples), heard_text(sentences, samples + more)
    assert now.text.split() + now.unheard.split() == words
    assert len(now.text.split()) <= len(later.text.split())
    assert heard_text(sentences, sum(s.samples for s in sentences)).whole
