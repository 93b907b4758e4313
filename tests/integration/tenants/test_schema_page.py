"""The page about the schema is read off the catalogue, and so is true.

To renew it: UPDATE_DOCS=1 pytest tests/integration/tenants/test_schema_page.py
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

pytestmark = pytest.mark.integration

_ROOT = Path(__file__).parents[3]
_PAGE = _ROOT / "docs" / "reference" / "schema.md"
_BEGIN, _END = "<!-- read off the catalogue -->\n", "<!-- end -->\n"
# Nothing to say about these that their names and types do not.
_PLAIN = re.compile(r".*_uuid|insert_date|update_date")

_COLUMNS = """
SELECT c.relname AS of, obj_description(c.oid) AS table_says, a.attname AS name,
       format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
       a.attgenerated <> '' AS made, pg_get_expr(d.adbin, d.adrelid) AS standard,
       col_description(c.oid, a.attnum) AS says
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE n.nspname = 'voice_ai' AND c.relkind = 'r' AND c.relname <> 'schema_migration'
 ORDER BY c.relname, a.attnum
"""
_RULES = """
SELECT conrelid::regclass::text AS of, pg_get_constraintdef(oid) AS rule
  FROM pg_constraint
 WHERE connamespace = 'voice_ai'::regnamespace AND contype IN ('c', 'p', 'u', 'f')
   AND conrelid <> 'voice_ai.schema_migration'::regclass
 ORDER BY 1, contype <> 'p', conname
"""


def _rows(url: str, statement: str) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(statement).fetchall()


def _standard(row: dict[str, Any]) -> str:
    if row["made"]:
        return "made"
    text = re.sub(r"::[a-z ]+(\[\])?(\([0-9,]+\))?", "", row["standard"] or "")
    return f"`{text}`" if text else "" if row["not_null"] else "NULL"


def _page(url: str) -> str:
    lines: list[str] = []
    rules = _rows(url, _RULES)
    seen = ""
    columns = _rows(url, _COLUMNS)
    for number, row in enumerate(columns):
        if row["of"] != seen:
            seen = row["of"]
            lines += [f"## {seen}", "", row["table_says"] or "", ""]
            lines += ["| column | type | default | meaning |", "|---|---|---|---|"]
        says = (row["says"] or "").replace("|", "\\|")
        lines.append(f"| {row['name']} | {row['type']} | {_standard(row)} | {says} |")
        if number + 1 == len(columns) or columns[number + 1]["of"] != seen:
            of = [r["rule"] for r in rules if r["of"].removeprefix("voice_ai.") == seen]
            lines += ["", "<details><summary>Rules</summary>", "", "```sql", *of, "```", ""]
            lines += ["</details>", ""]
    return "\n".join(lines)


def test_the_page_is_current(admin_url: str) -> None:
    whole = _PAGE.read_text("utf-8")
    head, _, rest = whole.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    assert tail, "the page's marks are there"
    expected = f"{head}{_BEGIN}\n{_page(admin_url)}\n{_END}{tail}"
    if os.environ.get("UPDATE_DOCS"):
        _PAGE.write_text(expected, encoding="utf-8")
    assert _PAGE.read_text("utf-8") == expected


def test_every_column_says_what_it_means(admin_url: str) -> None:
    silent = [
        f"{row['of']}.{row['name']}"
        for row in _rows(admin_url, _COLUMNS)
        if not row["says"] and not _PLAIN.fullmatch(row["name"])
    ]
    assert silent == []
