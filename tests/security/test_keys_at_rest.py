"""S14: what a copy of the database, a moved row and an old key are worth to whoever has them."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import psycopg
import pytest
import structlog
from psycopg import sql as compose

from esl_app.embedded._binaries import postgres_install
from providers.registry import secret_fields
from tenants import audit, keyring, repository, rotation, routing
from tenants.db import Database
from tenants.errors import Refused, SealError
from tenants.keyring import KeyRing
from tenants.models import Tenant
from tenants.secrets import Secret, reveal
from tenants.vault import Vault

pytestmark = pytest.mark.security

CANARY = "sk-canary-9c1e5b77"
FORMS = (
    CANARY.encode(),
    base64.b64encode(CANARY.encode()).rstrip(b"="),
    CANARY.encode().hex().encode(),
)


@pytest.fixture
def ring_file(tmp_path: Path) -> Path:
    file = tmp_path / "keys"
    keyring.add(file)
    return file


@pytest.fixture
def database(database: Database, ring_file: Path) -> Database:
    database.vault = Vault(KeyRing.of_file(ring_file), secret_fields)
    return database


def _tenant(database: Database, name: str = "a.example", key: str = CANARY) -> Tenant:
    return repository.create_tenant(
        database,
        {
            "domain": {"domain_name": name},
            "secretary": {"secretary_name": "Reception"},
            "providers": [
                {
                    "provider_type": "llm",
                    "provider_name": "openai",
                    "config": {"api_key": key, "model": "m"},
                    "is_default": True,
                },
                {"provider_type": "llm", "provider_name": "extractive"},
            ],
        },
    )


def _everything(admin_url: str) -> bytes:
    """Every table of the database, as its owner would copy it."""
    pieces = []
    with psycopg.connect(admin_url) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname <> 'pg_catalog'"
        ).fetchall()
        assert ("voice_ai", "provider") in tables
        for schema, table in tables:
            statement = compose.SQL("COPY {} TO STDOUT").format(compose.Identifier(schema, table))
            with connection.cursor().copy(statement) as copy:
                pieces += [bytes(piece) for piece in copy]
    return b"".join(pieces)


def test_a_dump_has_no_key_in_it(database: Database, admin_url: str, ring_file: Path) -> None:
    tenant = _tenant(database)
    dump = _everything(admin_url)
    assert b"openai" in dump
    ours = [line.partition(":")[2] for line in ring_file.read_text().splitlines() if ":" in line]
    for secret in (*FORMS, *(key.encode() for key in ours if key)):
        assert secret not in dump
    found = routing.resolve(database, domain_uuid=tenant.domain.domain_uuid).provider("llm")
    assert found is not None
    assert found.config == {"api_key": Secret(CANARY), "model": "m"}


def test_pg_dump_has_no_key_in_it(database: Database, admin_url: str) -> None:
    program = postgres_install() / "bin" / "pg_dump"
    if not program.exists():
        pytest.skip("the embedded PostgreSQL comes without pg_dump; COPY of every table is tested")
    _tenant(database)
    dump = subprocess.run([program, "--inserts", admin_url], capture_output=True, check=True).stdout
    assert b"openai" in dump
    assert not [form for form in FORMS if form in dump]


def test_a_row_moved_to_another_tenant_does_not_open(database: Database, admin_url: str) -> None:
    a, b = _tenant(database), _tenant(database, "b.example", "sk-b")
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(
            "DELETE FROM voice_ai.provider WHERE domain_uuid = %s", (b.domain.domain_uuid,)
        )
        connection.execute("UPDATE voice_ai.provider SET domain_uuid = %s", (b.domain.domain_uuid,))
    with structlog.testing.capture_logs() as logs:
        found = routing.resolve(database, domain_uuid=b.domain.domain_uuid)
    # The call is served by the next provider in order, and says why.
    provider = found.provider("llm")
    assert provider is not None
    assert provider.provider_name == "extractive"
    says = (
        "provider llm/openai: config: does not open: sealed for another tenant or row, "
        "or changed since"
    )
    assert found.warnings == (says,)
    assert [(entry["event"], entry["reason"]) for entry in logs] == [("provider_unreadable", says)]
    assert routing.resolve(database, domain_uuid=a.domain.domain_uuid).providers == {}


def test_a_value_copied_into_another_tenant_s_row_does_not_open(
    database: Database, admin_url: str
) -> None:
    a, b = _tenant(database), _tenant(database, "b.example", "sk-b")
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE voice_ai.provider AS mine SET config = his.config, key_id = his.key_id,"
            " data_key = his.data_key FROM voice_ai.provider AS his"
            " WHERE his.domain_uuid = %s AND mine.domain_uuid = %s"
            " AND his.provider_name = 'openai' AND mine.provider_name = 'openai'",
            (a.domain.domain_uuid, b.domain.domain_uuid),
        )
    assert routing.resolve(database, domain_uuid=b.domain.domain_uuid).warnings
    assert not routing.resolve(database, domain_uuid=a.domain.domain_uuid).warnings


def _rotate_all(database: Database, admin_url: str) -> rotation.Rotated:
    done = rotation.Rotated()
    for domain_uuid in rotation.domains(admin_url):
        done += rotation.rotate(database, domain_uuid, actor="test")
    return done


def test_keys_rotate_while_calls_run(
    database: Database, database_url: str, admin_url: str, ring_file: Path
) -> None:
    tenants = [_tenant(database, f"t{n}.example", f"sk-{n}") for n in range(8)]
    worker = Database(database_url, vault=Vault(KeyRing.of_file(ring_file)))
    served, going = [0], [True]

    def calls() -> None:
        while going[0]:
            for number, tenant in enumerate(tenants):
                found = routing.resolve(worker, domain_uuid=tenant.domain.domain_uuid)
                llm = found.provider("llm")
                assert llm is not None, found.warnings
                assert reveal(llm.config).get("api_key") == f"sk-{number}"
                served[0] += 1
                gevent.sleep(0)

    running = [gevent.spawn(calls) for _ in range(3)]
    try:
        for _ in range(3):
            gevent.sleep(0.05)
            old = KeyRing.of_file(ring_file).current
            keyring.add(ring_file)
            # What `voice-ai keys rotate` does, in a process of its own that reads the ring first.
            database.vault = Vault(KeyRing.of_file(ring_file), secret_fields)
            assert _rotate_all(database, admin_url) == rotation.Rotated(rewrapped=8)
            assert old not in rotation.rows_by_key(admin_url)
            keyring.drop(ring_file, old)
            # A worker looks into the file at most once a second for a key it does not know.
            gevent.sleep(1.05)
    finally:
        going[0] = False
        gevent.joinall(running, timeout=10, raise_error=True)
        worker.close()
    assert served[0] > 50
    with database.tenant(tenants[0].domain.domain_uuid) as cursor:
        entries = audit.read_audit(cursor, tenants[0].domain.domain_uuid)
    assert [entry.action for entry in entries] == ["keys_rotated"] * 3
    assert entries[0].details == {"rewrapped": 1, "sealed": 0}


def test_rows_from_before_are_sealed_and_a_broken_off_run_is_taken_up(
    database: Database, admin_url: str
) -> None:
    tenants = [_tenant(database, f"t{n}.example") for n in range(3)]
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE voice_ai.provider SET key_id = NULL, data_key = NULL,"
            " config = jsonb_build_object('api_key', %s::text, 'model', 'm')"
            " WHERE provider_name = 'openai'",
            (CANARY,),
        )
    plain = routing.resolve(database, domain_uuid=tenants[0].domain.domain_uuid).provider("llm")
    assert plain is not None
    assert plain.config == {"api_key": Secret(CANARY), "model": "m"}
    first, *_ = rotation.domains(admin_url)
    assert rotation.rotate(database, first, actor="test") == rotation.Rotated(sealed=1)
    assert _rotate_all(database, admin_url) == rotation.Rotated(sealed=2)
    assert _rotate_all(database, admin_url) == rotation.Rotated()
    dump = _everything(admin_url)
    assert not [form for form in FORMS if form in dump]
    again = routing.resolve(database, domain_uuid=tenants[2].domain.domain_uuid).provider("llm")
    assert again == plain.model_copy(
        update={"voice_ai_provider_uuid": again.voice_ai_provider_uuid if again else None}
    )


def test_a_row_that_does_not_open_is_counted_and_left(
    database: Database, admin_url: str, ring_file: Path
) -> None:
    _tenant(database)
    keyring.add(ring_file)
    only_new = KeyRing.of_text(ring_file.read_text().splitlines()[-1], "test")
    database.vault = Vault(only_new)
    before = _everything(admin_url)
    assert _rotate_all(database, admin_url) == rotation.Rotated(failed=1)
    assert _everything(admin_url) == before


def test_without_a_key_ring_nothing_is_written(database: Database, admin_url: str) -> None:
    database.vault = Vault()
    with pytest.raises(SealError, match="provider llm/openai: no key ring; set keys_file"):
        _tenant(database)
    assert CANARY.encode() not in _everything(admin_url)


def test_the_application_s_role_cannot_list_tenants(database: Database, database_url: str) -> None:
    _tenant(database)
    with pytest.raises(Refused, match="role voice_ai_app sees no tenants"):
        rotation.domains(database_url)


def test_errors_and_logs_of_a_bad_config_do_not_show_it(database: Database) -> None:
    shown: list[Any] = []
    attempts: list[Callable[[], object]] = [
        lambda: _tenant(database, "not a name"),
        lambda: _tenant(database, "x.example", CANARY + "\n\x00"),
        lambda: repository.create_tenant(database, {"providers": CANARY}),
    ]
    with structlog.testing.capture_logs() as logs:
        for attempt in attempts:
            try:
                attempt()
            except Exception as error:  # noqa: BLE001 - whatever it is, it must not tell
                shown.append((str(error), repr(error), error.__context__, error.__cause__))
    assert CANARY not in repr(shown) + repr(logs)
