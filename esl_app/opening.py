"""Whether a tenant is open now: by the hours that its secretary names, else its own.

Holidays are loaded in a thread: the package and a country take a third of a second, once.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from uuid import UUID

import gevent
import structlog

from tenants.calendars import hours_of
from tenants.errors import InvalidRow
from tenants.hours import Closed, Hours, Open
from tenants.models import Tenant
from tenants.opening import BusinessHours

log = structlog.get_logger()

_KEPT = 1024


def opening(tenant: Tenant, at: datetime) -> Open | Closed:
    """Whether the tenant is open at an instant; one without business hours always is."""
    row = chosen(tenant)
    return Open(until=None) if row is None else _hours(row).is_open(at)


def opening_of(tenant: Tenant, hours_uuid: UUID, at: datetime) -> Open | Closed:
    """Whether some of the tenant's hours are open; hours that are gone always are."""
    row = next((row for row in tenant.hours if row.business_hours_uuid == hours_uuid), None)
    return Open(until=None) if row is None else _hours(row).is_open(at)


def chosen(tenant: Tenant) -> BusinessHours | None:
    """The hours that count for the tenant's calls."""
    named = tenant.secretary.business_hours_uuid
    if named is not None:
        return next((row for row in tenant.hours if row.business_hours_uuid == named), None)
    return next((row for row in tenant.hours if row.is_default), None)


@lru_cache(maxsize=_KEPT)
def _hours(row: BusinessHours) -> Hours:
    if row.holiday_country is None:
        return Hours(row)
    try:
        found: Hours = gevent.get_hub().threadpool.apply(hours_of, (row,))
    except InvalidRow as error:  # written past our checks, or the package knows it no more
        log.error("no_holidays", error=str(error))  # noqa: TRY400 - it says all
        return Hours(row)
    return found
