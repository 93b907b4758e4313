from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.fusion import Ranking, fuse

pytestmark = pytest.mark.unit

_ITEMS = st.lists(st.integers(0, 20), max_size=15)


def test_one_ranking_stays_as_it_is() -> None:
    assert fuse([Ranking(items=["c", "a", "b"])]) == ["c", "a", "b"]


def test_what_both_find_comes_before_what_one_finds() -> None:
    assert fuse([Ranking(items=["a", "b"]), Ranking(items=["b", "c"])])[0] == "b"


def test_the_heavier_ranking_decides_between_two_firsts() -> None:
    heavy, light = Ranking(items=["a"]), Ranking(items=["b"], weight=0.5)
    assert fuse([light, heavy]) == ["a", "b"]


def test_equal_sums_keep_the_first_ranking_s_order() -> None:
    assert fuse([Ranking(items=["a", "b"]), Ranking(items=["b", "a"])]) == ["a", "b"]


@given(_ITEMS, _ITEMS, st.floats(0.1, 2))
def test_everything_found_is_kept_once(first: list[int], second: list[int], weight: float) -> None:
    fused = fuse([Ranking(items=first), Ranking(items=second, weight=weight)])
    assert sorted(fused) == sorted(set(first) | set(second))


@given(_ITEMS.filter(lambda items: len(set(items)) > 1))
def test_a_ranking_that_agrees_changes_nothing(items: list[int]) -> None:
    alone = fuse([Ranking(items=items)])
    assert fuse([Ranking(items=items), Ranking(items=items, weight=0.5)]) == alone
