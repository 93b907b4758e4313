from __future__ import annotations

import os
import random
import time
from uuid import UUID, uuid4

import gevent
import psycopg
import pytest
from gevent.pool import Pool

from tenants import routing
from tenants.db import Cursor, Database, Limits
from tenants.errors import DatabaseUnavailable, Refused, UnknownTenant, UnsafeRole
from tests.integration.tenants.conftest import Make

pytestmark = pytest.mark.integration

_ROUNDS = -(-int(os.environ.get("ISOLATION_KILLS", "180")) // 3)


def _names(cursor: Cursor) -> set[str]:
    return {row["domain_name"] for row in cursor.execute("SELECT domain_name FROM voice_ai.domain")}


def test_a_tenant_sees_and_writes_his_own_rows_alone(database: Database, make_tenant: Make) -> None:
    a, b = make_tenant("a.example", numbers=["100"]), make_tenant("b.example", numbers=["200"])
    with database.tenant(a.domain.domain_uuid) as cursor:
        assert _names(cursor) == {"a.example"}
        secretaries = cursor.execute("SELECT domain_uuid FROM voice_ai.secretary").fetchall()
        assert [row["domain_uuid"] for row in secretaries] == [a.domain.domain_uuid]
        assert cursor.execute("UPDATE voice_ai.domain SET is_enabled = false").rowcount == 1
        assert cursor.execute("DELETE FROM voice_ai.did").rowcount == 1
    for statement in (
        "INSERT INTO voice_ai.domain (domain_uuid, domain_name) VALUES (%s, 'c.example')",
        "UPDATE voice_ai.secretary SET domain_uuid = %s",
        "UPDATE voice_ai.domain SET domain_uuid = %s",
    ):
        with (
            pytest.raises(Refused, match="not this tenant's row"),
            database.tenant(a.domain.domain_uuid) as cursor,
        ):
            cursor.execute(statement, (b.domain.domain_uuid,))
    with database.tenant(b.domain.domain_uuid) as cursor:
        assert _names(cursor) == {"b.example"}
        assert cursor.execute("SELECT 1 FROM voice_ai.did").rowcount == 1


def test_without_a_tenant_there_is_nothing(database: Database, make_tenant: Make) -> None:
    make_tenant("a.example", numbers=["100"])
    with database.lookup() as cursor:
        for table in ("domain", "secretary", "provider", "did", "conversation", "message"):
            # Names of tables are ours.
            assert cursor.execute(f"SELECT 1 FROM voice_ai.{table}").rowcount == 0  # type: ignore[arg-type,unused-ignore]


def test_a_lookup_shows_one_row_and_writes_none(database: Database, make_tenant: Make) -> None:
    make_tenant("a.example", numbers=["100", "101"])
    make_tenant("b.example", numbers=["200"])
    with database.lookup(destination_number="101") as cursor:
        rows = cursor.execute("SELECT destination_number FROM voice_ai.did").fetchall()
        assert [row["destination_number"] for row in rows] == ["101"]
        assert _names(cursor) == set()
        assert cursor.execute("UPDATE voice_ai.did SET description = 'x'").rowcount == 0
        assert cursor.execute("DELETE FROM voice_ai.did").rowcount == 0
    with database.lookup(domain_name="b.example") as cursor:
        assert _names(cursor) == {"b.example"}
        assert cursor.execute("SELECT 1 FROM voice_ai.secretary").rowcount == 0
    with database.lookup() as cursor:
        assert _names(cursor) == set()


def test_a_reference_cannot_cross_tenants(database: Database, make_tenant: Make) -> None:
    a, b = make_tenant("a.example"), make_tenant("b.example")
    with (
        pytest.raises(Refused, match="did: breaks did_domain_uuid_voice_secretary_uuid_fkey"),
        database.tenant(a.domain.domain_uuid) as cursor,
    ):
        cursor.execute(
            "INSERT INTO voice_ai.did (domain_uuid, destination_number, voice_secretary_uuid)"
            " VALUES (%s, '9', %s)",
            (a.domain.domain_uuid, b.secretary.voice_secretary_uuid),
        )


def test_the_tenant_does_not_stay_on_the_connection(database_url: str, make_tenant: Make) -> None:
    a = make_tenant("a.example")
    one = Database(database_url, Limits(pool_size=1))
    try:
        with one.tenant(a.domain.domain_uuid) as cursor:
            assert _names(cursor) == {"a.example"}
        with pytest.raises(ZeroDivisionError), one.tenant(a.domain.domain_uuid) as cursor:
            raise ZeroDivisionError(cursor.execute("SELECT 1"))
        with one.lookup() as cursor:
            assert _names(cursor) == set()
    finally:
        one.close()


def test_a_killed_query_leaves_nothing_to_the_next(database_url: str, make_tenant: Make) -> None:
    """S12, S13: killed at any point, waiting or inside a query; the next checkout is sound.

    The thousand kills of the specification: ISOLATION_KILLS=1000.
    """
    tenants = {t.domain.domain_uuid: t.domain.domain_name for t in map(make_tenant, ("a.x", "b.x"))}
    a, b = tenants
    db = Database(database_url, Limits(pool_size=2, statement_s=1.0, wait_s=2.0))
    chance = random.Random(7)

    def slow() -> None:
        with db.tenant(a) as cursor:
            cursor.execute("SELECT pg_sleep(0.9)")

    try:
        for _ in range(_ROUNDS):
            doomed = [gevent.spawn(slow) for _ in range(3)]  # one of them waits for a connection
            gevent.sleep(chance.random() * 0.02)
            gevent.killall(doomed, timeout=5)
            with db.tenant(b) as cursor:
                assert _names(cursor) == {tenants[b]}
                row = cursor.execute("SELECT voice_ai.current_domain() AS d").fetchone()
                assert row == {"d": b}
        # No connection was lost on the way: both can be had at once.
        with db.tenant(a) as one, db.tenant(b) as two:
            assert (_names(one), _names(two)) == ({tenants[a]}, {tenants[b]})
    finally:
        db.close()


def test_the_server_does_not_go_on_with_what_nobody_waits_for(
    database_url: str, admin_url: str
) -> None:
    db = Database(database_url, Limits(pool_size=4, statement_s=0.3))

    def slow() -> None:
        with db.tenant(uuid4()) as cursor:
            cursor.execute("SELECT pg_sleep(30)")

    try:
        for _ in range(10):
            doomed = [gevent.spawn(slow) for _ in range(4)]
            gevent.sleep(0.01)
            gevent.killall(doomed, timeout=5)
        end = time.monotonic() + 1.3
        with psycopg.connect(admin_url, autocommit=True) as connection:
            active = None
            while active != (0,) and time.monotonic() < end:
                active = connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE usename = 'voice_ai_app'"
                    " AND state = 'active' AND datname = current_database()"
                ).fetchone()
                gevent.sleep(0.05)
        assert active == (0,)
    finally:
        db.close()


def test_a_role_that_sees_past_the_policies_is_refused(admin_url: str, database_url: str) -> None:
    db = Database(admin_url)
    try:
        with pytest.raises(UnsafeRole, match="role postgres is a superuser and has BYPASSRLS"):
            db.check()
        # Also when nobody asks: the first use is refused, not served.
        with pytest.raises((UnsafeRole, DatabaseUnavailable)), db.tenant(uuid4()):
            pytest.fail("handed out a cursor")
        with pytest.raises(UnsafeRole), db.tenant(uuid4()):
            pytest.fail("handed out a cursor")
    finally:
        db.close()
    Database(database_url).check()


def test_an_owner_is_refused_too(admin_url: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS an_owner")
        connection.execute("CREATE ROLE an_owner LOGIN PASSWORD 'pw'")
        connection.execute("GRANT USAGE ON SCHEMA voice_ai TO an_owner")
        connection.execute("ALTER TABLE voice_ai.message OWNER TO an_owner")
    url = admin_url.replace(admin_url.removeprefix("postgresql://").split("@", 1)[0], "an_owner:pw")
    try:
        with pytest.raises(UnsafeRole, match="role an_owner owns the tables"):
            Database(url).check()
    finally:
        with psycopg.connect(admin_url, autocommit=True) as connection:
            connection.execute("DROP OWNED BY an_owner")
            connection.execute("DROP ROLE an_owner")


def test_routing_as_one_tenant_never_gives_another(database: Database, make_tenant: Make) -> None:
    tenants = [make_tenant(f"t{n}.example", numbers=[f"+1555{n:07}"]) for n in range(8)]
    chance = random.Random(11)

    def call(_: int) -> None:
        wanted = chance.choice(tenants)
        number = f"+1 555 {tenants.index(wanted):07}"
        found = routing.resolve(database, destination_number=number)
        assert found.domain == wanted.domain
        with database.tenant(found.domain.domain_uuid) as cursor:
            assert _names(cursor) == {wanted.domain.domain_name}

    pool = Pool(16)
    jobs = [pool.spawn(call, n) for n in range(200)]
    gevent.joinall(jobs, timeout=30, raise_error=True)


def test_an_unknown_tenant_sees_an_empty_house(database: Database, make_tenant: Make) -> None:
    make_tenant("a.example")
    with database.tenant(UUID(int=0)) as cursor:
        assert _names(cursor) == set()
    with pytest.raises(UnknownTenant):
        routing.resolve(database, domain_uuid=UUID(int=0))
