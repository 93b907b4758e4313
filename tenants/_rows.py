"""Between rows of a cursor and values of a model: the same few steps for every table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString, TypeVar
from uuid import UUID

from tenants.db import Cursor
from tenants.fields import Row, parse

_RowT = TypeVar("_RowT", bound=Row)


def read(
    cursor: Cursor, statement: LiteralString, domain_uuid: UUID, model: type[_RowT], what: str
) -> list[_RowT]:
    """All rows of a statement as values."""
    cursor.execute(statement, {"domain_uuid": domain_uuid})
    return [parse(model, row, what) for row in cursor]


def values(row: Row) -> dict[str, Any]:
    """A row's columns, with tuples as the lists that psycopg makes arrays of."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in row.model_dump().items()
    }


def write(cursor: Cursor, statement: LiteralString, domain_uuid: UUID, row: Row) -> None:
    """Insert or change a row whose columns are the model's fields."""
    cursor.execute(statement, values(row) | {"domain_uuid": domain_uuid})


def remove(cursor: Cursor, statement: LiteralString, key: Mapping[str, UUID | str]) -> bool:
    """Delete one row; False when there was none."""
    return cursor.execute(statement, key).rowcount == 1
