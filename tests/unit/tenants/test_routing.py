from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tenants.fields import parse
from tenants.limits import Quota
from tenants.models import Did, Domain, Secretary
from tenants.opening import BusinessHours
from tenants.policy import Policy
from tenants.routing import Called, Rows, choose, choose_tenant

pytestmark = pytest.mark.unit


def _secretary(name: str, **more: Any) -> Secretary:
    return Secretary(secretary_name=name, **more)


def _did(number: str, secretary: Secretary, **more: Any) -> Did:
    return Did(
        destination_number=number, voice_secretary_uuid=secretary.voice_secretary_uuid, **more
    )


DAY = _secretary("day", is_default=True)
SALES = _secretary("sales", extension="200")
OFF = _secretary("off", is_enabled=False, extension="300")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("15550100", SALES),  # by its number
        ("200", SALES),  # by extension
        ("999", DAY),  # the default
        ("", DAY),
        ("300", DAY),  # a disabled one answers nothing
    ],
)
def test_who_answers(number: str, expected: Secretary) -> None:
    assert choose([DAY, SALES, OFF], [_did("15550100", SALES)], {number}) == expected


def test_a_number_of_a_disabled_secretary_reaches_nobody() -> None:
    assert choose([DAY, OFF], [_did("15550100", OFF)], {"15550100"}) is None


def test_a_disabled_number_is_no_number() -> None:
    assert choose([DAY, SALES], [_did("1", SALES, is_enabled=False)], {"1"}) == DAY


def test_the_only_secretary_needs_no_mark_but_two_do() -> None:
    other = _secretary("other")
    assert choose([SALES], [], {"1"}) == SALES
    assert choose([SALES, other], [], {"1"}) is None


def test_outside_the_default_s_hours_one_who_is_there_answers() -> None:
    at_night = UUID(int=5)
    day = _secretary("day", is_default=True, business_hours_uuid=UUID(int=4))
    night = _secretary("night", business_hours_uuid=at_night)
    always = _secretary("always")
    all_of_them = [always, day, night]

    def at(*there: Secretary) -> Secretary | None:
        return choose(all_of_them, [_did("1", day)], {"9"}, lambda who: who in there)

    assert at(day, night, always) == day
    assert at(night, always) == night
    assert at(always) == day, "who has no hours of her own does not stand in for anybody"
    assert choose(all_of_them, [_did("1", day)], {"1"}, lambda who: who == night) == day


@pytest.mark.parametrize(
    ("hour", "answers"), [(9, "day"), (17, "night"), (23, "night"), (3, "day")]
)
def test_hours_are_the_tenant_s(hour: int, answers: str) -> None:
    def hours(number: int, start: str, end: str) -> BusinessHours:
        return parse(
            BusinessHours,
            {
                "business_hours_uuid": UUID(int=number),
                "name": str(number),
                "time_zone": "America/Sao_Paulo",
                "slots": [{"weekday": 0, "start_time": start, "end_time": end}],
            },
            "hours",
        )

    rows = Rows(
        domain=Domain(domain_name="a.example"),
        secretaries=(
            _secretary("day", is_default=True, business_hours_uuid=UUID(int=1)),
            _secretary("night", business_hours_uuid=UUID(int=2)),
        ),
        dids=(),
        providers=(),
        hours=(hours(1, "08:00", "17:00"), hours(2, "17:00", "02:00")),
        destinations=(),
        rules=(),
        policy=Policy(),
        quota=Quota(),
        prices=(),
        warnings=(),
    )
    called = Called.of(
        domain_uuid=UUID(int=9), domain_name=None, destination_number="1", country=None
    )
    monday = datetime(2026, 11, 23, hour, 30, tzinfo=ZoneInfo("America/Sao_Paulo"))
    assert choose_tenant(rows, called, monday).secretary.secretary_name == answers
