"""A leg that is bridged to a person, comes back, and talks on: one conversation, in duplex."""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tenants.db import Database
from tests.fix_calls import AUDIO
from tests.freeswitch.config import NUMBER
from tests.freeswitch.scripted import scripted
from tests.freeswitch.sipcaller import Call, Phone
from tests.freeswitch.sounds import load_wav, pitch, tone
from tests.freeswitch.switch import FreeSwitch, free_port

pytestmark = pytest.mark.freeswitch

PERSON_HZ = 1200
VOICE_HZ = 440  # of the scripted voice
TIMES = 3


def _person(phone: Phone) -> str:
    """An extension that rings a telephone and brings the caller back to us when it is hung up."""
    return f"""
<context name="default"><extension name="person">
  <condition field="destination_number" expression="^2000$">
    <action application="bridge" data="sofia/rig/{phone.uri.removeprefix("sip:")}"/>
    <action application="transfer" data="{NUMBER} XML voice-ai"/>
  </condition>
</extension></context>
"""


def _asked(call: Call) -> None:
    """Ask, and hear the answer to its end."""
    said = call.say(load_wav(AUDIO / "parking.wav"))
    answer = call.listen(since=said.ended_at, quiet_ms=900)
    assert pitch(call.heard.pcm(answer.start, answer.end)) == pytest.approx(VOICE_HZ, abs=5)
    assert call.heard.worst_gap_s(answer.start, answer.end) < 0.06


def test_a_caller_comes_back_from_a_person_three_times(
    start_switch: Callable[..., FreeSwitch],
    database: Database,
    database_url: str,
    redis_url: str,
    tmp_path: Path,
) -> None:
    port = free_port(socket.SOCK_DGRAM)
    sip = ("127.0.0.1", port)
    with Phone(switch=sip, user="2000") as colleague, Phone(switch=sip) as phone:
        switch = start_switch(sip_port=port, extra_dialplan=_person(colleague))
        stores = (database, database_url, redis_url)
        with scripted(
            switch, stores, tmp_path, answers=["Yes indeed."], hold_return_message="Back again."
        ) as site:
            call = phone.call(NUMBER)
            call.listen(quiet_ms=700)
            for _ in range(TIMES):
                _asked(call)
                call.press("0")
                theirs = colleague.wait_call(10.0).answer()
                talked = theirs.say(tone(PERSON_HZ, 1.0))
                heard = call.heard.pcm(talked.started_at + 0.2, talked.ended_at)
                assert pitch(heard) == pytest.approx(PERSON_HZ, abs=5), (
                    "they do not hear each other"
                )
                theirs.hangup()
                back = call.listen(since=time.monotonic() + 0.1, quiet_ms=700)
                assert back.seconds == pytest.approx(0.6, abs=0.1), "two words of welcome"
            _asked(call)
            call.hangup()
            switch.wait_idle()
            time.sleep(0.5)
            found = site.conversations()
            messages = site.messages()
            entries = site.product.entries
    ((row,),) = found.values()
    assert (row["total_turns"], row["final_action"]) == (TIMES + 1, "hangup")
    assert row["transfer_extension"] == "2000"
    assert row["end_time"] is not None
    assert [m["turn_number"] for m in messages if m["role"] == "user"] == list(range(1, TIMES + 2))
    tokens = [m["prompt_tokens"] for m in messages if m["role"] == "assistant"]
    assert all(a < b for a, b in itertools.pairwise(tokens)), "the model forgot what was said"
    lines = [entry for entry in entries if entry["event"] == "call"]
    assert [line["disposition"] for line in lines] == ["transferred"] * TIMES + ["hangup"]
    assert not [entry for entry in entries if entry["event"] in {"duplex_given_up", "duplex_lost"}]
