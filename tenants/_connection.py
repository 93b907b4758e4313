"""Database URLs and psycopg's errors, turned into one clear line without secrets or rows."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import conninfo, errors
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from tenants.errors import Conflict, DatabaseUnavailable, Refused, TenantError


def parse_url(url: str) -> dict[str, Any]:
    """The URL's parts.

    Raises:
        DatabaseUnavailable: Not a PostgreSQL URL. What libpq says is not repeated: it quotes the
            piece it could not read, which may be the password.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise DatabaseUnavailable("database URL: must begin with postgresql://")
    try:
        return conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise DatabaseUnavailable(
            "database URL: not readable; is a special character in the password not %-encoded?"
        ) from None


def where(url: str) -> str:
    """Which server and database a URL means, without its password."""
    parts = parse_url(url)
    host = str(parts.get("host") or parts.get("hostaddr") or "localhost")
    port = "" if host.startswith("/") else f":{parts.get('port') or 5432}"
    return f"{host}{port}/{parts.get('dbname') or parts.get('user') or ''}"


def connect(url: str, *, connect_s: int = 5, **options: Any) -> psycopg.Connection[Any]:
    """One connection outside any pool: for checks and migrations.

    Raises:
        DatabaseUnavailable: Says which server, and why not.
    """
    parts = parse_url(url)
    try:
        return psycopg.connect(
            url, connect_timeout=connect_s, application_name="voice-ai", **options
        )
    except psycopg.Error as error:
        raise DatabaseUnavailable(
            f"PostgreSQL at {where(url)}: {_reason(error, str(parts.get('password') or ''))}"
        ) from None


def mapped(error: Exception) -> TenantError | None:  # noqa: PLR0911 - a table
    """Our error for one of psycopg's, or None for a bug of ours, which should look like one."""
    match error:
        case TooManyRequests():
            return DatabaseUnavailable("PostgreSQL: too many are waiting for a connection")
        case PoolTimeout():
            return DatabaseUnavailable("PostgreSQL: no connection in time")
        case PoolClosed():
            return DatabaseUnavailable("PostgreSQL: closed")
        case errors.QueryCanceled():
            return DatabaseUnavailable("PostgreSQL: the statement took too long")
        case errors.UniqueViolation():
            return Conflict(error.diag.constraint_name or "a unique rule")
        case errors.InsufficientPrivilege():
            return Refused("PostgreSQL: not this tenant's row")
        case errors.IntegrityError():
            rule = error.diag.constraint_name or error.diag.column_name or "a rule"
            return Refused(f"PostgreSQL: {error.diag.table_name}: breaks {rule}")
        case psycopg.DataError() | UnicodeEncodeError():
            return Refused(f"PostgreSQL: value refused ({type(error).__name__})")
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return DatabaseUnavailable(f"PostgreSQL: connection lost ({type(error).__name__})")
    return None


def _reason(error: psycopg.Error, password: str) -> str:
    """The last line of libpq's message: the others repeat it for each address tried."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # "connection failed: connection to server at "127.0.0.1", port 1 failed: Connection refused"
    hints = ("is the server running", "multiple connection attempts")
    said = next((x for x in reversed(lines) if not x.lower().startswith(hints)), "no reason given")
    reason = said.rsplit("failed: ", 1)[-1]
    return reason.replace(password, "***") if password else reason
