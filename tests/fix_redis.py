"""A real Redis-compatible server for tests: one a session, emptied for each test."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from esl_app.embedded.valkey import EmbeddedValkey


@pytest.fixture(scope="session")
def redis_server() -> Iterator[EmbeddedValkey]:
    folder = Path(tempfile.mkdtemp(prefix="voice-ai-valkey-", dir="/tmp"))
    server = EmbeddedValkey(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis_url(redis_server: EmbeddedValkey) -> str:
    """The URL of an empty server."""
    client = redis.Redis.from_url(redis_server.url)
    try:
        client.flushall()
    finally:
        client.close()
    return redis_server.url


@pytest.fixture
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(redis_url)
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def own_valkey() -> Iterator[EmbeddedValkey]:
    """A server of the test's own, to be stopped and started."""
    folder = Path(tempfile.mkdtemp(prefix="voice-ai-valkey-", dir="/tmp"))
    server = EmbeddedValkey(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
