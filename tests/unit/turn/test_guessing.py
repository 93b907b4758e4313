from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.turn.completeness import Completeness
from esl_app.turn.guessing import Guessing, GuessRules, normalised, same_words

pytestmark = pytest.mark.unit

COMPLETE, UNSURE, UNFINISHED = (
    Completeness.COMPLETE,
    Completeness.UNSURE,
    Completeness.UNFINISHED,
)


def test_words_that_look_complete_are_begun_with_when_they_stay_so() -> None:
    turn = Guessing(GuessRules(stable_s=0.25))
    turn.words("Is there", COMPLETE, 1.0)
    turn.words("Is there parking", COMPLETE, 1.2)
    assert turn.take(1.3) is None
    assert turn.take(1.45) == "Is there parking"
    assert turn.take(9.0) is None, "once"


def test_others_wait_for_a_pause_and_unfinished_ones_for_ever() -> None:
    turn = Guessing(GuessRules())
    turn.words("I would like to know", UNSURE, 1.0)
    assert turn.due_at() is None
    turn.paused(1.1)
    assert turn.take(1.1) is None, "the recogniser trails the voice"
    turn.words("I would like to know", UNSURE, 1.2, settled=True)
    assert turn.take(1.2) == "I would like to know"
    turn.words("I would like to know about my", UNFINISHED, 1.6)
    assert turn.due_at() is None
    turn.went_on()
    turn.words("I would like to know about my teeth", UNSURE, 2.0)
    assert turn.due_at() is None


def test_signs_that_come_late_begin_nothing_anew() -> None:
    turn = Guessing(GuessRules())
    turn.paused(1.0)
    turn.words("is there parking", UNSURE, 1.0)
    assert turn.take(1.25)
    turn.words("Is there parking?", COMPLETE, 1.1)
    assert turn.take(2.0) is None


def test_numbers_with_other_signs_inside_are_other_words() -> None:
    assert same_words("It is 55.", "it is 55")
    assert not same_words("5.5", "55")
    assert not same_words("nove e meia", "nove")
    assert normalised(" … ") == ""


@given(
    texts=st.lists(st.sampled_from(["a", "a b", "A b?", "a b c", ""]), max_size=12),
    most=st.integers(min_value=1, max_value=3),
)
def test_never_more_than_the_most_and_never_the_same_twice_running(
    texts: list[str], most: int
) -> None:
    turn = Guessing(GuessRules(most=most))
    begun = []
    turn.paused(0.0)
    for now, text in enumerate(texts):
        turn.words(text, UNSURE, float(now), settled=True)
        if (words := turn.take(float(now))) is not None:
            begun.append(normalised(words))
    assert len(begun) <= most
    assert all(begun)
    assert all(one != other for one, other in pairwise(begun))
