"""Holidays of real countries, from the real package (whose import is too slow for a unit test)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from tenants.calendars import calendar, hours_of
from tenants.errors import InvalidRow
from tenants.hours import Closed
from tenants.opening import BusinessHours, WeekdaySlot

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("country", "subdivision", "day", "is_one"),
    [
        ("DE", None, date(2026, 10, 3), True),
        ("DE", None, date(2026, 1, 6), False),
        ("DE", "BY", date(2026, 1, 6), True),  # Epiphany, in Bavaria only
        ("BR", None, date(2026, 11, 20), True),  # Consciência Negra, national since 2024
        ("BR", "SP", date(2026, 7, 9), True),
        ("US", None, date(2026, 11, 26), True),  # the fourth Thursday of November
        ("US", None, date(2026, 11, 25), False),
        ("PT", None, date(2027, 3, 26), True),  # Good Friday, which moves
    ],
)
def test_holidays(country: str, subdivision: str | None, day: date, *, is_one: bool) -> None:
    assert (calendar(country, subdivision)(day) is not None) == is_one


@pytest.mark.parametrize(
    ("country", "subdivision", "says"),
    [
        ("XX", None, "business_hours: holiday_country: no holidays are known for 'XX'"),
        ("Germany", None, "business_hours: holiday_country: no holidays are known for 'Germany'"),
        ("de", None, "business_hours: holiday_country: no holidays are known for 'de'"),
        ("DE", "SP", "business_hours: holiday_subdivision: DE has no 'SP'; it has BB, BE, BW, BY"),
        ("KI", "X", "business_hours: holiday_subdivision: KI has no 'X'; it has none"),
    ],
)
def test_what_the_library_does_not_know_is_refused(
    country: str, subdivision: str | None, says: str
) -> None:
    with pytest.raises(InvalidRow, match=f"^{says}"):
        calendar(country, subdivision)


def test_a_holiday_closes_a_tenant_and_the_night_before_it() -> None:
    row = BusinessHours(
        name="nights",
        time_zone="Europe/Berlin",
        holiday_country="DE",
        slots=tuple(
            WeekdaySlot(weekday=day, start_time=time(20), end_time=time(4)) for day in range(7)
        ),
    )
    before = hours_of(row).is_open(datetime(2026, 10, 3, 0, 30, tzinfo=UTC))  # 02:30 on the 3rd
    assert isinstance(before, Closed)
    assert before.why == "holiday"
    assert before.opens_at == datetime(2026, 10, 4, 18, tzinfo=UTC)
