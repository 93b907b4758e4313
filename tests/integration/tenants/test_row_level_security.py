"""The catalogue is read: a table that somebody adds later without its policies fails here."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

pytestmark = pytest.mark.integration

# The runner's bookkeeping: no tenant's data.
_WITHOUT_TENANT = {"schema_migration"}
# Policies that let a row be read before there is a tenant (0002 says why).
_LOOKUPS = {("domain", "lookup"), ("did", "lookup")}

_TABLES = """
SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity,
       (SELECT a.attnotnull FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attname = 'domain_uuid' AND NOT a.attisdropped) AS not_null
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = 'voice_ai' AND c.relkind IN ('r', 'p')
"""


def _rows(url: str, statement: str) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(statement).fetchall()


def test_every_table_has_a_tenant_and_forced_security(admin_url: str) -> None:
    tables = {row["relname"]: row for row in _rows(admin_url, _TABLES)}
    assert set(tables) >= {"domain", "message", "passage"} | _WITHOUT_TENANT
    for name in set(tables) - _WITHOUT_TENANT:
        row = tables[name]
        assert row["not_null"] is True, f"{name}: domain_uuid NOT NULL"
        assert row["relrowsecurity"], f"{name}: ENABLE ROW LEVEL SECURITY"
        assert row["relforcerowsecurity"], f"{name}: FORCE ROW LEVEL SECURITY"


def test_every_table_has_the_tenant_policy_and_no_other_one_writes(admin_url: str) -> None:
    policies = _rows(admin_url, "SELECT * FROM pg_policies WHERE schemaname = 'voice_ai'")
    tables = {row["relname"] for row in _rows(admin_url, _TABLES)} - _WITHOUT_TENANT
    tenant = {p["tablename"]: p for p in policies if p["policyname"] == "tenant"}
    assert set(tenant) == tables
    for name, policy in tenant.items():
        assert policy["cmd"] == "ALL", name
        assert policy["roles"] == "{public}" or policy["roles"] == ["public"], name
        for clause in ("qual", "with_check"):
            assert policy[clause] == "(domain_uuid = voice_ai.current_domain())", (name, clause)
    others = [p for p in policies if p["policyname"] != "tenant"]
    assert {(p["tablename"], p["policyname"]) for p in others} == _LOOKUPS
    assert {p["cmd"] for p in others} == {"SELECT"}


def test_every_reference_between_tables_stays_within_the_tenant(admin_url: str) -> None:
    keys = _rows(
        admin_url,
        """
        SELECT conrelid::regclass::text AS of, conname,
               (SELECT array_agg(attname::text) FROM pg_attribute
                 WHERE attrelid = conrelid AND attnum = ANY (conkey)) AS columns
          FROM pg_constraint WHERE connamespace = 'voice_ai'::regnamespace AND contype IN ('f', 'p')
        """,
    )
    assert len(keys) > 15
    for key in keys:
        if key["of"].removeprefix("voice_ai.") not in _WITHOUT_TENANT:
            assert "domain_uuid" in key["columns"], key["conname"]


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
