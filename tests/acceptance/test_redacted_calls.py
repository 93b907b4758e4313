"""A caller who says a card number: what a provider is sent of it, and what is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from esl_app import report
from esl_app.switchsim import HangUp, Press, SpeakWhenQuiet, Switch, Wait
from tests.acceptance.test_recording import set_policy
from tests.fakes.openai_server import KEY, OpenAiServer
from tests.fix_calls import AUDIO, Rig

pytestmark = pytest.mark.acceptance

CARD = "4929 1234 5678 9015"
KEYED = "4929123456789015"
SAID = f"Charge my card {CARD}, mail ana@example.com."
REDACTED = "Charge my card [card], mail [email]."
QUESTION = SpeakWhenQuiet(AUDIO / "parking.wav", quiet_s=1.0)
HEARS = [SAID, "What did I say?", "Goodbye."]
FLOW = """
from esl_app.flow import Call, flow

@flow
def seen(call: Call) -> None:
    call.answer()
    said = call.ask("Your card?")
    call.note("saw", whole=str(said) == {said!r}, pii_said=str(said))
    call.converse()
"""


def sent(server: OpenAiServer) -> str:
    return "".join(seen.body.decode(errors="replace") for seen in server.seen)


@pytest.mark.parametrize("wanted", [True, False])
def test_what_a_vendor_is_sent(rig: Rig, openai_server: OpenAiServer, wanted: bool) -> None:
    config = {"api_key": KEY, "base_url": openai_server.base_url}
    tenant = rig.tenant(
        hears=HEARS, providers={"llm": ("openai", config), "embeddings": ("openai", config)}
    )
    set_policy(rig, tenant, redact_llm=wanted)
    call = rig.call(QUESTION, QUESTION, QUESTION)
    assert call.facts["ending"] == "goodbye"
    chats = [s for s in openai_server.seen if s.path.endswith("/chat/completions")]
    assert len(chats) == 2, "the second has the first in its history"
    told = sent(openai_server)
    assert (CARD in told, "[card]" in told) == (not wanted, wanted)
    assert ("ana@example.com" in told) is not wanted
    _, messages = rig.rows(call, tenant)
    assert messages[0].content == SAID, "the transcript is another choice"


def test_what_is_kept(make_rig: Any, flows_dir: Path, redis_url: str, tmp_path: Path) -> None:
    (flows_dir / "seen.py").write_text(FLOW.replace("{said!r}", repr(SAID)))
    rig: Rig = make_rig(flow="seen")
    tenant = rig.tenant(hears=[SAID, SAID, SAID], answers=[f"I noted {CARD}."])
    set_policy(rig, tenant, redact_storage=True)
    call = rig.call(QUESTION, QUESTION, Wait(1), Press(KEYED), Wait(1), HangUp())
    assert call.journal is not None
    saw = call.journal.last("flow.saw")
    assert saw is not None
    assert saw.data["whole"] is True, "the flow has what was said"
    conversation, messages = rig.rows(call, tenant)
    assert [m.content for m in messages][1] == REDACTED
    report.write(tmp_path / "report", report.transcript(call.journal, call=call.facts), None)
    with Redis.from_url(redis_url) as redis:
        kept = "".join(str(redis.dump(key)) for key in redis.keys("*"))
    kept += repr(conversation) + "".join(repr(m.model_dump()) for m in messages)
    kept += json.dumps([entry.data for entry in call.journal.entries], default=str)
    files = list((tmp_path / "report").iterdir())
    kept += "".join(p.read_text(errors="replace") for p in files)
    assert "[card]" in kept
    for canary in (CARD, KEYED, "ana@example.com"):
        assert canary not in kept


def test_the_session_of_a_call_that_may_be_taken_over(rig: Rig, redis_url: str) -> None:
    tenant = rig.tenant(hears=[SAID, "I want a person."], answers=[f"I noted {CARD}."])
    set_policy(rig, tenant, redact_storage=True)
    call = rig.call(QUESTION, QUESTION, switch=Switch(speed=20.0))
    assert call.facts["disposition"] == "transferred"
    with Redis.from_url(redis_url) as redis:
        text = str(redis.get(f"leg:{call.result.uuid}"))
    assert "[card]" in text
    assert CARD not in text
