"""Both embedded servers, migrated and ready: what a command runs on when nothing is configured."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from esl_app.embedded.postgres import EmbeddedPostgres
from esl_app.embedded.valkey import EmbeddedValkey
from tenants import migrate


class Stack:
    """PostgreSQL and Valkey under one folder; joins those another of our processes runs there.

    >>> with Stack(Path("var")) as stack:                # doctest: +SKIP
    ...     db = Database(stack.database_url)
    ...     redis = Redis.from_url(stack.redis_url)

    Attributes:
        database_url: The application's role: row-level security applies.
        admin_url: The superuser: for migrations.
        redis_url: For `redis.Redis.from_url`.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        self._postgres = EmbeddedPostgres(folder / "postgres", durable=durable)
        self._valkey = EmbeddedValkey(folder / "valkey", persist=durable)
        self.admin_url = ""
        self.database_url = ""
        self.redis_url = ""

    def start(self) -> None:
        """Start what does not run yet, and bring the schema up to date.

        Raises:
            EmbeddedError: A server did not come up; says which and why.
            tenants.errors.MigrationError: The data there are of another version.
        """
        try:
            self.admin_url = self._postgres.running_url() or self._started_postgres()
            migrate.migrate(self.admin_url)
            self.database_url = migrate.app_url(self.admin_url, self._postgres.app_password)
            self.redis_url = self._valkey.running_url() or self._started_valkey()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop what this process started; what it joined goes on."""
        try:
            self._valkey.stop()
        finally:
            self._postgres.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _started_postgres(self) -> str:
        self._postgres.start()
        return self._postgres.url

    def _started_valkey(self) -> str:
        self._valkey.start()
        return self._valkey.url
