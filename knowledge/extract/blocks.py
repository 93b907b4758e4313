"""What comes out of a document: blocks of text, each knowing the headings above it. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# What PostgreSQL's text refuses or a voice cannot say: controls (but not tab and newline),
# surrogates, private use. Soft hyphens and zero-width marks only split words.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff"
    "\ud800-\udfff\ue000-\uf8ff]"
)
_ITEM = re.compile(r"\s*([-*+•–·]|\d{1,3}[.)])\s+")
_ENDS = re.compile(r"[.!?:;|…][\"')\]]*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A stretch of text under one heading.

    Attributes:
        titles: The headings above it, outermost first.
        anchor: Where in the file it begins: "line 12", "page 3".
        text: Paragraphs divided by blank lines; list items and table rows on lines of their own.
    """

    titles: tuple[str, ...]
    anchor: str
    text: str


class Outline:
    """Collects lines under headings and hands them back as blocks."""

    def __init__(self) -> None:
        self._path: list[tuple[float, str]] = []
        self._lines: list[str] = []
        self._anchor = ""
        self._blocks: list[Block] = []

    @property
    def lines(self) -> list[str]:
        """The lines since the last heading."""
        return self._lines

    def add(self, line: str, anchor: str) -> None:
        """One more line; `anchor` says where it stands."""
        if not self._lines:
            self._anchor = anchor
        self._lines.append(line)

    def heading(self, depth: float, title: str) -> None:
        """A heading: it closes those of its depth and deeper ones."""
        self.flush()
        while self._path and self._path[-1][0] >= depth:
            self._path.pop()
        self._path.append((depth, title))

    def flush(self) -> None:
        """Make a block of the lines so far; blank ones make none."""
        if text := tidy(self._lines):
            titles = tuple(title for _, title in self._path)
            self._blocks.append(Block(titles=titles, anchor=self._anchor, text=text))
        self._lines.clear()

    def blocks(self) -> list[Block]:
        self.flush()
        return self._blocks


def clean(text: str) -> str:
    """Text as it may be kept: composed accents, plain newlines, no controls."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").replace("\xa0", " ")
    return unicodedata.normalize("NFC", _UNWANTED.sub("", plain))


def unwrap(lines: Sequence[str]) -> list[str]:
    """Lines that were broken at a margin, joined again; items, rows and short lines stay.

    A sentence cut in two is no answer to read out, and a page's line ends mean nothing.
    """
    found: list[str] = []
    for line in lines:
        text = line.strip()
        if found and _continues(found[-1], text):
            head = found[-1]
            # "appoint-" + "ments"; not "one-" + "Hour" and not a dash of its own.
            hyphenated = re.search(r"[a-zà-ÿ]-$", head) and text[:1].islower()
            found[-1] = head[:-1] + text if hyphenated else f"{head} {text}"
        else:
            found.append(text)
    return found


def _continues(line: str, following: str) -> bool:
    if not line or not following or _ITEM.match(following) or following.startswith("|"):
        return False
    if _ENDS.search(line):
        return False
    return len(line) >= 40 and (following[:1].islower() or len(line) >= 55)


def tidy(lines: Sequence[str]) -> str:
    """A block's text: unwrapped, without runs of blank lines."""
    text = "\n".join(unwrap(lines))
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]+", " ", text)).strip()
