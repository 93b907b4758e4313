"""Several rankings of the same things into one. Pure.

Ranks are fused, not scores: a cosine and a text-search rank have nothing in common, and adding
them made answers to paraphrased questions worse when it was measured.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

# Of the method's authors (Cormack, Clarke, Büttcher, SIGIR 2009): how little the very first places
# count more than the next ones.
_K = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking(Generic[T]):
    """Things from best to worst, and how much this ranking's word counts."""

    items: Sequence[T]
    weight: float = 1.0


def fuse(rankings: Sequence[Ranking[T]], *, k: int = _K) -> list[T]:
    """All things of all rankings by weighted reciprocal rank, best first.

    Equal sums keep the order in which the things first appear, so the first ranking decides.

    >>> fuse([Ranking(items=["a", "b"]), Ranking(items=["b"], weight=0.5)])
    ['b', 'a']
    """
    sums: dict[T, float] = {}
    for ranking in rankings:
        for place, item in enumerate(dict.fromkeys(ranking.items), start=1):
            sums[item] = sums.get(item, 0.0) + ranking.weight / (k + place)
    return sorted(sums, key=lambda item: -sums[item])
