from __future__ import annotations

from typing import Any

import pytest

from tenants.models import Did, Secretary
from tenants.routing import choose

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
