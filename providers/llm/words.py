"""How the extractive answerer looks at words: what a language brings, stems, likeness. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Idea:
    """A thing people ask for in many words, and how an answer to it looks."""

    name: str
    asked: re.Pattern[str]
    answered: re.Pattern[str]
    strict: bool = False  # what does not look like it is no answer, however alike in words
    whole: bool = (
        False  # asked for on its own, everything about it is said ("What are your hours?")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language."""

    stop: frozenset[str]
    endings: tuple[str, ...]
    ideas: tuple[Idea, ...]
    follow_up: re.Pattern[str]
    repeat: re.Pattern[str]
    thanks: re.Pattern[str]
    not_found: str
    nothing_to_repeat: str
    welcome: str


def fold(text: str) -> str:
    """Lower case without accents, so that "até" and "ate" meet."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def stem(word: str, words: Words) -> str:
    """A word without the endings that change with grammar. Crude, and enough to compare."""
    for ending in words.endings:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word


def same(one: str, other: str) -> bool:
    """Whether two stems are of one word: equal, or long and alike from the start."""
    if one == other:
        return True
    longer = max(len(one), len(other))
    shared = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        shared += 1
    return shared >= 5 and shared >= 0.7 * longer
