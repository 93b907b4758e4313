"""The only place that hands out a cursor, and only inside one tenant's transaction.

Isolation is the server's work: every table has row-level security that compares `domain_uuid` with
a setting made by SET LOCAL. It ends with the transaction, so that a connection which goes back to
the pool carries no tenant: measured, a plain SET did leak to the next checkout. Each new connection
is checked before first use: a role that could read past the policies is refused.

Waiting is bounded three times: the pool's queue (length and time), the server's statement_timeout,
and a client-side deadline for a server that does not answer at all. A greenlet killed inside a
query costs its connection; the server's own time-out ends the query it leaves behind.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import gevent
import psycopg
import structlog
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from tenants import _connection, migrate, sql
from tenants.errors import DatabaseUnavailable, MigrationError, TenantError, UnsafeRole
from tenants.vault import Vault

Cursor = psycopg.Cursor[DictRow]
_Result = TypeVar("_Result")

_SQL = sql.load("tenants")
# The client waits this much longer than the server's own time-out, so that normally the server's
# clear refusal comes first and the connection stays usable.
_GRACE_S = 0.1

# How long a transaction may sit between two statements before the server ends it.
_IDLE_S = 5.0
_JOB_S = 10.0
# Without a handler of its own, "error connecting" goes to stderr past everybody's logging.
logging.getLogger("psycopg.pool").addHandler(logging.NullHandler())

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long, and for how many, a database may hold up calls."""

    pool_size: int = 4
    max_waiting: int = 64
    wait_s: float = 0.3  # for a free or new connection
    statement_s: float = 0.3  # for a statement, unless the caller says otherwise
    connect_s: int = 2  # libpq's unit: whole seconds, at least 2
    # A pool that gives up soon tries again at once on the next request; one that keeps trying
    # backs off for minutes, and calls wait for it after the server is back.
    reconnect_s: float = 1.0


class BoundedConnection(psycopg.Connection[DictRow]):
    """A connection on which no wait lasts longer than `answer_s`, whatever the server does."""

    answer_s: float = 2.0

    def wait(
        self, gen: PQGen[_Result], interval: float = 0.1, timeout: float | None = None
    ) -> _Result:
        """Run a step of the protocol; OperationalError when the server does not answer in time."""
        return super().wait(gen, interval, self.answer_s if timeout is None else timeout)


class _Pool(ConnectionPool[BoundedConnection]):
    """A pool in whose queue those alone are counted who still wait.

    psycopg_pool (3.3) leaves whoever gave up in the queue until a connection comes back. During an
    outage none does: once `max_waiting` have given up, everybody is refused before the pool would
    try to connect again, and it never does, although the server is back.
    """

    def _get_ready_connection(self, timeout: float | None) -> BoundedConnection | None:
        # Called with the pool's lock held, as the queue is only touched under it.
        while self._waiting and (self._waiting[0].error or self._waiting[0].conn):
            self._waiting.popleft()
        return super()._get_ready_connection(timeout)


class Database:
    """Connections of one process to PostgreSQL. Make it after forking.

    >>> db = Database("postgresql://voice_ai_app:...@db/voice_ai")  # doctest: +SKIP
    >>> db.check()                                                   # doctest: +SKIP
    >>> with db.tenant(domain_uuid) as cursor:                       # doctest: +SKIP
    ...     cursor.execute(SQL["secretaries"], {"domain_uuid": domain_uuid})

    Args:
        url: The application's role at its database.
        limits: How long it may hold up calls.
        vault: What seals and opens providers' keys; without one, only rows without keys can be
            written and read.

    Raises:
        DatabaseUnavailable: The URL is not one. Nothing is connected yet: see `check`.
    """

    def __init__(
        self, url: str, limits: Limits | None = None, *, vault: Vault | None = None
    ) -> None:
        self.vault = vault or Vault()
        self._where = _connection.where(url)
        self._url = url
        self._limits = limits or Limits()
        self._refusal: TenantError | None = None
        self._closed = False
        self._pool = _Pool(
            url,
            connection_class=BoundedConnection,
            kwargs={
                "row_factory": dict_row,
                "connect_timeout": self._limits.connect_s,
                "application_name": "voice-ai",
                # A peer that vanished without a word (power, firewall) is noticed by the kernel.
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
                "tcp_user_timeout": 5000,
            },
            min_size=0,
            max_size=self._limits.pool_size,
            max_waiting=self._limits.max_waiting,
            timeout=self._limits.wait_s,
            reconnect_timeout=self._limits.reconnect_s,
            max_idle=300.0,
            num_workers=2,
            configure=self._configure,
            check=ConnectionPool.check_connection,
            name="voice-ai",
            open=False,
        )

    @property
    def url(self) -> str:
        """Where it connects to; holds the password."""
        return self._url

    def check(self) -> None:
        """Connect once and look: reachable, migrated, and with a role that cannot see too much.

        Raises:
            DatabaseUnavailable: Not reachable; says where and why.
            UnsafeRole: The role could read past row-level security.
            MigrationError: The schema is missing or older than this program.
        """
        with _connection.connect(
            self._url, connect_s=self._limits.connect_s, row_factory=dict_row
        ) as connection:
            _inspect(connection, self._where)
        self._refusal = None

    @contextmanager
    def tenant(
        self, domain_uuid: UUID, *, statement_s: float | None = None, wait_s: float | None = None
    ) -> Iterator[Cursor]:
        """A cursor that sees and writes this tenant's rows alone, in one transaction.

        Commits at the end of the block, rolls back on any exception.

        Args:
            domain_uuid: The tenant.
            statement_s: Seconds for each statement, where a job may take longer than a call's turn.
            wait_s: Seconds for a connection, where there is more time than in a call's turn.

        Raises:
            TenantError: DatabaseUnavailable, Conflict or Refused for what went wrong inside.
        """
        with self._transaction(statement_s, wait_s, domain_uuid=str(domain_uuid)) as cursor:
            yield cursor

    def domain_uuids(self) -> list[UUID]:
        """Every tenant there is, for a job that goes through them."""
        with self._transaction(_JOB_S, None, sweep="on") as cursor:
            return [row["domain_uuid"] for row in cursor.execute(_SQL["all_domains"])]

    @contextmanager
    def lookup(
        self, *, domain_name: str = "", destination_number: str = "", wait_s: float | None = None
    ) -> Iterator[Cursor]:
        """A cursor that sees exactly the domain of that name and the row of that number."""
        with self._transaction(
            None, wait_s, lookup_domain_name=domain_name, lookup_number=destination_number
        ) as cursor:
            yield cursor

    def close(self) -> None:
        """Close all connections; nothing is handed out any more."""
        self._closed = True
        self._pool.close(timeout=2.0)

    @contextmanager
    def _transaction(
        self, statement_s: float | None, wait_s: float | None, **settings: str
    ) -> Iterator[Cursor]:
        seconds = statement_s or self._limits.statement_s
        connection = self._checkout(wait_s)
        try:
            connection.answer_s = seconds + _GRACE_S
            cursor = connection.cursor()
            cursor.execute(
                _SQL["enter"],
                {
                    "domain_uuid": settings.get("domain_uuid", ""),
                    "lookup_domain_name": settings.get("lookup_domain_name", ""),
                    "lookup_number": settings.get("lookup_number", ""),
                    "sweep": settings.get("sweep", ""),
                    "statement_ms": str(int(seconds * 1000)),
                    "idle_ms": str(int((seconds + _IDLE_S) * 1000)),
                },
            )
            yield cursor
            connection.commit()
        except (psycopg.Error, UnicodeEncodeError) as error:
            _abandon(connection)
            if ours := _connection.mapped(error):
                raise ours from None
            raise
        except BaseException:
            _abandon(connection)
            raise
        finally:
            self._pool.putconn(connection)

    def _checkout(self, wait_s: float | None) -> BoundedConnection:
        """A connection, taken in a greenlet of its own.

        psycopg_pool hands a connection to whoever waits in its queue, and takes a waiter out of the
        queue only on `Exception`. A caller who hangs up ends his greenlet with a BaseException:
        the connection then given to the dead waiter would be lost for good, and after `pool_size`
        such callers the database with it. The helper lives on and gives the connection back.
        """
        self._open()
        helper = gevent.spawn(self._take, wait_s)
        try:
            helper.join()
        except BaseException:
            helper.link(self._give_back)
            raise
        taken = helper.value
        if isinstance(taken, Exception):
            raise taken
        assert isinstance(taken, BoundedConnection)
        return taken

    def _take(self, wait_s: float | None) -> BoundedConnection | Exception:
        # Errors are values here: a greenlet that dies of one prints a traceback.
        try:
            return self._pool.getconn(wait_s)
        except psycopg.Error as error:
            return self._refusal or _connection.mapped(error) or error

    def _give_back(self, helper: gevent.Greenlet[..., BoundedConnection | Exception]) -> None:
        if isinstance(helper.value, BoundedConnection):
            self._pool.putconn(helper.value)

    def _open(self) -> None:
        if self._pool.closed:
            if self._closed:
                raise DatabaseUnavailable("PostgreSQL: closed")
            self._pool.open()

    def _configure(self, connection: BoundedConnection) -> None:
        """Look at each new connection before its first use."""
        try:
            _inspect(connection, self._where)
        except TenantError as error:
            self._refusal = error
            # No traceback: the message says it all.
            log.error("database_refused", reason=str(error))  # noqa: TRY400
            raise
        self._refusal = None
        connection.commit()


def _inspect(connection: psycopg.Connection[DictRow], where: str) -> None:
    """Refuse a role that sees past the policies, and a schema this program cannot work with."""
    row = connection.execute(_SQL["role"]).fetchone()
    assert row is not None
    rights = [
        text
        for key, text in (
            ("rolsuper", "is a superuser"),
            ("rolbypassrls", "has BYPASSRLS"),
            ("is_owner", "owns the tables"),
        )
        if row[key]
    ]
    if rights:
        raise UnsafeRole(
            f"PostgreSQL at {where}: role {row['role']} {' and '.join(rights)}, so it could read "
            f"across tenants; connect as {migrate.APP_ROLE}"
        )
    if not row["has_schema"]:
        raise MigrationError(f"PostgreSQL at {where}: no schema voice_ai; run `voice-ai migrate`")
    applied = {r["version"] for r in connection.execute(_SQL["applied_versions"])}
    for migration in migrate.shipped():
        if migration.phase == "pre" and migration.version not in applied:
            raise MigrationError(
                f"PostgreSQL at {where}: {migration.file} is not applied; run `voice-ai migrate`"
            )


def _abandon(connection: BoundedConnection) -> None:
    """Leave no transaction behind; a connection in the middle of something is closed."""
    try:
        if connection.info.transaction_status in (
            TransactionStatus.INTRANS,
            TransactionStatus.INERROR,
        ):
            connection.rollback()
    except psycopg.Error:
        connection.close()
    except BaseException:
        connection.close()
        raise
    else:
        if connection.info.transaction_status != TransactionStatus.IDLE:
            connection.close()
