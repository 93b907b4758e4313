"""Reading a FusionPBX database: what is there, as it is, and nothing written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg import conninfo

from tenants import sql
from tenants.errors import DatabaseUnavailable

_SQL = sql.load("tenants.fusionpbx")
_CONNECT_S: Final = 10
TABLES: Final = (
    "v_domains",
    "v_domain_settings",
    "v_default_settings",
    "v_voice_ai_providers",
    "v_voice_secretaries",
    "v_voice_transfer_destinations",
    "v_voice_transfer_rules",
    "v_voice_secretary_settings",
    "v_voice_documents",
)

SourceRow = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """The rows by table; a table that is not there has none."""

    rows: dict[str, list[SourceRow]]
    others: tuple[str, ...] = ()
    """Tables of the voice application that are not read."""
    missing: tuple[str, ...] = field(default=())

    def of(self, table: str, domain_uuid: str) -> list[SourceRow]:
        """A table's rows of one domain."""
        return [row for row in self.rows[table] if str(row.get("domain_uuid")) == domain_uuid]


def read(dsn: str) -> Source:
    """Everything that an import needs, in one read-only transaction.

    Args:
        dsn: what libpq takes: a URL, or `service=…`, `host=… dbname=…`. A password is better kept
            in PGPASSWORD, .pgpass or the service file.

    Raises:
        DatabaseUnavailable: it cannot be reached or read, or is none of FusionPBX.
    """
    try:
        password = str(conninfo.conninfo_to_dict(dsn).get("password") or "")
    except psycopg.Error:
        # What libpq says is not repeated: it quotes the piece it could not read.
        raise DatabaseUnavailable("FusionPBX: the DSN is not one that libpq reads") from None
    table = "connection"
    try:
        with psycopg.connect(
            dsn, connect_timeout=_CONNECT_S, application_name="voice-ai import"
        ) as connection:
            connection.read_only = True
            connection.execute(_SQL["patience"])
            there = {str(name) for (name,) in connection.execute(_SQL["tables"])}
            rows: dict[str, list[SourceRow]] = {}
            for table in TABLES:
                found = connection.execute(_SQL[table]).fetchall() if table in there else []
                rows[table] = sorted((row for (row,) in found), key=_age)
    except psycopg.Error as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        said = lines[0] if lines else type(error).__name__
        if password:
            said = said.replace(password, "***")
        raise DatabaseUnavailable(f"FusionPBX: {table}: {said}") from None
    if "v_domains" not in there:
        raise DatabaseUnavailable("FusionPBX: no table v_domains in the search path")
    return Source(
        rows,
        others=tuple(sorted(name for name in there if name not in TABLES)),
        missing=tuple(name for name in TABLES if name not in there),
    )


def _age(row: SourceRow) -> tuple[str, str]:
    """Older rows come first, and those of one moment always in the same order."""
    ids = [
        str(row[name]) for name in sorted(row) if name.endswith("_uuid") and "domain" not in name
    ]
    return str(row.get("insert_date") or row.get("created_at") or ""), " ".join(ids)
