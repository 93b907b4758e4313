from __future__ import annotations

import gevent
import pytest

from esl_app._executions import Execution, Executions
from esl_app.errors import EslError, Hangup, LegLost, LegTimeout, Overloaded
from esl_app.protocol import Connection, Event
from providers.deadline import Deadline

pytestmark = pytest.mark.unit


class Call:
    """A leg as far as an execution looks at it."""

    def __init__(self) -> None:
        self.end: EslError | None = None

    def over(self) -> EslError | None:
        return self.end


def event(response: str) -> Event:
    inner = f"Event-Name: CHANNEL_EXECUTE_COMPLETE\nApplication-Response: {response}\n\n".encode()
    connection = Connection()
    connection.receive_data(
        b"Content-Length: %d\nContent-Type: text/event-plain\n\n%s" % (len(inner), inner)
    )
    found = connection.next_event()
    assert isinstance(found, Event)
    return found


def later() -> Deadline:
    return Deadline.after(60)


def now() -> Deadline:
    return Deadline.after(0)


@pytest.fixture
def call() -> Call:
    return Call()


@pytest.fixture
def execution(call: Call) -> Execution:
    return Execution("u1", "playback", call.over)


def test_completed(execution: Execution) -> None:
    execution.complete(event("FILE PLAYED"))
    assert execution.done
    assert execution.wait(now()).response == "FILE PLAYED"
    assert execution.outcome(now()) is execution.result


def test_not_yet(execution: Execution) -> None:
    with pytest.raises(LegTimeout, match="playback"):
        execution.wait(now())
    assert execution.given_up
    assert not execution.done
    assert execution.outcome(now()) is None


def test_the_call_ended_first_and_the_completion_came_after(
    call: Call, execution: Execution
) -> None:
    call.end = Hangup("USER_BUSY")
    execution.call_ended()
    assert execution.done
    with pytest.raises(Hangup):
        execution.wait(later())
    execution.complete(event("PLAYBACK ERROR"))
    # The verdict stays, whenever one asks; the completion is there for who wants it.
    with pytest.raises(Hangup):
        execution.wait(later())
    outcome = execution.outcome(later())
    assert outcome is not None
    assert outcome.response == "PLAYBACK ERROR"


def test_completed_before_the_call_ended(call: Call, execution: Execution) -> None:
    execution.complete(event("FILE PLAYED"))
    call.end = Hangup("NORMAL_CLEARING")
    execution.socket_ended()
    assert execution.wait(now()).response == "FILE PLAYED"


def test_the_end_of_the_socket_ends_the_wait_for_an_outcome(
    call: Call, execution: Execution
) -> None:
    waiting = gevent.spawn(execution.outcome, later())
    gevent.sleep(0)
    call.end = LegLost("eof")
    execution.socket_ended()
    assert waiting.get(timeout=1) is None
    with pytest.raises(LegLost):
        execution.wait(later())


def test_many_may_wait_for_one(execution: Execution) -> None:
    waiting = [gevent.spawn(execution.wait, later()) for _ in range(3)]
    gevent.sleep(0)
    execution.complete(event("x"))
    assert [greenlet.get(timeout=1).response for greenlet in waiting] == ["x"] * 3


def test_a_second_completion_changes_nothing(execution: Execution) -> None:
    execution.complete(event("first"))
    execution.complete(event("second"))
    assert execution.wait(now()).response == "first"


def test_completions_find_their_execution_once(call: Call) -> None:
    executions = Executions()
    first, second = (Execution(uuid, "playback", call.over) for uuid in ("u1", "u2"))
    executions.add(first)
    executions.add(second)
    assert executions.complete("u2", event("x")) is second
    assert executions.complete("u2", event("x")) is None
    assert executions.complete("", event("x")) is None
    assert executions.get("u1") is first
    assert len(executions) == 1
    executions.drop(first)
    executions.drop(first)
    assert len(executions) == 0


def test_the_oldest_that_was_given_up_makes_room(call: Call) -> None:
    executions = Executions()
    all_of_them = [
        Execution(f"u{n}", "playback", call.over) for n in range(Executions.CAPACITY + 2)
    ]
    *fitting, late, later_still = all_of_them
    for execution in fitting:
        executions.add(execution)
    with pytest.raises(Overloaded, match="64"):
        executions.add(late)
    fitting[5].given_up = fitting[9].given_up = True
    executions.add(late)
    assert executions.get("u5") is None
    executions.add(later_still)
    assert executions.get("u9") is None
    with pytest.raises(Overloaded):
        executions.add(fitting[5])


def test_the_end_reaches_all(call: Call) -> None:
    executions = Executions()
    both = [Execution(uuid, "playback", call.over) for uuid in ("u1", "u2")]
    for execution in both:
        executions.add(execution)
    call.end = Hangup("NORMAL_CLEARING")
    executions.call_ended()
    assert all(execution.done for execution in both)
    assert len(executions) == 2  # completions may still follow
    executions.socket_ended()
    assert len(executions) == 0
