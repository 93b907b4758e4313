"""What use costs, and which limit it has reached."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tenants.fields import ProviderType
from tenants.limits import Price, Quota, Unit
from tenants.quotas import Limit, Periods, PriceList, Used, over_call, over_period

pytestmark = pytest.mark.unit


def _price(
    kind: ProviderType, unit: Unit, price: str, *, per: int = 1, model: str = "", **other: Any
) -> Price:
    return Price(
        provider_type=kind,
        provider_name="openai",
        model=model,
        unit=unit,
        price=Decimal(price),
        per=per,
        **other,
    )


PRICES = PriceList(
    [
        _price("llm", "prompt_token", "0.15", per=1_000_000, model="gpt-4o-mini"),
        _price("llm", "completion_token", "0.60", per=1_000_000, model="gpt-4o-mini"),
        _price("llm", "prompt_token", "2.50", per=1_000_000),
        _price("stt", "second", "0.006", per=60),
        _price("tts", "character", "15", per=1_000_000),
        _price("tts", "request", "99", currency="EUR"),
    ],
    "USD",
)


@pytest.mark.parametrize(
    ("kind", "model", "amounts", "cost"),
    [
        ("llm", "gpt-4o-mini", {"prompt_token": 1000, "completion_token": 100}, "0.00021"),
        ("llm", "gpt-4o", {"prompt_token": 1000, "completion_token": 100}, "0.0025"),
        ("llm", "gpt-4o-mini", {"request": 1}, "0"),
        ("stt", "", {"second": 12.5}, "0.00125"),
        ("tts", "tts-1", {"character": 200, "request": 1}, "0.003"),  # euros are no dollars
        ("embeddings", "", {"prompt_token": 1000}, "0"),
    ],
)
def test_cost(kind: ProviderType, model: str, amounts: dict[Unit, float], cost: str) -> None:
    assert PRICES.cost(kind, "openai", model, amounts) == Decimal(cost)
    assert PRICES.cost(kind, "piper_local", model, amounts) == 0


def test_a_tenant_without_prices_knows_nothing_of_costs() -> None:
    assert not PriceList([], "USD")
    assert not PriceList([_price("tts", "request", "1", currency="EUR")], "USD")
    assert PRICES


@pytest.mark.parametrize(
    ("quota", "used", "turns", "seconds", "limit"),
    [
        ({"call_turns": 3}, {}, 2, 0, None),
        ({"call_turns": 3}, {}, 3, 0, "call_turns"),
        ({"call_seconds": 60}, {}, 0, 59.9, None),
        ({"call_seconds": 60}, {}, 0, 60.0, "call_seconds"),
        ({"call_tokens": 100}, {"tokens": 100}, 0, 0, "call_tokens"),
        ({"call_characters": 100}, {"characters": 99}, 0, 0, None),
        ({"call_characters": 100}, {"characters": 101}, 0, 0, "call_characters"),
        ({"call_seconds": None}, {"tokens": 10**9}, 10**6, 1e9, None),
    ],
)
def test_limits_of_a_call(
    quota: dict[str, Any], used: dict[str, Any], turns: int, seconds: float, limit: Limit | None
) -> None:
    assert over_call(Quota(**quota), Used(**used), turns=turns, seconds=seconds) == limit


@pytest.mark.parametrize(
    ("quota", "day", "month", "limit"),
    [
        ({"spend_day": "1.00"}, {"cost": Decimal("0.999999")}, {}, None),
        ({"spend_day": "1.00"}, {"cost": Decimal("1.00")}, {}, "spend_day"),
        ({"spend_day": "0"}, {}, {}, "spend_day"),
        ({"spend_month": "20"}, {}, {"cost": Decimal(20)}, "spend_month"),
        ({"tokens_day": 5}, {"tokens": 5}, {}, "tokens_day"),
        ({"characters_day": 5}, {"characters": 4}, {"characters": 50}, None),
        ({}, {"cost": Decimal(10**9)}, {"cost": Decimal(10**9)}, None),
    ],
)
def test_limits_of_a_day_and_a_month(
    quota: dict[str, Any], day: dict[str, Any], month: dict[str, Any], limit: Limit | None
) -> None:
    assert over_period(Quota(**quota), Used(**day), Used(**month)) == limit


def test_days_and_months_are_the_tenants() -> None:
    instant = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)
    assert Periods.at(instant, "UTC").month == "2026-11"
    berlin = Periods.at(instant, "Europe/Berlin")
    assert (berlin.day, berlin.month) == ("2026-12-01", "2026-12")
    assert berlin.day_began == berlin.month_began == datetime(2026, 11, 30, 23, tzinfo=UTC)
    sao_paulo = Periods.at(instant, "America/Sao_Paulo")
    assert sao_paulo.day_began == datetime(2026, 11, 30, 3, tzinfo=UTC)
    assert sao_paulo.month_began == datetime(2026, 11, 1, 3, tzinfo=UTC)
