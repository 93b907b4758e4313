"""What rows look like on a terminal and to a script."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tenants.changes import Change
from tenants.secrets import Secret

_WIDTH = 120  # when nobody's terminal says how wide it is


def console() -> Console:
    """Where tables go."""
    return Console(width=None if Console().is_terminal else _WIDTH)


def plain(value: object) -> Any:
    """A value as JSON has it; a secret as `***`."""
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def text(value: object) -> str:
    """A value as a cell of a table."""
    if value is None or value in ((), [], {}):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return escape("; ".join(text(part) for part in value))
    if isinstance(value, Mapping):
        return escape(json.dumps(plain(value), ensure_ascii=False))
    return escape(str(value))


def rows_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Rows below their columns' names."""
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*(text(value) for value in row))
    return table


def changes_table(changes: Sequence[Change]) -> Table:
    """What differs, a line a field."""
    table = Table("", "row", "field", "from", "to", box=None)
    for one in changes:
        title = f"{one.kind.name} {one.title}".strip()
        shown = [
            (name, was, shall)
            for name, (was, shall) in one.fields.items()
            if one.action == "changed" or shall not in ("", None, [], {})
        ]
        if not shown:
            table.add_row(one.action, escape(title))
        for number, (name, was, shall) in enumerate(shown):
            first = number == 0
            table.add_row(
                one.action if first else "",
                escape(title) if first else "",
                name,
                text(was) if one.action == "changed" else "",
                _new(was, shall),
            )
    return table


def _new(was: object, shall: object) -> str:
    """A value that is shown like the old one and is another: a key that is changed."""
    if isinstance(was, Mapping) and isinstance(shall, Mapping):
        names = [n for n, v in shall.items() if isinstance(v, Secret) and v != was.get(n)]
        if names and text(was) == text(shall):
            return f"{text(shall)} (another {', '.join(names)})"
    return text(shall)
