"""What a tenant lets us keep and pass on, as one row."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from tenants import _rows, sql
from tenants.db import Cursor
from tenants.fields import Country, Row

_SQL = sql.load("tenants", "rows.sql")

_Days = Annotated[int | None, Field(ge=0, le=36500)]


class Policy(Row):
    """Consent, masking and retention. Days: None keeps for ever, 0 keeps nothing."""

    consent: Literal["none", "announce", "ask"] = "none"
    consent_message: str = ""
    recording_enabled: bool = False
    record_mask: bool = True
    redact_storage: bool = False
    redact_llm: bool = False
    caller_memory_enabled: bool = False
    retention_audio_days: _Days = 90
    retention_transcript_days: _Days = 90
    retention_caller_memory_days: _Days = 90
    external_countries: tuple[Country, ...] = ()


def read_policy(cursor: Cursor, domain_uuid: UUID) -> Policy:
    """The domain's policy; the standard one when it has no row."""
    return next(iter(_rows.read(cursor, _SQL["policy"], domain_uuid, Policy, "policy")), Policy())


def save_policy(cursor: Cursor, domain_uuid: UUID, row: Policy) -> None:
    """Insert or change the domain's policy."""
    _rows.write(cursor, _SQL["save_policy"], domain_uuid, row)
