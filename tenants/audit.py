"""Who changed what: rows that are added and read, never changed.

`details` are names and figures. A key that could hold a secret, or something a caller said, is
refused here, so that nobody has to remember it at each call.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb
from pydantic import AfterValidator, Field

from tenants import _rows, sql
from tenants.db import Cursor
from tenants.fields import Row

_SQL = sql.load("tenants", "rows.sql")
_UNFIT: Final = re.compile(
    r"(^|_)(key|secret|token|password|passwd|credential|authorization|config|pii|content|text)s?(_|$)",
    re.IGNORECASE,
)


def _fit(details: dict[str, Any]) -> dict[str, Any]:
    for name, value in details.items():
        if _UNFIT.search(name) or not isinstance(value, str | int | float | bool | None):
            raise ValueError(f"{name}: not a thing to keep in the audit")
    return details


class AuditEntry(Row):
    """One change. `actor` is who ("cli:maria", "job:retention"), `subject` what, by its name."""

    audit_uuid: UUID = Field(default_factory=uuid4)
    at: datetime | None = None
    actor: str = Field(min_length=1)
    action: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    subject: str = ""
    details: Annotated[dict[str, Any], AfterValidator(_fit)] = Field(default_factory=dict)


def record(cursor: Cursor, domain_uuid: UUID, entry: AuditEntry) -> None:
    """Add an entry, in the transaction of the change itself."""
    cursor.execute(
        _SQL["record_audit"],
        {
            "domain_uuid": domain_uuid,
            "audit_uuid": entry.audit_uuid,
            "actor": entry.actor,
            "action": entry.action,
            "subject": entry.subject,
            "details": Jsonb(entry.details),
        },
    )


def read_audit(cursor: Cursor, domain_uuid: UUID) -> list[AuditEntry]:
    """The domain's last thousand entries, the newest first."""
    return _rows.read(cursor, _SQL["audit"], domain_uuid, AuditEntry, "audit")
