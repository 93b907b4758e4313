"""A call without a place, as a telephone sees it: rung, told why, and refused unanswered."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from tenants.db import Database
from tests.freeswitch.config import NUMBER
from tests.freeswitch.scripted import scripted
from tests.freeswitch.sipcaller import CallRefusedError, Phone
from tests.freeswitch.switch import FreeSwitch

pytestmark = [pytest.mark.freeswitch, pytest.mark.timeout(120)]
log = structlog.get_logger()


@pytest.mark.parametrize("action", ["prompt", "cause"])
def test_a_call_without_a_place_is_refused_unanswered(
    start_switch: Callable[..., FreeSwitch],
    database: Database,
    database_url: str,
    redis_url: str,
    tmp_path: Path,
    action: str,
) -> None:
    switch = start_switch()
    quota = {"concurrent_legs": 1, "busy_action": action, "busy_message": "All lines are busy."}
    with (
        scripted(switch, (database, database_url, redis_url), tmp_path, quota=quota),
        Phone(switch=switch.sip) as phone,
    ):
        first = phone.call(NUMBER)
        began = time.monotonic()
        second = phone.dial(NUMBER)
        with pytest.raises(CallRefusedError) as refused:
            second.wait_answered(15)
        log.info("refused", action=action, ms=round((time.monotonic() - began) * 1000))
        assert refused.value.status == 486
        loud = [frame for frame in second.heard.frames(began, time.monotonic()) if frame.rms > 2000]
        if action == "prompt":
            assert 183 in second.provisional
            assert 40 < len(loud) < 80, "four words of 0.3 s, a packet each 20 ms"
        else:
            assert not loud
        assert not first.ended.is_set()
        first.hangup()
        switch.wait_idle()
        phone.call(NUMBER).hangup()
        switch.wait_idle()
