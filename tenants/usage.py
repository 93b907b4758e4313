"""What a tenant has used, read back from his calls: for a Redis that has no account of it."""

from __future__ import annotations

from uuid import UUID

from tenants import sql
from tenants.db import Database
from tenants.quotas import Periods, Used

_SQL = sql.load("tenants", "usage.sql")
_STATEMENT_S = 5.0  # beside a call, never before one


def read_used(db: Database, domain_uuid: UUID, periods: Periods) -> tuple[Used, Used]:
    """Tokens, characters and money of calls that began in the day, and in the month.

    Raises:
        DatabaseUnavailable: nobody could be asked.
    """
    with db.tenant(domain_uuid, statement_s=_STATEMENT_S) as cursor:
        found = []
        for since in (periods.day_began, periods.month_began):
            row = cursor.execute(
                _SQL["used"], {"domain_uuid": domain_uuid, "since": since}
            ).fetchone()
            assert row is not None
            found.append(
                Used(tokens=int(row["tokens"]), characters=int(row["characters"]), cost=row["cost"])
            )
    return found[0], found[1]
