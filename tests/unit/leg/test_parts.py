"""Handlers, pacing, errors, and what is taken from greenswitch."""

from __future__ import annotations

import contextvars
import time

import gevent
import pytest
import structlog

from esl_app import _greenswitch, greenlets
from esl_app._handlers import Handlers, _Handler
from esl_app.errors import (
    CommandFailed,
    ConfigError,
    EslError,
    Hangup,
    LegLost,
    LegTimeout,
    Overloaded,
    UntrustedChannel,
    trace_of,
)
from esl_app.protocol import Connection, Event
from esl_app.transport import _Pace
from providers.deadline import Deadline

pytestmark = pytest.mark.unit


def event(name: str) -> Event:
    inner = f"Event-Name: {name}\n\n".encode()
    connection = Connection()
    connection.receive_data(
        b"Content-Length: %d\nContent-Type: text/event-plain\n\n%s" % (len(inner), inner)
    )
    found = connection.next_event()
    assert isinstance(found, Event)
    return found


# Handlers.


def test_each_handler_gets_its_events_in_order() -> None:
    handlers, keys, everything = Handlers(), list[str](), list[str]()
    handlers.add("DTMF", lambda e: keys.append(e.name))
    handlers.add("*", lambda e: everything.append(e.name))
    for name in ("DTMF", "CHANNEL_PARK", "DTMF"):
        handlers.offer(event(name))
    handlers.settle(Deadline.after(1))
    assert keys == ["DTMF", "DTMF"]
    assert everything == ["DTMF", "CHANNEL_PARK", "DTMF"]


def test_registering_twice_is_registering_once() -> None:
    handlers, seen = Handlers(), list[Event]()
    handlers.add("DTMF", seen.append)
    handlers.add("DTMF", seen.append)
    handlers.offer(event("DTMF"))
    handlers.settle(Deadline.after(1))
    assert len(seen) == 1


def test_a_handlers_queue_is_bounded() -> None:
    handlers, gate = Handlers(), gevent.event.Event()
    handlers.add("DTMF", lambda _: gate.wait())
    for _ in range(_Handler.CAPACITY + 10):
        handlers.offer(event("DTMF"))
    assert handlers.dropped == 10
    gate.set()
    handlers.settle(Deadline.after(1))


def test_what_does_not_end_is_ended() -> None:
    handlers, gate = Handlers(), gevent.event.Event()
    handlers.add("DTMF", lambda _: gate.wait())
    handlers.offer(event("DTMF"))
    gevent.sleep(0)
    began = time.monotonic()
    handlers.settle(Deadline.after(0))
    assert time.monotonic() - began < 0.5
    greenlet = handlers._by_name["DTMF"][0].greenlet
    assert greenlet is not None
    assert greenlet.dead


def test_a_handler_that_fails_gets_the_next_event() -> None:
    seen: list[str] = []

    def fails(e: Event) -> None:
        seen.append(e.name)
        raise gevent.Timeout(1) if len(seen) == 1 else RuntimeError("said so")

    handlers = Handlers()
    handlers.add("*", fails)
    with structlog.testing.capture_logs() as entries:
        for name in ("A", "B", "C"):
            handlers.offer(event(name))
        handlers.settle(Deadline.after(1))
    assert seen == ["A", "B", "C"]
    assert [entry["error"] for entry in entries] == ["Timeout", "RuntimeError", "RuntimeError"]
    assert "said so" not in repr(entries)


# Pacing.


class Clock:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_a_burst_is_not_slowed_down_and_a_flood_is() -> None:
    clock = Clock()
    pace = _Pace(clock, clock.sleep)
    for _ in range(int(pace.BURST)):
        pace.cost(1)
    assert clock.slept == []
    for _ in range(10_000):
        pace.cost(1)
    assert 10_000 / pace.RATE * 0.99 < clock.now < 10_000 / pace.RATE * 1.05
    assert min(clock.slept) >= 0.01
    clock.now += 3600  # an hour's silence refills the burst, no more
    clock.slept.clear()
    for _ in range(int(pace.BURST)):
        pace.cost(1)
    assert sum(clock.slept) < 0.001
    for _ in range(1000):
        pace.cost(1)
    assert sum(clock.slept) > 1000 / pace.RATE * 0.9


def test_the_hub_gets_its_turn() -> None:
    clock = Clock()
    pace = _Pace(clock, clock.sleep)
    for _ in range(100):
        clock.now += 0.0005  # half a millisecond a packet, three a slice
        pace.cost(1)
    assert 12 <= len(clock.slept) <= 17
    clock.slept.clear()
    clock.now += 60
    pace.waited_since(clock.now - 60)  # the read waited: the hub has had its turn
    pace.cost(1)
    assert clock.slept == []


# Errors.


@pytest.mark.parametrize(
    "error",
    [
        Hangup("x"),
        LegLost("x"),
        LegTimeout("x"),
        CommandFailed("-ERR x"),
        Overloaded("x"),
        UntrustedChannel("x"),
    ],
)
def test_one_base_catches_all(error: EslError) -> None:
    assert isinstance(error, EslError)
    assert not isinstance(error, ConfigError)


@pytest.mark.parametrize(
    ("reply", "text"),
    [("-ERR no\nmore", "'-ERR no'"), ("", "nothing"), ("-ERR " + "x" * 500, "x" * 70)],
)
def test_a_refusal_quotes_one_bounded_line(reply: str, text: str) -> None:
    assert text in str(CommandFailed(reply))
    assert len(str(CommandFailed(reply))) < 120


def test_a_trace_names_places_and_types_only() -> None:
    def inner(said: str) -> None:
        raise KeyError(said)

    def outer(said: str) -> None:
        try:
            inner(said)
        except KeyError as error:
            raise RuntimeError(f"not found: {said}") from error

    try:
        outer("my number is 5559876543")
    except RuntimeError as error:
        told = trace_of(error)
    assert told["error"] == "RuntimeError < KeyError"
    assert "outer" in repr(told["where"])
    assert "555" not in repr(told)


# Greenlets and greenswitch.


def test_a_spawned_greenlet_knows_what_its_parent_knew() -> None:
    name: contextvars.ContextVar[str] = contextvars.ContextVar("name", default="nobody")

    def child() -> str:
        found = name.get()
        name.set("the child")
        return found

    name.set("the parent")
    assert greenlets.spawn(child).get(timeout=1) == "the parent"
    assert name.get() == "the parent"
    assert gevent.spawn(child).get(timeout=1) == "nobody"  # why it exists


def test_a_greenswitch_that_lacks_something_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    _greenswitch._check()
    monkeypatch.delattr(_greenswitch.OutboundSession, "while_connected")
    with pytest.raises(
        ImportError, match=r"OutboundSession\.while_connected.*greenswitch==0\.0\.19"
    ):
        _greenswitch._check()


def test_importing_the_server_starts_no_hub() -> None:
    """Workers are forked after the import; an epoll descriptor must not be shared by them."""
    import subprocess
    import sys

    program = (
        "import esl_app.server, gevent._hub_local as hub; assert hub.get_hub_if_exists() is None"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
