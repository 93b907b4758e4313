"""The demo's tenant: a dental practice, its documents, and what its caller says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final
from uuid import UUID

from knowledge import ingest
from providers.contracts import Embedder
from providers.deadline import Deadline
from tenants import repository, routing
from tenants.db import Database
from tenants.errors import UnknownTenant
from tenants.models import Tenant

HERE: Final = Path(__file__).parent
DOCUMENTS: Final = HERE / "documents"
CALLER: Final = HERE / "caller"

DOMAIN_UUID: Final = UUID("d3300000-0000-4000-8000-000000000001")
NUMBER: Final = "5551234567"
EXTENSION: Final = "2000"
CONTEXT: Final = "default"

# What the caller says, in order, and the document each answer has to rest on (none: declined).
SCRIPT: Final[tuple[tuple[str, str | None], ...]] = (
    ("01-saturday.wav", "hours"),
    ("02-whitening.wav", "prices"),
    ("03-football.wav", None),
    ("04-person.wav", None),
)


def caller_words() -> dict[str, str]:
    """What the caller says in each file."""
    words: dict[str, str] = json.loads((CALLER / "transcripts.json").read_text("utf-8"))
    return words


def ensure(database: Database) -> Tenant:
    """The demo's tenant, made when it is not there yet."""
    try:
        return routing.resolve(database, domain_uuid=DOMAIN_UUID, destination_number=NUMBER)
    except UnknownTenant:
        return repository.create_tenant(
            database,
            {
                "domain": {
                    "domain_uuid": DOMAIN_UUID,
                    "domain_name": "willow-dental.example",
                    "domain_description": "voice-ai demo",
                },
                "secretary": {
                    "secretary_name": "Reception",
                    "company_name": "Willow Dental",
                    "language": "en-US",
                    "greeting_message": "Willow Dental, good morning. How can I help you?",
                    "farewell_message": "Thank you for calling Willow Dental. Goodbye.",
                    "transfer_extension": EXTENSION,
                    "transfer_context": CONTEXT,
                },
                "numbers": [NUMBER],
            },
        )


def add_documents(
    database: Database, embedder: Embedder, deadline: Deadline
) -> list[ingest.DocumentReport]:
    """Put the practice's documents in; those that are in already cost nothing."""
    return [
        ingest.add_document(database, DOMAIN_UUID, path, embedder, deadline)
        for path in sorted(DOCUMENTS.iterdir())
        if path.suffix in {".md", ".txt", ".pdf"}
    ]
