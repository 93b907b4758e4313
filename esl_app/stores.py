"""PostgreSQL and Redis, given by the settings or embedded: opened, migrated, and closed again."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from esl_app.config import Settings
from esl_app.embedded import EmbeddedPostgres, EmbeddedValkey
from esl_app.errors import ConfigError
from esl_app.sessions import Sessions
from providers.registry import secret_fields
from tenants import keyring
from tenants.db import Database, Limits
from tenants.keyring import KeyRing
from tenants.migrate import app_url, migrate
from tenants.vault import Vault

log = structlog.get_logger()


def keys_file(settings: Settings) -> Path:
    """Where the key ring is, if it is a file."""
    return (settings.keys_file or settings.data_dir / "keys").absolute()


def key_ring(settings: Settings) -> KeyRing:
    """The keys that providers' keys are sealed with.

    Raises:
        KeyRingError: It cannot be read; says what is wrong, without what it holds.
        ConfigError: There is none, and the database is not ours alone to make one for.
    """
    if settings.keys is not None:
        return KeyRing.of_text(settings.keys.get_secret_value(), "keys")
    if settings.keys_file is not None:
        return KeyRing.of_file(keys_file(settings))
    if settings.database_url is not None:
        raise ConfigError(
            "keys_file: not set, and database_url is: make a key ring with "
            "`voice-ai keys new --file FILE` and name it, or give its text as VOICE_AI_KEYS"
        )
    return keyring.ensure(keys_file(settings))


class Stores:
    """What outlives a worker, as a context manager.

    An embedded server that another process of ours runs on the same `data_dir` is shared.

    Raises:
        DatabaseUnavailable, UnsafeRole, MigrationError: `database_url` cannot be used; the message
            says why and holds no password.
        EmbeddedError: an embedded server does not start.
        ConfigError, KeyRingError: there is no key ring to open providers' keys with.
    """

    def __init__(self, settings: Settings, limits: Limits | None = None) -> None:
        self._settings = settings
        self._limits = limits or _limits(settings)
        self._postgres: EmbeddedPostgres | None = None
        self._valkey: EmbeddedValkey | None = None
        self.admin_url: str | None = None  # of the embedded PostgreSQL
        self.database: Database
        self.sessions: Sessions
        self.redis_url: str

    def __enter__(self) -> Self:
        try:
            self.database = Database(self._database_url(), self._limits)
            self.database.check()
            self.database.vault = Vault(key_ring(self._settings), secret_fields)
            self.redis_url = self._redis_url()
            self.sessions = Sessions(self.redis_url)
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
        self.admin_url = admin_url
        migrate(admin_url)
        return app_url(admin_url, server.app_password)

    def _redis_url(self) -> str:
        url = redis_url(self._settings)
        if url is None:
            server = _valkey(self._settings)
            server.start()
            self._valkey = server
            url = server.url
        return url


def _limits(settings: Settings) -> Limits:
    """As many may wait for a connection as there are calls, each with what is written beside it."""
    return Limits(pool_size=settings.database_connections, max_waiting=2 * settings.listen.max_legs)


def redis_url(settings: Settings) -> str | None:
    """Where Redis is: the settings', else the embedded one of a process that runs; else nowhere."""
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    return _valkey(settings).running_url()


def _valkey(settings: Settings) -> EmbeddedValkey:
    return EmbeddedValkey(settings.data_dir.absolute() / "valkey")
