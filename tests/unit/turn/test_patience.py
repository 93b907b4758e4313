from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.turn.patience import CallClock, CallLimits, GiveUp, NoInput, Over, Reprompt, Warn

pytestmark = pytest.mark.unit


def test_silence_is_asked_about_and_then_given_up() -> None:
    ladder = NoInput([6.0, 5.0, 4.0])
    done, t = [], 0.0
    for _ in range(3):
        ladder.listening(t)
        due = ladder.due_at()
        assert due is not None
        assert ladder.tick(due - 0.1) is None
        done.append(ladder.tick(due))
        assert ladder.due_at() is None  # the agent speaks
        t = due + 2.0
    assert done == [
        Reprompt(at_s=6.0, number=1),
        Reprompt(at_s=13.0, number=2),
        GiveUp(at_s=19.0),
    ]
    ladder.listening(t)
    assert ladder.due_at() is None


def test_words_go_back_to_the_first_rung() -> None:
    ladder = NoInput([6.0, 5.0])
    ladder.listening(0.0)
    ladder.tick(6.0)
    ladder.heard()
    assert (ladder.misses, ladder.due_at()) == (0, None)
    ladder.listening(10.0)
    assert ladder.tick(16.0) == Reprompt(at_s=16.0, number=1)


def test_the_clock_stands_while_the_agent_talks() -> None:
    ladder = NoInput([6.0, 5.0])
    ladder.listening(0.0)
    ladder.busy()
    assert ladder.tick(100.0) is None
    ladder.listening(101.0)
    assert ladder.due_at() == 107.0


def test_listening_said_again_does_not_start_the_wait_again() -> None:
    ladder = NoInput([6.0])
    ladder.listening(0.0)
    ladder.listening(5.0)
    assert ladder.due_at() == 6.0


def test_a_voice_puts_the_reprompt_off_but_not_for_ever() -> None:
    ladder = NoInput([6.0])
    ladder.listening(0.0)
    ladder.voice_started()
    assert ladder.due_at() == 12.0
    ladder.voice_ended(5.8)
    assert ladder.due_at() == pytest.approx(7.3)
    ladder.voice_started()
    ladder.voice_ended(11.9)
    assert ladder.due_at() == 12.0


def test_a_caller_who_asks_for_a_moment_gets_it_once() -> None:
    ladder = NoInput([6.0, 5.0])
    ladder.listening(0.0)
    ladder.hold(2.0, 20.0)
    assert ladder.due_at() == 22.0
    ladder.hold(20.0, 20.0)
    assert ladder.due_at() == 22.0


@pytest.mark.parametrize("waits_s", [[], [0.0], [5.0, -1.0]])
def test_a_ladder_needs_waits(waits_s: list[float]) -> None:
    with pytest.raises(ValueError, match="waits_s"):
        NoInput(waits_s)


@given(st.lists(st.tuples(st.sampled_from("lbvqhx"), st.floats(0.0, 9.0)), max_size=40))
def test_a_quiet_caller_is_never_waited_for_longer_than_twice_or_the_hold(
    events: list[tuple[str, float]],
) -> None:
    ladder, t = NoInput([6.0, 5.0, 4.0]), 0.0
    since: float | None = None
    for event, by in events:
        t += by
        ladder.tick(t)
        match event:
            case "l":
                ladder.listening(t)
            case "b":
                ladder.busy()
            case "v":
                ladder.voice_started()
            case "q":
                ladder.voice_ended(t)
            case "h":
                ladder.hold(t)
            case _:
                ladder.heard()
        due = ladder.due_at()
        since = None if due is None else t if since is None else since
        if due is not None:
            assert since is not None
            assert due <= max(since + 12.0, t + 20.0)


def test_a_call_is_warned_once_and_ends_once() -> None:
    clock = CallClock(CallLimits(longest_call_s=100.0, longest_silence_s=1000.0), began_at=5.0)
    assert clock.due_at() == 75.0
    assert clock.tick(74.0) is None
    assert clock.tick(75.0) == Warn(at_s=75.0, left_s=30.0)
    assert clock.tick(76.0) is None
    assert clock.due_at() == 105.0
    assert clock.tick(105.0) == Over(at_s=105.0, why="call_time")
    assert (clock.tick(200.0), clock.due_at()) == (None, None)


def test_a_line_left_open_ends() -> None:
    clock = CallClock(CallLimits(longest_silence_s=60.0), began_at=0.0)
    clock.sign(50.0)
    clock.sign(40.0)  # out of order
    assert clock.due_at() == 110.0
    assert clock.tick(110.0) == Over(at_s=110.0, why="silence")


def test_no_warning_where_none_is_wanted() -> None:
    clock = CallClock(CallLimits(longest_call_s=10.0, warn_s=0.0), began_at=0.0)
    assert clock.due_at() == 10.0
    assert clock.tick(9.9) is None
