"""Public holidays by country, from the `holidays` package.

The package takes 0.1 s to import and a country up to 0.2 s more (measured on 2.5 GHz): load a
tenant's calendar off the hub, before its first call asks.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from tenants.errors import InvalidRow
from tenants.hours import Calendar, Hours
from tenants.opening import BusinessHours


def hours_of(row: BusinessHours) -> Hours:
    """Business hours that can be asked, with the holidays of their country.

    Raises:
        InvalidRow: no holidays are known for it.
    """
    if row.holiday_country is None:
        return Hours(row)
    return Hours(row, calendar(row.holiday_country, row.holiday_subdivision))


@lru_cache(maxsize=512)
def calendar(country: str, subdivision: str | None = None) -> Calendar:
    """The holidays of a country (ISO 3166-1 alpha-2), or of one of its subdivisions.

    Raises:
        InvalidRow: the library knows no such country or subdivision.

    >>> calendar("DE", "BY")(date(2026, 1, 6))                            # doctest: +SKIP
    'Epiphany'
    """
    import holidays  # noqa: PLC0415 - slow, and only tenants with a country need it

    known: dict[str, list[str]] = holidays.list_supported_countries(include_aliases=False)
    if not re.fullmatch("[A-Z]{2}", country) or country not in known:
        raise InvalidRow(f"business_hours: holiday_country: no holidays are known for {country!r}")
    if subdivision and subdivision not in known[country]:
        raise InvalidRow(
            f"business_hours: holiday_subdivision: {country} has no {subdivision!r}; "
            f"it has {', '.join(known[country]) or 'none'}"
        )
    days = holidays.country_holidays(country, subdiv=subdivision or None)

    def name(day: date) -> str | None:
        found: str | None = days.get(day)
        return found

    return name
