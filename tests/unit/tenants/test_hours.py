"""Opening hours: tables of days that go wrong elsewhere, and properties of all others."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.hours import Calendar, Closed, Hours, Open
from tenants.opening import BusinessHours, HoursException, Slot, WeekdaySlot

pytestmark = pytest.mark.unit

BERLIN = "Europe/Berlin"
ALL_WEEK = range(7)


def _times(text: str) -> tuple[time, time]:
    """`08:00-12:00`; `22:00-06:00` ends on the next day."""
    start, end = text.split("-")
    return time.fromisoformat(start), time.fromisoformat(end)


def _slot(text: str) -> Slot:
    start, end = _times(text)
    return Slot(start_time=start, end_time=end)


def _hours(
    zone: str,
    week: dict[int, list[str]],
    exceptions: tuple[HoursException, ...] = (),
    holiday: Calendar | None = None,
) -> Hours:
    slots = tuple(
        WeekdaySlot(weekday=day, start_time=_times(text)[0], end_time=_times(text)[1])
        for day, texts in week.items()
        for text in texts
    )
    row = BusinessHours(name="hours", time_zone=zone, slots=slots, exceptions=exceptions)
    return Hours(row, holiday)


def _daily(zone: str, *slots: str, special: tuple[HoursException, ...] = ()) -> Hours:
    return _hours(zone, {day: list(slots) for day in ALL_WEEK}, special)


def _day(text: str, *slots: str, last: str = "", name: str = "special") -> HoursException:
    return HoursException(
        first_date=date.fromisoformat(text),
        last_date=date.fromisoformat(last or text),
        slots=tuple(_slot(s) for s in slots),
        name=name,
    )


def _until(hours: Hours, at: str) -> str:
    """`open until …` or `closed until …`, all in UTC."""
    found = hours.is_open(datetime.fromisoformat(at))
    if isinstance(found, Open):
        return f"open {_utc(found.until)}"
    return f"closed {_utc(found.opens_at)}"


def _utc(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%m-%d %H:%M") if at else "never"


@pytest.mark.parametrize(
    ("zone", "slot", "at", "says"),
    [
        # Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC.
        (BERLIN, "02:30-05:00", "2026-03-29T00:59:59Z", "closed 03-29 01:00"),
        (BERLIN, "02:30-05:00", "2026-03-29T01:00:00Z", "open 03-29 03:00"),
        (BERLIN, "01:00-02:30", "2026-03-29T00:30:00Z", "open 03-29 01:00"),
        (BERLIN, "02:15-02:45", "2026-03-29T00:30:00Z", "closed 03-30 00:15"),
        (BERLIN, "22:00-06:00", "2026-03-28T21:00:00Z", "open 03-29 04:00"),
        (BERLIN, "22:00-02:30", "2026-03-28T22:00:00Z", "open 03-29 01:00"),
        # Berlin, 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC; 02:30 is 00:30 and 01:30 UTC.
        (BERLIN, "02:30-05:00", "2026-10-25T00:29:59Z", "closed 10-25 00:30"),
        (BERLIN, "02:30-05:00", "2026-10-25T01:10:00Z", "open 10-25 04:00"),
        (BERLIN, "01:00-02:30", "2026-10-25T00:45:00Z", "open 10-25 01:30"),
        (BERLIN, "02:15-02:45", "2026-10-25T01:00:00Z", "open 10-25 01:45"),
        (BERLIN, "22:00-06:00", "2026-10-24T20:00:00Z", "open 10-25 05:00"),
        # New York, 8 March and 1 November 2026.
        ("America/New_York", "02:30-17:00", "2026-03-08T06:59:00Z", "closed 03-08 07:00"),
        ("America/New_York", "09:00-17:00", "2026-03-08T12:59:00Z", "closed 03-08 13:00"),
        ("America/New_York", "09:00-17:00", "2026-11-01T13:59:00Z", "closed 11-01 14:00"),
        ("America/New_York", "23:00-01:30", "2026-11-01T05:45:00Z", "open 11-01 06:30"),
        # São Paulo jumped at midnight (4 November 2018, 03:00 UTC) and has no summer time since.
        ("America/Sao_Paulo", "00:00-08:00", "2018-11-04T02:59:00Z", "closed 11-04 03:00"),
        ("America/Sao_Paulo", "18:00-00:00", "2018-11-03T22:00:00Z", "open 11-04 03:00"),
        ("America/Sao_Paulo", "18:00-00:30", "2018-11-03T22:00:00Z", "open 11-04 03:00"),
        # … and went back from midnight to 23:00 (18 February 2018, 02:00 UTC).
        ("America/Sao_Paulo", "20:00-23:30", "2018-02-18T01:45:00Z", "open 02-18 02:30"),
        ("America/Sao_Paulo", "20:00-00:00", "2018-02-18T01:45:00Z", "open 02-18 03:00"),
        ("America/Sao_Paulo", "08:00-18:00", "2026-11-23T10:59:00Z", "closed 11-23 11:00"),
        # Lord Howe moves by half an hour: 4 October 2026 15:30 UTC (3 Oct), 5 April 2026 15:00.
        ("Australia/Lord_Howe", "02:15-09:00", "2026-10-03T15:29:00Z", "closed 10-03 15:30"),
        ("Australia/Lord_Howe", "02:15-09:00", "2026-10-03T15:30:00Z", "open 10-03 22:00"),
        ("Australia/Lord_Howe", "01:00-01:45", "2026-04-04T14:50:00Z", "open 04-04 15:15"),
        # Kathmandu is 5:45 ahead.
        ("Asia/Kathmandu", "10:00-17:00", "2026-06-01T04:14:59Z", "closed 06-01 04:15"),
        ("Asia/Kathmandu", "10:00-17:00", "2026-06-01T04:15:00Z", "open 06-01 11:15"),
    ],
)
def test_when_clocks_change(zone: str, slot: str, at: str, says: str) -> None:
    assert _until(_daily(zone, slot), at) == says


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("2026-11-27T07:59:59+01:00", "closed 11-27 07:00"),  # a Friday
        ("2026-11-27T08:00:00+01:00", "open 11-27 11:00"),
        ("2026-11-27T12:00:00+01:00", "closed 11-27 12:00"),
        ("2026-11-27T13:00:00+01:00", "open 11-27 17:00"),
        ("2026-11-27T18:00:00+01:00", "closed 11-30 07:00"),  # over the weekend
        ("2026-11-29T23:59:59+01:00", "closed 11-30 07:00"),
        ("2026-11-27T01:59:00-05:00", "closed 11-27 07:00"),  # another zone's name of an instant
    ],
)
def test_several_slots_a_day(at: str, says: str) -> None:
    week = {day: ["08:00-12:00", "13:00-18:00"] for day in range(5)}
    assert _until(_hours(BERLIN, week), at) == says


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("2026-11-27T23:00:00Z", "open 11-28 05:00"),
        ("2026-11-28T04:59:59Z", "open 11-28 05:00"),
        ("2026-11-28T05:00:00Z", "closed 12-04 21:00"),
    ],
)
def test_an_overnight_slot_belongs_to_the_day_it_begins_on(at: str, says: str) -> None:
    assert _until(_hours(BERLIN, {4: ["22:00-06:00"]}), at) == says


def test_round_the_clock_has_no_closing_until_an_exception_makes_one() -> None:
    assert _until(_daily(BERLIN, "00:00-00:00"), "2026-12-23T12:00:00Z") == "open never"
    christmas = _day("2026-12-25")
    hours = _daily(BERLIN, "00:00-00:00", special=(christmas,))
    assert _until(hours, "2026-12-23T12:00:00Z") == "open 12-24 23:00"
    assert _until(hours, "2026-12-25T12:00:00Z") == "closed 12-25 23:00"


class TestExceptions:
    NIGHTS = "22:00-06:00"

    def test_a_closed_day_ends_the_night_before_at_midnight(self) -> None:
        hours = _daily(BERLIN, self.NIGHTS, special=(_day("2026-12-25", name="Christmas"),))
        assert _until(hours, "2026-12-24T22:30:00Z") == "open 12-24 23:00"
        assert _until(hours, "2026-12-24T23:00:00Z") == "closed 12-26 21:00"
        closed = hours.is_open(datetime(2026, 12, 25, 12, tzinfo=UTC))
        assert isinstance(closed, Closed)
        assert (closed.why, closed.name) == ("exception", "Christmas")

    def test_an_exceptions_own_night_runs_to_its_end(self) -> None:
        special = (_day("2026-12-31", "20:00-03:00"), _day("2027-01-01"))
        hours = _daily(BERLIN, "09:00-17:00", special=special)
        assert _until(hours, "2026-12-31T11:00:00Z") == "closed 12-31 19:00"
        assert _until(hours, "2026-12-31T20:00:00Z") == "open 01-01 02:00"
        assert _until(hours, "2027-01-01T02:00:00Z") == "closed 01-02 08:00"

    def test_a_holiday_is_closed_and_an_exception_opens_it(self) -> None:
        def holiday(day: date) -> str | None:
            return "Reunification" if (day.month, day.day) == (10, 3) else None

        week = {day: ["09:00-17:00"] for day in ALL_WEEK}
        closed = _hours(BERLIN, week, holiday=holiday)
        found = closed.is_open(datetime(2026, 10, 3, 10, tzinfo=UTC))
        assert found == Closed(
            opens_at=datetime.fromisoformat("2026-10-04T09:00:00+02:00"),
            why="holiday",
            name="Reunification",
        )
        opened = _hours(BERLIN, week, (_day("2026-10-03", "10:00-11:00"),), holiday)
        assert _until(opened, "2026-10-03T08:30:00Z") == "open 10-03 09:00"

    def test_closed_for_more_than_a_year_has_no_opening(self) -> None:
        hours = _daily(BERLIN, "09:00-17:00", special=(_day("2026-01-01", last="2030-01-01"),))
        assert _until(hours, "2026-06-01T10:00:00Z") == "closed never"
        assert _until(_hours(BERLIN, {}), "2026-06-01T10:00:00Z") == "closed never"


def test_a_naive_datetime_is_no_instant() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        _daily(BERLIN, "09:00-17:00").is_open(datetime(2026, 1, 1, 12))  # noqa: DTZ001


# Properties.

_minutes = st.integers(0, 24 * 12 - 1).map(lambda n: time(n * 5 // 60, n * 5 % 60))


@st.composite
def _any_slots(draw: st.DrawFn) -> list[str]:
    """Up to three slots of a day that do not overlap, the last one perhaps to midnight."""
    marks = sorted(set(draw(st.lists(_minutes, min_size=0, max_size=6))))
    slots = [f"{a:%H:%M}-{b:%H:%M}" for a, b in zip(marks[::2], marks[1::2], strict=False)]
    if len(marks) % 2 and draw(st.booleans()):
        slots.append(f"{marks[-1]:%H:%M}-00:00")
    return slots


@st.composite
def _any_hours(draw: st.DrawFn) -> Hours:
    zone = draw(
        st.sampled_from(
            [
                BERLIN,
                "America/Sao_Paulo",
                "America/New_York",
                "Australia/Lord_Howe",
                "Asia/Kathmandu",
                "Africa/Casablanca",
                "UTC",
            ]
        )
    )
    week = {day: draw(_any_slots()) for day in ALL_WEEK}
    if draw(st.booleans()):
        week = {day: ["21:00-05:30"] for day in ALL_WEEK}
    first = date(2026, 1, 1) + timedelta(days=draw(st.integers(0, 365)))
    last = first + timedelta(days=draw(st.integers(0, 40)))
    special = _day(first.isoformat(), *draw(_any_slots()), last=last.isoformat())
    holiday = draw(st.sets(st.integers(1, 31)))
    return _hours(zone, week, (special,), lambda day: "feast" if day.day in holiday else None)


_instants = st.datetimes(
    datetime(2026, 1, 1),  # noqa: DTZ001 - made aware by `timezones`
    datetime(2027, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
_MINUTE = timedelta(minutes=1)


@settings(max_examples=60, deadline=None)
@given(_any_hours(), _instants, st.floats(0, 1))
def test_a_state_lasts_until_it_says_and_not_longer(
    hours: Hours, at: datetime, part: float
) -> None:
    found = hours.is_open(at)
    until = found.until if isinstance(found, Open) else found.opens_at
    if until is None:
        return
    assert until > at
    assert type(hours.is_open(until)) is not type(found)
    before = max(at, until.astimezone(UTC) - _MINUTE)
    between = at + part * (until.astimezone(UTC) - at - timedelta(microseconds=1))
    for instant in (before, between):
        assert type(hours.is_open(instant)) is type(found)
