"""A caller is forgotten: what he said, left and is owed, wherever a tenant's data of him are.

His conversations' rows stay with their times and costs; they do not say any more whose they were.
What other callers said of him is theirs. The audit has a keyed hash of the number: whoever asks
whether a number was forgotten can be answered, and nobody can read it back.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import structlog

from esl_app.retention import SURELY_OVER, delete_files
from esl_app.sessions import Sessions
from tenants import audit, repository, sql
from tenants.audit import AuditEntry
from tenants.db import Cursor, Database
from tenants.keyring import KeyRing
from tenants.numbers import canonical

log = structlog.get_logger()

_SQL = sql.load("tenants", "retention.sql")
_STATEMENT_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a tenant's callers leave something beside the database."""

    recordings: Path
    spool: Path
    prompts: Path
    backlog: Path
    sessions: Sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """What there was of the caller."""

    conversations: int = 0
    voice_messages: int = 0
    callbacks: int = 0
    recordings: int = 0
    waiting: int = 0
    """Files with rows that had not been written yet."""
    may_be_up: int = 0
    """Calls that may still be going on: forget again when they are over."""


def forget(
    database: Database,
    domain_uuid: UUID,
    number: str,
    *,
    places: Places,
    ring: KeyRing,
    actor: str,
    now: datetime,
    dry_run: bool = False,
) -> Forgotten:
    """Take everything of the caller `number` away, however it was written.

    Raises:
        TenantError: nothing was changed in the database.
    """
    with database.tenant(domain_uuid, statement_s=_STATEMENT_S) as cursor:
        domain = repository.read_domain(cursor, domain_uuid)
        country = domain.country if domain else None
        wanted = canonical(number, country)
        values: dict[str, Any] = {"domain_uuid": domain_uuid, "surely_over": now - SURELY_OVER}
        values["numbers"] = [
            row["number"]
            for row in cursor.execute(_SQL["numbers_of_callers"], values).fetchall()
            if canonical(row["number"], country) == wanted
        ]
        calls = cursor.execute(_SQL["conversations_of"], values).fetchall()
        values["rows"] = [row["row_uuid"] for row in calls]
        left = cursor.execute(_SQL["voice_messages_of"], values).fetchall()
        owed = cursor.execute(_SQL["callbacks_of"], values).fetchall()
        spoken = cursor.execute(_SQL["message_files_of"], values).fetchall()
        files = [row["file"] for row in (*calls, *left, *spoken) if row["file"]]
        waiting = list(_waiting(places.backlog, domain_uuid, wanted, country))
        done = Forgotten(
            conversations=len(calls),
            voice_messages=len(left),
            callbacks=len(owed),
            recordings=len(files),
            waiting=len(waiting),
            may_be_up=sum(1 for row in calls if row["may_be_up"]),
        )
        if dry_run:
            return done
        _change_rows(cursor, values, left, owed)
        entry = AuditEntry(
            actor=actor,
            action="forget",
            subject=f"caller {hashed(ring, domain_uuid, wanted)}",
            details={
                "conversations": done.conversations,
                "voice_messages": done.voice_messages,
                "callbacks": done.callbacks,
                "recordings": done.recordings,
            },
        )
        audit.record(cursor, domain_uuid, entry)
    delete_files(places.recordings, domain_uuid, files)
    for file in waiting:
        file.unlink(missing_ok=True)
    for row in calls:
        places.sessions.drop(row["call_uuid"], row["row_uuid"])
        for directory in (places.spool / str(domain_uuid)).glob(f"{_uuid(row['call_uuid'])}-*"):
            shutil.rmtree(directory, ignore_errors=True)
    # Answers as sound: which of them were his, no file says. They are made again when needed.
    shutil.rmtree(places.prompts / str(domain_uuid), ignore_errors=True)
    return done


def hashed(ring: KeyRing, domain_uuid: UUID, number: str) -> str:
    """A number as the audit knows it: the same for the same number, tenant and current key."""
    key = ring.key(ring.current) or b""
    said = f"voice-ai forget {domain_uuid} {number}".encode()
    return hmac.new(key, said, hashlib.sha256).hexdigest()[:32]


def _change_rows(
    cursor: Cursor,
    values: dict[str, Any],
    left: Iterable[dict[str, Any]],
    owed: Iterable[dict[str, Any]],
) -> None:
    cursor.execute(_SQL["forget_messages"], values)
    cursor.execute(_SQL["forget_conversations"], values)
    for statement, rows in (("delete_voice_messages", left), ("delete_callbacks", owed)):
        found = [row["row_uuid"] for row in rows]
        cursor.execute(_SQL[statement], values | {"rows": found})


def _waiting(folder: Path, domain_uuid: UUID, wanted: str, country: str | None) -> Iterable[Path]:
    """Files of the backlog with a call of the number."""
    for path in folder.glob(f"{domain_uuid}.*"):
        try:
            lines = path.read_text(encoding="ascii").splitlines()
            rows = [json.loads(line).get("conversation") or {} for line in lines]
        except (OSError, ValueError):
            continue
        numbers = {str(row.get("caller_id_number") or "") for row in rows} - {""}
        if any(canonical(number, country) == wanted for number in numbers):
            yield path


def _uuid(text: str) -> str:
    """The call's uuid as the spool writes it; what is none matches no directory."""
    try:
        return str(UUID(text))
    except ValueError:
        return "none"
