"""What is kept too long goes, of each tenant by his own policy: real rows, real files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from esl_app.retention import Removed, Retention
from tenants import repository
from tenants.audit import read_audit
from tenants.db import Database
from tenants.models import Conversation, MessageRow
from tenants.policy import Policy, save_policy
from tenants.requests import Callback, LeftMessage, save_callback, save_left_message

pytestmark = pytest.mark.integration

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
OLD, NEW = NOW - timedelta(days=31), NOW - timedelta(days=29)
CALLER = "+14155550199"


@dataclass
class Site:
    """A tenant with calls, and the folder of their recordings."""

    database: Database
    root: Path
    domain: UUID

    def call(self, at: datetime, *, file: str | None = None, **values: Any) -> UUID:
        """A call of an hour with one message and, unless `file` says otherwise, a recording."""
        made = uuid4()
        path = file or f"{self.domain}/{made}.wav"
        place = self.root / path
        if file is None:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(b"RIFF")
            os.utime(place, (at.timestamp(), at.timestamp()))
        row = {
            "voice_conversation_uuid": made,
            "call_uuid": str(uuid4()),
            "caller_id_number": CALLER,
            "caller_id_name": "Maria",
            "start_time": at,
            "end_time": at + timedelta(hours=1),
            "recording_file_path": path,
            "cost": Decimal("0.5"),
            "currency": "USD",
            **values,
        }
        repository.save_conversation(self.database, self.domain, Conversation(**row))
        repository.append_message(
            self.database,
            self.domain,
            MessageRow(
                voice_conversation_uuid=made,
                turn_number=1,
                role="user",
                content="my secret",
                heard="my",
                prompt_tokens=7,
            ),
        )
        return made

    def policy(self, **values: Any) -> None:
        with self.database.tenant(self.domain) as cursor:
            save_policy(cursor, self.domain, Policy(**values))

    def run(self, *, dry_run: bool = False, now: datetime = NOW) -> Removed:
        retention = Retention(self.database, self.root, actor="job:test", dry_run=dry_run)
        return retention.run(now)[self.domain]

    def kept(self, call: UUID) -> tuple[Conversation, list[MessageRow]]:
        found = repository.read_conversation(self.database, self.domain, call)
        assert found is not None
        return found

    def files(self) -> set[str]:
        return {path.stem for path in self.root.rglob("*.wav")}


@pytest.fixture
def make_site(database: Database, tmp_path: Path) -> Callable[[], Site]:
    def make() -> Site:
        tenant = repository.create_tenant(
            database,
            {
                "domain": {"domain_name": f"{uuid4()}.example"},
                "secretary": {"secretary_name": "Ana"},
            },
        )
        return Site(database, tmp_path / "recordings", tenant.domain.domain_uuid)

    return make


@pytest.fixture
def site(make_site: Callable[[], Site]) -> Site:
    return make_site()


def test_each_kind_by_its_own_days(site: Site) -> None:
    old, new = site.call(OLD), site.call(NEW)
    site.policy(retention_audio_days=30, retention_transcript_days=None)
    assert site.run() == Removed(recordings=1)
    assert site.files() == {str(new)}
    conversation, messages = site.kept(old)
    assert conversation.recording_file_path is None
    assert messages[0].content == "my secret"
    site.policy(retention_audio_days=None, retention_transcript_days=30)
    assert site.run() == Removed(conversations=1)
    conversation, messages = site.kept(old)
    assert (conversation.caller_id_number, conversation.caller_id_name) == (None, None)
    assert (messages[0].content, messages[0].heard, messages[0].prompt_tokens) == ("", None, 7)
    assert (conversation.cost, conversation.start_time) == (Decimal("0.5"), OLD)
    assert site.kept(new)[1][0].content == "my secret"
    assert site.run() == Removed(), "done twice it does nothing more"
    with site.database.tenant(site.domain) as cursor:
        lines = [(e.action, e.subject, e.details) for e in read_audit(cursor, site.domain)]
    assert sorted(lines, key=str) == [
        ("retention", "audio", {"recordings": 1}),
        ("retention", "said", {"conversations": 1}),
    ]


def test_a_dry_run_counts_and_changes_nothing(site: Site) -> None:
    old = site.call(OLD)
    site.policy(retention_audio_days=30, retention_transcript_days=30)
    assert site.run(dry_run=True) == Removed(recordings=1, conversations=1)
    assert site.files() == {str(old)}
    assert site.kept(old)[1][0].content == "my secret"


def test_one_tenants_days_are_not_anothers(make_site: Callable[[], Site]) -> None:
    mine, theirs = make_site(), make_site()
    theirs_old = theirs.call(OLD)
    mine.call(OLD)
    mine.policy(retention_audio_days=0, retention_transcript_days=0)
    theirs.policy(retention_audio_days=None, retention_transcript_days=None)
    mine.run()
    assert theirs.files() == {str(theirs_old)}
    assert theirs.kept(theirs_old)[1][0].content == "my secret"


def test_more_than_a_batch(site: Site) -> None:
    for _ in range(205):
        site.call(OLD)
    site.policy(retention_audio_days=30, retention_transcript_days=30)
    assert site.run() == Removed(recordings=205, conversations=205)
    assert site.files() == set()


def test_a_call_that_is_up_is_left_alone(site: Site) -> None:
    up = site.call(NOW - timedelta(hours=2), end_time=None)
    lost = site.call(NOW - timedelta(days=2), end_time=None)
    site.policy(retention_audio_days=0, retention_transcript_days=0)
    assert site.run() == Removed(recordings=1, conversations=1)
    assert site.files() == {str(up)}
    assert site.kept(lost)[0].caller_id_number is None


@pytest.mark.parametrize("where", ["../outside.wav", "/etc/hostname", "other/x.wav", "link/x.wav"])
def test_no_file_outside_the_tenants_folder_goes(site: Site, where: str) -> None:
    site.root.mkdir(parents=True, exist_ok=True)
    victims = [site.root.parent / "outside.wav", site.root / "other" / "x.wav"]
    for victim in victims:
        victim.parent.mkdir(exist_ok=True)
        victim.write_bytes(b"not yours")
    (site.root / str(site.domain)).symlink_to(site.root / "other")
    file = where.replace("link", str(site.domain))
    call = site.call(OLD, file=file)
    site.policy(retention_audio_days=30)
    site.run()
    assert all(victim.exists() for victim in victims)
    assert site.kept(call)[0].recording_file_path is None


def test_files_that_no_row_knows_go(site: Site) -> None:
    known = site.call(NEW)
    folder = site.root / str(site.domain)
    nobodys = site.root / str(uuid4())  # a tenant that is gone
    nobodys.mkdir()
    for place, at in (
        (folder / "lost.wav", NOW - timedelta(days=2)),
        (folder / "written.wav", NOW - timedelta(minutes=1)),
        (nobodys / "gone.wav", NOW - timedelta(days=2)),
    ):
        place.write_bytes(b"RIFF")
        os.utime(place, (at.timestamp(), at.timestamp()))
    site.policy(retention_audio_days=None, retention_transcript_days=None)
    assert site.run() == Removed(orphans=1)
    assert site.files() == {str(known), "written"}


def test_what_callers_left_goes_too_but_not_what_they_are_owed(site: Site) -> None:
    with site.database.tenant(site.domain) as cursor:
        for status in ("completed", "pending"):
            row = Callback(
                callback_number=CALLER, status=status, expires_at=NOW + timedelta(days=1)
            )
            save_callback(cursor, site.domain, row)
        save_left_message(cursor, site.domain, LeftMessage(content="call me"))
        cursor.execute("UPDATE voice_ai.callback SET insert_date = %s", (OLD,))
        cursor.execute("UPDATE voice_ai.voice_message SET insert_date = %s", (OLD,))
    site.policy(retention_transcript_days=30)
    assert site.run() == Removed(callbacks=1, voice_messages=1)


def test_one_worker_does_it(site: Site, admin_url: str) -> None:
    site.call(OLD)
    site.policy(retention_audio_days=30, retention_transcript_days=30)
    with psycopg.connect(admin_url) as other:
        other.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('voice_ai.retention ' || %s, 0))",
            (str(site.domain),),
        )
        assert site.run() == Removed()
    assert site.run() == Removed(recordings=1, conversations=1)
