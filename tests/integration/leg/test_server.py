"""The server: admission, the handler's edge, the drain."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
import structlog
from gevent.monkey import get_original
from greenswitch.esl import OutboundESLServer

from esl_app.errors import ConfigError, Hangup
from esl_app.leg import Leg
from esl_app.server import ListenSettings, Server
from providers.deadline import Deadline
from tests.integration.leg.peer import Peer, clean_call

pytestmark = pytest.mark.integration


@contextlib.contextmanager
def serving(handler: Callable[[Leg], object] = Leg.answer, **settings: Any) -> Iterator[Server]:
    server = Server(ListenSettings(port=0, **settings), handler)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def quiet(server: Server) -> None:
    """Wait until no call is left."""
    deadline = Deadline.after(5)
    while server.legs:
        assert not deadline.passed, "a leg is left"
        gevent.sleep(0.005)


def test_a_call() -> None:
    with serving() as server:
        assert isinstance(server, OutboundESLServer)
        clean_call(server.port)
        quiet(server)
        assert server.counters["accepted"] == server.counters["leg_completed"] == 1
        assert server.connection_count == 0


# What the handler does, and how the call ends.


def fails(leg: Leg) -> None:
    raise ValueError(f"5559876543 {leg.uuid}")


def times_out(leg: Leg) -> None:
    del leg
    with gevent.Timeout(0.01):
        gevent.sleep(5)


def gives_up(leg: Leg) -> None:
    leg.digits.get(Deadline.after(0.01))


def waits(leg: Leg) -> None:
    leg.digits.get(Deadline.after(30))


def returns(leg: Leg) -> None:
    del leg


def ends(leg: Leg) -> None:
    del leg
    raise Hangup("USER_BUSY")


@pytest.mark.parametrize(
    ("handler", "cause", "disposition"),
    [
        (returns, "NORMAL_CLEARING", "completed"),
        (ends, "NORMAL_CLEARING", "completed"),
        (fails, "NORMAL_TEMPORARY_FAILURE", "failed"),
        (times_out, "NORMAL_TEMPORARY_FAILURE", "failed"),
        (gives_up, "NORMAL_TEMPORARY_FAILURE", "failed"),
    ],
)
def test_a_call_that_is_left_up_is_hung_up(
    handler: Callable[[Leg], object], cause: str, disposition: str
) -> None:
    with serving(handler) as server:
        with Peer.to(server.port) as peer:
            peer.accept()
            assert peer.let_hang_up() == cause
        quiet(server)
        assert server.counters[f"leg_{disposition}"] == 1


def test_a_failed_flow_is_logged_by_place_and_not_by_what_it_says() -> None:
    merge = structlog.contextvars.merge_contextvars
    with structlog.testing.capture_logs(processors=[merge]) as entries, serving(fails) as server:
        with Peer.to(server.port) as peer:
            peer.accept()
            peer.let_hang_up()
        quiet(server)
    failed = next(entry for entry in entries if entry["event"] == "leg_failed")
    closed = next(entry for entry in entries if entry["event"] == "leg_closed")
    assert failed["leg"] == closed["leg"] == peer.uuid
    assert failed["error"] == "ValueError"
    assert "fails" in failed["where"][-1]
    assert closed["disposition"] == "failed"
    assert closed["cause"] == "NORMAL_TEMPORARY_FAILURE"
    assert "5559876543" not in repr(entries)


def test_a_transferred_call_is_not_hung_up() -> None:
    with serving(lambda leg: leg.transfer("operator", context="default")) as server:
        with Peer.to(server.port) as peer:
            peer.accept()
            peer.execute("set")
            peer.execute("transfer")
            assert peer.until_eof() == b""
        quiet(server)
        assert b"hangup" not in peer.received
        assert server.counters["leg_completed"] == 1


def test_a_dead_switch_is_counted_as_lost() -> None:
    with serving() as server:
        with Peer.to(server.port) as peer:
            peer.accept()
            peer.command()
        quiet(server)
        assert server.counters["leg_lost"] == 1


def test_a_caller_who_hangs_up_is_a_normal_end() -> None:
    with serving() as server:
        with Peer.to(server.port) as peer:
            peer.accept()
            peer.command()
            peer.say(peer.hangup_data() + peer.notice())
        quiet(server)
        assert server.counters["leg_completed"] == 1
        assert server.counters["leg_failed"] == server.counters["leg_lost"] == 0


# Admission.


def test_over_capacity_the_call_is_given_back_at_once_and_the_next_one_served() -> None:
    with serving(lambda leg: leg.answer(Deadline.after(30)), max_legs=1) as server:
        with Peer.to(server.port) as peer:
            peer.accept()
            answering = peer.command()
            with Peer.to(server.port) as surplus:
                began = time.monotonic()
                assert surplus.command().line == "connect"
                surplus.say(surplus.channel_data())
                assert surplus.command().line == "exit"
                assert time.monotonic() - began < 0.3
                surplus.reply("+OK bye")
                surplus.close()
            assert server.counters["overloaded"] == 1
            assert len(server.legs) == 1
            peer.reply()
            peer.complete(answering)
            peer.let_hang_up()
        quiet(server)
        clean_call(server.port)


def test_one_peer_cannot_take_all_seats() -> None:
    with serving(
        lambda leg: leg.answer(Deadline.after(30)), max_legs=10, max_legs_per_peer=1
    ) as server:
        with Peer.to(server.port, source="127.0.0.2") as peer:
            peer.accept()
            with Peer.to(server.port, source="127.0.0.2") as second:
                second.command()
                assert second.command().line == "exit"
            clean_call(server.port)
        quiet(server)
        assert server.counters["overloaded"] == 1


def test_a_silent_connection_makes_room_when_all_seats_are_taken() -> None:
    with serving(max_legs=1) as server, Peer.to(server.port) as silent:
        assert silent.command().line == "connect"
        gevent.sleep(0.3)
        clean_call(server.port)
        assert silent.until_eof() == b""
        assert server.counters["evicted_silent"] == 1


def test_who_does_not_answer_connect_is_shown_out() -> None:
    with serving(connect_s=0.1) as server, Peer.to(server.port) as peer:
        began = time.monotonic()
        peer.until_eof()
        assert time.monotonic() - began < 2
        quiet(server)
        assert server.counters["connect_timeout"] == 1
        clean_call(server.port)


def test_a_port_scan_costs_nothing() -> None:
    with serving() as server:
        for _ in range(20):
            Peer.to(server.port).close()
        deadline = Deadline.after(2)
        while server.counters["connect_failed"] < 20:
            assert not deadline.passed
            gevent.sleep(0.005)
        quiet(server)
        clean_call(server.port)


def test_nothing_is_left_behind_by_calls() -> None:
    def descriptors() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    with serving() as server:
        clean_call(server.port)
        quiet(server)
        before = descriptors()
        gevent.joinall([gevent.spawn(clean_call, server.port) for _ in range(50)], raise_error=True)
        quiet(server)
        gevent.sleep(0.05)
        assert descriptors() == before
        assert not server._greenlets
        assert not server._admission.seats
        assert not server._admission.by_peer


# Listening and stopping.


def test_a_ready_made_listener_is_used() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(ListenSettings(port=1), Leg.answer, listener=listener)
    server.start()
    assert server.port == listener.getsockname()[1]
    clean_call(server.port)
    server.stop()


def test_an_address_that_cannot_be_had_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"listen\.port: .*127\.0\.0\.1:{port}: .*in use"):
            Server(ListenSettings(port=port), Leg.answer).start()


def test_stopping_closes_the_port_and_lets_calls_go_on() -> None:
    with serving() as server, Peer.to(server.port) as peer:
        peer.accept()
        stopping = gevent.spawn(server.stop, 5)
        gevent.sleep(0.02)
        with pytest.raises(ConnectionRefusedError):
            Peer.to(server.port)
        assert not stopping.ready()
        peer.execute("answer")
        peer.let_hang_up()
        stopping.get(timeout=2)
        assert server.counters["leg_completed"] == 1


def test_at_the_drain_limit_calls_are_given_back_to_the_dialplan() -> None:
    with serving(waits) as server, Peer.to(server.port) as peer:
        peer.accept()
        stopping = gevent.spawn(server.stop, 0.1)
        assert peer.command().line == "exit"
        peer.reply("+OK bye")
        peer.close()
        stopping.get(timeout=2)
        assert b"hangup" not in peer.received
        assert server.counters["leg_released"] == 1


def test_a_second_stop_shortens_the_first() -> None:
    with serving(waits) as server, Peer.to(server.port) as peer:
        peer.accept()
        first = gevent.spawn(server.stop, 30)
        gevent.sleep(0.02)
        second = gevent.spawn(server.stop, 0)
        assert peer.command().line == "exit"
        peer.reply("+OK bye")
        gevent.joinall([first, second], timeout=2, raise_error=True)
        assert first.ready()


def test_a_handler_that_cannot_be_ended_does_not_hold_up_the_stop() -> None:
    freed = gevent.event.Event()

    def stubborn(leg: Leg) -> None:
        while not leg.closed.is_set():
            with contextlib.suppress(gevent.GreenletExit):
                gevent.sleep(0.05)
        freed.set()

    with serving(stubborn) as server, Peer.to(server.port) as peer:
        peer.accept()
        began = time.monotonic()
        server.stop(0)
        assert time.monotonic() - began < 5
        assert freed.wait(1)


def test_a_handler_may_stop_its_server() -> None:
    server = Server(ListenSettings(port=0), lambda _: server.stop(1))
    server.start()
    with Peer.to(server.port) as peer:
        peer.accept()
        assert peer.let_hang_up() == "NORMAL_CLEARING"
    quiet(server)


def test_greenswitch_s_way_of_listening() -> None:
    server = Server(ListenSettings(port=0), Leg.answer)
    listening = gevent.spawn(server.listen)
    gevent.sleep(0.02)
    clean_call(server.port)
    server.stop(1)
    listening.get(timeout=1)


def test_a_call_still_in_the_queue_when_stopping_is_served() -> None:
    """Closing the port would reset it, and FreeSWITCH believes it connected."""
    with serving() as server:
        plain = get_original("socket", "socket")()
        plain.connect(("127.0.0.1", server.port))  # by the kernel alone: the hub has not run
        stopping = gevent.spawn(server.stop, 5)
        with Peer(socket.socket(fileno=plain.detach())) as peer:
            peer.accept()
            peer.execute("answer")
            peer.let_hang_up()
        stopping.get(timeout=2)
        assert server.counters["leg_completed"] == 1
