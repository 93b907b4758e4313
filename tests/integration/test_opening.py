"""Which hours count for a call, with holidays from the real package."""

from __future__ import annotations

from datetime import UTC, datetime, time
from uuid import UUID, uuid4

import pytest

from esl_app.opening import opening
from tenants.hours import Closed, Open
from tenants.models import Domain, Secretary, Tenant
from tenants.opening import BusinessHours, WeekdaySlot

pytestmark = pytest.mark.integration

MONDAY = datetime(2026, 11, 23, 10, tzinfo=UTC)
CHRISTMAS = datetime(2026, 12, 25, 10, tzinfo=UTC)  # a Friday


def _hours(
    name: str, *weekdays: int, country: str | None = None, default: bool = False
) -> BusinessHours:
    return BusinessHours(
        name=name,
        time_zone="UTC",
        holiday_country=country,
        is_default=default,
        slots=tuple(
            WeekdaySlot(weekday=day, start_time=time(8), end_time=time(18)) for day in weekdays
        ),
    )


def _tenant(*hours: BusinessHours, named: UUID | None = None) -> Tenant:
    return Tenant(
        domain=Domain(domain_name="willow.example"),
        secretary=Secretary(secretary_name="Ana", business_hours_uuid=named),
        hours=hours,
    )


def test_without_hours_it_is_always_open() -> None:
    assert opening(_tenant(), MONDAY) == Open(until=None)
    assert opening(_tenant(_hours("nobody's")), MONDAY) == Open(until=None)
    assert opening(_tenant(named=uuid4()), MONDAY) == Open(until=None), "hours that are gone"


def test_the_secretarys_hours_come_before_the_domains() -> None:
    office, nights = _hours("office", 0, default=True), _hours("nights")
    assert isinstance(opening(_tenant(office, nights), MONDAY), Open)
    night = opening(_tenant(office, nights, named=nights.business_hours_uuid), MONDAY)
    assert night == Closed(opens_at=None, why="hours")


def test_holidays_of_the_rows_country() -> None:
    office = _hours("office", *range(5), country="DE", default=True)
    closed = opening(_tenant(office), CHRISTMAS)
    assert isinstance(closed, Closed)
    assert (closed.why, closed.opens_at) == ("holiday", datetime(2026, 12, 28, 8, tzinfo=UTC))
    assert isinstance(opening(_tenant(office), MONDAY), Open)


def test_a_country_nobody_knows_costs_the_holidays_alone() -> None:
    assert isinstance(opening(_tenant(_hours("x", 4, country="ZZ", default=True)), CHRISTMAS), Open)
