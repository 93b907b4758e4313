"""What use costs, and which limit it has reached. Pure: counters come in as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from tenants.fields import ProviderType
from tenants.limits import Price, Quota, Unit

Limit = Literal[
    "concurrent_legs",
    "calls_per_minute",
    "calls_per_minute_per_caller",
    "call_seconds",
    "call_turns",
    "call_tokens",
    "call_characters",
    "tokens_day",
    "characters_day",
    "spend_day",
    "spend_month",
]
"""The column of `quota` that was reached."""

Amounts = Mapping[Unit, int | float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What was used, of whatever period: tokens in and out, characters synthesised, money."""

    tokens: int = 0
    characters: int = 0
    cost: Decimal = Decimal(0)

    def __add__(self, other: Used) -> Used:
        return Used(
            tokens=self.tokens + other.tokens,
            characters=self.characters + other.characters,
            cost=self.cost + other.cost,
        )


class PriceList:
    """What providers charge a tenant, in its quota's currency.

    A model's own row wins over the provider's row for any model. What has no row costs nothing,
    and so does a row in another currency: nobody here knows the rate of exchange.
    """

    def __init__(self, prices: Iterable[Price], currency: str) -> None:
        self.currency = currency
        self._per_unit = {
            (row.provider_type, row.provider_name, row.model, row.unit): row.price / row.per
            for row in prices
            if row.currency == currency
        }

    def __bool__(self) -> bool:
        return bool(self._per_unit)

    def cost(self, kind: ProviderType, provider: str, model: str, amounts: Amounts) -> Decimal:
        """What so many units of a provider's model cost."""
        total = Decimal(0)
        for unit, amount in amounts.items():
            price = self._per_unit.get((kind, provider, model, unit))
            if price is None:
                price = self._per_unit.get((kind, provider, "", unit), Decimal(0))
            total += price * Decimal(str(amount))
        return total


def over_call(quota: Quota, used: Used, *, turns: int, seconds: float) -> Limit | None:
    """Which limit of one call is reached."""
    limits: tuple[tuple[Limit, int | None, float], ...] = (
        ("call_seconds", quota.call_seconds, seconds),
        ("call_turns", quota.call_turns, turns),
        ("call_tokens", quota.call_tokens, used.tokens),
        ("call_characters", quota.call_characters, used.characters),
    )
    return next((name for name, most, now in limits if most is not None and now >= most), None)


def over_period(quota: Quota, day: Used, month: Used) -> Limit | None:
    """Which limit of the tenant's day or month is reached."""
    limits: tuple[tuple[Limit, int | Decimal | None, int | Decimal], ...] = (
        ("tokens_day", quota.tokens_day, day.tokens),
        ("characters_day", quota.characters_day, day.characters),
        ("spend_day", quota.spend_day, day.cost),
        ("spend_month", quota.spend_month, month.cost),
    )
    return next((name for name, most, now in limits if most is not None and now >= most), None)


@dataclass(frozen=True, slots=True)
class Periods:
    """The day and the month of an instant, by the tenant's own clock: `2026-11-22`, `2026-11`."""

    day: str
    month: str
    day_began: datetime
    month_began: datetime

    @classmethod
    def at(cls, instant: datetime, zone: str) -> Periods:
        day = instant.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(f"{day:%Y-%m-%d}", f"{day:%Y-%m}", day, day.replace(day=1))
