"""Wrapping every row's data key with the current key, and sealing what is still plain.

One tenant at a time, each in a transaction of its own, while calls run: whoever breaks off in the
middle starts again and finds the rest. Values are not touched, so running calls notice nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from psycopg import Connection
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from tenants import _connection, audit, sql
from tenants.audit import AuditEntry
from tenants.db import Cursor, Database
from tenants.errors import Refused, SealError
from tenants.vault import Place, Sealed, Vault, is_sealed

log = structlog.get_logger()

_SQL = sql.load("tenants")
_STATEMENT_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What was done; `failed` rows stay as they were."""

    rewrapped: int = 0
    sealed: int = 0
    failed: int = 0

    def __add__(self, other: Rotated) -> Rotated:
        return Rotated(
            rewrapped=self.rewrapped + other.rewrapped,
            sealed=self.sealed + other.sealed,
            failed=self.failed + other.failed,
        )


def domains(admin_url: str) -> list[UUID]:
    """Every tenant there is, for a role that row-level security does not hold back.

    Raises:
        Refused: It does hold that role back.
        DatabaseUnavailable: The server cannot be reached.
    """
    with _admin(admin_url) as connection:
        rows = connection.execute(_SQL["all_domains"]).fetchall()
    return [UUID(str(row["domain_uuid"])) for row in rows]


def rows_by_key(admin_url: str) -> dict[str, int]:
    """How many rows each key still has to open, over all tenants.

    Raises:
        Refused, DatabaseUnavailable: as `domains`.
    """
    with _admin(admin_url) as connection:
        rows = connection.execute(_SQL["rows_by_key"]).fetchall()
    return {str(row["key_id"]): int(row["rows"]) for row in rows}


def rotate(db: Database, domain_uuid: UUID, *, actor: str) -> Rotated:
    """Bring one tenant's rows under the current key; done twice it changes nothing more."""
    with db.tenant(domain_uuid, statement_s=_STATEMENT_S) as cursor:
        rows = cursor.execute(_SQL["providers_to_rotate"], {"domain_uuid": domain_uuid}).fetchall()
        done = Rotated()
        for row in rows:
            done += _rotate_row(cursor, domain_uuid, row, db.vault)
        if done.rewrapped or done.sealed:
            entry = AuditEntry(
                actor=actor,
                action="keys_rotated",
                subject=db.vault.current,
                details={"rewrapped": done.rewrapped, "sealed": done.sealed},
            )
            audit.record(cursor, domain_uuid, entry)
    return done


def _rotate_row(cursor: Cursor, domain_uuid: UUID, row: dict[str, Any], vault: Vault) -> Rotated:
    kind, name = row["provider_type"], row["provider_name"]
    place = Place(
        domain_uuid=domain_uuid,
        row_uuid=row["voice_ai_provider_uuid"],
        name=f"provider {kind}/{name}",
    )
    stored = Sealed(config=row["config"], key_id=row["key_id"], data_key=row["data_key"])
    plain = {k: v for k, v in stored.config.items() if not is_sealed(v)}
    has_plain_secrets = vault.concealed(kind, name, plain) != plain
    if not has_plain_secrets and stored.key_id in (None, vault.current):
        return Rotated()
    try:
        if has_plain_secrets:
            new = vault.seal(place, vault.concealed(kind, name, vault.open(place, stored)))
        else:
            new = vault.rewrap(place, stored)
    except SealError as error:
        log.error("key_not_rotated", tenant=str(domain_uuid), reason=str(error))  # noqa: TRY400
        return Rotated(failed=1)
    cursor.execute(
        _SQL["rewrap_provider"],
        {
            "domain_uuid": domain_uuid,
            "voice_ai_provider_uuid": place.row_uuid,
            "config": Jsonb(new.config),
            "key_id": new.key_id,
            "data_key": new.data_key,
        },
    )
    return Rotated(sealed=1) if has_plain_secrets else Rotated(rewrapped=1)


@contextmanager
def _admin(url: str) -> Iterator[Connection[DictRow]]:
    with _connection.connect(url, autocommit=True, row_factory=dict_row) as connection:
        row = connection.execute(_SQL["held_back"]).fetchone()
        assert row is not None
        if row["held_back"]:
            raise Refused(
                f"PostgreSQL: role {row['role']} sees no tenants; give the URL of a superuser"
            )
        yield connection
