"""What can go wrong on the wire, on purpose. Pure: packets in, steps out.

A plan is a list of rules. Each rule looks at one packet on its way to the controller and may
replace it; the rules apply in the order given. Counting starts at 1, anew on each connection.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from esl_app.switchsim.packets import Packet, reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Write `data`, `after_s` real seconds after what came before."""

    data: bytes
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Close:
    """Close the socket now, without a notice."""


Step = Send | Close


class Rule(Protocol):
    """One fault."""

    def start(self) -> Applied:
        """A fresh application of the rule, for one connection."""
        ...


class Applied(Protocol):
    """A rule with its counters."""

    def apply(self, packet: Packet) -> list[tuple[Packet, float]]:
        """The packets to send instead, each with a delay before it."""
        ...


@dataclass(slots=True)
class _Nth:
    """Acts on the nth packet that matches."""

    rule: Delay | Lose | Duplicate | Refuse | Garbage
    seen: int = 0

    def apply(self, packet: Packet) -> list[tuple[Packet, float]]:
        rule = self.rule
        if not _matches(rule.of, packet):
            return [(packet, 0.0)]
        self.seen += 1
        if rule.nth not in (0, self.seen):
            return [(packet, 0.0)]
        return rule.replace(packet)


def _matches(of: str, packet: Packet) -> bool:
    """`of` is a packet kind ("reply", "event"), an event name, or "EVENT(application)"."""
    if packet.kind == of or (packet.event and packet.event == of):
        return True
    return bool(packet.event) and f"{packet.event}({packet.application})" == of


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """The nth matching packet (0: each) and all after it come later."""

    of: str
    nth: int = 1
    seconds: float = 1.0

    def start(self) -> Applied:
        return _Nth(self)

    def replace(self, packet: Packet) -> list[tuple[Packet, float]]:
        return [(packet, self.seconds)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lose:
    """The nth matching packet (0: each) never comes: a lost reply, a missing EXECUTE_COMPLETE."""

    of: str
    nth: int = 1

    def start(self) -> Applied:
        return _Nth(self)

    def replace(self, _packet: Packet) -> list[tuple[Packet, float]]:
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """The nth matching packet (0: each) comes twice."""

    of: str
    nth: int = 1

    def start(self) -> Applied:
        return _Nth(self)

    def replace(self, packet: Packet) -> list[tuple[Packet, float]]:
        return [(packet, 0.0), (packet, 0.0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """The nth reply (0: each) is an error instead. What was asked for still happens."""

    nth: int = 1
    text: str = "-ERR no"
    of: str = "reply"

    def start(self) -> Applied:
        return _Nth(self)

    def replace(self, _packet: Packet) -> list[tuple[Packet, float]]:
        return [(reply(self.text), 0.0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """Bytes that are no packet, before the nth matching one (0: each)."""

    of: str
    nth: int = 1
    data: bytes = b"\xff\xfe\x00garbage\n\n"

    def start(self) -> Applied:
        return _Nth(self)

    def replace(self, packet: Packet) -> list[tuple[Packet, float]]:
        return [(Packet(kind="log", data=self.data), 0.0), (packet, 0.0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reorder:
    """Packets swap places with their neighbour with probability `share`, from a seed.

    A packet held back goes out at the latest with the next one, so nothing is lost but possibly the
    very last packet's place.
    """

    seed: int
    share: float = 0.5
    of: str = "event"

    def start(self) -> Applied:
        return _Swapping(rule=self, dice=random.Random(self.seed))  # noqa: S311 - no secret


@dataclass(slots=True, kw_only=True)
class _Swapping:
    rule: Reorder
    dice: random.Random
    held: list[Packet] = field(default_factory=list)

    def apply(self, packet: Packet) -> list[tuple[Packet, float]]:
        if packet.kind == "notice" or self.held:
            out = [*([] if packet.kind == "notice" else [packet]), *self.held]
            out += [packet] if packet.kind == "notice" else []
            self.held.clear()
            return [(each, 0.0) for each in out]
        if _matches(self.rule.of, packet) and self.dice.random() < self.rule.share:
            self.held.append(packet)
            return []
        return [(packet, 0.0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAt:
    """The connection breaks after `byte` bytes to the controller, wherever that falls."""

    byte: int


Fault = Delay | Lose | Duplicate | Refuse | Garbage | Reorder | CloseAt


class FaultPlan:
    """The faults of one connection."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._rules = [fault.start() for fault in faults if not isinstance(fault, CloseAt)]
        self._left = min(
            (fault.byte for fault in faults if isinstance(fault, CloseAt)), default=None
        )

    def apply(self, packet: Packet) -> list[Step]:
        """What to do for one packet."""
        packets: list[tuple[Packet, float]] = [(packet, 0.0)]
        for rule in self._rules:
            packets = list(_through(rule, packets))
        steps: list[Step] = []
        for each, after_s in packets:
            data = each.data
            if self._left is not None and len(data) >= self._left:
                return [*steps, Send(data=data[: self._left], after_s=after_s), Close()]
            if self._left is not None:
                self._left -= len(data)
            steps.append(Send(data=data, after_s=after_s))
        return steps


def _through(
    rule: Applied, packets: Iterable[tuple[Packet, float]]
) -> Iterable[tuple[Packet, float]]:
    for packet, after_s in packets:
        for index, (each, more_s) in enumerate(rule.apply(packet)):
            yield each, more_s + (after_s if index == 0 else 0.0)
