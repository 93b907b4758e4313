"""No statement is put together in Python: a rule about our own source, so it is read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

_ROOT = Path(__file__).parents[3]
_PACKAGES = ("esl_app", "knowledge", "providers", "tenants", "dialplan")
# The migration runner hands whole files to the server and sets its own connection up.
_RUNNER = Path("tenants/migrate.py")
_STATEMENT = re.compile(
    r"\s*(select\s.+\sfrom\s|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s"
    r"|(create|alter|drop)\s+(table|role|schema|function|policy|index|database)\s)",
    re.IGNORECASE | re.DOTALL,
)


def _sources() -> Iterator[Path]:
    for package in _PACKAGES:
        yield from sorted((_ROOT / package).rglob("*.py"))


def made_up_statements(tree: ast.AST) -> list[int]:
    """Lines where the first argument of an execute is built, or written out."""
    found = []
    for node in ast.walk(tree):
        if not (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("execute", "executemany", "copy", "stream")
            and node.args
        ):
            continue
        first = node.args[0]
        built = isinstance(first, ast.JoinedStr | ast.BinOp) or (
            isinstance(first, ast.Constant) and isinstance(first.value, str)
        )
        formatted = (
            isinstance(first, ast.Call)
            and isinstance(first.func, ast.Attribute)
            and first.func.attr in ("format", "join", "replace", "__add__", "__mod__")
        )
        if built or formatted:
            found.append(node.lineno)
    return found


def written_statements(tree: ast.AST) -> list[int]:
    """Lines with a string that is a statement, docstrings aside."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
        and _STATEMENT.match(node.value)
    ]


def test_no_statement_is_built_or_stands_outside_a_sql_file() -> None:
    bad = []
    for path in _sources():
        name = path.relative_to(_ROOT)
        if name == _RUNNER:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        bad += [f"{name}:{line}" for line in made_up_statements(tree) + written_statements(tree)]
    assert bad == []


@pytest.mark.parametrize(
    "code",
    [
        "cursor.execute(f'SELECT {x}')",
        "cursor.execute('SELECT ' + x)",
        "cursor.execute('SELECT %s' % x)",
        "cursor.execute('SELECT {}'.format(x))",
        "cursor.executemany('SELECT 1', rows)",
    ],
)
def test_the_guard_sees_what_it_should(code: str) -> None:
    assert made_up_statements(ast.parse(code)) == [1]


def test_the_guard_sees_a_statement_kept_in_a_variable() -> None:
    assert written_statements(ast.parse("x = 'DELETE FROM voice_ai.domain'")) == [1]
