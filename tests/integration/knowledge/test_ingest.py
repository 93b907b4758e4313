from __future__ import annotations

from pathlib import Path
from uuid import UUID

import gevent
import pytest

from knowledge import documents
from knowledge.extract import Rejected
from knowledge.ingest import DocumentReport, add_document
from knowledge.retrieval import Retriever
from providers.deadline import Deadline
from providers.errors import BadResponse, Unavailable
from tenants import repository
from tenants.db import Database
from tests.integration.knowledge.conftest import BagOfWords

pytestmark = pytest.mark.integration

_HOURS = "# Hours\n\n## Week\n\nFrom eight to six.\n\n## Saturday\n\nFrom nine to one.\n"


@pytest.fixture
def hours(tmp_path: Path) -> Path:
    path = tmp_path / "hours.md"
    path.write_text(_HOURS)
    return path


def _add(db: Database, domain: UUID, path: Path, embedder: BagOfWords) -> DocumentReport:
    return add_document(db, domain, path, embedder, Deadline.after(30))


def _ids(db: Database, domain: UUID, name: str) -> dict[str, UUID]:
    return {p.text: p.passage_uuid for p in documents.passages(db, domain, name)}


def test_a_document_in_passages(
    database: Database, domain_uuid: UUID, hours: Path, embedder: BagOfWords
) -> None:
    report = _add(database, domain_uuid, hours, embedder)
    assert (report.outcome, report.passages, report.embedded) == ("added", 2, 2)
    (listed,) = documents.list_documents(database, domain_uuid)
    assert (listed.document_name, listed.document_type) == ("hours.md", "md")
    assert (listed.chunk_count, listed.processing_status) == (2, "completed")
    week, saturday = documents.passages(database, domain_uuid, "hours.md")
    assert (week.title, week.anchor, week.text) == ("Hours › Week", "line 5", "From eight to six.")
    assert saturday.title == "Hours › Saturday"
    asked = [saturday.passage_uuid, UUID(int=1), week.passage_uuid]
    found = documents.sources(database, domain_uuid, asked)
    assert [p.text for p in found] == ["From nine to one.", "From eight to six."]


def test_the_same_file_twice_changes_nothing(
    database: Database, domain_uuid: UUID, hours: Path, embedder: BagOfWords
) -> None:
    _add(database, domain_uuid, hours, embedder)
    before, embedded = _ids(database, domain_uuid, "hours.md"), list(embedder.texts)
    report = _add(database, domain_uuid, hours, embedder)
    assert (report.outcome, report.passages, report.embedded) == ("unchanged", 2, 0)
    assert _ids(database, domain_uuid, "hours.md") == before
    assert embedder.texts == embedded


def test_the_same_bytes_under_another_name_are_not_doubled(
    database: Database, domain_uuid: UUID, hours: Path, embedder: BagOfWords
) -> None:
    first = _add(database, domain_uuid, hours, embedder)
    copy = hours.with_name("copy.md")
    copy.write_text(_HOURS)
    report = _add(database, domain_uuid, copy, embedder)
    assert (report.outcome, report.same_as) == ("unchanged", "hours.md")
    assert report.document_uuid == first.document_uuid
    assert len(documents.list_documents(database, domain_uuid)) == 1


def test_a_changed_file_takes_the_old_one_s_place_and_keeps_what_stayed(
    database: Database, domain_uuid: UUID, hours: Path, embedder: BagOfWords
) -> None:
    first = _add(database, domain_uuid, hours, embedder)
    before = _ids(database, domain_uuid, "hours.md")
    hours.write_text("# Hours\n\n## New\n\nBy appointment.\n\n" + _HOURS.replace("one", "two"))
    report = _add(database, domain_uuid, hours, embedder)
    assert (report.outcome, report.passages, report.embedded) == ("replaced", 3, 2)
    assert report.document_uuid == first.document_uuid
    after = _ids(database, domain_uuid, "hours.md")
    assert list(after) == ["By appointment.", "From eight to six.", "From nine to two."]
    assert after["From eight to six."] == before["From eight to six."]
    assert embedder.texts[-2:] == [
        "Hours › New\nBy appointment.",
        "Hours › Saturday\nFrom nine to two.",
    ]


def test_another_model_embeds_everything_again(
    database: Database, domain_uuid: UUID, hours: Path, embedder: BagOfWords
) -> None:
    _add(database, domain_uuid, hours, embedder)
    other = BagOfWords(64)
    report = _add(database, domain_uuid, hours, other)
    assert (report.outcome, report.embedded) == ("replaced", 2)
    assert Retriever(database, other).search(domain_uuid, "Saturday", 3, Deadline.after(5))
    # Vectors of different models never meet.
    assert not Retriever(database, embedder).search(domain_uuid, "Saturday", 3, Deadline.after(5))


def test_when_embedding_fails_the_old_document_stays(
    database: Database, domain_uuid: UUID, hours: Path, embedder: BagOfWords
) -> None:
    _add(database, domain_uuid, hours, embedder)
    before = _ids(database, domain_uuid, "hours.md")
    hours.write_text("Something else.")
    embedder.error = Unavailable("gone", provider="bag_of_words")
    with pytest.raises(Unavailable):
        _add(database, domain_uuid, hours, embedder)
    assert _ids(database, domain_uuid, "hours.md") == before


def test_an_embedder_that_breaks_its_contract_is_found_out(
    database: Database, domain_uuid: UUID, hours: Path
) -> None:
    class Short(BagOfWords):
        def _vector(self, text: str) -> list[float]:
            return super()._vector(text)[:-1]

    with pytest.raises(BadResponse):
        _add(database, domain_uuid, hours, Short())
    assert documents.list_documents(database, domain_uuid) == []


def test_two_who_add_the_same_file_at_once_make_one_document(
    database: Database, domain_uuid: UUID, hours: Path, embedder: BagOfWords
) -> None:
    jobs = [gevent.spawn(_add, database, domain_uuid, hours, embedder) for _ in range(3)]
    gevent.joinall(jobs, timeout=30, raise_error=True)
    (listed,) = documents.list_documents(database, domain_uuid)
    assert listed.chunk_count == 2
    assert len(_ids(database, domain_uuid, "hours.md")) == 2


def test_removing(database: Database, domain_uuid: UUID, hours: Path, embedder: BagOfWords) -> None:
    _add(database, domain_uuid, hours, embedder)
    assert documents.remove_document(database, domain_uuid, "hours.md")
    assert not documents.remove_document(database, domain_uuid, "hours.md")
    assert documents.list_documents(database, domain_uuid) == []
    assert documents.passages(database, domain_uuid, "hours.md") == []


def test_a_document_for_one_secretary(
    database: Database, hours: Path, embedder: BagOfWords
) -> None:
    tenant = repository.create_tenant(
        database,
        {"domain": {"domain_name": "two.example"}, "secretary": {"secretary_name": "Sales"}},
    )
    domain, sales = tenant.domain.domain_uuid, tenant.secretary.voice_secretary_uuid
    add_document(database, domain, hours, embedder, Deadline.after(30), voice_secretary_uuid=sales)
    retriever = Retriever(database, embedder)

    def found(secretary: UUID | None) -> int:
        return len(
            retriever.search(
                domain, "Saturday", 5, Deadline.after(5), voice_secretary_uuid=secretary
            )
        )

    assert found(sales) == found(None) > 0
    assert found(UUID(int=5)) == 0


def test_a_rejected_file_writes_nothing(
    database: Database, domain_uuid: UUID, tmp_path: Path, embedder: BagOfWords
) -> None:
    path = tmp_path / "broken.pdf"
    path.write_bytes(b"%PDF-1.7 nonsense")
    with pytest.raises(Rejected, match=r"^broken\.pdf: broken, or not a PDF$"):
        _add(database, domain_uuid, path, embedder)
    assert documents.list_documents(database, domain_uuid) == []


def test_progress_is_told_batch_by_batch(
    database: Database, domain_uuid: UUID, tmp_path: Path, embedder: BagOfWords
) -> None:
    path = tmp_path / "many.md"
    path.write_text("\n".join(f"# Heading {n}\nText number {n}.\n" for n in range(10)))
    seen: list[tuple[int, int]] = []
    add_document(
        database,
        domain_uuid,
        path,
        embedder,
        Deadline.after(30),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(4, 10), (8, 10), (10, 10)]


_HOSTILE = (
    "'; DROP TABLE voice_ai.passage; -- \" %s %(x)s $1 \\ {1,2} [0,1] & | ! :* <-> \U0001f9b7"
)


def test_hostile_text_is_only_text(
    database: Database, domain_uuid: UUID, tmp_path: Path, embedder: BagOfWords
) -> None:
    path = tmp_path / "'; DROP TABLE x; --.md"
    path.write_text(f"# {_HOSTILE}\n\n{_HOSTILE}\n")
    _add(database, domain_uuid, path, embedder)
    (passage,) = documents.passages(database, domain_uuid, path.name)
    assert (passage.title, passage.text) == (_HOSTILE, _HOSTILE)
    retriever = Retriever(database, embedder)
    for question in (_HOSTILE, "\0", "''", "&|!", "a" * 5000, "<script>"):
        for source in retriever.search(domain_uuid, question, 3, Deadline.after(5)):
            assert source.text == _HOSTILE
