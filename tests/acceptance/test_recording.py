"""Recordings of whole calls through the stand-in: whose they are; they never cost a call."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from esl_app.switchsim import HangUp, Speak, SpeakWhenQuiet, Switch, Wait
from tenants.models import Tenant
from tenants.policy import Policy, save_policy
from tests.fix_calls import AUDIO, PlacedCall, Rig

pytestmark = pytest.mark.acceptance

PARKING = AUDIO / "parking.wav"
QUESTION = SpeakWhenQuiet(PARKING, quiet_s=1.5)


def set_policy(rig: Rig, tenant: Tenant, **values: Any) -> None:
    domain = tenant.domain.domain_uuid
    with rig.database.tenant(domain) as cursor:
        save_policy(cursor, domain, Policy(**values))


def recording_of(rig: Rig, tenant: Tenant, call: PlacedCall) -> Path:
    row, _ = rig.rows(call, tenant)
    assert row.recording_file_path is not None
    return rig.settings.recordings / row.recording_file_path


def sides(path: Path) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    with wave.open(str(path), "rb") as reader:
        assert reader.getnchannels() == 2
        frames = np.frombuffer(reader.readframes(reader.getnframes()), "<i2").reshape(-1, 2)
    return frames[:, 0], frames[:, 1]


@pytest.mark.parametrize("mode", ["duplex", "file"])
def test_both_voices_are_kept(rig: Rig, mode: str) -> None:
    tenant = rig.tenant(hears=["Is there parking?", "Goodbye."], secretary={"media_mode": mode})
    set_policy(rig, tenant, recording_enabled=True)
    call = rig.call(QUESTION, QUESTION, switch=Switch(speed=1.0 if mode == "duplex" else 20.0))
    assert call.facts["ending"] == "goodbye"
    assert "recording" in call.kinds()
    caller, agent = sides(recording_of(rig, tenant, call))
    began_s = call.result.answered_at_s or 0.0
    assert len(caller) / 8000 == pytest.approx(call.result.duration_s - began_s, abs=0.3)
    for kept, whole in ((caller, call.result.caller_audio), (agent, call.result.agent_audio)):
        everything = np.frombuffer(whole, "<i2")
        assert np.array_equal(kept, everything[len(everything) - len(kept) :])
        assert np.abs(kept.astype(int)).max() > 1000


def test_nothing_is_kept_unless_the_tenant_says_so(rig: Rig) -> None:
    tenant = rig.tenant(hears=["Goodbye."])
    call = rig.call(QUESTION)
    row, _ = rig.rows(call, tenant)
    assert row.recording_file_path is None
    assert "record_session" not in call.result.applications()


def test_what_forbids_it_is_named(rig: Rig) -> None:
    tenant = rig.tenant(hears=["Goodbye."])
    set_policy(rig, tenant, recording_enabled=True, retention_audio_days=0, consent="ask")
    call = rig.call(QUESTION)
    assert "record_session" not in call.result.applications()
    assert call.journal is not None
    entry = call.journal.last("not_recorded")
    assert entry is not None
    assert "retention_audio_days" in entry.data["reason"]
    assert "consent" not in call.kinds(), "nobody is asked for nothing"


def test_it_ends_before_a_transfer(rig: Rig) -> None:
    tenant = rig.tenant(hears=["I want a person."])
    set_policy(rig, tenant, recording_enabled=True)
    call = rig.call(QUESTION)
    assert call.result.transferred_to == "2000"
    applications = call.result.applications()
    assert applications.index("stop_record_session") < applications.index("transfer")
    assert recording_of(rig, tenant, call).stat().st_size > 1000


def test_where_it_cannot_be_written_the_call_goes_on(rig: Rig) -> None:
    tenant = rig.tenant(hears=["Goodbye."])
    set_policy(rig, tenant, recording_enabled=True)
    rig.settings.recordings.parent.mkdir(parents=True, exist_ok=True)
    rig.settings.recordings.write_bytes(b"a file where the directory should be")
    call = rig.call(QUESTION)
    assert call.facts["ending"] == "goodbye"
    assert "not_recorded" in call.kinds()


def test_it_is_whole_when_the_caller_hangs_up(rig: Rig) -> None:
    tenant = rig.tenant()
    set_policy(rig, tenant, recording_enabled=True)
    call = rig.call(Wait(0.5), Speak(PARKING), HangUp())
    caller, _ = sides(recording_of(rig, tenant, call))
    assert len(caller) > 8000
