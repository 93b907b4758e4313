from __future__ import annotations

from uuid import UUID

import pytest

from knowledge.retrieval import order
from knowledge.store import Found

pytestmark = pytest.mark.unit


def _hit(number: int, cosine: float, dense: int | None, lexical: int | None) -> Found:
    return Found(
        passage_uuid=UUID(int=number),
        document_name="x.md",
        title="t",
        text=str(number),
        cosine=cosine,
        dense_place=dense,
        lexical_place=lexical,
    )


def _numbers(found: list[Found]) -> list[int]:
    return [hit.passage_uuid.int for hit in found]


def test_meaning_leads_and_words_lift() -> None:
    hits = [_hit(1, 0.6, 1, None), _hit(2, 0.59, 2, 1), _hit(3, 0.3, 3, None)]
    assert _numbers(order(hits, floor=0.0)) == [2, 1, 3]


def test_words_alone_do_not_beat_the_nearest_meaning() -> None:
    hits = [_hit(1, 0.6, 1, None), _hit(2, 0.1, None, 1)]
    assert _numbers(order(hits, floor=0.0)) == [1, 2]


def test_below_the_floor_only_the_best_by_words_is_kept() -> None:
    hits = [_hit(1, 0.2, 1, 2), _hit(2, 0.1, 2, 1), _hit(3, 0.05, 3, None)]
    assert _numbers(order(hits, floor=0.25)) == [2]


def test_nothing_near_is_nothing_found() -> None:
    assert order([_hit(1, 0.2, 1, None)], floor=0.25) == []
