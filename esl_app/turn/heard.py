"""What the caller heard of an answer that was cut: the history must not claim more.

The player knows to the sample how much of each sentence it has sent. Inside a sentence the voice
is taken to spend its time evenly over the characters; a word counts when all of it was heard.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A sentence and its length in sound."""

    text: str
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardText:
    """`text` was heard, `unheard` was not; together they are the whole."""

    text: str
    unheard: str

    @property
    def whole(self) -> bool:
        return not self.unheard


def heard_text(sentences: Sequence[Spoken], samples: int) -> HeardText:
    """The text of the first `samples` of the sentences, in the order they are spoken.

    >>> said = [Spoken(text="We are open.", samples=8000), Spoken(text="Call us", samples=8000)]
    >>> heard_text(said, 13000)
    HeardText(text='We are open. Call', unheard='us')
    >>> heard_text(said, 16000).whole
    True
    """
    heard: list[str] = []
    unheard: list[str] = []
    left = max(0, samples)
    for sentence in sentences:
        share = min(left, sentence.samples)
        left -= share
        # Nothing after the first unheard word was heard, not even a sentence without sound.
        begin = 0 if unheard else _cut(sentence, share)
        heard.append(sentence.text[:begin].strip())
        unheard.append(sentence.text[begin:].strip())
        unheard = [text for text in unheard if text]
    return HeardText(text=_joined(heard), unheard=_joined(unheard))


def heard_of(sentences: Sequence[Spoken], heard: Sequence[int]) -> HeardText:
    """The same from the samples heard of each sentence, as a player that was cut reports them."""
    total = 0
    for sentence, samples in zip(sentences, heard, strict=False):
        total += max(0, min(samples, sentence.samples))
        if samples < sentence.samples:
            break
    return heard_text(sentences, total)


def _cut(sentence: Spoken, heard: int) -> int:
    """Where in the text the part that was heard ends: behind a whole word."""
    if heard >= sentence.samples:
        return len(sentence.text)
    reached = heard * len(sentence.text) // sentence.samples
    ends = [word.end() for word in re.finditer(r"\S+", sentence.text) if word.end() <= reached]
    return ends[-1] if ends else 0


def _joined(texts: Sequence[str]) -> str:
    return " ".join(text for text in texts if text)
