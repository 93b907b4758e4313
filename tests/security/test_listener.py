"""The listening port under attack (HARDENING S1-S4); after each case a clean call goes through."""

from __future__ import annotations

import contextlib
import resource
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.monkey import get_original

from esl_app.errors import ConfigError, EslError
from esl_app.leg import Leg
from esl_app.server import ListenSettings, Server
from providers.deadline import Deadline
from tests.defects.probes import Ticker
from tests.integration.leg.peer import Peer, clean_call, encoded

pytestmark = pytest.mark.security

HUB_LIMIT_S = 0.25  # of computing; a busy machine may keep the process from it for longer
STUCK_S = 3.0


@contextlib.contextmanager
def serving(handler: Callable[[Leg], object] = Leg.answer, **settings: Any) -> Iterator[Server]:
    """A server that must be fit for a clean call after whatever was done to it."""
    server = Server(ListenSettings(port=0, **settings), handler)
    server.start()
    try:
        yield server
        if not server.settings.token:
            clean_call(server.port)
        deadline = Deadline.after(5)
        while server.legs:
            assert not deadline.passed, "a leg is left"
            gevent.sleep(0.01)
        assert not server._admission.seats
    finally:
        server.stop()


@contextlib.contextmanager
def hub_watched() -> Iterator[None]:
    ticker = Ticker()
    yield
    ticker.stop()
    assert ticker.worst_cpu_s < HUB_LIMIT_S
    assert ticker.worst_s < STUCK_S


# S1: whoever reaches the port is FreeSWITCH.


def test_a_peer_that_is_not_in_the_list_gets_not_one_byte() -> None:
    with serving(allow=("127.0.0.1/32",)) as server:
        with Peer.to(server.port, source="127.0.0.2") as peer:
            assert peer.until_eof() == b""
        assert server.counters["refused_peer"] == 1
        assert server.counters["accepted"] == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "controller.example.com", ""])
def test_an_open_address_without_a_list_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match=r"^listen\.allow: "):
        Server(ListenSettings(host=host, port=0), Leg.answer)


def test_an_open_address_with_a_list_works_and_keeps_others_out() -> None:
    with serving(host="0.0.0.0", allow=("127.0.0.0/31",)) as server:
        with Peer.to(server.port, source="127.0.0.3") as peer:
            assert peer.until_eof() == b""
        assert server.counters["refused_peer"] == 1


@pytest.mark.parametrize("network", ["127.0.0.1/33", "localhost", "10.0.0.1/8", ""])
def test_a_list_that_names_no_network_is_refused(network: str) -> None:
    with pytest.raises(ConfigError, match=r"^listen\.allow: "):
        Server(ListenSettings(port=0, allow=(network,)), Leg.answer)


def test_an_empty_token_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^listen\.token: "):
        Server(ListenSettings(port=0, token=""), Leg.answer)


def test_the_token_stays_out_of_the_settings_text() -> None:
    assert "hush" not in repr(ListenSettings(port=0, token="hush"))


TOKEN = "correct horse"


def token_header(*values: str) -> bytes:
    return b"".join(encoded({"variable_voice_ai_token": value}) for value in values)


@pytest.mark.parametrize(
    "headers",
    [
        b"",
        token_header(""),
        token_header("wrong"),
        token_header(TOKEN + " "),
        token_header(TOKEN.upper()),
        token_header("\udcff"[:0] + "é"),
        token_header(TOKEN, "wrong"),
        token_header("wrong", TOKEN),
        token_header(TOKEN, TOKEN),
        # The value of another header, decoded, would be the token's line.
        encoded({"variable_sip_h_X-Foo": f"a\nvariable_voice_ai_token: {TOKEN}"}),
    ],
)
def test_without_the_token_the_call_is_given_back_unanswered(headers: bytes) -> None:
    handled: list[Leg] = []
    with serving(handled.append, token=TOKEN) as server:
        with Peer.to(server.port) as peer:
            assert peer.command().line == "connect"
            peer.say(peer.channel_data(headers))
            command = peer.command()
            if command.line == "myevents":
                peer.reply("+OK Events Enabled")
                command = peer.command()
            assert command.line == "exit"
            peer.reply("+OK bye")
            assert peer.until_eof() == b""
        assert b"answer" not in peer.received
        assert handled == []
        assert server.counters["untrusted_channel"] == 1


def test_with_the_token_the_call_is_served() -> None:
    with serving(token=TOKEN) as server, Peer.to(server.port) as peer:
        peer.accept(voice_ai_token=TOKEN)
        peer.execute("answer")
        assert peer.let_hang_up() == "NORMAL_CLEARING"


# S2: hostile bytes on the running server.

EVENT = b"Content-Type: text/event-plain\n"
HOSTILE = {
    "eof inside a body": b"Content-Length: 1000\n" + EVENT + b"\nabcde",
    "a body of 99 GB": b"Content-Length: 99999999999\n" + EVENT + b"\n",
    "a negative length": b"Content-Length: -1\n" + EVENT + b"\n",
    "a length that is no number": b"Content-Length: many\n" + EVENT + b"\n",
    "a length in another script": "Content-Length: ٣\n".encode() + EVENT + b"\n",
    "two lengths": b"Content-Length: 5\nContent-Length: 6\n" + EVENT + b"\nabcdef",
    "no type": b"Who: knows\n\n",
    "a NUL": b"Content-Type: command/reply\nReply-Text: a\0b\n\n",
    "a line of a megabyte": b"Content-Type: " + b"x" * 1_000_000,
    "a hundred thousand headers": b"A: b\n" * 100_000 + b"\n",
    "a header block without an end": b"A: b\n" * 250_000,
    "not our language": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 40 + b"\n\n",
    "a web browser": b"GET / HTTP/1.1\nHost: 127.0.0.1\n\n",
    "bad JSON": b"Content-Length: 5\nContent-Type: text/event-json\n\n{nope",
    "deep JSON": b"Content-Length: 100000\nContent-Type: text/event-json\n\n" + b"[" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("when", ["before connect is answered", "during a prompt"])
def test_hostile_bytes_end_their_leg_only(name: str, when: str) -> None:
    with serving() as server, hub_watched():
        with Peer.to(server.port) as peer:
            if when == "during a prompt":
                peer.accept()
            assert peer.command()
            with contextlib.suppress(OSError):  # it may be shown out before all is said
                peer.say(HOSTILE[name])
            if name == "eof inside a body":
                peer.sock.shutdown(socket.SHUT_WR)
            began = time.monotonic()
            peer.until_eof()
            assert time.monotonic() - began < 1.0
        gevent.sleep(0.01)
        assert server.counters["protocol_error"] == 1
        assert server.counters["leg_completed"] == 0


def test_a_huge_body_is_not_reserved_for() -> None:
    def resident_kib() -> int:
        text = Path("/proc/self/status").read_text()
        return next(int(line.split()[1]) for line in text.splitlines() if "VmRSS" in line)

    with serving() as server:
        clean_call(server.port)
        before = resident_kib()
        for _ in range(50):
            with Peer.to(server.port) as peer:
                peer.say(HOSTILE["a body of 99 GB"])
                peer.until_eof()
        assert resident_kib() - before < 8 * 1024


# S3: slow-loris and floods.


@contextlib.contextmanager
def silence(server: Server, count: int = 1000) -> Iterator[list[Peer]]:
    """Connections that say nothing, and wait; all have been accepted or turned away."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip(f"needs 4096 file descriptors, may have {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    try:
        with contextlib.ExitStack() as stack:
            with gevent.Timeout(30):
                peers = [stack.enter_context(Peer.to(server.port)) for _ in range(count)]
                while sum(server.counters[name] for name in ("accepted", "overloaded")) < count:
                    gevent.sleep(0.01)
                gevent.sleep(0.3)  # silent for so long that a call may have the place of one
            yield peers
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("max_legs", [50, 2000])
def test_a_thousand_silent_connections_do_not_keep_a_call_out(max_legs: int) -> None:
    """Answered while they are all there: none has been shown out yet, however slow the machine."""
    with (
        serving(max_legs=max_legs, max_legs_per_peer=max_legs, connect_s=25.0) as server,
        silence(server),
    ):
        assert len(server.legs) >= min(max_legs, 1000)
        clean_call(server.port)
        assert server.counters["connect_timeout"] == 0
        assert len(server.legs) >= min(max_legs, 1000) - 1  # the call had the place of one


def test_a_thousand_silent_connections_are_shown_out() -> None:
    with (
        serving(max_legs=2000, max_legs_per_peer=2000, connect_s=0.5) as server,
        silence(server) as peers,
    ):
        for peer in peers:
            assert peer.until_eof() in {b"", b"connect\n\n"}
        assert server.counters["connect_timeout"] == 1000


def test_a_half_told_connect_reply_is_bounded_too() -> None:
    with serving(connect_s=0.5) as server, Peer.to(server.port) as peer:
        peer.command()
        data = peer.channel_data()
        began = time.monotonic()
        with contextlib.suppress(OSError):
            for at in range(200):
                peer.say(data[at : at + 1])
                gevent.sleep(0.01)
        peer.until_eof()
        assert time.monotonic() - began < 3
        assert server.counters["connect_timeout"] == 1


def test_a_flood_of_keys_on_one_leg_does_not_hurt_another() -> None:
    """A real thread writes as fast as the socket takes it; another leg goes on working."""
    legs: list[Leg] = []

    def handler(leg: Leg) -> None:
        legs.append(leg)
        with contextlib.suppress(EslError):
            while True:
                leg.answer(Deadline.after(5))

    def turns(peer: Peer, seconds: float) -> list[float]:
        took, over = [], Deadline.after(seconds)
        while not over.passed:
            began = time.monotonic()
            peer.execute("answer")
            took.append(time.monotonic() - began)
            gevent.sleep(0.002)
        return sorted(took)

    with serving(handler) as server:
        with Peer.to(server.port) as working, Peer.to(server.port) as flooding:
            working.accept()
            quiet = turns(working, 0.5)
            flooding.accept()
            flood = _Flood(flooding)
            try:
                with hub_watched():
                    busy = turns(working, 1.5)
            finally:
                sent = flood.stop()
        assert sent > 5000  # it was one
        assert busy[len(busy) // 2] < quiet[len(quiet) // 2] + 0.005
        assert busy[len(busy) * 95 // 100] < 0.05
        flooded = legs[1]
        assert len(flooded.digits.pending) == flooded.digits.CAPACITY
        assert flooded.dropped > 1000
        server.application = Leg.answer  # for the clean call


class _Flood:
    """DTMF events past gevent, by a thread that blocks in write."""

    def __init__(self, peer: Peer) -> None:
        self._sock = peer.sock
        self._event = peer.event_data("DTMF", DTMF_Digit="1", DTMF_Source="RTP", Filler="x" * 1500)
        self._sent = 0
        self._thread = gevent.get_hub().threadpool.spawn(self._run)

    def _run(self) -> None:
        with get_original("socket", "socket")(fileno=self._sock.fileno()) as raw:
            raw.setblocking(True)
            with contextlib.suppress(OSError):
                while True:
                    raw.sendall(self._event * 50)
                    self._sent += 50
            raw.detach()

    def stop(self) -> int:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._thread.get()
        return self._sent


# S4: headers forged by a caller.


def test_an_encoded_line_feed_chooses_no_tenant() -> None:
    forged = "a\nCaller-Destination-Number: 18005550000\nvariable_domain_uuid: theirs\nUnique-ID: 0"
    seen: list[tuple[str | None, ...]] = []

    def handler(leg: Leg) -> None:
        channel = leg.channel
        seen.append(
            (
                leg.uuid,
                channel.get("Caller-Destination-Number"),
                channel.variable("domain_uuid"),
                channel.variable("sip_h_X-Foo"),
            )
        )

    with serving(handler) as server:
        with Peer.to(server.port) as peer:
            peer.accept(**{"sip_h_X-Foo": forged, "domain_uuid": "ours"})
            peer.let_hang_up()
        assert seen == [(peer.uuid, "5551234567", "ours", forged)]
        server.application = Leg.answer  # for the clean call
