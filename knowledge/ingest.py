"""A file into a tenant's knowledge: read, cut, embed what is new, replace in one transaction.

Embedding is the slow part and happens before the transaction; a failure there leaves the old
document as it was. The second time the same file changes nothing and costs no embedding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID, uuid5

from knowledge import chunking, store
from knowledge.chunking import Passage
from knowledge.extract import Extracted, extract
from providers.contracts import Embedder
from providers.deadline import Deadline
from providers.errors import BadResponse
from tenants.db import Database

__all__ = ["DocumentReport", "add_document"]

# Writing a document is not a caller's turn.
_STATEMENT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentReport:
    """What became of a file.

    Attributes:
        outcome: `unchanged` also when the same bytes are there under another name (`same_as`).
        passages: How many the document has now.
        embedded: How many of them were embedded anew.
    """

    name: str
    outcome: Literal["added", "replaced", "unchanged"]
    document_uuid: UUID
    passages: int
    embedded: int = 0
    pages: int | None = None
    seconds: float = 0.0
    same_as: str | None = None


def add_document(
    db: Database,
    domain_uuid: UUID,
    path: Path,
    embedder: Embedder,
    deadline: Deadline,
    *,
    language: str = "en-US",
    voice_secretary_uuid: UUID | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> DocumentReport:
    """Add a file, or put it in the place of the document of its name.

    Args:
        db: The application's database.
        domain_uuid: Whose document it is.
        path: A .txt, .md or .pdf file; its name is the document's.
        embedder: Makes the vectors; searches must use the same model.
        deadline: For all of it.
        language: Of the text; decides stemming and stop words.
        voice_secretary_uuid: The only secretary who may use it; None for all of the domain.
        progress: Called with (embedded so far, to embed).

    Raises:
        Rejected: The file cannot be used; says why.
        ProviderError: The embedder failed.
        TenantError: The database failed, or somebody replaced the document at the same time.
    """
    began = time.monotonic()
    document = extract(path, within_s=deadline.remaining_s)
    # From the name: two who add the same file at once mean the same document.
    document_uuid = uuid5(domain_uuid, f"document {document.name}")
    recipe = f"{chunking.VERSION} {embedder.model} {embedder.dimensions} {language}"
    with db.tenant(domain_uuid, statement_s=_STATEMENT_S) as cursor:
        stored = store.find_document(cursor, domain_uuid, document.name)
        if stored is not None:
            document_uuid = stored.voice_document_uuid
        if stored is not None and _is_same(stored, document, recipe, voice_secretary_uuid):
            return DocumentReport(
                name=document.name,
                outcome="unchanged",
                document_uuid=document_uuid,
                passages=stored.chunk_count,
                pages=document.pages,
                seconds=time.monotonic() - began,
            )
        twin = store.find_same_content(
            cursor,
            domain_uuid,
            content_hash=document.content_hash,
            recipe=recipe,
            voice_secretary_uuid=voice_secretary_uuid,
        )
        if stored is None and twin is not None:
            return DocumentReport(
                name=document.name,
                outcome="unchanged",
                document_uuid=uuid5(domain_uuid, f"document {twin[0]}"),
                passages=twin[1],
                pages=document.pages,
                seconds=time.monotonic() - began,
                same_as=twin[0],
            )
        present = store.embedded_passages(
            cursor,
            domain_uuid,
            document_uuid,
            model=embedder.model,
            dimensions=embedder.dimensions,
        )
    passages = chunking.cut(document_uuid, document.name, document.blocks)
    new = [p for p in passages if p.passage_uuid not in present]
    write = store.Write(
        document_uuid=document_uuid,
        document=document,
        voice_secretary_uuid=voice_secretary_uuid,
        language=language,
        recipe=recipe,
        model=embedder.model,
        passages=passages,
        vectors=_embedded(new, embedder, deadline, progress),
    )
    with db.tenant(domain_uuid, statement_s=_STATEMENT_S) as cursor:
        store.replace_document(cursor, domain_uuid, write)
    return DocumentReport(
        name=document.name,
        outcome="added" if stored is None else "replaced",
        document_uuid=document_uuid,
        passages=len(passages),
        embedded=len(new),
        pages=document.pages,
        seconds=time.monotonic() - began,
    )


def _is_same(
    stored: store.StoredDocument,
    document: Extracted,
    recipe: str,
    voice_secretary_uuid: UUID | None,
) -> bool:
    return (stored.content_hash, stored.recipe, stored.voice_secretary_uuid) == (
        document.content_hash,
        recipe,
        voice_secretary_uuid,
    )


def _embedded(
    passages: Sequence[Passage],
    embedder: Embedder,
    deadline: Deadline,
    progress: Callable[[int, int], None] | None,
) -> dict[UUID, list[float]]:
    found: dict[UUID, list[float]] = {}
    size = max(1, embedder.capabilities.batch)
    for start in range(0, len(passages), size):
        batch = passages[start : start + size]
        vectors = embedder.embed(
            [p.for_embedding for p in batch], kind="passage", deadline=deadline
        )
        if len(vectors) != len(batch) or any(len(v) != embedder.dimensions for v in vectors):
            raise BadResponse(
                f"asked for {len(batch)} vectors of {embedder.dimensions}, got something else",
                provider=embedder.name,
            )
        found.update((p.passage_uuid, v) for p, v in zip(batch, vectors, strict=True))
        if progress is not None:
            progress(len(found), len(passages))
    return found
