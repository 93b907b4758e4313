from __future__ import annotations

import random
from pathlib import Path
from uuid import UUID

import pytest
from gevent.pool import Pool

from knowledge.ingest import add_document
from knowledge.retrieval import Retriever
from providers import registry
from providers.deadline import Deadline
from tenants.db import Database
from tests.integration.knowledge.conftest import BagOfWords, make_domain

pytestmark = pytest.mark.integration


def _add(db: Database, domain: UUID, path: Path, text: str, language: str = "en-US") -> None:
    path.write_text(text)
    add_document(db, domain, path, BagOfWords(), Deadline.after(30), language=language)


def test_a_source_has_its_passage_s_id_title_text_and_cosine(
    database: Database, domain_uuid: UUID, tmp_path: Path, embedder: BagOfWords
) -> None:
    _add(database, domain_uuid, tmp_path / "hours.md", "# Hours\n\nOpen on Saturday mornings.\n")
    (source,) = Retriever(database, embedder).search(
        domain_uuid, "Open on Saturday mornings", 4, Deadline.after(5)
    )
    assert UUID(source.id)
    assert source.title == "hours.md › Hours"
    assert source.text == "Open on Saturday mornings."
    assert 0.8 < source.score < 1.0


def test_one_shared_word_of_a_long_question_is_enough(
    database: Database, domain_uuid: UUID, tmp_path: Path, embedder: BagOfWords
) -> None:
    _add(
        database,
        domain_uuid,
        tmp_path / "x.md",
        "# A\n\nParking is behind the house.\n\n# B\n\nThe part AMX-4417 is on order.\n",
    )
    question = "hello I was wondering whether you could tell me if AMX-4417 has arrived yet please"
    found = Retriever(database, embedder).search(domain_uuid, question, 4, Deadline.after(5))
    assert found[0].text == "The part AMX-4417 is on order."


@pytest.mark.parametrize(
    ("language", "text", "question", "other"),
    [
        ("en-US", "We open on Saturdays.", "opening on a saturday?", "Cats are welcome here."),
        ("pt-BR", "Vacinações são às terças.", "quando é a vacinação?", "Gatos são bem-vindos."),
        ("pt-BR", "A recepção fica no térreo.", "cade a recepcao", "Gatos são bem-vindos."),
        ("es", "Las vacunaciones son gratis.", "¿cuánto cuesta la vacunación?", "Hay gatos aquí."),
        ("xx-YY", "Ljubljana je mesto.", "kje je LJUBLJANA", "Macka spi tukaj."),
    ],
)
def test_words_are_found_in_other_forms_and_without_accents(
    database: Database,
    domain_uuid: UUID,
    tmp_path: Path,
    language: str,
    text: str,
    question: str,
    other: str,
) -> None:
    class Blind(BagOfWords):
        """All texts look alike to it, so that words decide."""

        def _vector(self, text: str) -> list[float]:
            assert text
            return [1.0] + [0.0] * (self.dimensions - 1)

    path = tmp_path / "x.md"
    path.write_text(f"# A\n\n{other}\n\n# B\n\n{text}\n")
    blind = Blind()
    add_document(database, domain_uuid, path, blind, Deadline.after(30), language=language)
    found = Retriever(database, blind).search(domain_uuid, question, 2, Deadline.after(5))
    assert found[0].text == text


def test_two_tenants_with_the_same_words_never_meet(
    database: Database, tmp_path: Path, embedder: BagOfWords
) -> None:
    domains = [make_domain(database, f"{name}.example") for name in "abc"]
    for domain in domains:
        _add(
            database,
            domain,
            tmp_path / "hours.md",
            f"# Hours\n\nOpen on Saturday.\n\n# Owner\n\nThis is {domain}.\n",
        )
    retriever = Retriever(database, embedder)
    chance = random.Random(3)
    ids: dict[UUID, set[str]] = {domain: set() for domain in domains}

    def ask(_: int) -> None:
        domain = chance.choice(domains)
        stranger = chance.choice(domains)
        question = chance.choice(["open on Saturday?", f"who is {stranger}", "owner"])
        for source in retriever.search(domain, question, 5, Deadline.after(5)):
            ids[domain].add(source.id)
            assert str(domain) in source.text or source.text == "Open on Saturday."

    for _ in Pool(8).imap_unordered(ask, range(400)):
        pass
    assert all(len(found) == 2 for found in ids.values())
    assert len(set.union(*ids.values())) == 6


def test_nothing_to_search(database: Database, domain_uuid: UUID, embedder: BagOfWords) -> None:
    retriever = Retriever(database, embedder)
    for question in ("", "  ", "\0", "anything"):
        assert retriever.search(domain_uuid, question, 4, Deadline.after(5)) == []
    assert retriever.search(domain_uuid, "x", 0, Deadline.after(5)) == []


_QUESTIONS = {
    "Are you open on Saturday?": "On Saturdays we are open from 9 a.m. to 1 p.m.",
    "When do you close on Fridays?": "On Fridays we are open from 8 a.m. to 4 p.m.",
    "How much does teeth whitening cost?": "Teeth whitening costs 180 dollars",
    "Where can I leave my car?": "Parking is free for patients.",
    "Do you take Cigna?": "We accept Delta Dental, Cigna",
    "What happens if I have to cancel?": "at least 24 hours before",
    "I broke a tooth and it hurts a lot": "keep two appointments free every day for emergencies",
    "What does it cost to take out a wisdom tooth?": "Taking out a wisdom tooth costs 320",
    "Can I pay in instalments?": "six monthly instalments",
    "What is your address?": "214 Maple Street",
}


def test_the_demo_s_questions_with_the_local_model(
    database: Database, domain_uuid: UUID, demo_documents: list[Path]
) -> None:
    local = registry.create("embeddings", "local", {})
    try:
        for path in demo_documents:
            report = add_document(database, domain_uuid, path, local, Deadline.after(60))
            assert report.outcome == "added"
        retriever = Retriever(database, local)
        missed = {}
        for question, answer in _QUESTIONS.items():
            found = retriever.search(domain_uuid, question, 3, Deadline.after(10))
            if not any(answer in " ".join(source.text.split()) for source in found):
                missed[question] = [source.title for source in found]
        assert missed == {}
        outside = "Who won the football match last night?"
        assert retriever.search(domain_uuid, outside, 3, Deadline.after(10)) == []
    finally:
        local.close()
