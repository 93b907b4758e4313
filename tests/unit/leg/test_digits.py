from __future__ import annotations

import gevent
import pytest

from esl_app._digits import Digits
from esl_app.errors import EslError, Hangup, LegTimeout
from providers.deadline import Deadline

pytestmark = pytest.mark.unit


class Keypad:
    def __init__(self) -> None:
        self.end: EslError | None = None
        self.digits = Digits(lambda: self.end)


@pytest.fixture
def keypad() -> Keypad:
    return Keypad()


def test_keys_come_out_in_order(keypad: Keypad) -> None:
    for key in "19*#aD":
        keypad.digits.push(key)
    assert keypad.digits.pending == "19*#AD"
    assert [keypad.digits.get(Deadline.after(0)) for _ in range(6)] == list("19*#AD")


def test_a_key_wakes_who_waits(keypad: Keypad) -> None:
    waiting = gevent.spawn(keypad.digits.get, Deadline.after(60))
    gevent.sleep(0)
    keypad.digits.push("5")
    assert waiting.get(timeout=1) == "5"


def test_two_may_wait_and_each_gets_one(keypad: Keypad) -> None:
    waiting = [gevent.spawn(keypad.digits.get, Deadline.after(60)) for _ in range(2)]
    gevent.sleep(0)
    keypad.digits.push("5")
    gevent.sleep(0)
    keypad.digits.push("6")
    assert sorted(greenlet.get(timeout=1) for greenlet in waiting) == ["5", "6"]


def test_the_deadline(keypad: Keypad) -> None:
    with pytest.raises(LegTimeout):
        keypad.digits.get(Deadline.after(0))


def test_the_end_of_the_call_comes_after_what_was_pressed(keypad: Keypad) -> None:
    keypad.digits.push("1")
    keypad.end = Hangup("NORMAL_CLEARING")
    assert keypad.digits.get(Deadline.after(60)) == "1"
    with pytest.raises(Hangup):
        keypad.digits.get(Deadline.after(60))


def test_the_end_of_the_call_wakes_who_waits(keypad: Keypad) -> None:
    waiting = gevent.spawn(keypad.digits.get, Deadline.after(60))
    gevent.sleep(0)
    keypad.end = Hangup("NORMAL_CLEARING")
    keypad.digits.wake()
    waiting.join(1)
    assert isinstance(waiting.exception, Hangup)


@pytest.mark.parametrize("key", ["", "12", "F", "x", "٣", "\n"])
def test_what_is_no_key_is_dropped(keypad: Keypad, key: str) -> None:
    keypad.digits.push(key)
    assert keypad.digits.pending == ""
    assert keypad.digits.dropped == 1


def test_the_buffer_is_bounded(keypad: Keypad) -> None:
    for _ in range(20_000):
        keypad.digits.push("1")
    assert len(keypad.digits.pending) == Digits.CAPACITY
    assert keypad.digits.dropped == 20_000 - Digits.CAPACITY
    keypad.digits.take()
    assert keypad.digits.pending == ""


def test_some_keys_are_taken_and_the_rest_waits(keypad: Keypad) -> None:
    for key in "123":
        keypad.digits.push(key)
    assert keypad.digits.take(2) == "12"
    assert keypad.digits.pressed.is_set()
    assert keypad.digits.take() == "3"
    assert not keypad.digits.pressed.is_set()
    assert keypad.digits.take() == ""
