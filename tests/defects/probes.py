"""One probe a defect of stock greenswitch on the outbound path: passes on a sound implementation.

A probe gets an implementation and raises when it shows the defect, or never comes back. Numbers are
those of `DEFECTS` in tests/integration/test_greenswitch_defects.py. Probes block with gevent only.
"""

from __future__ import annotations

import contextlib
import io
import logging
import resource
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import gevent
import structlog
from gevent.event import AsyncResult
from gevent.event import Event as Flag

from tests.defects.implementations import LONG_S, Implementation, Running, Seen, Session
from tests.integration.leg.peer import Command, Peer, event_bytes, pair

Run = Callable[[Implementation], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    run: Run
    defects: tuple[int, ...]
    stock: frozenset[str]
    """How stock may fail: `wrong` (an assertion), `raises` (some other exception), `hangs` (it
    never comes back), `frozen` (nor does anything else in its process)."""
    alone: bool
    """Ours, too, runs in a process of its own."""

    @property
    def name(self) -> str:
        return self.run.__name__


PROBES: list[Probe] = []


def probe(*defects: int, stock: str, alone: bool = False) -> Callable[[Run], Run]:
    def register(run: Run) -> Run:
        PROBES.append(
            Probe(run=run, defects=defects, stock=frozenset(stock.split("|")), alone=alone)
        )
        return run

    return register


# Tools.


@contextlib.contextmanager
def call(implementation: Implementation, **variables: str) -> Iterator[tuple[Session, Peer]]:
    """A connected session and the switch at its other end."""
    with pair() as (sock, peer):
        session = implementation.session(sock)
        switch = gevent.spawn(peer.accept, **variables)
        session.connect()
        switch.get()
        yield session, peer


@contextlib.contextmanager
def serving(
    implementation: Implementation, handler: Callable[[Session], object], **options: object
) -> Iterator[Running]:
    server = implementation.serve(handler, **options)  # type: ignore[arg-type]
    try:
        yield server
    finally:
        gevent.spawn(server.stop, 0.0)


def accepted(peer: Peer) -> Command:
    """The next application, accepted by the switch and not completed."""
    command = peer.command()
    peer.reply()
    return command


def ended(function: Callable[[], object]) -> BaseException | None:
    """What a call that must end ends with."""
    try:
        function()
    except Exception as error:  # noqa: BLE001 - any is a proper end
        return error
    return None


class Arrival(Generic[T]):
    """A value from another greenlet."""

    def __init__(self) -> None:
        self._result: AsyncResult[tuple[T]] = AsyncResult()

    def set(self, value: T) -> None:
        self._result.set((value,))

    def get(self) -> T:
        found = self._result.get()
        assert found is not None
        return found[0]


class Ticker:
    """How long the hub was held up at most, by the clock and in computing of its own."""

    def __init__(self) -> None:
        self.ticks = 0
        self.worst_s = self.worst_cpu_s = 0.0
        self._last, self._last_cpu = time.monotonic(), time.thread_time()
        self._greenlet = gevent.spawn(self._run)

    def _run(self) -> None:
        while True:
            gevent.sleep(0.005)
            self._tick()
            self.ticks += 1

    def _tick(self) -> None:
        now, cpu = time.monotonic(), time.thread_time()
        self.worst_s = max(self.worst_s, now - self._last)
        self.worst_cpu_s = max(self.worst_cpu_s, cpu - self._last_cpu)
        self._last, self._last_cpu = now, cpu

    def stop(self) -> None:
        self._tick()
        self._greenlet.kill()


@contextlib.contextmanager
def everything_logged() -> Iterator[Callable[[], str]]:
    """All that goes to a log or to standard error meanwhile."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with structlog.testing.capture_logs() as entries, contextlib.redirect_stderr(text):
            yield lambda: text.getvalue() + repr(entries)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


# The reader.


@probe(1, stock="frozen")
def eof_inside_a_body_ends_the_leg_only(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        waiting = gevent.spawn(ended, lambda: session.execute("playback"))
        accepted(peer)
        ticker = Ticker()
        peer.say(b"Content-Length: 1000\nContent-Type: text/event-plain\n\nabcde")
        peer.close()
        assert waiting.get(timeout=1.0) is not None
        gevent.sleep(0.1)
        assert ticker.ticks > 3
        ticker.stop()


@probe(2, stock="hangs")
def a_lost_socket_wakes_whoever_waits(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        waiting = gevent.spawn(ended, lambda: session.execute("playback"))
        accepted(peer)
        peer.close()
        assert waiting.get() is not None


@probe(2, stock="wrong")
def a_dead_switch_leaves_no_seat_taken(implementation: Implementation) -> None:
    with serving(implementation, lambda session: session.execute("playback"), limit=3) as server:
        for _ in range(3):
            with Peer.to(server.port) as peer:
                peer.accept()
                accepted(peer)
        gevent.sleep(0.3)
        assert server.count == 0


@probe(3, stock="wrong")
def who_says_nothing_is_shown_out(implementation: Implementation) -> None:
    with (
        serving(implementation, lambda _: None, connect_s=0.2) as server,
        contextlib.ExitStack() as stack,
    ):
        peers = [stack.enter_context(Peer.to(server.port)) for _ in range(5)]
        gevent.sleep(0.6)
        for peer in peers:
            peer.sock.settimeout(0.1)
            try:
                while peer.sock.recv(4096):
                    pass
            except TimeoutError:
                raise AssertionError("still connected") from None


@probe(4, stock="wrong")
def a_completion_wakes_its_own_execute_only(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        waiting = gevent.spawn(session.execute, "playback")
        command = accepted(peer)
        nested = Command(
            line="sendmsg",
            headers={"execute-app-name": "playback", "event-uuid": "somebody-elses"},
        )
        peer.complete(nested, "FILE NOT FOUND")
        gevent.sleep(0.05)
        peer.complete(command, "FILE PLAYED")
        assert waiting.get() == "FILE PLAYED"


@probe(5, stock="hangs")
def a_wait_that_timed_out_does_not_take_the_next_ones_answer(
    implementation: Implementation,
) -> None:
    with call(implementation) as (session, peer):
        first = gevent.spawn(ended, lambda: _timed_out(session))
        accepted(peer)
        first.get()
        second = gevent.spawn(session.execute, "playback")
        peer.complete(accepted(peer), "FILE PLAYED")
        assert second.get() == "FILE PLAYED"


def _timed_out(session: Session) -> None:
    try:
        session.execute("playback", timeout_s=0.05)
    except gevent.Timeout as error:
        raise TimeoutError from error


@probe(6, stock="raises")
def a_deadline_is_an_ordinary_exception(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        waiting = gevent.spawn(ended, lambda: session.execute("playback", timeout_s=0.05))
        accepted(peer)
        try:
            assert waiting.get() is not None
        except gevent.Timeout as error:
            raise RuntimeError("`except Exception` did not catch it") from error


@probe(7, stock="hangs")
def a_refused_command_is_not_waited_for(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        waiting = gevent.spawn(ended, lambda: session.execute("playback"))
        peer.command()
        peer.reply("-ERR invalid session id")
        assert waiting.get() is not None


@probe(8, stock="hangs")
def a_handler_of_ones_own_breaks_no_blocking_call(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        session.on("CHANNEL_EXECUTE_COMPLETE", lambda _: None)
        waiting = gevent.spawn(session.execute, "playback")
        peer.complete(accepted(peer), "FILE PLAYED")
        assert waiting.get() == "FILE PLAYED"


@probe(9, stock="wrong")
def an_events_body_is_a_body(implementation: Implementation) -> None:
    body = b'{"text": "a: b, 100%25"}'
    with call(implementation) as (session, peer):
        seen = Arrival[Seen]()
        session.on("DETECTED_SPEECH", seen.set)
        inner = b"Event-Name: DETECTED_SPEECH\nUnique-ID: %s\nContent-Length: %d\n\n%s" % (
            peer.uuid.encode(),
            len(body),
            body,
        )
        peer.say(b"Content-Length: %d\nContent-Type: text/event-plain\n\n%s" % (len(inner), inner))
        assert seen.get().body == body


@probe(10, stock="wrong")
def an_encoded_line_feed_makes_no_header(implementation: Implementation) -> None:
    forged = "a\nUnique-ID: 00000000-0000-0000-0000-000000000000\nCaller-Destination-Number: 900"
    with call(implementation, sip_h_X_Foo=forged) as (session, peer):
        assert session.header("Unique-ID") == peer.uuid
        assert session.header("Caller-Destination-Number") == "5551234567"


@probe(11, stock="hangs")
def events_may_come_as_json(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        seen = Arrival[Seen]()
        session.on("DTMF", seen.set)
        data = b'{"Event-Name":"DTMF","Unique-ID":"%s","DTMF-Digit":"5"}' % peer.uuid.encode()
        peer.say(b"Content-Length: %d\nContent-Type: text/event-json\n\n%s" % (len(data), data))
        assert seen.get().get("DTMF-Digit") == "5"


@probe(12, stock="hangs|raises")
def a_latin_1_byte_ends_nothing(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        waiting = gevent.spawn(session.command, "getvar name")
        peer.command()
        peer.say(b"Content-Type: command/reply\nReply-Text: caf\xe9\n\n")
        waiting.get()
        again = gevent.spawn(session.execute, "playback")
        peer.complete(accepted(peer), "FILE PLAYED")
        assert again.get() == "FILE PLAYED"


@probe(12, stock="hangs")
def a_latin_1_byte_in_a_body_leaves_the_reader_alive(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        peer.say(b"Content-Type: log/data\nContent-Length: 4\n\ncaf\xe9")
        waiting = gevent.spawn(ended, lambda: session.execute("playback"))
        peer.complete(accepted(peer), "FILE PLAYED")
        assert waiting.get() is None


@probe(13, stock="hangs")
def a_reply_nobody_asked_for_ends_nothing(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        peer.reply("+OK once more")
        gevent.sleep(0.05)
        waiting = gevent.spawn(session.execute, "playback")
        peer.complete(accepted(peer), "FILE PLAYED")
        assert waiting.get() == "FILE PLAYED"


@probe(13, stock="hangs")
def a_packet_without_a_type_leaves_nobody_waiting(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        waiting = gevent.spawn(ended, lambda: session.execute("playback"))
        accepted(peer)
        peer.say(b"Who: knows\n\n")
        assert waiting.get() is not None


@probe(14, stock="wrong|hangs", alone=True)  # on a busy machine it takes longer than it may
def a_burst_of_events_does_not_hold_up_the_hub(implementation: Implementation) -> None:
    """40 MB written by a real thread, so that there is always something to read."""
    filler = {f"variable_filler_{n}": "<sip:a%20b>;c=d;e=f?g" for n in range(150)}
    with call(implementation) as (session, peer):
        last = Flag()
        session.on("DTMF", lambda _: last.set())
        event = peer.event_data("CHANNEL_STATE", **filler)
        data = event * (40_000_000 // len(event)) + peer.event_data("DTMF", DTMF_Digit="1")
        ticker = Ticker()
        writer = gevent.get_hub().threadpool.spawn(_write_all, peer.sock.fileno(), data)
        writer.get()
        assert last.wait(LONG_S)
        ticker.stop()
        assert ticker.worst_cpu_s < 0.25


def _write_all(descriptor: int, data: bytes) -> None:
    """Plain blocking writes, past gevent."""
    from gevent.monkey import get_original

    with get_original("socket", "socket")(fileno=descriptor) as sock:
        sock.setblocking(True)
        sock.sendall(data)
        sock.detach()


@probe(15, stock="wrong")
def what_came_before_the_end_is_delivered(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        seen: list[str] = []
        session.on("DTMF", lambda _: seen.append("DTMF"))
        session.on("CHANNEL_HANGUP_COMPLETE", lambda _: seen.append("end"))
        keys = b"".join(peer.event_data("DTMF", DTMF_Digit="1") for _ in range(20))
        peer.say(keys + peer.event_data("CHANNEL_HANGUP_COMPLETE", Hangup_Cause="NORMAL_CLEARING"))
        peer.close()
        gevent.sleep(0.3)
        assert (seen.count("DTMF"), seen.count("end")) == (20, 1)


@probe(16, stock="hangs")
def a_handler_may_block_on_its_own_leg(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        done = Arrival[str | None]()
        session.on("DTMF", lambda _: done.set(session.execute("playback")))
        peer.event("DTMF", DTMF_Digit="1")
        peer.complete(accepted(peer), "FILE PLAYED")
        assert done.get() == "FILE PLAYED"


@probe(17, stock="wrong")
def a_handler_can_be_killed(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        inside: Arrival[gevent.Greenlet[..., object]] = Arrival()

        def stuck(event: Seen) -> None:
            del event
            current = gevent.getcurrent()
            assert isinstance(current, gevent.Greenlet)
            inside.set(current)
            gevent.sleep(LONG_S)

        session.on("DTMF", stuck)
        peer.event("DTMF", DTMF_Digit="1")
        greenlet = inside.get()
        greenlet.kill(timeout=0.5)
        assert greenlet.dead


@probe(17, 32, stock="wrong")
def logs_do_not_name_the_caller(implementation: Implementation) -> None:
    with everything_logged() as logged, call(implementation) as (session, peer):

        def fails(event: Seen) -> None:
            raise ValueError(event.get("Caller-Caller-ID-Number"))

        session.on("DTMF", fails)
        peer.event("DTMF", DTMF_Digit="1", Caller_Caller_ID_Number="5559876543")
        peer.say(peer.hangup_data())
        gevent.sleep(0.1)
        assert "ails" in logged() or "ValueError" in logged()  # it was logged at all
        assert "5559876543" not in logged()
        assert "Caller 1000" not in logged()


# The writer.


@probe(18, stock="hangs")
def a_long_command_arrives_whole(implementation: Implementation) -> None:
    size = 4_000_000
    with call(implementation) as (session, peer):
        waiting = gevent.spawn(session.command, "x" * size)
        while len(peer.received) < size:
            gevent.sleep(0.002)  # a slow switch: the kernel's buffers are full most of the time
            peer._more()
        peer.reply()
        waiting.get()


@probe(19, stock="wrong")
def an_argument_cannot_bring_headers_along(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        argument = "/tmp/a.wav\nsession-id: 11111111-1111-1111-1111-111111111111"
        waiting = gevent.spawn(ended, lambda: session.execute("playback", argument))
        with contextlib.suppress(TimeoutError):
            peer.sock.settimeout(0.2)
            peer.command()
        waiting.kill()
        assert b"session-id" not in peer.received


@probe(35, stock="wrong")
def what_is_not_given_is_not_sent_as_none(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        waiting = gevent.spawn(ended, session.raw.play_and_get_digits)
        with contextlib.suppress(TimeoutError):
            peer.sock.settimeout(0.2)
            peer.command()
        waiting.kill()
        assert b"None" not in peer.received


# The server.


@probe(20, stock="wrong")
def a_burst_does_not_pass_the_limit(implementation: Implementation) -> None:
    running = [0, 0]

    def handler(session: Session) -> None:
        del session
        running[0] += 1
        running[1] = max(running)
        gevent.sleep(0.4)
        running[0] -= 1

    def one(port: int) -> None:
        with contextlib.suppress(EOFError, AssertionError), Peer.to(port) as peer:
            peer.accept()
            peer.until_eof()

    with serving(implementation, handler, limit=5) as server:
        calls = [gevent.spawn(one, server.port) for _ in range(20)]
        gevent.sleep(0.4)
        gevent.killall(calls)
        assert 0 < running[1] <= 5


@probe(21, stock="wrong")
def calls_are_accepted_at_once(implementation: Implementation) -> None:
    with serving(implementation, lambda _: None) as server:
        began = time.monotonic()
        for _ in range(20):
            with Peer.to(server.port) as peer:
                assert peer.command().line == "connect"
        assert (time.monotonic() - began) / 20 < 0.03


@probe(22, stock="hangs|wrong", alone=True)
def running_out_of_descriptors_does_not_deafen_the_server(implementation: Implementation) -> None:
    # libev makes its pipe when the first thread wants to wake it: not while there is none to have.
    gevent.get_hub().threadpool.apply(int)
    with serving(implementation, lambda session: session.execute("answer")) as server:
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        with socket.socket() as caller:
            lowest = caller.fileno() + 1  # nothing left once this one is connected
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))
            caller.connect(("127.0.0.1", server.port))
            gevent.sleep(0.3)
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        with Peer.to(server.port) as peer:
            peer.accept()
            peer.execute("answer")


@probe(23, stock="wrong")
def a_leg_is_gone_when_it_is_closed(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        switch = gevent.spawn(_good_bye, peer)
        began = time.monotonic()
        session.close()
        assert time.monotonic() - began < 0.5
        switch.kill()


def _good_bye(peer: Peer) -> None:
    with contextlib.suppress(EOFError, OSError):
        peer.command()
        peer.reply("+OK bye")
        peer.close()


@probe(23, stock="hangs")
def a_peer_that_says_nothing_does_not_hold_up_closing(implementation: Implementation) -> None:
    with call(implementation) as (session, _):
        session.close()


@probe(23, stock="hangs|wrong")
def a_handler_may_close_its_leg(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        closed = Flag()

        def handler(event: Seen) -> None:
            del event
            session.close()
            closed.set()

        session.on("DTMF", handler)
        gevent.spawn(_good_bye, peer)
        peer.event("DTMF", DTMF_Digit="1")
        assert closed.wait(2.0)


@probe(24, stock="wrong", alone=True)
def idle_legs_cost_nothing(implementation: Implementation) -> None:
    import greenlet

    with contextlib.ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(call(implementation))
        switches = [0]
        greenlet.settrace(lambda *_: switches.__setitem__(0, switches[0] + 1))
        gevent.sleep(1.2)
        greenlet.settrace(None)
        assert switches[0] < 20


@probe(25, stock="wrong")
def a_call_that_ended_was_not_played_to(implementation: Implementation) -> None:
    """On the wire CHANNEL_HANGUP precedes the completion of what was cut off."""
    with call(implementation) as (session, peer):
        waiting = gevent.spawn(ended, lambda: session.execute("playback"))
        command = accepted(peer)
        peer.say(
            peer.hangup_data()
            + peer.completion(command, "PLAYBACK ERROR", Answer_State="hangup")
            + peer.notice()
        )
        peer.close()
        assert waiting.get() is not None


@probe(26, stock="wrong")
def nobody_lingers_for_ever(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        waiting = gevent.spawn(ended, session.raw.linger)
        with contextlib.suppress(TimeoutError):
            peer.sock.settimeout(0.2)
            peer.command()
        waiting.kill()
        assert b"linger\n" not in peer.received


@probe(27, stock="wrong|raises")
def a_flow_that_fails_ends_the_call_by_name(implementation: Implementation) -> None:
    def fails(session: Session) -> None:
        raise ValueError(session.header("Caller-Caller-ID-Number"))

    with serving(implementation, fails) as server, Peer.to(server.port) as peer:
        peer.accept()
        command = peer.command()
        assert command.headers.get("call-command") == "hangup", command.line
        assert command.headers.get("hangup-cause") == "NORMAL_TEMPORARY_FAILURE"


@probe(29, stock="hangs")
def stopping_ends_in_bounded_time_and_tells_the_legs(implementation: Implementation) -> None:
    with (
        serving(implementation, lambda _: gevent.sleep(LONG_S)) as server,
        Peer.to(server.port) as peer,
    ):
        peer.accept()
        stopping = gevent.spawn(server.stop, 0.1)
        assert peer.command().line == "exit"
        peer.reply("+OK bye")
        peer.close()
        stopping.get()


@probe(30, stock="raises")
def a_port_in_use_is_an_error_one_can_catch(implementation: Implementation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        try:
            assert ended(lambda: implementation.serve(lambda _: None, port=port)) is not None
        except SystemExit as error:
            raise RuntimeError("it ended the process") from error


@probe(30, stock="raises")
def it_listens_on_ipv6(implementation: Implementation) -> None:
    with (
        serving(implementation, lambda _: None, host="::1", port=free_port_6()) as server,
        Peer.to(server.port, host="::1") as peer,
    ):
        assert peer.command().line == "connect"


def free_port_6() -> int:
    with socket.socket(socket.AF_INET6) as sock:
        sock.bind(("::1", 0))
        return int(sock.getsockname()[1])


@probe(31, stock="wrong")
def a_dead_peer_is_found_out_and_small_packets_leave_at_once(
    implementation: Implementation,
) -> None:
    with call(implementation) as (session, _):
        sock = session.raw.sock
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 5
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) <= 15_000


@probe(33, stock="hangs")
def a_completion_needs_no_channel_variables(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        waiting = gevent.spawn(session.execute, "playback")
        command = accepted(peer)
        peer.event(
            "CHANNEL_EXECUTE_COMPLETE",
            Application="playback",
            Application_UUID=command.event_uuid,
            Application_Response="FILE PLAYED",
        )
        assert waiting.get() == "FILE PLAYED"


@probe(36, stock="wrong")
def connect_returns_the_channel_every_time(implementation: Implementation) -> None:
    with pair() as (sock, peer):
        session = implementation.session(sock)
        switch = gevent.spawn(peer.accept)
        found = session.connect()
        switch.get()
        assert found is not None
        assert session.raw.connect() is not None
        assert peer.received.count(b"connect\n\n") == 1


@probe(37, stock="raises")
def a_leg_that_never_connected_can_be_asked_who_it_is(implementation: Implementation) -> None:
    with pair() as (sock, _):
        session = implementation.session(sock)
        assert not session.raw.uuid
        assert not session.raw.caller_id_number


@probe(39, stock="wrong")
def the_first_of_two_equal_headers_counts(implementation: Implementation) -> None:
    with call(implementation) as (session, peer):
        seen = Arrival[Seen]()
        session.on("CHANNEL_HANGUP_COMPLETE", seen.set)
        inner = event_bytes(
            "CHANNEL_HANGUP_COMPLETE", {"Unique-ID": peer.uuid, "Hangup-Cause": "USER_BUSY"}
        ).split(b"\n\n", 1)[1]
        inner = inner.removesuffix(b"\n") + b"Hangup-Cause: FORGED\nEmpty: _undef_\n\n"
        peer.say(b"Content-Length: %d\nContent-Type: text/event-plain\n\n%s" % (len(inner), inner))
        event = seen.get()
        assert event.get("Hangup-Cause") == "USER_BUSY"
        assert event.get("Empty") is None


NAMES = frozenset(entry.name for entry in PROBES)
assert len(NAMES) == len(PROBES), "two probes of one name"
