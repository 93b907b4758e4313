from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.turn.say_or_press import Entry, SayOrPress

pytestmark = pytest.mark.unit


def menu() -> SayOrPress:
    return SayOrPress(
        language="en-US", choices={"1": ["sales"], "2": ["support", "help"], "*": ["repeat"]}
    )


def number(*lengths: int, language: str = "en-US") -> SayOrPress:
    return SayOrPress(language=language, lengths=lengths)


def press(entry: SayOrPress, keys: str, *, t: float = 0.0) -> Entry | None:
    ended = None
    for key in keys:
        assert ended is None
        ended = entry.press(key, t)
    return ended


def test_one_key_of_a_menu_is_enough() -> None:
    assert menu().press("1", 0.0) == Entry(pii_keys="1", by="keys", whole=True)


def test_a_key_that_is_no_choice() -> None:
    assert menu().press("7", 0.0) == Entry(pii_keys="7", by="keys", whole=False)


def test_a_choice_that_begins_another_waits_for_it() -> None:
    entry = SayOrPress(language="en", choices={"1": [], "12": []})
    assert entry.press("1", 0.0) is None
    assert entry.due_at() == 3.0
    assert entry.tick(3.0) == Entry(pii_keys="1", by="keys", whole=True)


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("Sales, please.", "1"),
        ("one", "1"),
        ("option two", "2"),
        ("2", "2"),
        ("I need help", "2"),
        ("repeat", "*"),
        ("sales or support", None),
        ("salesman", None),
        ("nine", None),
        ("", None),
    ],
)
def test_what_a_choice_is_called(said: str, key: str | None) -> None:
    entry = menu().said(said, 0.0)
    assert (entry and entry.pii_keys) == key


def test_a_number_ends_with_its_last_key() -> None:
    assert press(number(4), "1234") == Entry(pii_keys="1234", by="keys", whole=True)


def test_a_terminator_ends_it_earlier() -> None:
    assert press(number(4, 6), "1234#") == Entry(pii_keys="1234", by="keys", whole=True)
    assert press(number(6), "12#") == Entry(pii_keys="12", by="keys", whole=False)
    assert press(number(4), "#") is None


def test_a_star_clears() -> None:
    assert press(number(4), "12*3456") == Entry(pii_keys="3456", by="keys", whole=True)


def test_keys_that_stop_are_taken_as_they_are() -> None:
    entry = number(4)
    press(entry, "12", t=5.0)
    assert entry.tick(7.9) is None
    assert entry.tick(8.0) == Entry(pii_keys="12", by="keys", whole=False)
    assert entry.due_at() is None


def test_a_spoken_number() -> None:
    assert number(4).said("it's one two three four", 0.0) == Entry(
        pii_keys="1234", by="voice", whole=True
    )
    assert number(4, language="pt-BR").said("um dois três", 0.0) == Entry(
        pii_keys="123", by="voice", whole=False
    )


def test_pressed_and_said_are_joined_where_only_both_are_whole() -> None:
    entry = number(10)
    press(entry, "415")
    assert entry.said("five five five 0134", 1.0) == Entry(
        pii_keys="4155550134", by="both", whole=True
    )


def test_speech_over_keys_does_not_spoil_them() -> None:
    entry = number(4)
    press(entry, "12")
    assert entry.said("oops, five", 1.0) is None
    assert press(entry, "34", t=2.0) == Entry(pii_keys="1234", by="keys", whole=True)


@given(st.text(alphabet="0123456789*#", max_size=200), st.sampled_from([(), (4,), (3, 9)]))
def test_keys_are_bounded_and_never_stuck(keys: str, lengths: tuple[int, ...]) -> None:
    entry = number(*lengths)
    for index, key in enumerate(keys):
        entry.press(key, float(index))
        assert len(entry.pending) < max(lengths, default=64)
    due = entry.due_at()
    assert (due is None) == (not entry.pending)
    if due is not None:
        assert entry.tick(due) is not None
    assert not entry.pending
