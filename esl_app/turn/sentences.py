"""Text that can be spoken and kept: without controls, cut into sentences as it comes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

# A full stop ends a sentence only before white space and an upper-case letter or a digit, and not
# after what looks like an abbreviation or an initial ("Dr.", "a.m.", "J.").
_END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=[\"'“‘(\[¿¡]?[A-ZÀ-Þ0-9¿¡])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Za-z]|Dr|Dra|Mr|Mrs|Ms|Sr|Sra|Srta|St|Av|No|Nr|tel|ext|ca|etc|vs|approx|ex)"
    r"|[a-z]\.[a-z])\.$",
    re.IGNORECASE,
)


def clean(text: str) -> str:
    r"""Text from a recogniser or a model without control characters and lone surrogates.

    PostgreSQL keeps no NUL, and nothing that speaks or prints a text has a use for the others.

    >>> clean("a\0b\r\nc")
    'a b  c'
    """
    return "".join(" " if unicodedata.category(c) in {"Cc", "Cs"} else c for c in text)


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
