"""A card number that is keyed in: it reaches the flow, and nothing else has it afterwards."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from redis import Redis

from esl_app import report
from esl_app.switchsim import Press, Speak, SpeakWhenQuiet, Switch, Wait
from tests.acceptance.test_detect import row
from tests.acceptance.test_recording import recording_of, set_policy, sides
from tests.fakes.deepgram_server import KEY, DeepgramServer
from tests.fix_calls import AUDIO, Rig

pytestmark = pytest.mark.acceptance

CARD = "4929123456789012"
SURPLUS = "77553"
FLOW = """
import hashlib
from esl_app.flow import Call, flow

@flow
def pay(call: Call) -> None:
    call.answer()
    call.say("Good morning.")
    card = call.gather("Key in your card.", longest=16, between_s=1.0, secret=True)
    call.note("paid", right=hashlib.sha256(card.encode()).hexdigest())
    call.converse()
    call.say("Good bye now.")
"""
PARKING = AUDIO / "parking.wav"
# Talks and keys at once, from the prompt on, and one key too many.
SECRET = [Wait(2.0), Speak(PARKING, wait=False), Press(CARD + SURPLUS), Wait(1.5)]
GOODBYE = SpeakWhenQuiet(PARKING, quiet_s=1.5)


@pytest.fixture
def pay(make_rig: Any, flows_dir: Path) -> Rig:
    (flows_dir / "pay.py").write_text(FLOW)
    made: Rig = make_rig(flow="pay")
    return made


def everything_kept(redis_url: str, tmp_path: Path) -> str:
    """What is in Redis, and in every file but the recordings' sound."""
    with Redis.from_url(redis_url) as redis:
        kept = [str(redis.dump(key)) + str(key) for key in redis.keys("*")]
    files = [p for p in tmp_path.rglob("*") if p.is_file() and p.suffix != ".wav"]
    return "".join(kept) + "".join(p.read_text(errors="replace") for p in files)


@pytest.mark.parametrize("mode", ["duplex", "file", "detect"])
def test_nothing_keeps_it(
    pay: Rig, mode: str, redis_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant = pay.tenant(
        hears=["Goodbye."],
        secretary={"media_mode": mode},
        more_providers=[row()] if mode == "detect" else [],
    )
    set_policy(pay, tenant, recording_enabled=True)
    switch = {
        "duplex": Switch(speed=1.0),
        "file": Switch(speed=20.0),
        "detect": Switch(speed=8.0, recognises=["Goodbye."] * 3),
    }[mode]
    call = pay.call(*SECRET, GOODBYE, switch=switch)
    assert call.journal is not None
    paid = call.journal.last("flow.paid")
    assert paid is not None
    assert paid.data["right"] == hashlib.sha256(CARD.encode()).hexdigest(), "the flow has it"
    secret = call.journal.last("secret")
    assert secret is not None
    assert secret.data == {"keys": 16}
    assert "pressed" not in call.kinds(), "the surplus is forgotten"
    assert call.facts["ending"] == "goodbye"

    report.write(tmp_path / "report", report.transcript(call.journal, call=call.facts), None)
    conversation, messages = pay.rows(call, tenant)
    kept = [
        everything_kept(redis_url, tmp_path),
        repr(conversation) + "".join(repr(m.model_dump()) for m in messages),
        json.dumps([entry.data for entry in call.journal.entries], default=str),
        repr(call.result.variables),
        *capsys.readouterr(),
    ]
    for text in kept:
        assert CARD not in text
        assert SURPLUS not in text
        assert CARD[:6] not in text

    # Both sides of the recording are silent from the prompt to the end of the number.
    moments = {m.what: m.at_s for m in call.result.moments if m.kind == "execute"}
    began = call.result.answered_at_s or 0.0
    start_s = moments["record_session_mask"] - began + 0.2
    end_s = moments["record_session_unmask"] - began - 0.2
    assert end_s - start_s > 3
    for side in sides(recording_of(pay, tenant, call)):
        assert not side[int(start_s * 8000) : int(end_s * 8000)].any()
        assert side.any()
    said = np.frombuffer(call.result.caller_audio, "<i2")
    hidden = said[int((start_s + began) * 8000) : int((end_s + began) * 8000)]
    assert np.abs(hidden.astype(int)).max() > 1000, "the caller did speak"


def test_no_recogniser_is_sent_what_is_said_meanwhile(
    pay: Rig, deepgram_server: DeepgramServer
) -> None:
    pay.tenant(
        secretary={"media_mode": "duplex"},
        providers={"stt": ("deepgram", {"api_key": KEY, "base_url": deepgram_server.base_url})},
    )
    deepgram_server.scripts = ["Goodbye."] * 3
    call = pay.call(*SECRET, GOODBYE, switch=Switch(speed=1.0))
    assert call.facts["ending"] == "goodbye"
    assert len(deepgram_server.sessions) == 1, "the goodbye's"


def test_a_tenant_may_want_the_recording_whole(pay: Rig) -> None:
    tenant = pay.tenant(hears=["Goodbye."])
    set_policy(pay, tenant, recording_enabled=True, record_mask=False)
    call = pay.call(*SECRET, GOODBYE)
    assert "record_session_mask" not in call.result.applications()
    assert call.facts["ending"] == "goodbye"
