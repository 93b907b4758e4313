"""The catalogue is read: a table that somebody adds later without its policies fails here."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

pytestmark = pytest.mark.integration

# The runner's bookkeeping: no tenant's data.
_WITHOUT_TENANT = {"schema_migration"}
# Policies that let a row be read before there is a tenant (0002 says why), or that is nobody's.
_OTHERS = {("domain", "lookup"), ("domain", "sweep"), ("did", "lookup"), ("price", "shared")}
# References that name their tenant otherwise: a price of nobody has no domain.
_KEYS = {"price_owner_uuid_fkey"}

_TABLES = """
SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity,
       (SELECT a.attnotnull FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attname = 'domain_uuid' AND NOT a.attisdropped) AS not_null
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'voice_ai' AND c.relkind IN ('r', 'p', 'f', 'm')
"""
_KEY_COLUMNS = """
SELECT conrelid::regclass::text AS of, conname,
       (SELECT array_agg(attname::text) FROM pg_attribute
         WHERE attrelid = conrelid AND attnum = ANY (conkey)) AS columns
  FROM pg_constraint WHERE connamespace = 'voice_ai'::regnamespace AND contype IN ('f', 'p')
"""
_TENANT = "(domain_uuid = voice_ai.current_domain())"


def _rows(url: str, statement: str) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(statement).fetchall()


def _holes(url: str) -> set[str]:
    """Everything in the catalogue that would let one tenant near another's rows."""
    tables = {r["relname"]: r for r in _rows(url, _TABLES) if r["relname"] not in _WITHOUT_TENANT}
    found = _unforced(tables) | _open_policies(url, set(tables)) | _wide_keys(url, set(tables))
    return {f"{table}: {what}" for table, what in found}


def _unforced(tables: dict[str, dict[str, Any]]) -> set[tuple[str, str]]:
    rules = {
        "not_null": "domain_uuid NOT NULL",
        "relrowsecurity": "ENABLE ROW LEVEL SECURITY",
        "relforcerowsecurity": "FORCE ROW LEVEL SECURITY",
    }
    return {
        (name, rule)
        for name, row in tables.items()
        for flag, rule in rules.items()
        if row[flag] is not True
    }


def _open_policies(url: str, tables: set[str]) -> set[tuple[str, str]]:
    found, closed = set(), set()
    for policy in _rows(url, "SELECT * FROM pg_policies WHERE schemaname = 'voice_ai'"):
        name, kind = policy["tablename"], policy["policyname"]
        clauses = (policy["cmd"], policy["qual"], policy["with_check"])
        if kind == "tenant" and clauses == ("ALL", _TENANT, _TENANT):
            closed.add(name)
        elif (name, kind) not in _OTHERS or policy["cmd"] != "SELECT":
            found.add((name, f"policy {kind}"))
    return found | {(name, "no policy") for name in tables - closed}


def _wide_keys(url: str, tables: set[str]) -> set[tuple[str, str]]:
    keys = _rows(url, _KEY_COLUMNS)
    keyed = {key["of"].removeprefix("voice_ai.") for key in keys}
    return {(name, "no key") for name in tables - keyed} | {
        (name, key["conname"])
        for key in keys
        if (name := key["of"].removeprefix("voice_ai.")) in tables
        and key["conname"] not in _KEYS
        and "domain_uuid" not in key["columns"]
    }


def test_no_table_lets_one_tenant_near_another(admin_url: str) -> None:
    assert len(_rows(admin_url, _TABLES)) > 15
    assert _holes(admin_url) == set()


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("CREATE TABLE voice_ai.x (id int PRIMARY KEY)", "x: domain_uuid NOT NULL"),
        ("CREATE TABLE voice_ai.x (domain_uuid uuid PRIMARY KEY)", "x: ENABLE ROW LEVEL SECURITY"),
        (
            (
                "CREATE TABLE voice_ai.x (domain_uuid uuid PRIMARY KEY);"
                "ALTER TABLE voice_ai.x ENABLE ROW LEVEL SECURITY"
            ),
            "x: FORCE ROW LEVEL SECURITY",
        ),
        ("CREATE TABLE voice_ai.x (domain_uuid uuid PRIMARY KEY)", "x: no policy"),
        ("CREATE TABLE voice_ai.x (domain_uuid uuid NOT NULL)", "x: no key"),
        (
            (
                "CREATE TABLE voice_ai.x (domain_uuid uuid PRIMARY KEY);"
                "CREATE POLICY tenant ON voice_ai.x USING (true)"
            ),
            "x: policy tenant",
        ),
        (
            (
                "CREATE TABLE voice_ai.x (domain_uuid uuid PRIMARY KEY);"
                "CREATE POLICY all_of_it ON voice_ai.x FOR SELECT USING (true)"
            ),
            "x: policy all_of_it",
        ),
        (
            "CREATE TABLE voice_ai.x (domain_uuid uuid NOT NULL, id uuid PRIMARY KEY)",
            "x: x_pkey",
        ),
        ("ALTER TABLE voice_ai.message NO FORCE ROW LEVEL SECURITY", "message: FORCE ROW"),
        ("DROP POLICY tenant ON voice_ai.passage", "passage: no policy"),
        ("CREATE MATERIALIZED VIEW voice_ai.x AS SELECT 1", "x: ENABLE ROW LEVEL SECURITY"),
    ],
)
def test_the_guard_sees_what_it_should(admin_url: str, table: str, says: str) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(table)  # type: ignore[arg-type,unused-ignore]
    assert any(hole.startswith(says) for hole in _holes(admin_url))


def test_the_application_s_role_has_no_rights_to_spare(admin_url: str) -> None:
    (role,) = _rows(admin_url, "SELECT * FROM pg_roles WHERE rolname = 'voice_ai_app'")
    for right in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication"):
        assert role[right] is False, right
    owned = _rows(
        admin_url,
        "SELECT relname FROM pg_class WHERE relowner = 'voice_ai_app'::regrole",
    )
    assert owned == []
    granted = {
        (row["table_name"], row["privilege_type"])
        for row in _rows(
            admin_url,
            "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
            " WHERE grantee = 'voice_ai_app'",
        )
    }
    allowed = {"SELECT", "INSERT", "UPDATE", "DELETE"}
    assert {privilege for _, privilege in granted} == allowed
    assert {p for table, p in granted if table in _WITHOUT_TENANT} == {"SELECT"}


def test_no_function_runs_with_its_owner_s_rights(admin_url: str) -> None:
    definers = _rows(
        admin_url,
        "SELECT proname FROM pg_proc WHERE pronamespace = 'voice_ai'::regnamespace AND prosecdef",
    )
    assert definers == []
