"""Business hours as rows: weekly slots, days that are different, and a country's holidays.

What these mean at an instant is `tenants.hours`; here they are read, checked and written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, time
from itertools import pairwise
from typing import Annotated, Any, Final, Self
from uuid import UUID, uuid4

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tenants import _rows, sql
from tenants.db import Cursor
from tenants.fields import Country, Row, TimeZone, parse

_SQL = sql.load("tenants", "rows.sql")
_DAY: Final = 24 * 3600
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _midnight(value: object) -> object:
    """24:00, as people write the end of a day: PostgreSQL knows it, Python's clock does not."""
    return time() if value in ("24:00", "24:00:00") else value


def _without_zone(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("a local time, without an offset")
    return value


LocalTime = Annotated[time, BeforeValidator(_midnight), AfterValidator(_without_zone)]


class Slot(Row):
    """A stretch of a day. An end that is not after its start is on the next day."""

    start_time: LocalTime
    end_time: LocalTime

    @property
    def seconds(self) -> tuple[int, int]:
        """Start and end in seconds from the day's midnight; the end may lie in the next day."""
        start, end = _seconds(self.start_time), _seconds(self.end_time)
        return start, end if end > start else end + _DAY


class WeekdaySlot(Slot):
    """A stretch of a weekday; 0 is Monday."""

    weekday: int = Field(ge=0, le=6)


class HoursException(Row):
    """Days that are not like their weekdays: with these slots each, or closed without any."""

    business_hours_exception_uuid: UUID = Field(default_factory=uuid4)
    name: str = Field(min_length=1)
    first_date: date
    last_date: date
    slots: tuple[Slot, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.last_date < self.first_date:
            raise ValueError("last_date: before first_date")
        if (at := _overlap(slot.seconds for slot in self.slots)) is not None:
            raise ValueError(f"slots: two overlap at {_clock(at)}")
        return self


class BusinessHours(Row):
    """When somebody is there. Without slots and exceptions: never."""

    business_hours_uuid: UUID = Field(default_factory=uuid4)
    name: str = Field(min_length=1)
    time_zone: TimeZone
    holiday_country: Country | None = None
    holiday_subdivision: str | None = Field(default=None, pattern=r"^[A-Za-z0-9]{1,6}$")
    is_default: bool = False
    slots: tuple[WeekdaySlot, ...] = ()
    exceptions: tuple[HoursException, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.holiday_subdivision and not self.holiday_country:
            raise ValueError("holiday_subdivision: needs holiday_country")
        if (at := _overlap(_in_week(self.slots))) is not None:
            raise ValueError(f"slots: two overlap on {_DAYS[at // _DAY % 7]} at {_clock(at)}")
        days = sorted(self.exceptions, key=lambda e: e.first_date)
        for one, other in pairwise(days):
            if other.first_date <= one.last_date:
                raise ValueError(f"exceptions: {one.name!r} and {other.name!r} share a day")
        return self


def read_hours(cursor: Cursor, domain_uuid: UUID) -> list[BusinessHours]:
    """All business hours of the domain, by name, with their slots and exceptions."""
    key = {"domain_uuid": domain_uuid}
    hours = cursor.execute(_SQL["business_hours"], key).fetchall()
    exceptions = cursor.execute(_SQL["business_hours_exceptions"], key).fetchall()
    slots = cursor.execute(_SQL["business_hours_slots"], key).fetchall()
    return [
        parse(
            BusinessHours,
            row
            | {
                "slots": [
                    {name: slot[name] for name in ("weekday", "start_time", "end_time")}
                    for slot in slots
                    if slot["business_hours_uuid"] == row["business_hours_uuid"]
                    and slot["business_hours_exception_uuid"] is None
                ],
                "exceptions": [
                    {name: value for name, value in day.items() if name != "business_hours_uuid"}
                    | {"slots": _of_exception(slots, day["business_hours_exception_uuid"])}
                    for day in exceptions
                    if day["business_hours_uuid"] == row["business_hours_uuid"]
                ],
            },
            "business_hours",
        )
        for row in hours
    ]


def save_hours(cursor: Cursor, domain_uuid: UUID, hours: BusinessHours) -> None:
    """Insert or change business hours, with all their slots and exceptions."""
    key = {"domain_uuid": domain_uuid, "business_hours_uuid": hours.business_hours_uuid}
    plain = hours.model_dump(exclude={"slots", "exceptions"})
    cursor.execute(_SQL["save_business_hours"], plain | key)
    cursor.execute(_SQL["clear_business_hours_slots"], key)
    cursor.execute(_SQL["clear_business_hours_exceptions"], key)
    for slot in hours.slots:
        _save_slot(cursor, key, slot, weekday=slot.weekday, exception=None)
    for day in hours.exceptions:
        cursor.execute(
            _SQL["save_business_hours_exception"], day.model_dump(exclude={"slots"}) | key
        )
        for part in day.slots:
            _save_slot(cursor, key, part, weekday=None, exception=day.business_hours_exception_uuid)


def remove_hours(cursor: Cursor, domain_uuid: UUID, name: str) -> bool:
    """Remove business hours by name; who used them is then always there."""
    return _rows.remove(
        cursor, _SQL["remove_business_hours"], {"domain_uuid": domain_uuid, "name": name}
    )


def _save_slot(
    cursor: Cursor,
    key: dict[str, UUID],
    slot: Slot,
    *,
    weekday: int | None,
    exception: UUID | None,
) -> None:
    cursor.execute(
        _SQL["save_business_hours_slot"],
        key
        | {
            "business_hours_exception_uuid": exception,
            "weekday": weekday,
            "start_time": slot.start_time,
            "end_time": slot.end_time,
        },
    )


def _of_exception(slots: Sequence[dict[str, Any]], uuid: UUID) -> list[dict[str, Any]]:
    return [
        {"start_time": slot["start_time"], "end_time": slot["end_time"]}
        for slot in slots
        if slot["business_hours_exception_uuid"] == uuid
    ]


def _seconds(clock: time) -> int:
    return clock.hour * 3600 + clock.minute * 60 + clock.second


def _clock(seconds: int) -> str:
    minutes = seconds % _DAY // 60
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _in_week(slots: Iterable[WeekdaySlot]) -> list[tuple[int, int]]:
    """Slots in seconds from Monday's midnight, Sunday night's end brought back to Monday."""
    spans = []
    for slot in slots:
        start, end = (slot.weekday * _DAY + part for part in slot.seconds)
        spans.append((start, min(end, 7 * _DAY)))
        if end > 7 * _DAY:
            spans.append((0, end - 7 * _DAY))
    return spans


def _overlap(spans: Iterable[tuple[int, int]]) -> int | None:
    """Where two spans overlap first, or None."""
    ordered = sorted(spans)
    return next((b[0] for a, b in pairwise(ordered) if b[0] < a[1]), None)
