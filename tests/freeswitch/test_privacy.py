"""Consent and secrets on real calls: what the recording holds, and what nothing holds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tenants.db import Database
from tenants.policy import Policy, save_policy
from tests.freeswitch.config import NUMBER
from tests.freeswitch.scripted import scripted
from tests.freeswitch.sipcaller import Phone
from tests.freeswitch.sounds import tone
from tests.freeswitch.switch import FreeSwitch
from tests.freeswitch.test_recording import CALLER_HZ, sides, stretches

pytestmark = pytest.mark.freeswitch

CARD = "4929123456789016"  # 76 in all, as the flow expects
FLOW = Path(__file__).parent / "flows" / "pay.py"


def test_agreed_to_and_silent_while_the_card_is_keyed_in(
    switch: FreeSwitch,
    phone: Phone,
    database: Database,
    database_url: str,
    redis_url: str,
    tmp_path: Path,
) -> None:
    stores = (database, database_url, redis_url)
    with scripted(switch, stores, tmp_path, flow=FLOW) as site:
        policy = Policy(consent="ask", consent_message="one two three", recording_enabled=True)
        with database.tenant(site.domain_uuid) as cursor:
            save_policy(cursor, site.domain_uuid, policy)
        call = phone.call(NUMBER)
        question = call.listen(quiet_ms=700)
        call.press("1")
        greeting = call.listen(since=question.end + 0.1, quiet_ms=100)
        # The prompt follows the greeting at once; it may be talked and keyed over.
        time.sleep(1.0)
        talked = call.say(tone(CALLER_HZ, 1.5), wait=False)
        time.sleep(1.6)
        keyed = call.press(CARD + "99#")
        answer = call.listen(since=keyed.ended_at, quiet_ms=700)
        call.say(tone(CALLER_HZ, 0.5))
        call.wait_ended(15)
        switch.wait_idle()
        [[row]] = site.conversations().values()
        output = site.product.output
        kept = repr(site.messages()) + repr(row)
    assert row["consent"] == "given"
    assert answer.seconds < 2.0, "one word: the flow has the number"
    for text in (output, kept):
        assert CARD not in text
    folder = tmp_path / "data" / "recordings"
    caller, agent = (stretches(s) for s in sides(folder / row["recording_file_path"]))
    # On the file's clock: the greeting is the first sound, the question is not on it.
    zero = greeting.start - agent[0][0]
    assert question.end < zero
    hidden = (talked.started_at - zero, keyed.ended_at - zero)
    assert not [at for at in caller if at[0] < hidden[1] and at[1] > hidden[0]]
    assert not [at for at in agent if hidden[0] < at[0] < hidden[1]]
    assert [at for at in agent if at[0] > hidden[1]], "the answer is on it again"
    assert [at for at in caller if at[0] > hidden[1]], "and the caller"
