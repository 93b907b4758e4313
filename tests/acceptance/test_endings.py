"""Duplex calls that end at any instant, whoever ends them: afterwards nothing of them is left.

ENDINGS_CALLS=1000 pytest tests/acceptance/test_endings.py       (two minutes)
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import gevent
import pytest
import structlog
from gevent.pool import Pool

from esl_app.leg import Leg
from esl_app.switchsim import Caller, CallResult, HangUp, Press, Speak, Switch, Wait
from esl_app.switchsim.caller import Cancel
from esl_app.switchsim.faults import CloseAt
from tenants.models import Tenant
from tests import leftovers
from tests.fix_calls import AUDIO, NUMBER, Rig

log = structlog.get_logger()

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]

CALLS = int(os.environ.get("ENDINGS_CALLS", "120"))
SEED = int(os.environ.get("ENDINGS_SEED", "1"))
AT_ONCE = 14
LONGEST_S = 3.0
PARKING = Speak(AUDIO / "parking.wav", wait=False)


def _leg_of(rig: Rig, uuid: str) -> Leg | None:
    return next((leg for leg in rig.controller.server.legs if leg.uuid == uuid), None)


class Endings:
    """One kind of end a call; the instant is drawn by the caller of these."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._port = rig.controller.server.port
        self.ended_by: Counter[str] = Counter()

    def caller(self, after_s: float) -> None:
        self._call(PARKING, Wait(after_s), HangUp())

    def cancel(self, after_s: float) -> None:
        self._call(Cancel(after_s / 40), Wait(0.2), HangUp())

    def person(self, after_s: float) -> None:
        self._call(PARKING, Wait(after_s), Press("0"), Wait(after_s / 2), HangUp())

    def cut_socket(self, after_s: float) -> None:
        """The event socket breaks anywhere in what FreeSWITCH writes."""
        faults = [CloseAt(byte=int(after_s / LONGEST_S * 120_000))]
        self._call(PARKING, Wait(LONGEST_S), HangUp(), faults=faults)

    def controller(self, after_s: float) -> None:
        self._reach(after_s, lambda leg: leg.hangup())

    def lost_socket(self, after_s: float) -> None:
        self._reach(after_s, lambda leg: leg.close())

    def released(self, after_s: float) -> None:
        self._reach(after_s, lambda leg: leg.release())

    def _call(self, *steps: object, **options: object) -> None:
        caller = Caller(steps, number="5550199", patience_s=10.0)  # type: ignore[arg-type]
        result = Switch(speed=1.0, tick_latency=True).call(
            caller,
            port=self._port,
            destination_number=NUMBER,
            timeout_s=40.0,
            **options,  # type: ignore[arg-type]
        )
        self._note(result)

    def _reach(self, after_s: float, end: Callable[[Leg], object]) -> None:
        caller = Caller([PARKING, Wait(LONGEST_S + 1), HangUp()], number="5550199")
        placed = Switch(speed=1.0, tick_latency=True).place(
            caller, port=self._port, destination_number=NUMBER
        )
        gevent.sleep(after_s)
        if (leg := _leg_of(self._rig, placed.uuid)) is not None:
            end(leg)
        self._note(placed.result(timeout_s=40.0))

    def _note(self, result: CallResult) -> None:
        self.ended_by[result.ended_by if result.answered else "unanswered"] += 1


def _stores_ports(rig: Rig) -> set[int]:
    urls = (rig.settings.database_url, rig.settings.redis_url)
    return {urlsplit(url.get_secret_value()).port or 0 for url in urls if url is not None}


def _place(rig: Rig, count: int, seed: int) -> Endings:
    dice = random.Random(seed)
    endings = Endings(rig)
    kinds = [
        *[endings.caller] * 4,
        *(endings.cancel, endings.person, endings.cut_socket),
        *(endings.controller, endings.lost_socket, endings.released),
    ]
    pool = Pool(AT_ONCE)
    for _ in range(count):
        pool.spawn(dice.choice(kinds), dice.uniform(0.0, LONGEST_S))
        gevent.sleep(0.02)
    pool.join(raise_error=True)
    rig.settle()
    return endings


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _rows(rig: Rig, tenant: Tenant) -> list[tuple[str, str | None]]:
    """Each conversation's call and how it ended; no end is None."""
    with rig.database.tenant(tenant.domain.domain_uuid) as cursor:
        cursor.execute("SELECT call_uuid, end_time, final_action FROM voice_ai.conversation")
        return [
            (str(row["call_uuid"]), str(row["final_action"]) if row["end_time"] else None)
            for row in cursor.fetchall()
        ]


def test_calls_that_end_at_random_instants_leave_nothing(rig: Rig) -> None:
    tenant = rig.tenant(
        hears=["Is there parking?"],
        answers=["word " * 12 + "end."],
        secretary={"media_mode": "duplex", "transfer_message": "Just a moment."},
    )
    stores = _stores_ports(rig)
    _place(rig, AT_ONCE, SEED + 1)  # whatever is opened once, is now
    before = leftovers.census(stores)

    began = time.monotonic()
    endings = _place(rig, CALLS, SEED)
    took_s = time.monotonic() - began

    deadline = time.monotonic() + 5
    while (left := leftovers.census(stores) - before) and time.monotonic() < deadline:
        gevent.sleep(0.1)
    rig.written()
    rows = _rows(rig, tenant)
    actions = Counter(action for _, action in rows)
    log.info(
        "endings",
        calls=CALLS,
        seconds=round(took_s),
        ended_by=dict(endings.ended_by),
        actions=dict(actions),
    )
    assert not left
    assert len(rig.controller.pacer) == 0
    assert not _files(rig.settings.spool)
    assert sorted(call for call, _ in rows) == sorted(rig.ended)
    assert None not in actions
    assert not [j for j, _ in rig.ended.values() if j.last("file_mode") or j.last("trouble")]
    assert {"caller", "controller", "unanswered"} <= set(endings.ended_by)
    assert {"hangup", "transferred", "leg_lost"} <= set(actions)
