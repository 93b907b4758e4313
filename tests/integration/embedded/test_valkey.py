from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from esl_app.embedded import EmbeddedError, EmbeddedValkey

pytestmark = pytest.mark.integration


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="voice-ai-test-", dir="/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def test_it_answers_with_the_password_alone(folder: Path) -> None:
    server = EmbeddedValkey(folder / "data")
    server.start()
    try:
        with redis.Redis.from_url(server.url) as client:
            assert client.set("a", "1")
            assert client.get("a") == b"1"
        bare = server.url.split("@")[1].split("?")[0]
        with (
            redis.Redis(unix_socket_path=bare, retry=Retry(NoBackoff(), 0)) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.get("a")
        command = Path(f"/proc/{server._process.pid if server._process else 0}/cmdline").read_text()
        assert (server.data_dir / "password").read_text() not in command
    finally:
        server.stop()


@pytest.mark.parametrize(("persist", "kept"), [(True, b"1"), (False, None)])
def test_what_is_left_after_a_restart(folder: Path, *, persist: bool, kept: bytes | None) -> None:
    server = EmbeddedValkey(folder / "data", persist=persist)
    for expected in (None, kept):
        server.start()
        try:
            with redis.Redis.from_url(server.url) as client:
                assert client.get("a") == expected
                client.set("a", "1")
        finally:
            server.stop()


def test_a_folder_has_one_server_that_others_can_join(folder: Path) -> None:
    server, second = EmbeddedValkey(folder / "data"), EmbeddedValkey(folder / "data")
    server.start()
    try:
        with pytest.raises(EmbeddedError, match=f"already started by process {os.getpid()}"):
            second.start()
        assert second.running_url() == server.url
    finally:
        server.stop()
    assert second.running_url() is None


def test_a_long_path_and_one_with_spaces(folder: Path) -> None:
    for name in ("long" * 30, 'a "quoted" space'):
        server = EmbeddedValkey(folder / name)
        server.start()
        try:
            with redis.Redis.from_url(server.url) as client:
                assert client.ping()
        finally:
            server.stop()


def test_the_fixture_gives_an_empty_server(redis_client: redis.Redis) -> None:
    assert redis_client.dbsize() == 0
    redis_client.set("left", "over")


def test_and_again_an_empty_one(redis_client: redis.Redis) -> None:
    assert redis_client.dbsize() == 0
    redis_client.set("left", "over")
