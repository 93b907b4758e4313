"""Rows that could not be written at once are written later, each once, by whoever is there."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import gevent
import pytest
import structlog

from esl_app.backlog import Backlog
from tenants import repository
from tenants.db import Database, Limits
from tenants.models import Conversation, MessageRow
from tests.integration.tenants.conftest import Make

pytestmark = pytest.mark.integration

_BEGAN = datetime(2026, 11, 22, 14, 0, 0, 123456, tzinfo=UTC)


def _call() -> tuple[Conversation, MessageRow, Conversation]:
    begun = Conversation(call_uuid="c-1", start_time=_BEGAN, caller_id_number="+15550100")
    said = MessageRow(
        voice_conversation_uuid=begun.voice_conversation_uuid,
        turn_number=1,
        role="assistant",
        content='Às nove — \u2028"né"?\nSim.',
        rag_sources=(uuid4(),),
        cost=Decimal("0.000125"),
        currency="USD",
    )
    ended = begun.model_copy(update={"end_time": _BEGAN, "duration_seconds": Decimal("7.250")})
    return begun, said, ended


def test_what_is_kept_is_written_as_it_was_and_once(
    database: Database, make_tenant: Make, tmp_path: Path
) -> None:
    domain_uuid = make_tenant("a.example").domain.domain_uuid
    folder = tmp_path / "deep" / "backlog"
    begun, said, ended = _call()
    Backlog(folder, database).keep(domain_uuid, (begun, said, ended))
    (file,) = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    again = file.read_bytes()
    workers = [gevent.spawn(Backlog(folder, database).drain) for _ in range(3)]
    gevent.joinall(workers, timeout=10, raise_error=True)
    assert sum(worker.value or 0 for worker in workers) == 1
    file.write_bytes(again)  # a worker that died before it could remove the file
    assert Backlog(folder, database).drain() == 1
    assert list(folder.iterdir()) == []
    found = repository.read_conversation(database, domain_uuid, begun.voice_conversation_uuid)
    assert found is not None
    conversation, messages = found
    assert conversation == ended
    assert [m.model_copy(update={"insert_date": None}) for m in messages] == [said]


def test_while_nobody_answers_the_file_stays(make_tenant: Make, tmp_path: Path) -> None:
    domain_uuid = make_tenant("a.example").domain.domain_uuid
    nobody = Database("postgresql://x:y@127.0.0.1:1/x", Limits(wait_s=0.1))
    try:
        backlog = Backlog(tmp_path, nobody)
        backlog.keep(domain_uuid, _call())
        backlog.keep(domain_uuid, _call())
        assert backlog.drain() == 0
        assert len(list(tmp_path.glob("*.rows"))) == 2
    finally:
        nobody.close()


def test_what_nobody_can_write_is_told_and_does_not_stand_in_the_way(
    database: Database, make_tenant: Make, tmp_path: Path
) -> None:
    domain_uuid = make_tenant("a.example").domain.domain_uuid
    backlog = Backlog(tmp_path, database)
    gone = uuid4()
    backlog.keep(gone, _call())
    begun, said, ended = _call()
    backlog.keep(domain_uuid, (begun, said, ended))
    with next(tmp_path.glob(f"{domain_uuid}.*")).open("a") as file:
        file.write('{"fax": {}}\nnot json\n[]\n{"message": {"content": "canary"}}\n')
    with structlog.testing.capture_logs() as logs:
        assert backlog.drain() == 2
    assert list(tmp_path.iterdir()) == []
    assert repository.read_conversation(database, domain_uuid, begun.voice_conversation_uuid)
    assert {entry["event"] for entry in logs} == {"row_not_written"}
    assert len(logs) == 3 + 4
    assert "canary" not in repr(logs)


def test_a_disk_that_is_full_is_told(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    with structlog.testing.capture_logs() as logs:
        Backlog(tmp_path / "file" / "backlog", database).keep(uuid4(), _call())
        monkeypatch.setattr("esl_app.backlog._MOST", 0)
        Backlog(tmp_path / "other", database).keep(uuid4(), _call())
    assert [entry["event"] for entry in logs] == ["backlog_failed", "backlog_full"]
