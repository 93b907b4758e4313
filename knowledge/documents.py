"""A tenant's documents for those who look after them: list, show, remove."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from knowledge import store
from knowledge.store import Listed, StoredPassage
from tenants.db import Database

__all__ = ["Listed", "StoredPassage", "list_documents", "passages", "remove_document", "sources"]


def list_documents(db: Database, domain_uuid: UUID) -> list[Listed]:
    """All documents of the tenant, by name."""
    with db.tenant(domain_uuid) as cursor:
        return store.list_documents(cursor, domain_uuid)


def passages(db: Database, domain_uuid: UUID, document_name: str) -> list[StoredPassage]:
    """The passages of a document in order; none when there is no such document."""
    with db.tenant(domain_uuid) as cursor:
        return store.passages_of(cursor, domain_uuid, document_name)


def remove_document(db: Database, domain_uuid: UUID, document_name: str) -> bool:
    """Remove a document and its passages; False when there was none."""
    with db.tenant(domain_uuid, statement_s=30.0) as cursor:
        return store.remove_document(cursor, domain_uuid, document_name)


def sources(db: Database, domain_uuid: UUID, passage_uuids: Sequence[UUID]) -> list[StoredPassage]:
    """The passages that an answer rested on (`message.rag_sources`), for a report."""
    with db.tenant(domain_uuid) as cursor:
        return store.passages_by_id(cursor, domain_uuid, passage_uuids)
