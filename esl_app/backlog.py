"""Rows of calls that ended while PostgreSQL was away: files, until they can be written.

Theory of operation. A file holds what is left of one call, a row a line, under the name of its
tenant. Each worker looks into the folder every few seconds, whoever wrote the file; a lock on the
file keeps two from writing the same rows at the same time, and rows written twice all the same (a
worker that died between the last row and the removal) change nothing, because their ids are made
by the writer. What callers said stands in these files: the folder is 0700, a file lives as long as
the outage.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import gevent
import structlog

from esl_app.errors import trace_of
from tenants import repository
from tenants.db import Database
from tenants.errors import InvalidRow, TenantError
from tenants.fields import parse
from tenants.models import Conversation, MessageRow
from tenants.requests import Callback, save_callback

log = structlog.get_logger()

Kept = Conversation | MessageRow | Callback
_KINDS: Final[dict[str, type[Kept]]] = {
    "conversation": Conversation,
    "message": MessageRow,
    "callback": Callback,
}
_EVERY_S: Final = 2.0
_MOST: Final = 100_000  # files; beyond, a disk would fill


def write(database: Database, domain_uuid: UUID, row: Kept) -> None:
    """Write a row to the database.

    Raises:
        TenantError: It could not be written; `retryable` says whether it may be later.
    """
    if isinstance(row, Conversation):
        repository.save_conversation(database, domain_uuid, row)
    elif isinstance(row, Callback):
        with database.tenant(domain_uuid) as cursor:
            save_callback(cursor, domain_uuid, row)
    else:
        repository.append_message(database, domain_uuid, row)


class Backlog:
    """The folder with the rows that wait.

    Args:
        folder: Made when there is something to keep.
        database: Where the rows go.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder = folder
        self._database = database
        self._writer: gevent.Greenlet[[], None] | None = None

    def start(self) -> None:
        """Look for rows to write every few seconds, also for those of an earlier run."""
        self._writer = gevent.spawn(self._run)

    def close(self) -> None:
        """Stop looking; files stay for the next run."""
        if self._writer is not None:
            self._writer.kill()
            self._writer = None

    def keep(self, domain_uuid: UUID, rows: Sequence[Kept]) -> None:
        """Keep rows of one call, in order; a failure is logged without them."""
        lines = [
            json.dumps({_kind(row): row.model_dump(mode="json")}, ensure_ascii=True) for row in rows
        ]
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if sum(1 for _ in self._folder.iterdir()) >= _MOST:
                log.error("backlog_full", rows=len(rows))
                return
            name = f"{domain_uuid}.{uuid4()}"
            part = self._folder / f"{name}.part"
            handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write("\n".join(lines) + "\n")
            part.rename(self._folder / f"{name}.rows")
        except OSError as error:
            log.error("backlog_failed", rows=len(rows), error=str(error.strerror))  # noqa: TRY400
        else:
            log.warning("rows_kept", rows=len(rows))

    def drain(self) -> int:
        """Write what waits; the number of calls written. Ends early when PostgreSQL is away."""
        if not self._folder.is_dir():
            return 0
        done = 0
        for path in sorted(self._folder.glob("*.rows"), key=lambda p: p.name):
            try:
                if self._write_file(path):
                    done += 1
            except FileNotFoundError:
                continue  # another worker was faster
            except OSError as error:
                log.error("backlog_failed", file=path.name, error=str(error.strerror))  # noqa: TRY400
            except TenantError as error:
                log.info("backlog_waits", error=str(error))
                break
        return done

    def _write_file(self, path: Path) -> bool:
        with path.open(encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            domain_uuid = UUID(path.name.partition(".")[0])
            for line in file:
                self._write_line(domain_uuid, line, path)
            path.unlink()
        return True

    def _write_line(self, domain_uuid: UUID, line: str, path: Path) -> None:
        try:
            ((kind, values),) = json.loads(line).items()
            write(self._database, domain_uuid, parse(_KINDS[kind], values, kind))
        except (ValueError, KeyError, AttributeError, InvalidRow) as error:
            log.error("row_not_written", file=path.name, error=type(error).__name__)  # noqa: TRY400
        except TenantError as error:
            if error.retryable:
                raise
            # The tenant is gone, or the row breaks a rule: nobody can write it.
            log.error("row_not_written", file=path.name, error=str(error))  # noqa: TRY400

    def _run(self) -> None:
        while True:
            try:
                if done := self.drain():
                    log.info("backlog_written", count=done)
            except Exception as error:  # noqa: BLE001 - a bug here must not end it for all calls to come
                log.error("backlog_failed", **trace_of(error))  # noqa: TRY400
            gevent.sleep(_EVERY_S)


def _kind(row: Kept) -> str:
    return next(name for name, model in _KINDS.items() if isinstance(row, model))
