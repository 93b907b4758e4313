"""A real PostgreSQL for tests: one server a session, one database a test, cut from a template."""

from __future__ import annotations

import base64
import itertools
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import gevent
import psycopg
import pytest

from esl_app.embedded.postgres import EmbeddedPostgres
from tenants import migrate
from tenants.db import Database, Limits
from tenants.errors import DatabaseUnavailable
from tenants.keyring import KeyRing
from tenants.vault import Vault

_TEMPLATE = "voice_ai_template"
APP_PASSWORD = "app-password-of-the-tests"
KEYS = "tests-1:" + base64.b64encode(bytes(range(32))).decode()
PATIENT = Limits(wait_s=20.0, statement_s=10.0, connect_s=20)
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    # pytest's own temporary folders are shut to other accounts, and as root the server is one.
    folder = Path(tempfile.mkdtemp(prefix="voice-ai-pg-", dir="/tmp"))
    folder.chmod(0o711)
    server = EmbeddedPostgres(folder / "data", durable=False)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own_server() -> Iterator[EmbeddedPostgres]:
    """A server that a test may hurt."""
    folder = Path(tempfile.mkdtemp(prefix="voice-ai-test-", dir="/tmp"))
    folder.chmod(0o711)
    server = EmbeddedPostgres(folder / "data", durable=False)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template_database(postgres_server: EmbeddedPostgres) -> str:
    _execute(postgres_server.url, f"CREATE DATABASE {_TEMPLATE}")
    url = postgres_server.url_of(_TEMPLATE)
    migrate.migrate(url)
    migrate.app_url(url, APP_PASSWORD)
    return _TEMPLATE


@pytest.fixture
def empty_database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """Superuser's URL of a database without the schema."""
    yield from _fresh_database(postgres_server, "template1")


@pytest.fixture
def admin_url(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    """Superuser's URL of this test's own, migrated database."""
    yield from _fresh_database(postgres_server, template_database)


@pytest.fixture
def database_url(admin_url: str) -> str:
    """The application role's URL of the same database."""
    return re.sub("//[^@]*@", f"//voice_ai_app:{APP_PASSWORD}@", admin_url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The same database as the application sees it, with more patience than a call has.

    A first connection takes longer than a call's 0.3 s on a loaded machine of two cores; what
    those limits do is tested where a test makes its own.
    """
    db = Database(database_url, PATIENT, vault=Vault(KeyRing.of_text(KEYS, "tests")))
    try:
        yield db
    finally:
        db.close()


def connect(database: Database) -> None:
    """Have it make its first connection, which may take longer than a call waits for one."""
    with gevent.Timeout(20):
        while True:
            try:
                with database.lookup():
                    return
            except DatabaseUnavailable:
                gevent.sleep(0.05)


def _fresh_database(server: EmbeddedPostgres, template: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    _execute(server.url, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield server.url_of(name)
    finally:
        _execute(server.url, f"DROP DATABASE {name} WITH (FORCE)")


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
