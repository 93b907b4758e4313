"""Blocks to passages: small enough to be read out, whole enough to be understood. Pure.

A heading's text stays together up to `LONGEST` tokens and is then cut at paragraphs, lines or
sentences. Text under different headings never shares a passage: an answer about Saturdays should
not bring the parking with it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePath
from uuid import UUID, uuid5

from semantic_text_splitter import TextSplitter

from knowledge.extract.blocks import Block

# Part of each document's recipe: raise it when the cutting changes, and documents are cut anew.
VERSION = 1
SHORTEST, LONGEST = 80, 180
_TOKEN = re.compile(r"\w+|[^\w\s]")
_SEPARATOR = " › "


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A piece of a document, as it is kept."""

    passage_uuid: UUID
    index: int
    title: str
    anchor: str
    text: str
    tokens: int

    @property
    def for_embedding(self) -> str:
        """What its vector is made of: under which heading something stands is half its meaning."""
        return f"{self.title}\n{self.text}"


def count_tokens(text: str) -> int:
    """Words and marks: within a tenth or two of what a model's tokeniser counts in prose."""
    return sum(1 for _ in _TOKEN.finditer(text))


def cut(document_uuid: UUID, name: str, blocks: Iterable[Block]) -> list[Passage]:
    """The passages of a document, in order.

    Ids are made from the document and the words, so that a passage which is still there after the
    document has changed keeps its id: answers given before go on pointing at it.
    """
    splitter = TextSplitter.from_callback(count_tokens, (SHORTEST, LONGEST))
    found: list[Passage] = []
    seen: Counter[str] = Counter()
    for block in blocks:
        title = _SEPARATOR.join(block.titles) or _readable(name)
        whole = count_tokens(block.text) <= LONGEST
        for text in [block.text] if whole else splitter.chunks(block.text):
            digest = hashlib.sha256(f"{title}\0{text}".encode()).hexdigest()
            seen[digest] += 1
            found.append(
                Passage(
                    passage_uuid=uuid5(document_uuid, f"{digest} {seen[digest]}"),
                    index=len(found),
                    title=title,
                    anchor=block.anchor,
                    text=text,
                    tokens=count_tokens(text),
                )
            )
    return found


def _readable(name: str) -> str:
    return re.sub(r"[-_]+", " ", PurePath(name).stem).strip() or name
