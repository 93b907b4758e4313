"""One leg against a scripted switch: replies, completions, keys, handlers, and every way to end."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import Any

import gevent
import pytest
import structlog
from gevent.event import AsyncResult
from greenswitch.esl import NotConnectedError, OutboundSession, OutboundSessionHasGoneAway

from esl_app.errors import (
    CommandFailed,
    EslError,
    Hangup,
    LegLost,
    LegTimeout,
    Overloaded,
    UntrustedChannel,
)
from esl_app.leg import Leg
from esl_app.protocol import commands
from esl_app.protocol.safe import UnsafeArgument
from providers.deadline import Deadline
from tests.integration.leg.peer import Command, Peer, connected, encoded, pair

pytestmark = pytest.mark.integration

PROMPT = commands.playback("/srv/sounds/prompt.wav")
RECORD = commands.record("/srv/spool/1.wav", limit_s=10, threshold=200, silence_s=2)
SOON_S = 0.3


def soon() -> Deadline:
    return Deadline.after(SOON_S)


def later() -> Deadline:
    return Deadline.after(5)


def outcome(function: Callable[[], Any]) -> Any:
    """What it returns, or the exception it raises: for greenlets whose failure is looked at."""
    try:
        return function()
    except EslError as error:
        return error


def starting(
    leg: Leg, peer: Peer, execute: commands.Execute = PROMPT
) -> tuple[gevent.Greenlet[..., Any], Command]:
    """An `execute` that is being waited for, accepted by the switch."""
    waiting = gevent.spawn(outcome, lambda: leg.execute(execute, later()))
    command = peer.command()
    peer.reply()
    peer.began(command)
    return waiting, command


# Beginning.


def test_it_is_a_greenswitch_session() -> None:
    with connected() as (leg, peer):
        assert isinstance(leg, OutboundSession)
        assert leg.session_data["Caller-Destination-Number"] == "5551234567"
        assert (leg.uuid, leg.caller_id_number) == (peer.uuid, "1000")
        with leg.while_connected():
            pass


def test_connect_first_then_myevents_and_nothing_else() -> None:
    with connected(domain_uuid="d") as (leg, peer):
        assert peer.received == b"connect\n\nmyevents\n\n"
        assert leg.channel.variable("domain_uuid") == "d"
        assert leg.connect() is leg.channel


@pytest.mark.parametrize(
    "key",
    ["Unique-ID", "Caller-Destination-Number", "variable_domain_uuid", "variable_voice_ai_token"],
)
def test_a_doubled_trusted_header_gives_the_call_back(key: str) -> None:
    with pair() as (sock, peer):
        leg = Leg(sock)
        connecting = gevent.spawn(outcome, leg.connect)
        assert peer.command().line == "connect"
        extra = encoded({key: "a"}) + encoded({key: "b"})
        peer.say(peer.channel_data(extra))
        assert peer.command().line == "exit"
        peer.reply("+OK bye")
        assert isinstance(connecting.get(timeout=2), UntrustedChannel)
        assert peer.until_eof() == b""
        assert b"answer" not in peer.received


def test_a_unique_id_that_is_none_is_refused() -> None:
    with pair() as (sock, peer):
        peer.uuid = "../../etc"
        connecting = gevent.spawn(outcome, Leg(sock).connect)
        peer.command()
        peer.say(peer.channel_data())
        peer.command()
        peer.reply("+OK bye")
        assert isinstance(connecting.get(timeout=2), UntrustedChannel)


def test_connect_has_a_deadline() -> None:
    with pair() as (sock, _):
        leg = Leg(sock)
        began = time.monotonic()
        with pytest.raises(LegTimeout):
            leg.connect(Deadline.after(0.1))
        assert time.monotonic() - began < 1
        leg.close()


def test_who_answers_connect_with_something_else_is_no_switch() -> None:
    with pair() as (sock, peer):
        leg = Leg(sock)
        connecting = gevent.spawn(outcome, leg.connect)
        peer.command()
        peer.reply("+OK")
        assert isinstance(connecting.get(timeout=2), CommandFailed)
        leg.close()


# Applications.


def test_the_argument_travels_in_the_body_with_an_event_uuid() -> None:
    with connected() as (leg, peer):
        waiting, command = starting(leg, peer)
        assert command.line == "sendmsg"
        assert command.body == b"/srv/sounds/prompt.wav"
        assert "execute-app-arg" not in command.headers
        assert len(command.event_uuid) == 36
        peer.complete(command, "FILE PLAYED")
        assert waiting.get(timeout=2).response == "FILE PLAYED"


def test_nested_playbacks_complete_last_in_first_out() -> None:
    with connected() as (leg, peer):
        pairs = [starting(leg, peer) for _ in range(3)]
        for number, (_, command) in reversed(list(enumerate(pairs))):
            peer.complete(command, f"PLAYED {number}")
        answers = [waiting.get(timeout=2).response for waiting, _ in pairs]
        assert answers == ["PLAYED 0", "PLAYED 1", "PLAYED 2"]


def test_start_returns_while_the_application_runs() -> None:
    with connected() as (leg, peer):
        starts = gevent.spawn(leg.start, PROMPT)
        command = peer.command()
        peer.reply()
        execution = starts.get(timeout=2)
        assert (execution.done, execution.started) == (False, False)
        peer.began(command)
        peer.complete(command)
        assert execution.wait(later()).application_uuid == execution.uuid
        assert (execution.done, execution.started) == (True, True)


def test_a_lock_is_asked_for_by_name() -> None:
    with connected() as (leg, peer):
        gevent.spawn(outcome, lambda: leg.start(PROMPT, lock=True))
        assert peer.command().headers["event-lock"] == "true"


def test_a_wait_that_timed_out_leaves_nothing_behind_and_can_be_repeated() -> None:
    with connected() as (leg, peer):
        starts = gevent.spawn(leg.start, PROMPT)
        command = peer.command()
        peer.reply()
        execution = starts.get(timeout=2)
        with pytest.raises(LegTimeout, match="playback"):
            execution.wait(Deadline.after(0.02))
        waiting, second = starting(leg, peer)
        peer.complete(second, "SECOND")
        assert waiting.get(timeout=2).response == "SECOND"
        peer.complete(command, "FIRST")
        assert execution.wait(later()).response == "FIRST"
        assert len(leg._executions) == len(leg._replies) == 0


def test_err_is_an_exception_and_the_next_command_gets_its_own_reply() -> None:
    with connected() as (leg, peer):
        waiting = gevent.spawn(outcome, lambda: leg.execute(PROMPT, later()))
        peer.command()
        peer.reply("-ERR invalid session id")
        failed = waiting.get(timeout=2)
        assert isinstance(failed, CommandFailed)
        assert failed.reply == "-ERR invalid session id"
        waiting, command = starting(leg, peer)
        peer.complete(command)
        assert waiting.get(timeout=2).application == "playback"
        assert len(leg._executions) == 0


def test_a_reply_of_the_wrong_type_fails_the_command_only() -> None:
    with connected() as (leg, peer):
        waiting = gevent.spawn(outcome, lambda: leg.execute(PROMPT, later()))
        peer.command()
        peer.say(b"Content-Type: api/response\nContent-Length: 3\n\n+OK")
        assert isinstance(waiting.get(timeout=2), CommandFailed)
        assert leg.connected


def test_no_more_than_64_applications_are_outstanding() -> None:
    with connected() as (leg, peer):

        def switch() -> None:
            while True:
                peer.command()
                peer.reply()

        obeying = gevent.spawn(switch)
        executions = [leg.start(PROMPT) for _ in range(64)]
        sent = len(peer.received)
        with pytest.raises(Overloaded):
            leg.start(PROMPT)
        assert len(peer.received) == sent
        # One whose wait gave up makes room: FreeSWITCH may have flushed it from its queue.
        with pytest.raises(LegTimeout):
            executions[7].wait(Deadline.after(0))
        leg.start(PROMPT)
        obeying.kill()


def test_unsafe_arguments_and_text_commands_send_nothing() -> None:
    with connected() as (leg, peer):
        sent = len(peer.received)
        for bad in ("a\nsession-id: x", "a\rcall-command: hangup", "/tmp/${system x}", "/a\0b"):
            with pytest.raises(UnsafeArgument):
                leg.execute(commands.playback(bad), soon())
            with pytest.raises(UnsafeArgument):
                leg.playback(bad, soon())
        with pytest.raises(TypeError):
            leg.send("api status")  # type: ignore[arg-type]
        for pasting in (leg.call_command, leg.bridge):
            with pytest.raises(TypeError):
                pasting("bridge user/1000")
        with pytest.raises(TypeError):
            leg.uuid_break()
        gevent.sleep(0.05)
        assert len(peer.received) == sent
        leg.close()
        assert peer.until_eof() == b""


def test_getvar() -> None:
    with connected() as (leg, peer):
        asking = gevent.spawn(leg.getvar, "read_codec")
        assert peer.command().line == "getvar read_codec"
        peer.reply("PCMU")
        assert asking.get(timeout=2) == "PCMU"


# Replies that go astray (C20).


def test_a_late_reply_goes_to_the_command_that_gave_up_on_it() -> None:
    with connected() as (leg, peer):
        first = gevent.spawn(outcome, lambda: leg.send(commands.getvar("a"), Deadline.after(0.05)))
        peer.command()
        assert isinstance(first.get(timeout=2), LegTimeout)
        second = gevent.spawn(outcome, lambda: leg.getvar("b", later()))
        peer.command()
        peer.reply("value of a")
        peer.reply("value of b")
        assert second.get(timeout=2) == "value of b"


def test_a_lost_reply_does_not_shift_the_later_ones() -> None:
    with connected() as (leg, peer):
        lost = gevent.spawn(outcome, lambda: leg.getvar("a", Deadline.after(3)))
        peer.command()
        waiting = gevent.spawn(outcome, lambda: leg.execute(PROMPT, later()))
        command = peer.command()
        # No reply to either; the events show that the second was taken.
        peer.began(command)
        assert isinstance(lost.get(timeout=1), LegTimeout)
        peer.complete(command, "FILE PLAYED")
        assert waiting.get(timeout=1).response == "FILE PLAYED"
        third = gevent.spawn(outcome, lambda: leg.getvar("c", later()))
        peer.command()
        peer.reply("value of c")
        assert third.get(timeout=1) == "value of c"


def test_a_doubled_reply_does_no_harm() -> None:
    with connected() as (leg, peer):
        for _ in range(3):
            waiting, command = starting(leg, peer)
            peer.reply()
            peer.complete(command)
            assert waiting.get(timeout=2).application_uuid == command.event_uuid


@pytest.mark.parametrize("seed", range(4))
def test_no_order_of_events_leaves_anybody_waiting(seed: int) -> None:
    """Replies, completions, keys, hang-up and EOF of 250 calls, in any order, some missing."""
    rng = random.Random(seed)
    for _ in range(250):
        with connected() as (leg, peer):
            starts = [
                gevent.spawn(outcome, functools.partial(leg.execute, PROMPT, Deadline.after(2)))
                for _ in range(rng.randint(1, 3))
            ]
            sent = [peer.command() for _ in starts]
            said = [b"Content-Type: command/reply\nReply-Text: +OK\n\n" for _ in sent]
            said += [peer.completion(command) for command in sent]
            said += [peer.event_data("DTMF", DTMF_Digit="1")] * 2
            said += [b"Content-Type: command/reply\nReply-Text: -ERR no\n\n"]
            rng.shuffle(said)
            del said[rng.randint(1, len(said)) :]
            ending = rng.choice([peer.hangup_data(), peer.notice(), b""])
            said.insert(rng.randint(0, len(said)), ending)
            peer.say(b"".join(said))
            peer.close()
            gevent.joinall(starts, timeout=1)
            assert all(greenlet.ready() for greenlet in starts), f"stuck: seed {seed}: {said}"
            assert leg.closed.wait(1)


# Ending.


def hang_up(peer: Peer, command: Command) -> None:
    del command
    peer.say(peer.hangup_data("USER_BUSY"))


def say_good_bye(peer: Peer, command: Command) -> None:
    del command
    peer.say(peer.notice())


def show_it_in_an_event(peer: Peer, command: Command) -> None:
    del command
    peer.event("CHANNEL_STATE", Answer_State="hangup", Hangup_Cause="USER_BUSY")


@pytest.mark.parametrize(
    ("end", "cause"),
    [(hang_up, "USER_BUSY"), (say_good_bye, "UNSPECIFIED"), (show_it_in_an_event, "USER_BUSY")],
)
def test_a_hang_up_ends_every_wait_at_once(
    end: Callable[[Peer, Command], None], cause: str
) -> None:
    with connected() as (leg, peer):
        waiting, command = starting(leg, peer)
        key = gevent.spawn(outcome, lambda: leg.digits.get(later()))
        reply = gevent.spawn(outcome, lambda: leg.getvar("a", later()))
        peer.command()
        gevent.idle()
        began = time.monotonic()
        end(peer, command)
        found = [greenlet.get(timeout=1) for greenlet in (waiting, key, reply)]
        assert time.monotonic() - began < 0.25
        for error in found:
            assert isinstance(error, Hangup)
            assert isinstance(error, OutboundSessionHasGoneAway)
            assert error.cause == cause
        assert leg.hung_up
        assert leg.hangup_cause == cause
        assert leg.ended.is_set()


def test_nothing_is_sent_after_the_hang_up() -> None:
    with connected() as (leg, peer):
        peer.say(peer.hangup_data())
        assert leg.ended.wait(1)
        sent = len(peer.received)
        for action in (lambda: leg.start(PROMPT), leg.answer, lambda: leg.getvar("a")):
            with pytest.raises(Hangup):
                action()
        leg.hangup()
        with pytest.raises(OutboundSessionHasGoneAway), leg.while_connected():
            pass
        leg.close()
        assert peer.until_eof() == b""
        assert len(peer.received) == sent


def test_a_recording_cut_off_by_the_hang_up_is_still_there() -> None:
    with connected() as (leg, peer):
        starts = gevent.spawn(leg.start, RECORD)
        command = peer.command()
        peer.reply()
        execution = starts.get(timeout=2)
        waiting = gevent.spawn(outcome, lambda: execution.wait(later()))
        gevent.idle()
        peer.say(
            peer.hangup_data()
            + peer.completion(command, variable_record_ms="1500", Answer_State="hangup")
            + peer.notice()
        )
        peer.close()
        assert isinstance(waiting.get(timeout=2), Hangup)
        completion = execution.outcome(soon())
        assert completion is not None
        assert completion.variable("record_ms") == "1500"


def test_what_was_only_queued_has_no_outcome() -> None:
    with connected() as (leg, peer):
        starts = gevent.spawn(leg.start, RECORD)
        peer.command()
        peer.reply()
        execution = starts.get(timeout=2)
        peer.say(peer.hangup_data() + peer.notice())
        peer.close()
        began = time.monotonic()
        assert execution.outcome(later()) is None
        assert time.monotonic() - began < 1  # the end of the socket says so, not the deadline


def test_a_lost_socket_is_no_hang_up() -> None:
    with connected() as (leg, peer):
        waiting, _ = starting(leg, peer)
        peer.close()
        error = waiting.get(timeout=1)
        assert isinstance(error, LegLost)
        assert isinstance(error, NotConnectedError)
        assert not isinstance(error, Hangup)
        assert not leg.hung_up
        assert leg.end_reason == "eof"
        with pytest.raises(LegLost):
            leg.answer()


def test_a_reset_is_a_lost_socket() -> None:
    import socket
    import struct

    with connected() as (leg, peer):
        waiting, _ = starting(leg, peer)
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        assert isinstance(waiting.get(timeout=1), LegLost)
        assert leg.end_reason in {"socket_error", "eof"}


def test_events_before_the_end_are_delivered_before_it() -> None:
    with connected() as (leg, peer):
        peer.say(
            b"".join(peer.event_data("DTMF", DTMF_Digit=key) for key in "123#") + peer.hangup_data()
        )
        peer.close()
        assert leg.closed.wait(1)
        assert "".join(leg.digits.get(soon()) for _ in range(4)) == "123#"
        with pytest.raises(Hangup):
            leg.digits.get(soon())


def test_a_transfer_ends_the_leg_and_closes_the_socket() -> None:
    with connected() as (leg, peer):
        moving = gevent.spawn(leg.transfer, "operator", context="voice-ai-fallback")
        # With it on, closing the socket would reset the call in its new extension.
        assert peer.execute("set").argument == "socket_resume=false"
        command = peer.command()
        assert command.argument == "operator XML voice-ai-fallback"
        peer.reply()
        peer.complete(command)
        moving.get(timeout=2)
        assert peer.until_eof() == b""
        assert leg.transferred
        assert not leg.hung_up
        with pytest.raises(Hangup, match="BLIND_TRANSFER"):
            leg.answer()


def test_a_transfer_is_no_application_among_others() -> None:
    with connected() as (leg, peer):
        sent = len(peer.received)
        with pytest.raises(TypeError, match=r"Leg\.transfer"):
            leg.start(commands.transfer("operator", context="default"))
        assert len(peer.received) == sent


def test_hanging_up_waits_for_the_hang_up() -> None:
    with connected() as (leg, peer):
        ending = gevent.spawn(leg.hangup, "USER_BUSY")
        assert peer.let_hang_up() == "USER_BUSY"
        ending.get(timeout=2)
        assert leg.hangup_cause == "USER_BUSY"


def test_an_unconfirmed_hang_up_times_out() -> None:
    with connected() as (leg, peer):
        ending = gevent.spawn(outcome, lambda: leg.hangup(deadline=Deadline.after(0.1)))
        peer.command()
        peer.reply()
        assert isinstance(ending.get(timeout=2), LegTimeout)


def test_releasing_gives_the_call_back() -> None:
    with connected() as (leg, peer):
        ending = gevent.spawn(leg.release)
        assert peer.command().line == "exit"
        peer.say(b"Content-Type: command/reply\nReply-Text: +OK bye\n\n" + peer.notice())
        ending.get(timeout=2)
        assert not leg.hung_up
        assert peer.until_eof() == b""


@pytest.mark.parametrize("times", [1, 3])
def test_closing_is_idempotent_and_leaves_no_greenlet(times: int) -> None:
    with connected() as (leg, peer):
        leg.on("DTMF", lambda _: gevent.sleep(60))
        peer.event("DTMF", DTMF_Digit="1")
        gevent.sleep(0.05)
        waiting, _ = starting(leg, peer)
        for _ in range(times):
            leg.close()
        assert isinstance(waiting.get(timeout=1), LegLost)
        leg.settle(Deadline.after(0.1))
        left = [leg._transport.reader, *(h.greenlet for h in leg._handlers._by_name["DTMF"])]
        assert all(greenlet is not None and greenlet.dead for greenlet in left)


def test_killing_the_reader_ends_the_leg() -> None:
    with connected() as (leg, peer):
        waiting, _ = starting(leg, peer)
        assert leg._transport.reader is not None
        leg._transport.reader.kill()
        assert isinstance(waiting.get(timeout=1), LegLost)
        assert leg.end_reason == "killed"
        assert peer.until_eof() == b""


def test_a_stuck_write_ends_the_leg_at_the_deadline() -> None:
    with connected() as (leg, _):
        began = time.monotonic()
        with pytest.raises(LegLost, match="send_stuck"):
            leg.send(b"x" * 50_000_000, Deadline.after(0.2))
        assert time.monotonic() - began < 2
        assert leg.closed.is_set()


# Keys and handlers.


def test_type_ahead_is_kept_in_order_and_can_be_cleared() -> None:
    with connected() as (leg, peer):
        for key in "12":
            peer.event("DTMF", DTMF_Digit=key)
        assert leg.digits.get(later()) == "1"
        assert leg.digits.get(later()) == "2"
        peer.event("DTMF", DTMF_Digit="3")
        gevent.sleep(0.05)
        assert leg.digits.pending == "3"
        leg.digits.take()
        with pytest.raises(LegTimeout):
            leg.digits.get(Deadline.after(0.02))


def test_events_of_other_channels_are_dropped() -> None:
    with connected() as (leg, peer):
        mine, peer.uuid = peer.uuid, "11111111-1111-1111-1111-111111111111"
        peer.event("DTMF", DTMF_Digit="9")
        peer.say(peer.hangup_data())
        peer.uuid = mine
        peer.event("DTMF", DTMF_Digit="1")
        assert leg.digits.get(later()) == "1"
        assert not leg.hung_up
        assert leg.dropped == 2


def test_a_blocking_handler_stalls_neither_the_reader_nor_another_handler() -> None:
    with connected() as (leg, peer):
        seen: AsyncResult[Any] = AsyncResult()
        leg.on("DTMF", lambda _: gevent.sleep(60))
        leg.on("*", seen.set)
        peer.event("DTMF", DTMF_Digit="1")
        event = seen.get(timeout=1)
        assert event is not None
        assert event.name == "DTMF"
        assert leg.digits.get(later()) == "1"


def test_a_failing_handler_is_logged_without_what_it_says() -> None:
    def fails(_: object) -> None:
        raise ValueError("the caller said 5559876543")

    with (
        structlog.testing.capture_logs(
            processors=[structlog.contextvars.merge_contextvars]
        ) as entries,
        connected() as (leg, peer),
    ):
        leg.on("DTMF", fails)
        peer.event("DTMF", DTMF_Digit="1")
        peer.event("DTMF", DTMF_Digit="2")
        gevent.sleep(0.1)
    failed = [entry for entry in entries if entry["event"] == "handler_failed"]
    assert len(failed) == 2
    assert failed[0]["error"] == "ValueError"
    assert failed[0]["leg"] == peer.uuid
    assert "fails" in failed[0]["where"][-1]
    assert "555" not in repr(failed[0]["error"]) + repr(failed[0]["where"])


def test_handlers_come_off() -> None:
    with connected() as (leg, peer):
        seen: list[object] = []
        leg.on("DTMF", seen.append)
        leg.off("DTMF", seen.append)
        with pytest.raises(ValueError, match="DTMF"):
            leg.off("DTMF", seen.append)
        peer.event("DTMF", DTMF_Digit="1")
        leg.digits.get(later())
        gevent.sleep(0.02)
        assert seen == []
