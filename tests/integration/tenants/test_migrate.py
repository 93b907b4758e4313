from __future__ import annotations

from dataclasses import replace

import gevent
import psycopg
import pytest

from tenants import migrate
from tenants.db import Database
from tenants.errors import DatabaseUnavailable, MigrationError
from tenants.migrate import Migration
from tests.fix_pg import APP_PASSWORD

pytestmark = pytest.mark.integration


def _file(version: str, text: str, phase: migrate.Phase = "pre") -> Migration:
    return Migration(
        version=version,
        phase=phase,
        file=f"{version}_{phase}_x.sql",
        text=text,  # type: ignore[arg-type,unused-ignore]
    )


def _tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE nspname = 'voice_ai' AND relkind = 'r'"
        ).fetchall()
    return {str(row[0]) for row in rows}


def test_from_nothing_to_the_newest_and_then_nothing(empty_database_url: str) -> None:
    done = migrate.migrate(empty_database_url)
    assert done == [m.file for m in migrate.shipped()]
    assert {"domain", "secretary", "provider", "did", "document", "passage"} <= _tables(
        empty_database_url
    )
    assert migrate.migrate(empty_database_url) == []


def test_two_runners_at_once_apply_each_file_once(empty_database_url: str) -> None:
    runs = [gevent.spawn(migrate.migrate, empty_database_url) for _ in range(3)]
    gevent.joinall(runs, timeout=60, raise_error=True)
    applied = [name for run in runs for name in run.value or ()]
    assert sorted(applied) == [m.file for m in migrate.shipped()]


def test_a_file_that_fails_leaves_nothing_of_itself(empty_database_url: str) -> None:
    good = _file("0001", "CREATE TABLE voice_ai.one ()")
    bad = _file("0002", "CREATE TABLE voice_ai.two (); SELECT 1 / 0")
    with pytest.raises(MigrationError, match=r"^0002_pre_x\.sql: division by zero$"):
        migrate.migrate(empty_database_url, files=[good, bad])
    assert _tables(empty_database_url) == {"schema_migration", "one"}
    fixed = replace(bad, text="CREATE TABLE voice_ai.two ()")
    assert migrate.migrate(empty_database_url, files=[good, fixed]) == ["0002_pre_x.sql"]


def test_what_was_applied_may_not_change_or_vanish(empty_database_url: str) -> None:
    one, two = _file("0001", "SELECT 1"), _file("0002", "SELECT 2")
    migrate.migrate(empty_database_url, files=[one, two])
    with pytest.raises(MigrationError, match=r"0001_pre_x\.sql: changed since it was applied"):
        migrate.migrate(empty_database_url, files=[replace(one, text="SELECT 3"), two])
    with pytest.raises(MigrationError, match="0002, which this program does not know"):
        migrate.migrate(empty_database_url, files=[one])


def test_pre_stops_before_what_the_old_program_could_not_stand(empty_database_url: str) -> None:
    files = [
        _file("0001", "SELECT 1"),
        _file("0002", "SELECT 1", "post"),
        _file("0003", "SELECT 1"),
    ]
    assert migrate.migrate(empty_database_url, files=files, until="pre") == ["0001_pre_x.sql"]
    assert migrate.migrate(empty_database_url, files=files) == [
        "0002_post_x.sql",
        "0003_pre_x.sql",
    ]


def test_a_database_without_the_schema_is_refused_at_the_check(empty_database_url: str) -> None:
    # The role exists server-wide once another database has been migrated.
    migrate.migrate(empty_database_url)
    url = migrate.app_url(empty_database_url, APP_PASSWORD)
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM voice_ai.schema_migration WHERE version = '0004'")
    with pytest.raises(MigrationError, match=r"0004_pre_conversations\.sql is not applied"):
        Database(url).check()
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA voice_ai CASCADE")
    with pytest.raises(MigrationError, match="no schema voice_ai; run `voice-ai migrate`"):
        Database(url).check()


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(DatabaseUnavailable, match=r"/nowhere/x: .*No such file or directory"):
        migrate.migrate("postgresql://u:hunter2@/x?host=/nowhere")
