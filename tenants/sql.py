"""SQL in files: named statements, so that no statement is ever put together from data.

A file holds blocks that begin with `-- name: <name>`; everything up to the next block is the
statement. Values come as psycopg parameters (`%(name)s`), identifiers are never data. The types
hold that up: `execute` takes `LiteralString`, and this module is the only place that makes one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from typing import LiteralString, cast

_HEADER = re.compile(r"^-- name: ([a-z][a-z0-9_]*)[ \t]*$", re.MULTILINE)


def parse(text: str) -> Mapping[str, LiteralString]:
    r"""The named statements of one file.

    >>> parse("-- name: one\nSELECT 1;\n")["one"]
    'SELECT 1'
    """
    head, *pieces = _HEADER.split(text)
    if any(line and not line.startswith("--") for line in head.splitlines()):
        raise ValueError("a statement stands before the first `-- name:` line")
    found: dict[str, LiteralString] = {}
    for name, body in zip(pieces[::2], pieces[1::2], strict=True):
        statement = body.strip().removesuffix(";")
        if name in found:
            raise ValueError(f"two statements are called {name!r}")
        if not statement:
            raise ValueError(f"{name!r} holds no statement")
        # The text is a file of this installation: as much a literal as a line of Python is.
        found[name] = cast("LiteralString", statement)
    return found


def load(package: str, file: str = "queries.sql") -> Mapping[str, LiteralString]:
    """The statements of `file` inside `package`; read once, at import."""
    return parse(resources.files(package).joinpath(file).read_text("utf-8"))
