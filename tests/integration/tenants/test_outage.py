"""PostgreSQL slow, full, frozen or gone: waits are bounded, and once it is back it is used."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from uuid import uuid4

import gevent
import pytest

from esl_app.embedded import EmbeddedPostgres
from tenants import migrate
from tenants.db import Database, Limits
from tenants.errors import DatabaseUnavailable
from tests.fix_pg import APP_PASSWORD

pytestmark = pytest.mark.integration


def _use(db: Database) -> None:
    with db.tenant(uuid4()) as cursor:
        cursor.execute("SELECT 1")


def _fails_within(db: Database, seconds: float) -> None:
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        _use(db)
    assert time.monotonic() - began < seconds


def _back_within(db: Database, seconds: float) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            return _use(db)
        except DatabaseUnavailable:
            assert time.monotonic() < end
            gevent.sleep(0.05)


def test_gone_and_back(own_server: EmbeddedPostgres) -> None:
    migrate.migrate(own_server.url)
    db = Database(migrate.app_url(own_server.url, APP_PASSWORD))
    try:
        _use(db)
        own_server.stop()
        for _ in range(5):
            _fails_within(db, 1.0)
        own_server.start()
        _back_within(db, 5.0)
    finally:
        db.close()


def test_frozen_and_thawed(own_server: EmbeddedPostgres) -> None:
    migrate.migrate(own_server.url)
    db = Database(migrate.app_url(own_server.url, APP_PASSWORD))
    try:
        _use(db)
        assert own_server._process is not None
        main = own_server._process.pid
        listed = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        frozen = [main, *(int(child) for child in listed)]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            for _ in range(3):
                _fails_within(db, 1.2)
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        _back_within(db, 5.0)
    finally:
        db.close()


def test_a_statement_that_takes_too_long(database_url: str) -> None:
    db = Database(database_url, Limits(statement_s=0.2))
    try:
        with (
            pytest.raises(DatabaseUnavailable, match="took too long"),
            db.tenant(uuid4()) as cursor,
        ):
            cursor.execute("SELECT pg_sleep(5)")
        with db.tenant(uuid4(), statement_s=2.0) as cursor:
            cursor.execute("SELECT pg_sleep(0.4)")
    finally:
        db.close()


def test_more_callers_than_it_can_serve_are_sent_away(database_url: str) -> None:
    db = Database(database_url, Limits(pool_size=1, max_waiting=2, wait_s=0.2, statement_s=2.0))
    try:
        with db.tenant(uuid4()):

            def ask() -> str:
                try:
                    _use(db)
                except DatabaseUnavailable as error:
                    return str(error)
                return "served"

            waiting = [gevent.spawn(ask) for _ in range(4)]
            gevent.joinall(waiting, timeout=5)
        answers = sorted(str(job.value) for job in waiting)
        assert answers == [
            "PostgreSQL: no connection in time",
            "PostgreSQL: no connection in time",
            "PostgreSQL: too many are waiting for a connection",
            "PostgreSQL: too many are waiting for a connection",
        ]
        _use(db)
    finally:
        db.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (
            "postgresql://app:hunter2@127.0.0.1:1/x",
            "PostgreSQL at 127.0.0.1:1/x: Connection refused",
        ),
        ("postgresql://app:hunter2@/x?host=/nowhere", "PostgreSQL at /nowhere/x: "),
        ("postgresql://app:hunter2@no-such-host.invalid/x", "PostgreSQL at no-such-host.invalid"),
    ],
)
def test_a_wrong_url_is_one_clear_line(url: str, says: str) -> None:
    with pytest.raises(DatabaseUnavailable) as unreachable:
        Database(url).check()
    text = str(unreachable.value)
    assert text.startswith(says)
    assert "hunter2" not in text
    assert "\n" not in text


def test_a_wrong_password_and_a_wrong_database(database_url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="password authentication failed for user"):
        Database(database_url.replace(APP_PASSWORD, "wrong")).check()
    nowhere = re.sub(r"@/[^?]*", "@/nosuch", database_url)
    with pytest.raises(DatabaseUnavailable, match='database "nosuch" does not exist'):
        Database(nowhere).check()


def test_after_closing_nothing_is_handed_out(database_url: str) -> None:
    db = Database(database_url)
    _use(db)
    db.close()
    with pytest.raises(DatabaseUnavailable, match="closed"):
        _use(db)


def test_after_many_have_waited_in_vain_it_is_used_again(own_server: EmbeddedPostgres) -> None:
    """Whoever gave up waiting does not count as waiting: the pool's queue would stay full."""
    migrate.migrate(own_server.url)
    limits = Limits(max_waiting=8, wait_s=0.1, reconnect_s=0.2)
    db = Database(migrate.app_url(own_server.url, APP_PASSWORD), limits)
    try:
        _use(db)
        own_server.stop()
        for _ in range(5):
            asking = [gevent.spawn(_fails_within, db, 2.0) for _ in range(12)]
            gevent.joinall(asking, timeout=10, raise_error=True)
        gevent.sleep(1.0)  # the pool has given up connecting
        own_server.start()
        _back_within(db, 5.0)
    finally:
        db.close()
