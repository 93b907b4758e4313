"""The migration runner: numbered SQL files, each in its own transaction, under one lock.

Each step takes the lock, reads what has been applied, checks it against the files, applies the next
one and records it with its checksum, all in one transaction: two runners at once, or one that is
killed, leave no half step behind.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Literal, LiteralString
from urllib.parse import quote, urlencode

import psycopg
import structlog
from psycopg.rows import dict_row

from tenants import _connection, sql
from tenants.errors import MigrationError

_SQL = sql.load("tenants", "migrate.sql")
_FILE = re.compile(r"(\d{4})_(pre|post)_[a-z0-9_]+\.sql")
_LOCK_S = 60
APP_ROLE = "voice_ai_app"

log = structlog.get_logger()

Phase = Literal["pre", "post"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One numbered file."""

    version: str
    phase: Phase
    file: str
    text: LiteralString

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def shipped(package: str = "tenants.migrations") -> list[Migration]:
    """The files of this program, in order."""
    found: dict[str, Migration] = {}
    for entry in sorted(resources.files(package).iterdir(), key=lambda e: e.name):
        if not entry.name.endswith(".sql"):
            continue
        match = _FILE.fullmatch(entry.name)
        if match is None:
            raise MigrationError(f"{entry.name}: should be called NNNN_pre_<what>.sql or _post_")
        version = match[1]
        if version in found:
            raise MigrationError(f"{entry.name}: {found[version].file} has the same number")
        phase: Phase = "pre" if match[2] == "pre" else "post"
        found[version] = Migration(
            version=version,
            phase=phase,
            file=entry.name,
            text=entry.read_text("utf-8"),
        )
    return list(found.values())


def pending(files: Sequence[Migration], applied: Mapping[str, str]) -> list[Migration]:
    """What is still to be applied.

    Args:
        files: This program's, in order.
        applied: Checksums by version, from the database.

    Raises:
        MigrationError: An applied file is missing here or has changed, or one was slipped in before
            an applied one.
    """
    by_version = {m.version: m for m in files}
    for version, checksum in applied.items():
        here = by_version.get(version)
        if here is None:
            raise MigrationError(
                f"the database has migration {version}, which this program does not know: "
                "it was made by a newer version"
            )
        if here.checksum != checksum:
            raise MigrationError(f"{here.file}: changed since it was applied")
    newest = max(applied, default="")
    left = [m for m in files if m.version not in applied]
    for migration in left:
        if migration.version < newest:
            raise MigrationError(f"{migration.file}: comes before {newest}, already applied")
    return left


def migrate(
    admin_url: str, *, until: Phase = "post", files: Sequence[Migration] | None = None
) -> list[str]:
    """Bring the schema up to date; the names of the files applied.

    Args:
        admin_url: A role that may create extensions, roles and schemas; not the application's.
        until: "pre" stops before the first file that needs the old program gone.
        files: Others than the shipped ones (tests).

    Raises:
        MigrationError: The database and the files do not agree, or a file failed; nothing of that
            file is left.
        DatabaseUnavailable: The server cannot be reached.
    """
    wanted = shipped() if files is None else files
    done: list[str] = []
    with _connection.connect(admin_url, autocommit=True, row_factory=dict_row) as connection:
        connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{_LOCK_S}s",))
        connection.execute("SELECT set_config('client_min_messages', 'warning', false)")
        while (applied := _step(connection, wanted, until)) is not None:
            log.info("migration_applied", file=applied)
            done.append(applied)
    return done


def app_url(admin_url: str, password: str) -> str:
    """Give the application's role a password, and the URL it then connects with.

    For servers that are ours alone (embedded, tests); an operator sets the password himself.
    """
    with _connection.connect(admin_url, autocommit=True) as connection:
        verifier = connection.pgconn.encrypt_password(
            password.encode(), APP_ROLE.encode(), b"scram-sha-256"
        )
        connection.execute(_SQL["set_app_password"], {"verifier": verifier.decode()})
    parts = _connection.parse_url(admin_url) | {"user": APP_ROLE, "password": password}
    return _url(parts)


def _step(
    connection: psycopg.Connection[dict[str, str]], files: Sequence[Migration], until: Phase
) -> str | None:
    """Apply the next file; its name, or None when there is nothing left to do."""
    current = "bookkeeping"
    try:
        with connection.transaction():
            connection.execute(_SQL["lock"])
            connection.execute(_SQL["create_schema"])
            connection.execute(_SQL["create_table"])
            applied = {
                row["version"]: row["checksum"] for row in connection.execute(_SQL["applied"])
            }
            left = pending(files, applied)
            if not left or (until == "pre" and left[0].phase == "post"):
                return None
            migration = left[0]
            current = migration.file
            # A file of ours, whole and without parameters; several statements at once.
            connection.execute(migration.text)
            connection.execute(
                _SQL["record"],
                {
                    "version": migration.version,
                    "file": migration.file,
                    "checksum": migration.checksum,
                },
            )
    except psycopg.errors.LockNotAvailable:
        raise MigrationError(f"{current}: another migration has run for {_LOCK_S} s") from None
    except psycopg.Error as error:
        text = error.diag.message_primary or str(error).strip() or type(error).__name__
        raise MigrationError(f"{current}: {text}") from None
    return current


def _url(parts: Mapping[str, object]) -> str:
    user, password = quote(str(parts["user"]), safe=""), quote(str(parts["password"]), safe="")
    database = quote(str(parts.get("dbname", "")), safe="")
    rest = {k: v for k, v in parts.items() if k not in ("user", "password", "dbname")}
    return f"postgresql://{user}:{password}@/{database}?{urlencode(rest)}"
