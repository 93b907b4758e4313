from __future__ import annotations

import gevent
import pytest

from esl_app._replies import Replies, Slot
from esl_app.errors import EslError, Hangup, LegTimeout, Overloaded
from esl_app.protocol import CommandReply
from providers.deadline import Deadline

pytestmark = pytest.mark.unit


def reply(text: str) -> CommandReply:
    return CommandReply(text=text, headers={})


def never_over() -> EslError | None:
    return None


def text_of(slot: Slot) -> str:
    answer = slot.wait(Deadline.after(0))
    assert isinstance(answer, CommandReply)
    return answer.text


def test_replies_are_in_the_order_of_the_commands() -> None:
    replies, slots = Replies(), [Slot(never_over) for _ in range(3)]
    for slot in slots:
        replies.expect(slot)
    for text in "abc":
        replies.answered(reply(text))
    assert [text_of(slot) for slot in slots] == ["a", "b", "c"]
    assert len(replies) == 0


def test_who_gave_up_keeps_the_place() -> None:
    replies, first, second = Replies(), Slot(never_over), Slot(never_over)
    replies.expect(first)
    with pytest.raises(LegTimeout):
        first.wait(Deadline.after(0))
    replies.expect(second)
    replies.answered(reply("a"))
    replies.answered(reply("b"))
    assert text_of(second) == "b"


def test_what_nobody_asked_for_is_counted() -> None:
    replies = Replies()
    replies.answered(reply("a"))
    assert replies.unexpected == 1


def test_an_effect_implies_its_reply_and_gives_up_the_earlier_ones() -> None:
    replies, slots = Replies(), [Slot(never_over) for _ in range(3)]
    for slot in slots:
        replies.expect(slot)
    replies.caught_up(slots[1])
    with pytest.raises(LegTimeout):
        slots[0].wait(Deadline.after(60))  # at once
    assert text_of(slots[1]).startswith("+OK")
    replies.answered(reply("c"))
    assert text_of(slots[2]) == "c"


def test_an_effect_of_an_answered_command_implies_nothing() -> None:
    replies, first, second = Replies(), Slot(never_over), Slot(never_over)
    replies.expect(first)
    replies.expect(second)
    replies.answered(reply("a"))
    replies.caught_up(first)
    assert len(replies) == 1
    replies.answered(reply("b"))
    assert text_of(second) == "b"


def test_the_end_of_the_call_wakes_whoever_waits() -> None:
    end: list[EslError] = []
    replies, slot = Replies(), Slot(lambda: end[0] if end else None)
    replies.expect(slot)
    waiting = gevent.spawn(slot.wait, Deadline.after(60))
    gevent.sleep(0)
    end.append(Hangup("NORMAL_CLEARING"))
    replies.wake()
    waiting.join(1)
    assert isinstance(waiting.exception, Hangup)


def test_unanswered_commands_are_bounded() -> None:
    replies = Replies()
    for _ in range(Replies.CAPACITY):
        replies.expect(Slot(never_over))
    with pytest.raises(Overloaded):
        replies.expect(Slot(never_over))
