"""Whether a tenant is open, from his rows (`tenants.opening`). Pure; no clock.

What decides, for a local day: an exception that covers it, else a holiday (closed), else the slots
of its weekday. A slot belongs to the day on which it begins:

* A weekday's slot that runs past midnight ends at midnight when the next day is an exception or a
  holiday: who writes "closed on the 25th" means all of the 25th, its small hours too. The night
  *of* the 25th does not begin, so the 26th's small hours are closed as well.
* An exception's own slot runs to its end, whatever the next day is: it was written for that night.
* When clocks go forward, a time that is skipped is the moment of the jump. When they go back and a
  time comes twice, a slot opens at the first and closes at the second; midnight is the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from tenants.opening import BusinessHours, HoursException, Slot

Calendar = Callable[[date], str | None]
"""The name of the holiday a day is, or None (`tenants.calendars`)."""

Why = Literal["hours", "exception", "holiday"]

MIDNIGHT: Final = time(0)
_DAY: Final = timedelta(days=1)
_LOOK_AHEAD_DAYS: Final = 370  # an opening further off is none
_UNTIL_DAYS: Final = 14  # a closing further off is none
_KEPT_DAYS: Final = 400


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
    """Business hours that can be asked; immutable, and cheap to ask.

    Args:
        row: the hours.
        holiday: which days are holidays, and their names (`tenants.calendars.of`).

    >>> row = BusinessHours(
    ...     name="office",
    ...     time_zone="Europe/Berlin",
    ...     slots=[{"weekday": 0, "start_time": "09:00", "end_time": "17:00"}],
    ... )
    >>> Hours(row).is_open(datetime(2026, 11, 23, 8, 30, tzinfo=ZoneInfo("UTC"))).until.isoformat()
    '2026-11-23T17:00:00+01:00'
    """

    def __init__(self, row: BusinessHours, holiday: Calendar | None = None) -> None:
        self.zone = ZoneInfo(row.time_zone)
        self._weekly = tuple([s for s in row.slots if s.weekday == day] for day in range(7))
        self._exceptions = row.exceptions
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

    def _special_on(self, day: date) -> HoursException | None:
        return next((e for e in self._exceptions if e.first_date <= day <= e.last_date), None)

    def _spans(
        self, day: date, slots: Sequence[Slot], *, cut: bool
    ) -> tuple[tuple[float, float], ...]:
        spans = []
        tomorrow = day + _DAY
        for slot in slots:
            begin = _first(day, slot.start_time, self.zone)
            overnight = slot.end_time <= slot.start_time
            if slot.end_time == MIDNIGHT or (overnight and cut):
                end = _first(tomorrow, MIDNIGHT, self.zone)
            else:
                end = _last(tomorrow if overnight else day, slot.end_time, self.zone)
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
