"""A caller is forgotten: afterwards nothing that a search would find is left of him."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from redis import Redis

from esl_app.forget import Forgotten, Places, forget, hashed
from esl_app.sessions import Session, Sessions
from tenants import repository
from tenants.audit import read_audit
from tenants.db import Database
from tenants.keyring import KeyRing
from tenants.models import Conversation, MessageRow
from tenants.requests import Callback, LeftMessage, save_callback, save_left_message
from tests.fix_pg import KEYS

pytestmark = pytest.mark.integration

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
RING = KeyRing.of_text(KEYS, "tests")
# The same line, as a trunk, a phone and a form write it.
WRITTEN = ["+5511987654321", "11987654321", "5511987654321"]
WORDS = "zanzibar"
OTHER = "+5511912345678"


@pytest.fixture
def places(tmp_path: Path, redis_url: str) -> Places:
    folders = {name: tmp_path / name for name in ("recordings", "spool", "prompts", "backlog")}
    for folder in folders.values():
        folder.mkdir()
    return Places(**folders, sessions=Sessions(redis_url))


def tenant(database: Database, name: str) -> UUID:
    values = {
        "domain": {"domain_name": name, "country": "BR"},
        "secretary": {"secretary_name": "Ana"},
    }
    return repository.create_tenant(database, values).domain.domain_uuid


def leave(database: Database, domain: UUID, places: Places, number: str, words: str) -> None:
    """A call of the number, with everything a call can leave."""
    made, leg = uuid4(), str(uuid4())
    file = f"{domain}/{made}.wav"
    row = Conversation(
        voice_conversation_uuid=made,
        call_uuid=leg,
        caller_id_number=number,
        caller_id_name=words,
        start_time=NOW - timedelta(days=3),
        end_time=NOW,
        recording_file_path=file,
        summary=words,
    )
    repository.save_conversation(database, domain, row)
    said = MessageRow(voice_conversation_uuid=made, turn_number=1, role="user", content=words)
    repository.append_message(database, domain, said)
    with database.tenant(domain) as cursor:
        owed = Callback(callback_number=number, caller_name=words, expires_at=NOW)
        save_callback(cursor, domain, owed)
        save_left_message(cursor, domain, LeftMessage(caller_id_number=number, content=words))
        save_left_message(cursor, domain, LeftMessage(voice_conversation_uuid=made, content=words))
    session = Session(
        domain_uuid=domain, conversation_uuid=made, began=NOW, history=(("user", words),)
    )
    places.sessions.save(leg, session)
    for place, content in (
        (places.recordings / file, words),
        (places.spool / str(domain) / f"{leg}-1-1" / "0001-utterance.wav", words),
        (places.prompts / str(domain) / "answer.wav", words),
        (
            places.backlog / f"{domain}.{uuid4()}.rows",
            json.dumps({"conversation": row.model_dump(mode="json")}) + "\n",
        ),
    ):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)


def everything(admin_url: str, redis_url: str, folder: Path) -> str:
    """Every row of every table, every key of Redis, every file."""
    with psycopg.connect(admin_url) as connection:
        tables = connection.execute(
            "SELECT oid::regclass::text FROM pg_class"
            " WHERE relnamespace = 'voice_ai'::regnamespace AND relkind = 'r'"
        ).fetchall()
        found = []
        for (table,) in tables:
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:
                found += [bytes(block).decode() for block in copy]
    with Redis.from_url(redis_url) as redis:
        found += [f"{key}{redis.get(key)}" for key in redis.keys("*")]
    found += [f"{p} {p.read_text()}" for p in folder.rglob("*") if p.is_file()]
    return "\n".join(found)


def test_nothing_is_found_of_him(
    database: Database, places: Places, admin_url: str, redis_url: str, tmp_path: Path
) -> None:
    domain = tenant(database, "willow.example")
    for number in WRITTEN:
        leave(database, domain, places, number, WORDS)
    leave(database, domain, places, OTHER, "kept")
    before = everything(admin_url, redis_url, tmp_path)
    assert before.count(WORDS) > 20

    def run(*, dry_run: bool) -> Forgotten:
        return forget(
            database,
            domain,
            "(11) 98765-4321",
            places=places,
            ring=RING,
            actor="cli:test",
            now=NOW,
            dry_run=dry_run,
        )

    expected = Forgotten(
        conversations=3, voice_messages=6, callbacks=3, recordings=3, waiting=3, may_be_up=0
    )
    assert run(dry_run=True) == expected
    assert everything(admin_url, redis_url, tmp_path) == before
    assert run(dry_run=False) == expected
    after = everything(admin_url, redis_url, tmp_path)
    assert WORDS not in after
    for number in WRITTEN:
        assert number.lstrip("+") not in after
    assert OTHER in after
    assert after.count("kept") >= 7, "another caller's is another's"
    assert run(dry_run=False) == Forgotten()
    with database.tenant(domain) as cursor:
        lines = [e for e in read_audit(cursor, domain) if e.action == "forget"]
    digest = hashed(RING, domain, "5511987654321")
    assert {line.subject for line in lines} == {f"caller {digest}"}
    assert hashed(KeyRing.of_text(KEYS.replace("A", "B", 1), "x"), domain, "1") != digest


def test_of_this_tenant_alone(
    database: Database, places: Places, admin_url: str, redis_url: str, tmp_path: Path
) -> None:
    mine, theirs = tenant(database, "a.example"), tenant(database, "b.example")
    leave(database, theirs, places, WRITTEN[0], WORDS)
    before = everything(admin_url, redis_url, tmp_path)
    done = forget(database, mine, WRITTEN[0], places=places, ring=RING, actor="cli:test", now=NOW)
    assert done == Forgotten()
    after = everything(admin_url, redis_url, tmp_path)
    assert after.count(WORDS) == before.count(WORDS)
