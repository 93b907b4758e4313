"""PostgreSQL and Redis, given by the settings or embedded: opened, migrated, and closed again."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import structlog

from esl_app.config import Settings
from esl_app.embedded import EmbeddedPostgres, EmbeddedValkey
from esl_app.sessions import Sessions
from tenants.db import Database
from tenants.migrate import app_url, migrate

log = structlog.get_logger()


class Stores:
    """What outlives a worker, as a context manager.

    An embedded server that another process of ours runs on the same `data_dir` is shared.

    Raises:
        DatabaseUnavailable, UnsafeRole, MigrationError: `database_url` cannot be used; the message
            says why and holds no password.
        EmbeddedError: an embedded server does not start.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._postgres: EmbeddedPostgres | None = None
        self._valkey: EmbeddedValkey | None = None
        self.database: Database
        self.sessions: Sessions

    def __enter__(self) -> Self:
        try:
            self.database = Database(self._database_url())
            self.database.check()
            self.sessions = Sessions(self._redis_url())
            self.sessions.check()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close connections, then stop the servers that are ours."""
        for name in ("sessions", "database"):
            if (store := getattr(self, name, None)) is not None:
                store.close()
        for server in (self._valkey, self._postgres):
            if server is not None:
                server.stop()
        self._postgres = self._valkey = None

    def _database_url(self) -> str:
        if self._settings.database_url is not None:
            return self._settings.database_url.get_secret_value()
        server = EmbeddedPostgres(self._settings.data_dir.absolute() / "postgres")
        admin_url = server.running_url()
        if admin_url is None:
            server.start()
            self._postgres = server
            admin_url = server.url
        migrate(admin_url)
        return app_url(admin_url, server.app_password)

    def _redis_url(self) -> str:
        if self._settings.redis_url is not None:
            return self._settings.redis_url.get_secret_value()
        server = EmbeddedValkey(self._settings.data_dir.absolute() / "valkey")
        url = server.running_url()
        if url is None:
            server.start()
            self._valkey = server
            url = server.url
        return url
