"""Real calls that end at any instant, whoever ends them: afterwards nothing of them is left.

ENDINGS_CALLS=600 FREESWITCH_BIN=... pytest tests/freeswitch/test_endings.py
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
import numpy as np
import pytest
import structlog
from gevent.pool import Pool

from tenants.db import Database
from tests.fix_calls import AUDIO
from tests.freeswitch.config import NUMBER, OPERATOR_HZ
from tests.freeswitch.scripted import Scripted, scripted
from tests.freeswitch.sipcaller import Call, CallRefusedError, Phone
from tests.freeswitch.sounds import load_wav
from tests.freeswitch.switch import FreeSwitch

log = structlog.get_logger()

pytestmark = [pytest.mark.freeswitch, pytest.mark.timeout(1500)]

CALLS = int(os.environ.get("ENDINGS_CALLS", "60"))
SEED = int(os.environ.get("ENDINGS_SEED", "1"))
AT_ONCE = 12
LONGEST_S = 5.0
GREETING_S = 1.5  # five words of the scripted voice
HERE = Path(__file__).parent

# Kind of ending, whether the caller was answered, and each conversation's last action and cause.
EXPECTED = {
    ("cancel", False),
    *(("cancel", answered, ("hangup", "ORIGINATOR_CANCEL")) for answered in (False, True)),
    ("cancel", True, ("hangup", "NORMAL_CLEARING")),
    ("caller", True, ("hangup", "NORMAL_CLEARING")),
    ("person", True, ("hangup", "NORMAL_CLEARING")),  # gone before the transfer
    # FreeSWITCH may close the socket before it has sent the events that name the cause.
    *(
        (kind, answered, ("hangup", "UNSPECIFIED"))
        for kind in ("caller", "person", "cancel", "switch", "controller", "socket", "release")
        for answered in (False, True)
    ),
    ("person", True, ("transferred", "BLIND_TRANSFER")),
    ("switch", True, ("hangup", "MANAGER_REQUEST")),
    ("controller", True, ("hangup", "NORMAL_CLEARING")),
    ("socket", True, ("hangup", "NORMAL_CLEARING")),
    ("release", True, ("hangup", "NORMAL_CLEARING")),
}

_PERSON = f"""
<context name="default"><extension name="person">
  <condition field="destination_number" expression="^2000$">
    <action application="answer"/>
    <action application="endless_playback" data="tone_stream://%(1000,0,{OPERATOR_HZ});loops=-1"/>
  </condition>
</extension></context>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A call that is over, as its caller had it."""

    number: str
    kind: str
    answered: bool
    lasted_s: float
    greeted_s: float = 0.0
    """Sound of the greeting that was heard; 0: none."""
    greeted_after_s: float = 0.0
    """From the answer to its first sound."""
    holes: int = 0
    """Packets without sound, or missing, inside the greeting."""


@dataclass
class Caller:
    """Places calls, each of which ends its own way."""

    switch: FreeSwitch
    phone: Phone
    question: bytes = field(default_factory=lambda: load_wav(AUDIO / "parking.wav"))
    ended: list[Ended] = field(default_factory=list)
    spoke_at: dict[str, float] = field(default_factory=dict)

    def place(self, kind: str, after_s: float, index: int) -> None:
        digit = {"controller": 1, "socket": 2, "release": 3}.get(kind, 9)
        number = f"{digit}{round(after_s * 1000):05d}{index:05d}"
        call = self.phone.dial(NUMBER, caller_id=number)
        try:
            if kind == "cancel":
                time.sleep(after_s / 50)
                call.hangup()
            call.wait_answered(10.0)
        except CallRefusedError:
            self.ended.append(Ended(number=number, kind=kind, answered=False, lasted_s=0.0))
            return
        try:
            self._through(call, kind, number, after_s)
        finally:
            call.hangup()
            call.wait_ended(10.0)
            time.sleep(0.1)
            self.ended.append(self._told(call, kind, number))
            call.media.close()

    def _through(self, call: Call, kind: str, number: str, after_s: float) -> None:
        ends_at = call.answered_at + after_s
        if kind == "cancel":
            return  # answered before the CANCEL: a BYE then
        self._until(call, min(ends_at, call.answered_at + GREETING_S + 0.5))
        if not call.ended.is_set() and time.monotonic() < ends_at:
            self.spoke_at[number] = time.monotonic()
            call.media.say(self.question)
        self._until(call, ends_at)
        if kind == "switch" and not call.ended.is_set():
            self._kill(number)
            call.wait_ended(10.0)
        elif kind == "person":
            if not call.ended.is_set():
                call.media.press("0")
            self._until(call, ends_at + after_s)
        elif kind == "controller":
            call.wait_ended(10.0)
        elif kind in {"socket", "release"}:
            self._until(call, ends_at + 1.0)

    @staticmethod
    def _until(call: Call, instant: float) -> None:
        call.ended.wait(max(0.0, instant - time.monotonic()))

    def _kill(self, number: str) -> None:
        channels = json.loads(self.switch.api("show channels as json")).get("rows", [])
        for channel in channels:
            if channel["cid_num"] == number:
                self.switch.api(f"uuid_kill {channel['uuid']} MANAGER_REQUEST")

    def _told(self, call: Call, kind: str, number: str) -> Ended:
        frames = call.heard.frames(call.answered_at, call.answered_at + GREETING_S + 1.0)
        loud = [frame for frame in frames if frame.rms > 2000]
        holes = 0
        if loud:
            began = loud[0].at
            # The caller's voice pauses it, and FreeSWITCH stops before its BYE is here.
            until = min(call.ended_at - 0.1, self.spoke_at.get(number, call.ended_at))
            lasts_s = max(0.0, min(GREETING_S, until - began))
            inside = [f for f in frames if began <= f.at < began + lasts_s]
            holes = max(0, round(lasts_s / 0.02) - sum(f.rms > 2000 for f in inside))
        return Ended(
            number=number,
            kind=kind,
            answered=True,
            lasted_s=call.ended_at - call.answered_at,
            greeted_s=len(loud) * 0.02,
            greeted_after_s=loud[0].at - call.answered_at if loud else 0.0,
            holes=holes,
        )


@pytest.fixture(scope="module")
def switch(start_switch: Callable[..., FreeSwitch]) -> FreeSwitch:
    """One with somebody to transfer to."""
    return start_switch(extra_dialplan=_PERSON)


@pytest.fixture
def site(
    switch: FreeSwitch, database: Database, database_url: str, redis_url: str, tmp_path: Path
) -> Iterator[Scripted]:
    """`voice-ai serve`, watched, with a flow that ends calls."""
    flow = HERE / "flows" / "endings.py"
    stores = (database, database_url, redis_url)
    with scripted(switch, stores, tmp_path, flow=flow, greeting="one two three four five") as site:
        yield site


def _outcomes(rows: dict[str, list[dict[str, Any]]], call: Ended) -> list[tuple[str, str]]:
    return [(row["final_action"], row["hangup_cause"]) for row in rows.get(call.number, [])]


def test_calls_that_end_at_random_instants_leave_nothing(
    switch: FreeSwitch, site: Scripted
) -> None:
    controller, dice = site.product, random.Random(SEED)
    kinds = ["caller"] * 4 + ["cancel", "person", "switch", "controller", "socket", "release"]

    def place(count: int, first: int) -> Caller:
        with Phone(switch=switch.sip) as phone:
            caller = Caller(switch, phone)
            pool = Pool(AT_ONCE)
            for index in range(first, first + count):
                pool.spawn(caller.place, dice.choice(kinds), dice.uniform(0.0, LONGEST_S), index)
                gevent.sleep(0.05)  # FreeSWITCH takes 30 new calls a second
            pool.join(raise_error=True)
            worst_s = max((call.media.worst_lateness_s for call in phone.calls), default=0.0)
            log.info("phone", worst_lateness_s=round(worst_s, 3))
        switch.wait_idle(20.0)
        return caller

    place(AT_ONCE, 0)
    time.sleep(1.0)
    before, switch_before = controller.held(), _descriptors(switch.pid)
    began = time.monotonic()
    caller = place(CALLS, 10_000)
    took_s = time.monotonic() - began

    deadline = time.monotonic() + 10
    while (left := controller.held() - before) and time.monotonic() < deadline:
        time.sleep(0.5)
    ended, rows = caller.ended, site.conversations()
    outcomes = Counter((call.kind, call.answered, *_outcomes(rows, call)) for call in ended)
    # Of these the greeting was to be heard to its end, or to the caller's.
    greeted = [call for call in ended if call.kind in {"caller", "switch"} and call.lasted_s > 0.6]
    said = Counter(str(e["event"]) for e in controller.entries if e.get("level") != "info")
    log.info(
        "endings",
        calls=CALLS,
        seconds=round(took_s),
        outcomes=sorted(outcomes.items()),
        greeted=len(greeted),
        unheard=sum(not call.greeted_s for call in greeted),
        greeting_after_ms=[
            round(float(np.percentile([c.greeted_after_s for c in greeted], share)) * 1000)
            for share in (50, 95, 100)
        ],
        worst_holes=sorted(call.holes for call in greeted)[-5:],
        descriptors_of_freeswitch=(switch_before, _descriptors(switch.pid)),
        logged=dict(said),
    )
    assert not left
    assert switch.channels() == 0
    assert not [path for path in controller.spool.rglob("*") if path.is_file()]
    assert len(ended) == CALLS
    for outcome in outcomes:
        assert outcome in EXPECTED, outcome
    assert all(row["end_time"] for found in rows.values() for row in found)
    assert not [call for call in greeted if not call.greeted_s], "the idle noise took our place"
    assert not set(said) - {"census"}


def _descriptors(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
