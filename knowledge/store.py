"""Documents and passages as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from knowledge.chunking import Passage
from knowledge.extract import Extracted
from tenants import sql
from tenants.db import Cursor
from tenants.errors import Conflict

_SQL = sql.load("knowledge")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDocument:
    """What is known of a document without opening it."""

    voice_document_uuid: UUID
    content_hash: str
    recipe: str
    chunk_count: int
    voice_secretary_uuid: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A line of `documents list`."""

    voice_document_uuid: UUID
    document_name: str
    document_type: str
    mime_type: str
    file_size: int
    language: str
    chunk_count: int
    processing_status: str
    processing_error: str | None
    processed_at: datetime | None
    is_enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPassage:
    """A passage as it lies in the database."""

    passage_uuid: UUID
    document_name: str
    title: str
    anchor: str
    text: str
    chunk_index: int | None = None
    token_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A passage that a search came upon, with its places in both rankings."""

    passage_uuid: UUID
    document_name: str
    title: str
    text: str
    cosine: float
    dense_place: int | None
    lexical_place: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One document to be written whole: its new vectors by passage, the others stay."""

    document_uuid: UUID
    document: Extracted
    voice_secretary_uuid: UUID | None
    language: str
    recipe: str
    model: str
    passages: Sequence[Passage]
    vectors: Mapping[UUID, Sequence[float]]


def find_document(cursor: Cursor, domain_uuid: UUID, name: str) -> StoredDocument | None:
    """The document of that name."""
    row = cursor.execute(
        _SQL["document_by_name"], {"domain_uuid": domain_uuid, "document_name": name}
    ).fetchone()
    if row is None:
        return None
    return StoredDocument(**{k: v for k, v in row.items() if k != "document_name"})


def find_same_content(
    cursor: Cursor,
    domain_uuid: UUID,
    *,
    content_hash: str,
    recipe: str,
    voice_secretary_uuid: UUID | None,
) -> tuple[str, int] | None:
    """Name and passages of a document with these very bytes, for the same secretary."""
    row = cursor.execute(
        _SQL["document_by_content"],
        {
            "domain_uuid": domain_uuid,
            "content_hash": content_hash,
            "recipe": recipe,
            "voice_secretary_uuid": voice_secretary_uuid,
        },
    ).fetchone()
    return None if row is None else (row["document_name"], row["chunk_count"])


def embedded_passages(
    cursor: Cursor, domain_uuid: UUID, document_uuid: UUID, *, model: str, dimensions: int
) -> set[UUID]:
    """Passages of a document that already have a vector of this model."""
    rows = cursor.execute(
        _SQL["passages_with_vectors"],
        {
            "domain_uuid": domain_uuid,
            "voice_document_uuid": document_uuid,
            "embedding_model": model,
            "embedding_dimensions": dimensions,
        },
    )
    return {row["passage_uuid"] for row in rows}


def replace_document(cursor: Cursor, domain_uuid: UUID, write: Write) -> None:
    """Put a document in the place of the one of its name; callers see the old or the new, whole.

    Raises:
        Conflict: Somebody else replaced it since its passages were looked up.
    """
    document = write.document
    cursor.execute(
        _SQL["save_document"],
        {
            "domain_uuid": domain_uuid,
            "voice_document_uuid": write.document_uuid,
            "voice_secretary_uuid": write.voice_secretary_uuid,
            "document_name": document.name,
            "document_type": document.document_type,
            "mime_type": document.mime_type,
            "file_size": document.size,
            "content_hash": document.content_hash,
            "recipe": write.recipe,
            "language": write.language,
            "chunk_count": len(write.passages),
        },
    )
    cursor.execute(
        _SQL["remove_other_passages"],
        {
            "domain_uuid": domain_uuid,
            "voice_document_uuid": write.document_uuid,
            "keep": [p.passage_uuid for p in write.passages],
        },
    )
    base = {
        "domain_uuid": domain_uuid,
        "voice_document_uuid": write.document_uuid,
        "language": write.language,
        "embedding_model": write.model,
    }
    new: list[dict[str, Any]] = []
    kept: list[dict[str, Any]] = []
    for passage in write.passages:
        values = base | {
            "passage_uuid": passage.passage_uuid,
            "chunk_index": passage.index,
            "anchor": passage.anchor,
        }
        vector = write.vectors.get(passage.passage_uuid)
        if vector is None:
            kept.append(values)
            continue
        new.append(
            values
            | {
                "title": passage.title,
                "content": passage.text,
                "token_count": passage.tokens,
                "embedding": _vector(vector),
            }
        )
    if kept:
        cursor.executemany(_SQL["move_passage"], kept)
        if cursor.rowcount != len(kept):
            raise Conflict("document changed meanwhile")
    if new:
        cursor.executemany(_SQL["save_passage"], new)


def remove_document(cursor: Cursor, domain_uuid: UUID, name: str) -> bool:
    """Remove a document with its passages; False when there was none."""
    values = {"domain_uuid": domain_uuid, "document_name": name}
    return cursor.execute(_SQL["remove_document"], values).rowcount == 1


def list_documents(cursor: Cursor, domain_uuid: UUID) -> list[Listed]:
    """All documents of the tenant, by name."""
    rows = cursor.execute(_SQL["documents"], {"domain_uuid": domain_uuid})
    return [Listed(**row) for row in rows]


def passages_of(cursor: Cursor, domain_uuid: UUID, name: str) -> list[StoredPassage]:
    """The passages of a document, in order."""
    rows = cursor.execute(_SQL["passages_of"], {"domain_uuid": domain_uuid, "document_name": name})
    return [_passage(row | {"document_name": name}) for row in rows]


def passages_by_id(
    cursor: Cursor, domain_uuid: UUID, passage_uuids: Sequence[UUID]
) -> list[StoredPassage]:
    """The passages of these ids that still exist, in the order asked for."""
    rows = cursor.execute(
        _SQL["passages_by_id"],
        {"domain_uuid": domain_uuid, "passage_uuids": list(passage_uuids)},
    )
    found = {row["passage_uuid"]: _passage(row) for row in rows}
    return [found[u] for u in passage_uuids if u in found]


def search(
    cursor: Cursor,
    domain_uuid: UUID,
    *,
    question: str,
    embedding: Sequence[float],
    model: str,
    candidates: int,
    voice_secretary_uuid: UUID | None,
) -> list[Found]:
    """The nearest passages by meaning and by words, unordered."""
    rows = cursor.execute(
        _SQL["search"],
        {
            "domain_uuid": domain_uuid,
            "question": question,
            "embedding": _vector(embedding),
            "embedding_model": model,
            "embedding_dimensions": len(embedding),
            "candidates": candidates,
            "voice_secretary_uuid": voice_secretary_uuid,
        },
    )
    return [Found(**{"text" if k == "content" else k: v for k, v in r.items()}) for r in rows]


def _passage(row: Mapping[str, Any]) -> StoredPassage:
    return StoredPassage(**{"text" if k == "content" else k: v for k, v in row.items()})


def _vector(values: Sequence[float]) -> str:
    # halfvec keeps 11 bits of mantissa; more digits would only be parsed for nothing.
    return "[" + ",".join(f"{value:.5g}" for value in values) + "]"
