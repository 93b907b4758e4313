from __future__ import annotations

import psycopg
import pytest
from psycopg import errors
from psycopg_pool import PoolTimeout, TooManyRequests

from tenants import _connection
from tenants.db import Database
from tenants.errors import DatabaseUnavailable, TenantError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "url",
    ["", "mysql://root@db/x", "host=db password=hunter2", "postgresql://u:hunter2%zz@db/x"],
)
def test_an_url_that_is_none_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(DatabaseUnavailable) as refused:
        Database(url)
    assert str(refused.value).startswith("database URL: ")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("postgresql://app:pw@db.example:5433/ivr", "db.example:5433/ivr"),
        ("postgresql://app:pw@db.example/ivr", "db.example:5432/ivr"),
        ("postgresql://app:pw@/ivr?host=/run/pg", "/run/pg/ivr"),
    ],
)
def test_where_a_database_is_can_be_said_without_its_password(url: str, where: str) -> None:
    assert _connection.where(url) == where


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (PoolTimeout("x"), True),
        (TooManyRequests("x"), True),
        (errors.QueryCanceled("x"), True),
        (errors.AdminShutdown("x"), True),
        (psycopg.OperationalError("x"), True),
        (errors.UniqueViolation("x"), False),
        (errors.InsufficientPrivilege("x"), False),
        (errors.ForeignKeyViolation("x"), False),
    ],
)
def test_each_error_of_the_driver_has_one_of_ours(error: Exception, *, retryable: bool) -> None:
    ours = _connection.mapped(error)
    assert isinstance(ours, TenantError)
    assert ours.retryable is retryable


def test_a_statement_with_a_mistake_is_a_bug_and_looks_like_one() -> None:
    assert _connection.mapped(errors.SyntaxError("x")) is None
