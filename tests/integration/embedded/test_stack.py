from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from esl_app.embedded import EmbeddedValkey, Stack
from tenants import Database

pytestmark = pytest.mark.integration


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="voice-ai-test-", dir="/tmp"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def test_ready_to_use_twice_and_joined_by_others(folder: Path) -> None:
    for _ in range(2):
        with Stack(folder, durable=False) as stack, Stack(folder) as joined:
            for one in (stack, joined):
                db = Database(one.database_url)
                db.check()
                db.close()
                with redis.Redis.from_url(one.redis_url) as client:
                    assert client.ping()
            joined.stop()
            with redis.Redis.from_url(stack.redis_url) as client:
                assert client.ping()


def test_when_one_part_fails_nothing_is_left_running(folder: Path) -> None:
    valkey = EmbeddedValkey(folder / "valkey")
    (folder / "valkey").write_text("in the way")
    stack = Stack(folder, durable=False)
    with pytest.raises(Exception, match="valkey"):
        stack.start()
    assert not stack._postgres.running
    assert valkey.running_url() is None
