"""PostgreSQL and a Redis-compatible server inside our own process tree: no set-up, no account.

The default when `database_url` / `redis_url` are not set, and what the tests run on. A server lives
as long as the process that started it; its data stay in the folder it was given.
"""

from __future__ import annotations

from esl_app.embedded._process import EmbeddedError
from esl_app.embedded.postgres import EmbeddedPostgres
from esl_app.embedded.valkey import EmbeddedValkey

__all__ = ["EmbeddedError", "EmbeddedPostgres", "EmbeddedValkey"]
