from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.switchsim import CloseAt, Delay, Duplicate, Garbage, Lose, Refuse, Reorder
from esl_app.switchsim.faults import Close, Fault, FaultPlan, Send
from esl_app.switchsim.packets import Packet

pytestmark = pytest.mark.unit

_EVENTS = [
    Packet(kind="event", data=f"event {number}\n\n".encode(), event="DTMF") for number in range(20)
]
_REPLIES = [Packet(kind="reply", data=f"reply {number}\n\n".encode()) for number in range(3)]


def run(faults: Sequence[Fault], packets: Sequence[Packet]) -> list[Send | Close]:
    plan = FaultPlan(faults)
    return [step for packet in packets for step in plan.apply(packet)]


def sent(faults: Sequence[Fault], packets: Sequence[Packet]) -> list[bytes]:
    return [step.data for step in run(faults, packets) if isinstance(step, Send)]


def test_no_faults_change_nothing() -> None:
    assert sent([], _EVENTS) == [packet.data for packet in _EVENTS]


def test_the_nth_is_counted_among_its_kind() -> None:
    mixed = [_EVENTS[0], _REPLIES[0], _EVENTS[1], _REPLIES[1]]
    assert sent([Lose(of="reply", nth=2)], mixed) == [packet.data for packet in mixed[:3]]
    assert sent([Lose(of="DTMF", nth=0)], mixed) == [packet.data for packet in mixed[1::2]]


def test_an_event_can_be_named_with_its_application() -> None:
    done = Packet(kind="event", data=b"x", event="CHANNEL_EXECUTE_COMPLETE", application="record")
    assert sent([Lose(of="CHANNEL_EXECUTE_COMPLETE(playback)")], [done]) == [b"x"]
    assert sent([Lose(of="CHANNEL_EXECUTE_COMPLETE(record)")], [done]) == []


def test_late_twice_refused_and_garbage() -> None:
    [late] = run([Delay(of="reply", seconds=0.5)], _REPLIES[:1])
    assert late == Send(data=_REPLIES[0].data, after_s=0.5)
    assert sent([Duplicate(of="reply")], _REPLIES[:1]) == [_REPLIES[0].data] * 2
    [refusal] = sent([Refuse(text="-ERR no")], _REPLIES[:1])
    assert refusal == b"Content-Type: command/reply\nReply-Text: -ERR no\n\n"
    assert sent([Garbage(of="reply", data=b"?")], _REPLIES[:1]) == [b"?", _REPLIES[0].data]


@given(st.integers(0, 400))
def test_the_wire_breaks_after_exactly_so_many_bytes(byte: int) -> None:
    whole = b"".join(packet.data for packet in _EVENTS)
    steps = run([CloseAt(byte=byte)], _EVENTS)
    closed = next((index for index, step in enumerate(steps) if isinstance(step, Close)), None)
    data = b"".join(step.data for step in steps[:closed] if isinstance(step, Send))
    assert data == whole[:byte]
    assert (closed is None) == (byte > len(whole))


@given(st.integers(0, 2**32), st.floats(0, 1))
def test_reordering_loses_and_invents_nothing(seed: int, share: float) -> None:
    last = Packet(kind="notice", data=b"goodbye")
    out = sent([Reorder(seed=seed, share=share)], [*_EVENTS, last])
    assert sorted(out) == sorted(packet.data for packet in [*_EVENTS, last])
    assert out == sent([Reorder(seed=seed, share=share)], [*_EVENTS, last])
    assert out[-1] == b"goodbye"
