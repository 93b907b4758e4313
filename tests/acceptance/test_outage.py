"""PostgreSQL and Redis go away under calls, and come back: nobody on the phone is lost (C4, C7).

CI takes a short outage; the one of the specification is

    OUTAGE_S=60 OUTAGE_CALLS=50 pytest tests/acceptance/test_outage.py
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from esl_app.embedded.postgres import EmbeddedPostgres
from esl_app.embedded.valkey import EmbeddedValkey
from esl_app.switchsim import SpeakWhenQuiet, Switch
from tenants import migrate
from tenants.models import Tenant
from tests.fix_calls import AUDIO, NUMBER, PlacedCall, Rig
from tests.fix_pg import APP_PASSWORD

pytestmark = pytest.mark.acceptance

OUTAGE_S = float(os.environ.get("OUTAGE_S", "4"))
CALLS = int(os.environ.get("OUTAGE_CALLS", "12"))
TURNS = 3
QUESTION = SpeakWhenQuiet(AUDIO / "parking.wav")


@pytest.fixture
def own_redis() -> Iterator[EmbeddedValkey]:
    folder = Path(tempfile.mkdtemp(prefix="voice-ai-valkey-", dir="/tmp"))
    server = EmbeddedValkey(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_url(own_server: EmbeddedPostgres) -> str:
    migrate.migrate(own_server.url)
    return migrate.app_url(own_server.url, APP_PASSWORD)


@pytest.fixture
def redis_url(own_redis: EmbeddedValkey) -> str:
    return own_redis.url


def _was_served(call: PlacedCall) -> bool:
    """Greeted, answered each time, and handed to a person at the end, as the tenant wants it."""
    said = call.said()
    return (
        said[:1] == ["Good morning."]
        and said.count("Yes, there is.") == TURNS
        and call.result.transferred_to == "2000"
        and not call.result.fell_back
        and call.result.attempts == 1
    )


def _until_written(rig: Rig, tenant: Tenant, calls: int) -> None:
    began = time.monotonic()
    ended = 0
    while ended < calls:
        assert time.monotonic() - began < 30.0, f"{ended} of {calls} calls are written"
        gevent.sleep(0.2)
        with rig.database.tenant(tenant.domain.domain_uuid) as cursor:
            ended = cursor.execute(
                "SELECT 1 FROM voice_ai.conversation WHERE end_time IS NOT NULL"
            ).rowcount


@pytest.mark.timeout(OUTAGE_S * 3 + 120)
def test_nobody_is_lost_while_the_stores_are_away(
    make_rig: Any, own_server: EmbeddedPostgres, own_redis: EmbeddedValkey
) -> None:
    rig: Rig = make_rig()
    tenant = rig.tenant(
        hears=["Is there parking?"],
        answers=["Yes, there is."],
        secretary={"max_turns": TURNS},
    )
    first = rig.call(*[QUESTION] * 9)
    assert _was_served(first), first.said()
    going, away = [True], [False]
    served: list[tuple[PlacedCall, bool]] = []

    def caller(_: int) -> None:
        while going[0]:
            began_away = away[0]
            served.append((rig.call(*[QUESTION] * 9, switch=Switch(speed=4.0)), began_away))

    callers = [gevent.spawn(caller, n) for n in range(CALLS)]
    gevent.sleep(1.0)
    own_server.stop()
    own_redis.stop()
    away[0] = True
    callers += [gevent.spawn(caller, n) for n in range(CALLS // 3)]
    gevent.sleep(OUTAGE_S)
    own_server.start()
    own_redis.start()
    away[0] = False
    back = time.monotonic()
    directory = rig.controller._directory
    while directory.resolve(destination_number=NUMBER).warnings:
        assert time.monotonic() - back < 10.0, "PostgreSQL is back and not used"
        gevent.sleep(0.1)
    gevent.sleep(1.0)
    going[0] = False
    gevent.joinall(callers, timeout=120, raise_error=True)

    lost = [call for call, _ in served if not _was_served(call)]
    assert [(call.facts, call.said(), call.result.moments[-5:]) for call in lost] == []
    assert len(served) >= CALLS
    during = [call for call, began_away in served if began_away]
    assert during, "none began while the stores were away"
    assert all("tenant_warning" in call.kinds() for call in during)
    # What was said meanwhile is written down, each thing once.
    _until_written(rig, tenant, len(served) + 1)
    for call, _ in served:
        conversation, messages = rig.rows(call, tenant)
        assert conversation.end_time is not None
        answers = [m.content for m in messages if m.role == "assistant"]
        assert answers.count("Yes, there is.") == TURNS
    assert list((rig.settings.data_dir / "backlog").glob("*")) == []
    # Afterwards everything is as before.
    after = rig.call(*[QUESTION] * 9)
    assert _was_served(after)
    assert "tenant_warning" not in after.kinds()
    conversation, messages = rig.rows(after, tenant)
    assert conversation.end_time is not None
    assert [m.content for m in messages if m.role == "assistant"][:TURNS] == (
        ["Yes, there is."] * TURNS
    )
