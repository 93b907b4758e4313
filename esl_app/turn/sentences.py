"""Cut a stream of text into sentences that can be spoken while the rest is still coming."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# A full stop ends a sentence only before white space and an upper-case letter or a digit, and not
# after what looks like an abbreviation or an initial ("Dr.", "a.m.", "J.").
_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[¿¡]?[A-ZÀ-Þ0-9¿¡])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Za-z]|Dr|Dra|Mr|Mrs|Ms|Sr|Sra|Srta|St|Av|No|Nr|tel|ext|ca|etc|vs|approx|ex)"
    r"|[a-z]\.[a-z])\.$",
    re.IGNORECASE,
)


def sentences(pieces: Iterable[str]) -> Iterator[str]:
    """Yield whole sentences as soon as the beginning of the next one is seen.

    >>> list(sentences(["We open at 9 a.m. on Sat", "urdays. Dr. Lee is in. Bye"]))
    ['We open at 9 a.m. on Saturdays.', 'Dr. Lee is in.', 'Bye']
    """
    held = ""
    for piece in pieces:
        held += piece
        cuts = [m for m in _END.finditer(held) if not _ABBREVIATION.search(held[: m.start()])]
        begin = 0
        for cut in cuts:
            sentence = held[begin : cut.end()].strip()
            if _speakable(sentence):
                yield sentence
            begin = cut.end()
        held = held[begin:]
    if _speakable(rest := held.strip()):
        yield rest


def _speakable(text: str) -> bool:
    """Whether there is anything to say: what is left of "..." is not a sentence."""
    return any(c.isalnum() for c in text)
