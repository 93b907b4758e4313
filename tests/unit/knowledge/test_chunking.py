from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.chunking import LONGEST, count_tokens, cut
from knowledge.extract.blocks import Block

pytestmark = pytest.mark.unit

DOCUMENT = UUID("11111111-2222-3333-4444-555555555555")


def _block(text: str, *titles: str) -> Block:
    return Block(titles=titles, anchor="line 1", text=text)


def test_a_heading_s_text_is_one_passage_under_its_title_path() -> None:
    (passage,) = cut(DOCUMENT, "hours.md", [_block("Open from nine.", "Willow", "Saturday")])
    assert passage.title == "Willow › Saturday"
    assert passage.text == "Open from nine."
    assert passage.for_embedding == "Willow › Saturday\nOpen from nine."


def test_without_headings_the_file_s_name_is_the_title() -> None:
    (passage,) = cut(DOCUMENT, "price_list-2026.txt", [_block("Cleaning: 90 dollars.")])
    assert passage.title == "price list 2026"


def test_short_sections_are_not_thrown_together() -> None:
    blocks = [_block("One.", "A"), _block("Two.", "B")]
    assert [p.text for p in cut(DOCUMENT, "x.md", blocks)] == ["One.", "Two."]


def test_a_long_section_is_cut_at_sentences() -> None:
    sentence = "The practice keeps the records of every patient for ten years. "
    passages = cut(DOCUMENT, "x.md", [_block(sentence * 60, "Records")])
    assert len(passages) > 3
    assert all(p.text.endswith(".") for p in passages)
    assert all(p.tokens <= LONGEST for p in passages)
    assert {p.title for p in passages} == {"Records"}
    assert [p.index for p in passages] == list(range(len(passages)))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text("abc. \n", min_size=1, max_size=400), min_size=1, max_size=5))
def test_no_word_is_lost_and_no_passage_too_long(texts: list[str]) -> None:
    blocks = [_block(text.strip()) for text in texts if text.strip()]
    passages = cut(DOCUMENT, "x.txt", blocks)
    assert " ".join(p.text for p in passages).split() == " ".join(b.text for b in blocks).split()
    assert all(0 < count_tokens(p.text) <= LONGEST for p in passages)


def test_an_unchanged_passage_keeps_its_id_when_the_document_changes() -> None:
    before = cut(DOCUMENT, "x.md", [_block("One.", "A"), _block("Two.", "B")])
    after = cut(DOCUMENT, "x.md", [_block("New.", "N"), _block("One!", "A"), _block("Two.", "B")])
    assert after[2].passage_uuid == before[1].passage_uuid
    assert after[1].passage_uuid != before[0].passage_uuid


def test_the_same_words_twice_are_two_passages() -> None:
    passages = cut(DOCUMENT, "x.md", [_block("One.", "A"), _block("One.", "A")])
    assert len({p.passage_uuid for p in passages}) == 2


def test_the_same_words_in_two_documents_have_two_ids() -> None:
    other = UUID("99999999-2222-3333-4444-555555555555")
    one, two = (cut(u, "x.md", [_block("One.")])[0].passage_uuid for u in (DOCUMENT, other))
    assert one != two
