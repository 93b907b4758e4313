"""What a worker leaves in Redis for the next one, of the same release or another."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from redis import Redis

from esl_app.sessions import KEEP_S, Session, Sessions

pytestmark = pytest.mark.integration

DOMAIN = UUID("d3300000-0000-4000-8000-000000000001")
LEG = "5f0e1c9e-0000-4000-8000-000000000001"
SESSION = Session(
    domain_uuid=DOMAIN,
    conversation_uuid=DOMAIN,
    began=datetime(2027, 1, 1, tzinfo=UTC),
    turns=3,
    last_turn=3,
    consent="given",
    tokens=5,
    characters=7,
    cost=Decimal("0.25"),
    history=(("user", "Hello?"), ("assistant", "Yes.")),
)


def test_everything_comes_back_for_its_tenant_and_for_an_hour(
    redis_url: str, redis_client: Redis
) -> None:
    sessions = Sessions(redis_url)
    sessions.save(LEG, SESSION)
    assert sessions.load(LEG, DOMAIN) == SESSION
    assert sessions.load(LEG, UUID(int=1)) is None
    assert KEEP_S - 5 <= redis_client.ttl(f"leg:{LEG}") <= KEEP_S


def test_the_last_releases_is_read(redis_url: str, redis_client: Redis) -> None:
    old = json.loads(SESSION.model_dump_json())
    for name in ("consent", "tokens", "characters", "cost"):
        del old[name]
    redis_client.set(f"leg:{LEG}", json.dumps(old | {"version": 1}))
    found = Sessions(redis_url).load(LEG, DOMAIN)
    assert found is not None
    assert (found.turns, found.consent, found.cost) == (3, None, Decimal(0))


@pytest.mark.parametrize(
    ("text", "newer"),
    [
        (json.dumps(json.loads(SESSION.model_dump_json()) | {"version": 3, "more": 1}), True),
        ('{"version": "x"}', False),
        ("[" * 100_000, False),
        ("not JSON", False),
    ],
)
def test_what_cannot_be_read_is_as_if_it_were_not_there(
    redis_url: str,
    redis_client: Redis,
    text: str,
    newer: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    redis_client.set(f"leg:{LEG}", text)
    assert Sessions(redis_url).load(LEG, DOMAIN) is None
    told = "".join(capsys.readouterr())
    assert "session_unreadable" in told
    assert f"newer={newer}" in told


def test_a_long_call_stays_small(redis_url: str, redis_client: Redis) -> None:
    history = tuple(("user", f"{n} " + "word " * 10_000) for n in range(500))
    long = Session(**(SESSION.model_dump() | {"history": history, "last_answer": "x" * 10**6}))
    Sessions(redis_url).save(LEG, long)
    assert redis_client.strlen(f"leg:{LEG}") < 32_000
    assert [content.split()[0] for _, content in long.history] == [str(n) for n in range(488, 500)]
