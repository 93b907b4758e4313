from __future__ import annotations

import pytest

from tenants import sql

pytestmark = pytest.mark.unit


def test_each_block_is_one_statement() -> None:
    text = "-- about\n\n-- name: one\nSELECT 1;\n\n-- name: two\n-- why\nSELECT %(x)s\n"
    assert sql.parse(text) == {"one": "SELECT 1", "two": "-- why\nSELECT %(x)s"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("SELECT 1;\n-- name: one\nSELECT 1", "before the first"),
        ("-- name: one\nSELECT 1\n-- name: one\nSELECT 2", "two statements"),
        ("-- name: one\n;\n", "holds no statement"),
    ],
)
def test_a_confused_file_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        sql.parse(text)


@pytest.mark.parametrize(
    ("package", "file", "name"),
    [
        ("tenants", "queries.sql", "append_message"),
        ("tenants", "migrate.sql", "record"),
        ("knowledge", "queries.sql", "search"),
    ],
)
def test_the_shipped_files_load(package: str, file: str, name: str) -> None:
    assert name in sql.load(package, file)
