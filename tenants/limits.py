"""What a tenant may use and what that costs, as rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field

from tenants import _rows, sql
from tenants.db import Cursor
from tenants.fields import Currency, ProviderType, Row

_SQL = sql.load("tenants", "rows.sql")

# The domain whose prices hold for every tenant without a row of his own.
EVERYBODY: Final = UUID(int=0)

Unit = Literal["prompt_token", "completion_token", "character", "second", "request"]

_Count = Annotated[int | None, Field(ge=0, le=2**31 - 1)]
_PerCall = Annotated[int | None, Field(gt=0, le=2**31 - 1)]
_PerDay = Annotated[int | None, Field(ge=0, le=2**63 - 1)]
_Money = Annotated[Decimal | None, Field(ge=0, max_digits=14, decimal_places=4)]


class Quota(Row):
    """A tenant's limits; None is no limit. 0 calls closes the tenant."""

    concurrent_legs: _Count = 10
    calls_per_minute: _Count = 60
    calls_per_minute_per_caller: _Count = 6
    transfers_per_hour: _Count = 100
    call_seconds: _PerCall = 3600
    call_turns: _PerCall = None
    call_tokens: _PerCall = None
    call_characters: _PerCall = None
    tokens_day: _PerDay = None
    characters_day: _PerDay = None
    spend_day: _Money = None
    spend_month: _Money = None
    currency: Currency = "USD"
    busy_action: Literal["prompt", "cause"] = "prompt"
    busy_message: str = ""
    busy_cause: str = Field(default="USER_BUSY", pattern=r"^[A-Z][A-Z0-9_]{2,63}$")


class Price(Row):
    """`price` for every `per` units of a model; an empty model means all the others."""

    provider_type: ProviderType
    provider_name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")
    model: str = ""
    unit: Unit
    price: Decimal = Field(ge=0, max_digits=18, decimal_places=6)
    per: int = Field(default=1, gt=0, le=2**31 - 1)
    currency: Currency = "USD"


def read_quota(cursor: Cursor, domain_uuid: UUID) -> Quota:
    """The domain's limits; the standard ones when it has no row."""
    return next(iter(_rows.read(cursor, _SQL["quota"], domain_uuid, Quota, "quota")), Quota())


def save_quota(cursor: Cursor, domain_uuid: UUID, row: Quota) -> None:
    """Insert or change the domain's limits."""
    _rows.write(cursor, _SQL["save_quota"], domain_uuid, row)


def read_prices(cursor: Cursor, domain_uuid: UUID) -> list[Price]:
    """The prices that hold for the domain: its own, and everybody's where it has none."""
    return _rows.read(cursor, _SQL["prices"], domain_uuid, Price, "price")


def read_own_prices(cursor: Cursor, domain_uuid: UUID) -> list[Price]:
    """The domain's own prices alone."""
    return _rows.read(cursor, _SQL["own_prices"], domain_uuid, Price, "price")


def save_price(cursor: Cursor, domain_uuid: UUID, row: Price) -> None:
    """Insert or change a price: of a tenant, or as `EVERYBODY` (in that scope) of all."""
    _rows.write(cursor, _SQL["save_price"], domain_uuid, row)


def remove_price(cursor: Cursor, domain_uuid: UUID, row: Price) -> bool:
    """Remove the price of the same provider, model and unit."""
    return (
        cursor.execute(
            _SQL["remove_price"], _rows.values(row) | {"domain_uuid": domain_uuid}
        ).rowcount
        == 1
    )
