"""When a tenant is open: weekly slots, exceptions and holidays in its time zone. Pure; no clock.

What decides, for a local day: an exception that covers it (the shortest, if several do), else a
holiday (closed), else the slots of its weekday. A slot belongs to the day on which it begins:

* A weekly slot that runs past midnight ends at midnight when the next day is an exception or a
  holiday: who writes "closed on the 25th" means all of the 25th, its small hours too. The night
  *of* the 25th does not begin, so the 26th's small hours are closed as well.
* An exception's own slot runs to its end, whatever the next day is: it was written for that night.
* When clocks go forward, a time that is skipped is the moment of the jump. When they go back and a
  time comes twice, a slot opens at the first and closes at the second; midnight is the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final, Literal
from zoneinfo import ZoneInfo

from tenants.errors import InvalidRow

Calendar = Callable[[date], str | None]
"""The name of the holiday a day is, or None (`tenants.calendars`)."""

Why = Literal["hours", "exception", "holiday"]

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MIDNIGHT: Final = time(0)
_DAY: Final = timedelta(days=1)
_LOOK_AHEAD_DAYS: Final = 370  # an opening further off is none
_UNTIL_DAYS: Final = 14  # a closing further off is none
_KEPT_DAYS: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One opening, by the clock on the wall.

    `end` 00:00 is the midnight that ends the day; `overnight` ends on the day after.
    """

    start: time
    end: time
    overnight: bool = False

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecialDays:
    """An exception: the days from `first` to `last`, both included. Without slots: closed."""

    first: date
    last: date
    slots: tuple[Slot, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Open until then; None when no closing is near (two weeks)."""

    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Closed until then (None: for a year at least), and what today is."""

    opens_at: datetime | None
    why: Why
    name: str = ""


@dataclass(frozen=True, slots=True)
class _Day:
    spans: tuple[tuple[float, float], ...]  # POSIX seconds, in order of their beginning
    why: Why
    name: str


class Hours:
    """A tenant's hours; immutable, and cheap to ask.

    Args:
        zone: an IANA time zone's name.
        weekly: slots by weekday, Monday is 0; a day that is not there is closed.
        special: exceptions to the week.
        holiday: which days are holidays, and their names; by default none is.

    Raises:
        InvalidRow: names the field and the rule.

    >>> hours = Hours("Europe/Berlin", {0: [Slot(start=time(9), end=time(17))]})
    >>> hours.is_open(datetime(2026, 11, 23, 8, 30, tzinfo=ZoneInfo("UTC"))).until.isoformat()
    '2026-11-23T17:00:00+01:00'
    """

    def __init__(
        self,
        zone: str,
        weekly: Mapping[int, Sequence[Slot]],
        special: Iterable[SpecialDays] = (),
        holiday: Calendar | None = None,
    ) -> None:
        self.zone = _zone(zone)
        self._weekly = _checked_week(weekly)
        self._special = _checked_special(special)
        self._holiday = holiday or (lambda _: None)
        self._days: dict[date, _Day] = {}

    def is_open(self, at: datetime) -> Open | Closed:
        """Whether it is open at an instant, and when that changes.

        Raises:
            ValueError: `at` names no time zone, so it is no instant.
        """
        if at.tzinfo is None:
            raise ValueError("is_open: a datetime without a time zone is no instant")
        instant = at.timestamp()
        today = at.astimezone(self.zone).date()
        ends = [
            end
            for day in (today - _DAY, today)
            for begin, end in self._day(day).spans
            if begin <= instant < end
        ]
        if ends:
            return Open(until=self._until(max(ends), today))
        now = self._day(today)
        return Closed(opens_at=self._opens(instant, today), why=now.why, name=now.name)

    def _until(self, end: float, today: date) -> datetime | None:
        """The end of the slots that follow each other without a gap."""
        for day in _days(today, _UNTIL_DAYS):
            for begin, later_end in self._day(day).spans:
                if begin > end:
                    return self._local(end)
                end = max(end, later_end)
        return None if self._local(end).date() > today + _UNTIL_DAYS * _DAY else self._local(end)

    def _opens(self, instant: float, today: date) -> datetime | None:
        for day in _days(today, _LOOK_AHEAD_DAYS):
            for begin, _ in self._day(day).spans:
                if begin > instant:
                    return self._local(begin)
        return None

    def _local(self, instant: float) -> datetime:
        return datetime.fromtimestamp(instant, self.zone)

    def _day(self, day: date) -> _Day:
        known = self._days.get(day)
        if known is None:
            if len(self._days) >= _KEPT_DAYS:
                self._days.clear()
            known = self._days[day] = self._made(day)
        return known

    def _made(self, day: date) -> _Day:
        special = self._special_on(day)
        if special is not None:
            return _Day(self._spans(day, special.slots, cut=False), "exception", special.name)
        if (name := self._holiday(day)) is not None:
            return _Day((), "holiday", name)
        tomorrow = day + _DAY
        cut = self._special_on(tomorrow) is not None or self._holiday(tomorrow) is not None
        return _Day(self._spans(day, self._weekly[day.weekday()], cut=cut), "hours", "")

    def _special_on(self, day: date) -> SpecialDays | None:
        return next((s for s in self._special if s.first <= day <= s.last), None)

    def _spans(
        self, day: date, slots: Sequence[Slot], *, cut: bool
    ) -> tuple[tuple[float, float], ...]:
        spans = []
        for slot in slots:
            begin = _first(day, slot.start, self.zone)
            if slot.end == MIDNIGHT or (slot.overnight and cut):
                end = _first(day + _DAY, MIDNIGHT, self.zone)
            else:
                end = _last(day + _DAY if slot.overnight else day, slot.end, self.zone)
            if begin < end:  # a jump forward can swallow a slot whole
                spans.append((begin, end))
        return tuple(sorted(spans))


def _days(first: date, count: int) -> Iterator[date]:
    return (first + number * _DAY for number in range(count + 1))


def _first(day: date, clock: time, zone: ZoneInfo) -> float:
    """The first instant at which the clock on the wall shows at least this."""
    local = datetime.combine(day, clock, zone)
    early, late = local.timestamp(), local.replace(fold=1).timestamp()
    return early if early <= late else _jump(local, late, early)


def _last(day: date, clock: time, zone: ZoneInfo) -> float:
    """The last instant at which the clock on the wall shows this."""
    local = datetime.combine(day, clock, zone)
    early, late = local.timestamp(), local.replace(fold=1).timestamp()
    return late if early <= late else _jump(local, late, early)


def _jump(local: datetime, before: float, after: float) -> float:
    """When the clocks jumped over a time: searched, for zoneinfo does not tell."""
    wall, zone = local.replace(tzinfo=None), local.tzinfo
    low, high = int(before), int(after)
    while high - low > 1:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).replace(tzinfo=None) >= wall:
            high = middle
        else:
            low = middle
    return float(high)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found; not a name of one; a folder's name
        raise InvalidRow(
            f"hours: time_zone: {name!r} is no time zone (write it as Europe/Berlin)"
        ) from None


def _checked_week(weekly: Mapping[int, Sequence[Slot]]) -> tuple[tuple[Slot, ...], ...]:
    if any(day not in range(7) for day in weekly):
        raise InvalidRow("hours: weekday: from 0 (Monday) to 6 (Sunday)")
    week = tuple(_checked_slots(weekly.get(n, ()), DAYS[n]) for n in range(7))
    for number, slots in enumerate(week):
        following = week[(number + 1) % 7]
        if slots and slots[-1].overnight and following and slots[-1].end > following[0].start:
            raise InvalidRow(
                f"hours: {DAYS[number]}: {slots[-1]} runs into "
                f"{DAYS[(number + 1) % 7]}'s {following[0]}; slots must not overlap"
            )
    return week


def _checked_slots(slots: Sequence[Slot], where: str) -> tuple[Slot, ...]:
    for slot in slots:
        if slot.start.tzinfo or slot.end.tzinfo:
            raise InvalidRow(f"hours: {where}: {slot}: a slot has the time zone of its tenant")
        ends_today = not slot.overnight and slot.end != MIDNIGHT
        if ends_today and slot.end <= slot.start:
            raise InvalidRow(
                f"hours: {where}: {slot} ends before it begins; mark it overnight if it ends "
                "on the next day"
            )
        if slot.overnight and slot.end > slot.start:
            raise InvalidRow(f"hours: {where}: {slot} is overnight and longer than a day")
    ordered = tuple(sorted(slots, key=lambda slot: slot.start))
    for one, other in pairwise(ordered):
        if one.overnight or one.end == MIDNIGHT or other.start < one.end:
            raise InvalidRow(f"hours: {where}: {one} and {other} overlap")
    return ordered


def _checked_special(special: Iterable[SpecialDays]) -> tuple[SpecialDays, ...]:
    """Exceptions with the shortest first, which is the one that counts."""
    ordered = sorted(special, key=lambda s: (s.last - s.first, s.first))
    for number, one in enumerate(ordered):
        where = f"exception {one.first}"
        if one.last < one.first:
            raise InvalidRow(f"hours: {where}: ends on {one.last}, before it begins")
        _checked_slots(one.slots, where)
        for other in ordered[number + 1 :]:
            same = other.last - other.first == one.last - one.first
            if same and one.first <= other.last and other.first <= one.last:
                raise InvalidRow(
                    f"hours: {where}: another one of the same length covers the same day"
                )
    return tuple(ordered)
