"""Tenants in memory: current within a second, there while PostgreSQL is not, never another's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import gevent
import psycopg
import pytest
import structlog

from esl_app.embedded.postgres import EmbeddedPostgres
from tenants import limits, migrate, repository
from tenants.db import Database, Limits
from tenants.directory import Directory
from tenants.errors import DatabaseUnavailable, UnknownTenant
from tenants.limits import EVERYBODY, Price, Quota
from tenants.models import Tenant
from tests.fix_pg import APP_PASSWORD
from tests.integration.tenants.conftest import Make

pytestmark = pytest.mark.integration

_SOON_S = 1.0


@pytest.fixture
def directory(database: Database) -> Iterator[Directory]:
    made = Directory(database)
    made.start()
    _until(lambda: made.listening)
    try:
        yield made
    finally:
        made.close()


def _until(happened: Callable[[], bool], within_s: float = 5.0) -> float:
    began = time.monotonic()
    while not happened():
        assert time.monotonic() - began < within_s, "it did not happen"
        gevent.sleep(0.01)
    return time.monotonic() - began


class _Counted:
    """How many transactions a database has been asked for."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        real = database._transaction

        def counting(*arguments: Any, **settings: Any) -> Any:
            self.count += 1
            return real(*arguments, **settings)

        monkeypatch.setattr(database, "_transaction", counting)


def test_a_tenant_is_read_once_and_again_when_it_changes(
    database: Database, make_tenant: Make, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = make_tenant("a.example", numbers=["+15550100200"])
    domain_uuid = tenant.domain.domain_uuid
    directory.resolve(domain_uuid=domain_uuid)
    gevent.sleep(0.1)  # what making the tenant told has been heard
    directory.resolve(domain_uuid=domain_uuid)
    asked = _Counted(database, monkeypatch)
    for way in (
        {"domain_uuid": str(domain_uuid)},
        {"domain_name": "A.Example"},
        {"destination_number": "0015550100200"},
    ):
        assert directory.resolve(**way) == tenant
    assert asked.count == 0
    with database.tenant(domain_uuid) as cursor:
        secretary = tenant.secretary.model_copy(update={"greeting_message": "New!"})
        repository.save_secretary(cursor, domain_uuid, secretary)

    def greets() -> bool:
        found = directory.resolve(domain_uuid=domain_uuid)
        assert found.warnings == ()
        return found.secretary.greeting_message == "New!"

    assert _until(greets) < _SOON_S


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE voice_ai.provider SET priority = 5",
        "DELETE FROM voice_ai.provider",
        "UPDATE voice_ai.did SET description = 'x'",
        "INSERT INTO voice_ai.quota (domain_uuid) SELECT domain_uuid FROM voice_ai.domain",
        "INSERT INTO voice_ai.policy (domain_uuid) SELECT domain_uuid FROM voice_ai.domain",
        "UPDATE voice_ai.domain SET is_enabled = false",
    ],
)
def test_every_change_is_told(
    database: Database, make_tenant: Make, directory: Directory, statement: str
) -> None:
    provider = {"provider_type": "llm", "provider_name": "extractive"}
    a = make_tenant("a.example", numbers=["100"], providers=[provider]).domain.domain_uuid
    b = make_tenant("b.example").domain.domain_uuid
    gevent.sleep(0.1)
    for domain_uuid in (a, b):
        directory.resolve(domain_uuid=domain_uuid)
    assert directory._is_current(a)
    with database.tenant(a) as cursor:
        assert cursor.execute(statement).rowcount == 1  # type: ignore[arg-type,unused-ignore]
    assert _until(lambda: not directory._is_current(a)) < _SOON_S
    assert directory._is_current(b), "another tenant's change is none of his"


def test_everybody_s_prices_are_everybody_s_change(
    database: Database, make_tenant: Make, directory: Directory
) -> None:
    domain_uuid = make_tenant("a.example").domain.domain_uuid
    gevent.sleep(0.1)
    assert directory.resolve(domain_uuid=domain_uuid).prices == ()
    price = Price(provider_type="llm", provider_name="openai", unit="request", price=Decimal(1))
    with database.tenant(EVERYBODY) as cursor:
        limits.save_price(cursor, EVERYBODY, price)
    found = lambda: directory.resolve(domain_uuid=domain_uuid).prices == (price,)  # noqa: E731
    assert _until(found) < _SOON_S


def test_a_number_that_moves_leads_to_its_new_tenant(
    database: Database, make_tenant: Make, directory: Directory
) -> None:
    a, b = make_tenant("a.example", numbers=["100"]), make_tenant("b.example")
    gevent.sleep(0.1)
    assert directory.resolve(destination_number="100").domain == a.domain
    with database.tenant(a.domain.domain_uuid) as cursor:
        cursor.execute("DELETE FROM voice_ai.did")
    _until(lambda: not directory._is_current(a.domain.domain_uuid))
    with pytest.raises(UnknownTenant):
        directory.resolve(destination_number="100")
    with database.tenant(b.domain.domain_uuid) as cursor:
        cursor.execute(
            "INSERT INTO voice_ai.did (domain_uuid, destination_number, voice_secretary_uuid)"
            " VALUES (%s, '100', %s)",
            (b.domain.domain_uuid, b.secretary.voice_secretary_uuid),
        )
    assert directory.resolve(destination_number="100").domain == b.domain
    assert repository.delete_tenant(database, b.domain.domain_uuid)
    _until(lambda: not directory._is_current(b.domain.domain_uuid))
    with pytest.raises(UnknownTenant):
        directory.resolve(domain_uuid=b.domain.domain_uuid)


def test_numbers_are_read_as_in_their_country(database: Database, make_tenant: Make) -> None:
    brazil = make_tenant(
        "br.example",
        domain={"domain_name": "br.example", "country": "BR"},
        numbers=["(11) 3333-4444"],
    )
    plain = make_tenant("plain.example", numbers=["1144445555"])
    here = Directory(database, country="BR")
    for dialled in ("+55 11 3333-4444", "551133334444", "1133334444", "01133334444"):
        assert here.resolve(destination_number=dialled).domain == brazil.domain
        found = here.resolve(domain_uuid=brazil.domain.domain_uuid, destination_number=dialled)
        assert found.secretary == brazil.secretary
    assert here.resolve(destination_number="1144445555").domain == plain.domain
    with pytest.raises(UnknownTenant):
        Directory(database).resolve(destination_number="1133334444")


def test_what_is_written_as_dialled_comes_before_what_is_read_into_it(
    make_tenant: Make, directory: Directory
) -> None:
    """Memory may not answer otherwise than the database would."""
    directory._country = "BR"
    far = make_tenant("far.example", numbers=["+55 11 3333 4444"])
    near = make_tenant("near.example", numbers=["1133334444"])
    gevent.sleep(0.1)
    directory.resolve(domain_uuid=far.domain.domain_uuid)
    assert directory._is_current(far.domain.domain_uuid)
    assert directory.resolve(destination_number="1133334444").domain == near.domain


def test_memory_is_bounded_and_the_last_used_stay(database: Database, make_tenant: Make) -> None:
    small = Directory(database, most=3)
    made = [make_tenant(f"t{n}.example", numbers=[f"10{n}"]).domain for n in range(6)]
    for domain in made:
        assert small.resolve(domain_uuid=domain.domain_uuid).domain == domain
    assert list(small._entries) == [domain.domain_uuid for domain in made[3:]]
    assert sorted(small._numbers) == ["103", "104", "105"]
    assert sorted(small._names) == ["t3.example", "t4.example", "t5.example"]


def test_calls_of_one_tenant_read_its_rows_once(
    database: Database, make_tenant: Make, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain_uuid = make_tenant("a.example").domain.domain_uuid
    gevent.sleep(0.1)
    asked = _Counted(database, monkeypatch)
    calls = [gevent.spawn(directory.resolve, domain_uuid=domain_uuid) for _ in range(20)]
    calls[0].kill()  # a caller who hangs up does not take the others with him
    gevent.joinall(calls[1:], timeout=10, raise_error=True)
    assert asked.count <= 2


def _small(db: Database, name: str, number: str) -> Tenant:
    return repository.create_tenant(
        db,
        {
            "domain": {"domain_name": name},
            "secretary": {"secretary_name": "Reception"},
            "numbers": [number],
        },
    )


def test_a_call_of_a_tenant_not_in_memory_waits_for_a_connection(
    database_url: str, make_tenant: Make
) -> None:
    """Longer than a call's turn may; if there is none, all who wait are told at the same time."""
    domain = make_tenant("c.example").domain
    db = Database(database_url, Limits(pool_size=1, wait_s=0.1))
    directory = Directory(db)

    def ask() -> str:
        try:
            return directory.resolve(domain_uuid=domain.domain_uuid).domain.domain_name
        except DatabaseUnavailable as error:
            return str(error)

    try:
        with db.tenant(domain.domain_uuid):
            began = time.monotonic()
            calls = [gevent.spawn(ask) for _ in range(10)]
            gevent.joinall(calls, timeout=20.0)
            assert time.monotonic() - began < 10.0, "one after the other"
            assert all("PostgreSQL" in str(call.value) for call in calls)
            call = gevent.spawn(ask)
            gevent.sleep(0.5)
        assert call.get(timeout=10.0) == "c.example"
    finally:
        db.close()


def test_a_tenant_is_served_while_postgresql_is_away(own_server: EmbeddedPostgres) -> None:
    migrate.migrate(own_server.url)
    db = Database(migrate.app_url(own_server.url, APP_PASSWORD))
    a = _small(db, "a.example", "100")
    _small(db, "b.example", "200")
    directory = Directory(db)
    directory.start()
    try:
        _until(lambda: directory.listening)
        assert directory.resolve(destination_number="100") == a
        own_server.stop()
        _until(lambda: not directory.listening)
        with structlog.testing.capture_logs() as logs:
            began = time.monotonic()
            for _ in range(50):
                for way in ({"destination_number": "100"}, {"domain_name": "a.example"}):
                    found = directory.resolve(**way)
                    assert found.domain == a.domain
                    assert found.warnings[0].startswith("rows are from ")
            # Nobody waits for the same dead server one after the other.
            assert time.monotonic() - began < 2.0
        assert {entry["event"] for entry in logs} >= {"tenant_stale"}
        with pytest.raises(DatabaseUnavailable):
            directory.resolve(destination_number="200")
        own_server.start()
        # What changes before we listen again is not missed.
        with psycopg.connect(own_server.url, autocommit=True) as connection:
            connection.execute("UPDATE voice_ai.secretary SET greeting_message = 'New!'")

        def is_back() -> bool:
            found = directory.resolve(destination_number="100")
            return found.warnings == () and found.secretary.greeting_message == "New!"

        _until(is_back, within_s=10.0)
        _until(lambda: directory.listening, within_s=10.0)
        with db.tenant(a.domain.domain_uuid) as cursor:
            limits.save_quota(cursor, a.domain.domain_uuid, Quota(concurrent_legs=3))
        heard = lambda: (  # noqa: E731
            directory.resolve(destination_number="100").quota.concurrent_legs == 3
        )
        assert _until(heard) < _SOON_S
    finally:
        directory.close()
        db.close()
