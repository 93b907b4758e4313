"""What is kept too long goes: recordings and what was said, as each tenant's policy has it.

One tenant at a time and in small transactions, each under an advisory lock of the tenant, so that
of many workers one does it. Files go before their rows know: who breaks off between the two finds a
row whose file is gone, and takes the row's word away the next time.

A conversation's row stays, with its times and its cost: nothing in it says who called or what was
said. What a tenant's caps on spending count is in those rows.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

import structlog

from esl_app.protocol import safe
from tenants import audit, sql
from tenants.audit import AuditEntry
from tenants.db import Cursor, Database
from tenants.errors import TenantError
from tenants.policy import read_policy

log = structlog.get_logger()

_SQL = sql.load("tenants", "retention.sql")
_STATEMENT_S: Final = 10.0
_BATCH: Final = 200
SURELY_OVER: Final = timedelta(days=1)  # a call whose end nobody wrote down
_FILES: Final = {
    "conversation": "drop_conversation_file",
    "message": "drop_message_file",
    "voice_message": "drop_voice_message_file",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """How much went."""

    recordings: int = 0
    conversations: int = 0
    voice_messages: int = 0
    callbacks: int = 0
    orphans: int = 0
    """Files that no row knows of."""

    def __add__(self, other: Removed) -> Removed:
        return Removed(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )

    @property
    def counts(self) -> dict[str, int]:
        """By name; none when nothing went."""
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: count for name, count in found.items() if count}


class Retention:
    """Goes through all tenants.

    Args:
        root: of the recordings; no file outside is touched.
        dry_run: count, and change nothing.
    """

    def __init__(
        self, database: Database, root: Path, *, actor: str, dry_run: bool = False
    ) -> None:
        self._database = database
        self._root = root.absolute()
        self._actor = actor
        self._dry_run = dry_run

    def run(self, now: datetime) -> dict[UUID, Removed]:
        """Do what is due; what went, by tenant.

        Raises:
            DatabaseUnavailable: the tenants could not be listed.
        """
        done = {}
        tenants = self._database.domain_uuids()
        for domain_uuid in tenants:
            try:
                done[domain_uuid] = self.run_tenant(domain_uuid, now)
            except TenantError as error:
                log.error("retention_failed", tenant=str(domain_uuid), error=str(error))  # noqa: TRY400
        for domain_uuid in _domains_of(self._root) - set(tenants):
            gone = self._orphans_of(domain_uuid, now, known=None)
            done[domain_uuid] = Removed(orphans=gone)
        return done

    def run_tenant(self, domain_uuid: UUID, now: datetime) -> Removed:
        """One tenant's part.

        Raises:
            TenantError: what had been done before stays done.
        """
        with self._database.tenant(domain_uuid) as cursor:
            policy = read_policy(cursor, domain_uuid)
        removed = Removed()
        kept: dict[Literal["audio", "said"], int | None] = {
            "audio": policy.retention_audio_days,
            "said": policy.retention_transcript_days,
        }
        for kind, days in kept.items():
            if days is None:
                continue
            values = {
                "domain_uuid": domain_uuid,
                "before": now - timedelta(days=days),
                "surely_over": now - SURELY_OVER,
                "most": _BATCH,
            }
            while True:
                batch = self._batch(domain_uuid, kind, values)
                removed += batch
                if self._dry_run or not batch.counts:
                    break
        return removed + Removed(orphans=self._orphans_of(domain_uuid, now, known=self._known))

    def _batch(
        self, domain_uuid: UUID, kind: Literal["audio", "said"], values: dict[str, Any]
    ) -> Removed:
        with self._database.tenant(domain_uuid, statement_s=_STATEMENT_S) as cursor:
            row = cursor.execute(_SQL["lock"], values).fetchone()
            if row is None or not row["mine"]:
                return Removed()  # another worker is at it
            if self._dry_run:
                values = values | {"most": None}
            removed = (self._audio if kind == "audio" else self._said)(cursor, values)
            if removed.counts and not self._dry_run:
                entry = AuditEntry(
                    actor=self._actor, action="retention", subject=kind, details=removed.counts
                )
                audit.record(cursor, domain_uuid, entry)
        return removed

    def _audio(self, cursor: Cursor, values: dict[str, Any]) -> Removed:
        rows = cursor.execute(_SQL["old_recordings"], values).fetchall()
        if not self._dry_run:
            delete_files(self._root, values["domain_uuid"], [row["file"] for row in rows])
            for kind, statement in _FILES.items():
                found = [row["row_uuid"] for row in rows if row["kind"] == kind]
                if found:
                    cursor.execute(_SQL[statement], values | {"rows": found})
        return Removed(recordings=len(rows))

    def _said(self, cursor: Cursor, values: dict[str, Any]) -> Removed:
        conversations = _uuids(cursor, "old_conversations", values)
        callbacks = _uuids(cursor, "old_callbacks", values)
        messages = cursor.execute(_SQL["old_voice_messages"], values).fetchall()
        if not self._dry_run:
            delete_files(
                self._root, values["domain_uuid"], [row["file"] for row in messages if row["file"]]
            )
            for statement, rows in (
                ("strip_messages", conversations),
                ("strip_conversations", conversations),
                ("delete_callbacks", callbacks),
                ("delete_voice_messages", [row["row_uuid"] for row in messages]),
            ):
                cursor.execute(_SQL[statement], values | {"rows": rows})
        return Removed(
            conversations=len(conversations),
            callbacks=len(callbacks),
            voice_messages=len(messages),
        )

    def _known(self, domain_uuid: UUID, files: list[str]) -> set[str]:
        with self._database.tenant(domain_uuid, statement_s=_STATEMENT_S) as cursor:
            values = {"domain_uuid": domain_uuid, "files": files}
            return {row["file"] for row in cursor.execute(_SQL["known_files"], values)}

    def _orphans_of(self, domain_uuid: UUID, now: datetime, *, known: Any) -> int:
        """Files without a row, once no call can still be writing them."""
        old = list(_old_files(self._root / str(domain_uuid), now - SURELY_OVER))
        orphans = 0
        for at in range(0, len(old), _BATCH):
            files = [f"{domain_uuid}/{name}" for name in old[at : at + _BATCH]]
            unknown = [f for f in files if known is None or f not in known(domain_uuid, files)]
            orphans += len(unknown)
            if not self._dry_run:
                delete_files(self._root, domain_uuid, unknown)
        return orphans


def delete_files(root: Path, domain_uuid: UUID, files: Sequence[str]) -> None:
    """Delete a tenant's recordings; whatever leads out of his folder stays where it is."""
    folder = Path(os.path.realpath(root), str(domain_uuid))
    for file in files:
        try:
            path = Path(safe.media_path(root, file))
        except safe.UnsafePath as error:
            log.error("recording_left", error=str(error))  # noqa: TRY400 - it says all
            continue
        if path.parent == folder:
            path.unlink(missing_ok=True)
        else:
            log.error("recording_left", error="not in its tenant's folder")


def _uuids(cursor: Cursor, statement: str, values: dict[str, Any]) -> list[UUID]:
    return [row["row_uuid"] for row in cursor.execute(_SQL[statement], values)]


def _old_files(directory: Path, before: datetime) -> Iterator[str]:
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                about = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(about.st_mode) and about.st_mtime < before.timestamp():
                    yield entry.name
    except FileNotFoundError:
        return


def _domains_of(root: Path) -> set[UUID]:
    found = set()
    for directory in root.glob("*-*-*-*-*"):
        try:
            found.add(UUID(directory.name))
        except ValueError:
            continue
    return found
