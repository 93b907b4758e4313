"""A controller that disappears, and a wire that misbehaves; after each a clean call."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from pathlib import Path

import gevent
import pytest

from esl_app.switchsim import (
    Action,
    Caller,
    CallResult,
    CloseAt,
    Delay,
    Duplicate,
    Garbage,
    Lose,
    Moment,
    PlacedCall,
    Press,
    Refuse,
    Reorder,
    Switch,
    Wait,
)
from esl_app.switchsim.dialplan import FALLBACK, controlled
from esl_app.switchsim.faults import Fault
from tests.integration.switchsim.controller import Controller, Line, controlling

pytestmark = pytest.mark.integration

_LONG_S = 20
_LONG = f"silence_stream://{_LONG_S * 1000}"
Handler = Callable[[Line], None]


def call(
    port: int,
    *,
    faults: Sequence[Fault] = (),
    resume: bool = True,
    standby: str = "",
    patience: float = 1.0,
    caller: Caller | None = None,
    dialplan: Sequence[Action] | None = None,
) -> CallResult:
    return Switch(speed=40.0, patience=patience).call(
        caller or Caller(patience_s=100),
        port=port,
        faults=faults,
        resume=resume,
        standby=standby,
        dialplan=dialplan,
        timeout_s=20,
    )


def polite(line: Line) -> None:
    line.connect()
    line.execute("answer")
    line.start("hangup")
    line.drain()


def closes_at_once(line: Line) -> None:
    line.sock.close()


def never_speaks(line: Line) -> None:
    line.drain()


def closes_parked(line: Line) -> None:
    line.connect()
    line.execute("answer")
    line.sock.close()


def closes_in_a_prompt(line: Line) -> None:
    line.connect()
    line.execute("answer")
    line.start("playback", _LONG)
    line.until("CHANNEL_EXECUTE", "playback")
    line.sock.close()


def closes_with_a_queue(line: Line) -> None:
    line.connect()
    line.execute("answer")
    for _ in range(2):
        line.start("playback", _LONG, event_lock="true")
    line.until("CHANNEL_EXECUTE", "playback")
    line.sock.close()


_MOMENTS = [
    closes_at_once,
    never_speaks,
    closes_parked,
    closes_in_a_prompt,
    closes_with_a_queue,
]


@pytest.mark.parametrize("moment", _MOMENTS)
def test_with_resume_the_standby_gets_the_same_call_at_once(moment: Handler) -> None:
    uuids = []

    def standby(line: Line) -> None:
        data = line.connect()
        uuids.append(data["Unique-ID"])
        assert data["variable_voice_ai_attempt"] == "2"
        line.start("hangup")
        line.drain()

    with controlling(moment) as first, controlling(standby) as second:
        result = call(first.port, standby=f"127.0.0.1:{second.port}", patience=0.01)
    assert uuids == [result.uuid]
    assert result.ended_by == "controller"
    assert result.attempts == 2
    assert not result.fell_back
    cut = [moment for moment in result.of("complete") if moment.what == "playback"][:1]
    assert all(moment.at_s < _LONG_S for moment in cut)  # the prompt was not played to its end


def test_without_anybody_left_the_fallback_runs() -> None:
    with controlling(closes_parked) as controller:
        result = call(controller.port)
    assert result.fell_back
    assert result.hangup_cause == "NORMAL_TEMPORARY_FAILURE"


def test_without_resume_a_prompt_and_what_is_queued_play_to_their_end() -> None:
    with controlling(closes_with_a_queue) as controller:
        result = call(controller.port, resume=False)
    assert result.fell_back
    assert result.applications().count("playback") == 3  # two queued, one of the fallback
    assert result.duration_s > 2 * _LONG_S


@pytest.mark.parametrize("moment", [closes_at_once, never_speaks])
def test_without_resume_a_controller_that_never_spoke_leaves_silence(moment: Handler) -> None:
    """The call is parked until the caller has enough: this is why the product sets resume."""
    with controlling(moment) as controller:
        result = call(
            controller.port,
            resume=False,
            patience=0.01,
            caller=Caller(patience_s=1.0),
        )
    assert result.ended_by == "caller"
    assert result.caller_gave_up
    assert not result.fell_back


def test_nobody_listens() -> None:
    with controlling(polite) as controller:
        port = controller.port
    result = call(port)
    assert result.attempts == 0
    assert result.fell_back


def test_second_host_of_the_list_takes_the_call() -> None:
    with controlling(polite) as gone:
        dead = gone.port
    with controlling(polite) as controller:
        plan = controlled(hosts=f"127.0.0.1:{dead}|127.0.0.1:{controller.port}", fallback=FALLBACK)
        result = call(controller.port, dialplan=plan)
    assert [
        moment.kind for moment in result.moments if moment.kind in {"refused", "connected"}
    ] == [
        "refused",
        "connected",
    ]
    assert result.ended_by == "controller"


def check_clean_call(controller: Controller) -> None:
    before = len(controller.errors)
    assert call(controller.port).ended_by == "controller"
    assert len(controller.errors) == before


def test_a_lost_reply_a_late_one_and_one_twice() -> None:
    texts: list[list[str]] = []

    def count(line: Line) -> None:
        polite(line)
        texts.append([packet["Reply-Text"] for packet in line.seen if "Reply-Text" in packet])

    with controlling(count) as controller:
        check_clean_call(controller)
        call(controller.port, faults=[Lose(of="reply", nth=2)])
        call(controller.port, faults=[Duplicate(of="reply", nth=1)])
        late = call(controller.port, faults=[Delay(of="reply", nth=1, seconds=0.3)])
        refused = call(controller.port, faults=[Refuse(nth=3, text="-ERR no such thing")])
        check_clean_call(controller)
    clean, lost, twice, _, refusal, again = texts
    assert len(clean) == len(again) == len(lost) + 1 == len(twice) - 1
    assert refusal[3] == "-ERR no such thing"
    assert late.real_s > 0.3
    assert refused.ended_by == "controller"  # a refused reply: what was asked for happened


def test_a_missing_completion_is_missed_by_nobody_but_the_controller() -> None:
    def impatient(line: Line) -> None:
        line.connect()
        line.sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            line.execute("answer")

    with controlling(impatient, polite) as controller:
        result = call(controller.port, faults=[Lose(of="CHANNEL_EXECUTE_COMPLETE(answer)")])
        check_clean_call(controller)
    assert result.answered
    assert result.fell_back


@pytest.mark.parametrize("byte", [0, 1, 100, 5000, 7000])
def test_the_connection_breaks_anywhere(byte: int) -> None:
    with controlling(polite) as controller:
        result = call(controller.port, faults=[CloseAt(byte=byte)])
        assert len(controller.errors) == 1  # the controller saw the end
        check_clean_call(controller)
    assert result.fell_back
    assert result.of("fault")


def test_events_in_another_order() -> None:
    orders = set()

    def note_order(line: Line) -> None:
        line.connect()
        line.start("answer")
        line.start("hangup")
        seen = [packet.get("Event-Name", "") for packet in line.drain()]
        orders.add(tuple(name for name in seen if name and name != "CHANNEL_PARK"))

    with controlling(note_order) as controller:
        for seed in range(6):
            result = call(controller.port, faults=[Reorder(seed=seed)])
            assert result.ended_by == "controller"
    assert len(orders) > 1
    assert len({tuple(sorted(order)) for order in orders}) == 1  # nothing lost, nothing doubled


def test_bytes_that_are_no_packet() -> None:
    seen = []

    def listen(line: Line) -> None:
        line.send("connect")
        line.sock.settimeout(2)
        data = b""
        while not data.startswith(b"\xff\xfe") and len(data) < 4096:
            data += line.sock.recv(4096)
        seen.append(data[:9])

    with controlling(listen, polite) as controller:
        call(controller.port, faults=[Garbage(of="channel_data", data=b"\xff\xfegarbage")])
        check_clean_call(controller)
    assert seen == [b"\xff\xfegarbage"]


def test_the_caller_leaves_at_any_moment() -> None:
    """Each thing that happens in a call, and the caller gone right then."""

    def busy(line: Line) -> None:
        line.connect()
        line.execute("answer")
        line.execute("playback", "silence_stream://200")
        line.execute("set", "a=b")
        line.execute("play_and_get_digits", "1 1 1 1000 # silence_stream://20 '' d \\d")
        line.start("hangup")
        line.drain()

    switch = Switch(speed=40.0)
    with controlling(busy) as controller:
        whole = switch.call(Caller([Wait(0.3), Press("1")]), port=controller.port, timeout_s=10)
        for moment in range(len(whole.moments)):
            result = _leave_at(switch, controller.port, moment)
            assert result.ended_by == "caller" or moment >= len(result.moments) - 3
            assert len(result.caller_audio) == len(result.agent_audio)
    assert len(whole.moments) > 25
    assert not switch.sessions()


def _leave_at(switch: Switch, port: int, number: int) -> CallResult:
    seen: list[Moment] = []
    placed: list[PlacedCall] = []

    def leave(moment: Moment) -> None:
        seen.append(moment)
        if len(seen) == number + 1:
            placed[0].hang_up()

    placed.append(switch.place(Caller(patience_s=5), port=port, observer=leave))
    return placed[0].result(timeout_s=10)


def test_nothing_is_left_behind() -> None:
    def leftovers() -> tuple[int, int]:
        gc.collect()
        greenlets = [each for each in gc.get_objects() if isinstance(each, gevent.Greenlet)]
        running = sum(not each.dead for each in greenlets)
        return running, len(list(Path("/proc/self/fd").iterdir()))

    switch = Switch(speed=40.0)
    with controlling(polite, closes_in_a_prompt, closes_parked, polite) as controller:
        switch.call(Caller(), port=controller.port, timeout_s=10)
        before = leftovers()
        for _ in range(12):
            switch.call(Caller(), port=controller.port, timeout_s=10)
        gevent.sleep(0.05)
        after = leftovers()
    assert after[0] <= before[0] + 1
    assert after[1] <= before[1] + 1


def test_a_switch_that_closes_ends_its_calls() -> None:
    def stay(line: Line) -> None:
        line.connect()
        line.execute("answer")
        line.drain()

    switch = Switch(speed=40.0)
    with controlling(stay) as controller:
        placed = switch.place(Caller(), port=controller.port)
        with pytest.raises(TimeoutError):
            placed.result(timeout_s=0.1)
        switch.close()
        result = placed.result(timeout_s=5)
    assert (result.ended_by, result.hangup_cause) == ("switch", "MANAGER_REQUEST")
