"""What a caller waits for, from the RTP that reaches their telephone. Prints a table, judges holes.

    LATENCY_CALLS=20 FREESWITCH_BIN=... pytest -s tests/freeswitch/test_latency.py

The providers answer at once, so what is measured is the engine's and FreeSWITCH's. A timed verdict
would be one about the machine: only what must hold on any of them is asserted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from gevent.pool import Pool
from rich.console import Console
from rich.table import Table

from esl_app.media import sound
from tenants.db import Database
from tests.fix_calls import AUDIO
from tests.freeswitch.config import NUMBER
from tests.freeswitch.heard import Spurt
from tests.freeswitch.scripted import scripted
from tests.freeswitch.sipcaller import Call, Phone
from tests.freeswitch.switch import FreeSwitch

pytestmark = [pytest.mark.freeswitch, pytest.mark.timeout(900)]

CALLS = int(os.environ.get("LATENCY_CALLS", "3"))
AT_ONCE = int(os.environ.get("LATENCY_AT_ONCE", "3"))
LOUD = 2000.0  # the scripted voice; nothing else on the line is so loud
QUESTION, OVER = AUDIO / "parking.wav", AUDIO / "cancel.wav"


@dataclass
class Found:
    """Milliseconds, one a measurement, and packets that were missing."""

    greeting_ms: list[float] = field(default_factory=list)
    answer_ms: list[float] = field(default_factory=list)
    barge_in_ms: list[float] = field(default_factory=list)
    gap_ms: list[float] = field(default_factory=list)
    """The longest between two packets inside each clip."""
    clips: int = 0
    lost: int = 0
    """Packets that never came, by their numbers."""
    silent: int = 0
    """Packets without sound inside a clip."""
    phone_late_ms: float = 0.0

    def table(self) -> Table:
        """As a person reads it."""
        shown = Table(title=f"From the RTP of {len(self.greeting_ms)} calls, {AT_ONCE} at once")
        for name in ("ms", "p50", "p95", "worst"):
            shown.add_column(name, justify="left" if name == "ms" else "right")
        for name, values in (
            ("greeting after the answer", self.greeting_ms),
            ("answer after the caller's last voice", self.answer_ms),
            ("silence after the caller's first voice", self.barge_in_ms),
            ("longest gap between two packets of a clip", self.gap_ms),
        ):
            shares = np.percentile(values, (50, 95, 100))
            shown.add_row(name, *(f"{share:.0f}" for share in shares))
        shown.caption = (
            f"{self.clips} clips: {self.lost} packets lost, {self.silent} silent; "
            f"the telephone itself was at most {self.phone_late_ms:.0f} ms late"
        )
        return shown


def _span(path: Path) -> tuple[bytes, float, float]:
    """The samples of a recording, and where in it voice begins and ends."""
    audio = sound.read_wav(path)
    span = sound.voiced_span(audio, threshold=300)
    assert span is not None
    return audio.pcm, *span


def _clip(call: Call, since: float, found: Found, *, quiet_ms: int = 500) -> Spurt:
    """Our next clip, to its end; what was wrong inside it is counted."""
    frames = call.heard
    start = frames.wait_for_sound(since=since, timeout_s=20)
    end = frames.wait_for_silence(quiet_ms=quiet_ms, timeout_s=20, since=start)
    inside = frames.frames(start, end - 0.02)
    numbers = [frame.sequence for frame in inside]
    found.clips += 1
    found.lost += (numbers[-1] - numbers[0] + 1) % 65536 - len(numbers)
    found.silent += sum(frame.rms < LOUD for frame in inside)
    found.gap_ms.append(frames.worst_gap_s(start, end) * 1000)
    return Spurt(start=start, end=end)


def _one(phone: Phone, found: Found) -> None:
    question, _, question_ends = _span(QUESTION)
    over, over_begins, _ = _span(OVER)
    call = phone.call(NUMBER)
    greeting = _clip(call, call.answered_at, found)
    found.greeting_ms.append((greeting.start - call.answered_at) * 1000)
    for _ in range(2):
        said = call.say(question)
        voice_ended = said.started_at + question_ends
        answer = call.heard.wait_for_sound(since=voice_ended, timeout_s=20)
        found.answer_ms.append((answer - voice_ended) * 1000)
        time.sleep(1.0)
        interrupting = call.say(over)
        voice_began = interrupting.started_at + over_begins
        loud = [f.at for f in call.heard.frames(voice_began, voice_began + 1.0) if f.rms > LOUD]
        found.barge_in_ms.append((max(loud, default=voice_began) + 0.02 - voice_began) * 1000)
        _clip(call, interrupting.ended_at, found)
    found.phone_late_ms = max(found.phone_late_ms, call.media.worst_lateness_s * 1000)
    call.hangup()


def test_what_a_caller_waits_for(
    start_switch: Callable[..., FreeSwitch],
    database: Database,
    database_url: str,
    redis_url: str,
    tmp_path: Path,
) -> None:
    switch, found = start_switch(), Found()
    stores = (database, database_url, redis_url)
    with (
        scripted(switch, stores, tmp_path, greeting="one two three four five") as site,
        Phone(switch=switch.sip) as phone,
    ):
        _one(phone, Found())  # prompts are made and models loaded
        pool = Pool(AT_ONCE)
        for _ in range(CALLS):
            pool.spawn(_one, phone, found)
        pool.join(raise_error=True)
        switch.wait_idle()
        entries = site.product.entries
    Console(width=100).print(found.table())
    assert not [entry for entry in entries if entry["event"] in {"duplex_given_up", "duplex_lost"}]
    assert len(found.greeting_ms) == CALLS
    assert found.lost == 0
    assert found.silent == 0
