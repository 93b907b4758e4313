"""Calls whose model uses tools, and begins with answers before it is sure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gevent
import pytest

from esl_app.switchsim import HangUp, Speak, SpeakWhenQuiet, Switch, Wait
from tests.fakes.openai_server import KEY, OpenAiServer
from tests.fix_calls import AUDIO, Rig

pytestmark = pytest.mark.acceptance

PARKING = AUDIO / "parking.wav"
CANCEL = AUDIO / "cancel.wav"
QUESTION = SpeakWhenQuiet(PARKING, quiet_s=1.5)
DUPLEX = {"media_mode": "duplex"}
SHOWN = (Path(__file__).parents[2] / "docs" / "how-to" / "tools.md").read_text("utf-8")
BOOKING = SHOWN.partition("```python\n")[2].partition("```")[0]


def test_a_caller_books_an_appointment(make_rig: Any, flows_dir: Path) -> None:
    path = flows_dir / "booking.py"
    path.write_text(BOOKING, encoding="utf-8")
    path.chmod(0o644)
    rig: Rig = make_rig(flow="booking")
    rig.tenant(
        hears=["I need an appointment on Monday at nine.", "Goodbye."],
        answers=[
            'call:free_slots {"day": "2027-01-04"}',
            'call:book {"day": "2027-01-04", "time": "09:00"}',
            "You are booked for nine.",
        ],
    )
    call = rig.call(QUESTION, QUESTION)
    assert "You are booked for nine." in call.said()
    assert call.kinds().count("tool") == 2
    assert call.journal is not None
    booked = call.journal.last("flow.booked")
    assert booked is not None
    assert booked.data == {"day": "2027-01-04", "time": "09:00"}
    assert call.facts["ending"] == "goodbye"


SLOW = """import gevent

from esl_app.flow import Call, flow, reads


@reads
def look(day: str) -> str:
    "Look a day up."
    gevent.sleep(1.6)
    return "free"


@flow
def slow(call: Call) -> None:
    call.answer()
    call.converse(tools=[look])
"""


def test_an_answer_may_take_several_rounds_of_slow_tools(make_rig: Any, flows_dir: Path) -> None:
    path = flows_dir / "slow.py"
    path.write_text(SLOW)
    path.chmod(0o644)
    # Each stage is in time; no two rounds of them together are as short as one.
    deadlines = {"retrieval_s": 1.0, "llm_s": 1.0, "tts_s": 1.0, "tool_s": 2.0}
    rig: Rig = make_rig(flow="slow", deadlines=deadlines)
    looks = [f'call:look {{"day": "{day}"}}' for day in ("Monday", "Tuesday", "Friday")]
    rig.tenant(hears=["When can I come?"], answers=[*looks, "On Friday."])
    call = rig.call(QUESTION)
    assert call.said()[0] == "On Friday."
    assert call.kinds().count("tool") == 3
    assert call.kinds().count("filler") == 1
    assert "trouble" not in call.kinds()


def test_an_answer_begun_at_the_pause_is_taken_over(rig: Rig) -> None:
    rig.tenant(
        hears=["I need a dentist", "Goodbye."],
        secretary=DUPLEX,
        providers={"llm": ("fake", {"script": ["We have four."], "latency_s": 0.5})},
    )
    call = rig.call(QUESTION, QUESTION, switch=Switch(speed=1.0))
    assert "We have four." in call.said()
    assert call.journal is not None
    facts = call.journal.turns[0].speculation.facts
    assert (facts["started"], facts["used"]) == (1, 1)
    assert facts["saved_ms"] > 150
    assert call.facts["speculation"]["saved_ms"] == facts["saved_ms"]


def test_words_that_change_cancel_the_request_and_are_answered(
    rig: Rig, openai_server: OpenAiServer
) -> None:
    openai_server.delay_s = 0.3
    openai_server.gap_s = 2.5  # the first is still being written when it is cancelled
    openai_server.pieces = ["We have ", "four ", "dentists."]
    rig.tenant(
        hears=["I need a dentist", "I need a dentist on Tuesday morning.", "Goodbye."],
        secretary=DUPLEX,
        providers={"llm": ("openai", {"api_key": KEY, "base_url": openai_server.base_url})},
    )
    more = [Wait(0.1), Speak(CANCEL), Wait(8.0)]  # until the second is written
    call = rig.call(QUESTION, *more, QUESTION, switch=Switch(speed=1.0))
    assert call.journal is not None
    turn = call.journal.turns[0]
    assert turn.question == "I need a dentist on Tuesday morning."
    assert turn.speculation.discarded == 1
    assert turn.speculation.prompt_tokens > 0
    asked = [seen.json["messages"][-1]["content"] for seen in openai_server.seen]
    assert asked == ["I need a dentist", "I need a dentist on Tuesday morning."]
    assert call.said().count("We have four dentists.") == 1
    with gevent.Timeout(3):
        while openai_server.open:
            gevent.sleep(0.02)
    assert openai_server.chats_read == 1, "the first was cancelled"


def test_hanging_up_while_an_answer_is_begun_leaves_nothing(
    rig: Rig, openai_server: OpenAiServer
) -> None:
    openai_server.delay_s = 5.0
    rig.tenant(
        hears=["I need a dentist"],
        secretary=DUPLEX,
        providers={"llm": ("openai", {"api_key": KEY, "base_url": openai_server.base_url})},
    )
    call = rig.call(QUESTION, Wait(0.5), HangUp(), switch=Switch(speed=1.0))
    assert call.facts["disposition"] == "hangup"
    assert len(openai_server.seen) == 1
    assert call.facts["speculation"]["discarded"] + call.facts["speculation"]["used"] == 1
    assert rig.controller._worker.budget.running == 0


def test_where_it_is_switched_off_nothing_is_begun(make_rig: Any, flows_dir: Path) -> None:
    flow = flows_dir / "plain.py"
    flow.write_text(
        BOOKING.replace("booking(", "plain(").replace("tools=[free_slots, book]", "speculate=False")
    )
    flow.chmod(0o644)
    rig: Rig = make_rig(flow="plain")
    rig.tenant(hears=["I need a dentist", "Goodbye."], answers=["Four."], secretary=DUPLEX)
    call = rig.call(QUESTION, QUESTION, switch=Switch(speed=1.0))
    assert "Four." in call.said()
    assert call.facts["speculation"]["started"] == 0
