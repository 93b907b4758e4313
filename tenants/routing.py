"""Whose call is this: the tenant and the secretary of a leg.

Only values of the switch itself come in here: channel variables the dialplan set, and the dialled
number. Never a SIP header (`variable_sip_h_*`), which any caller can write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import structlog

from tenants import repository, sql
from tenants.calendars import hours_of
from tenants.db import Database
from tenants.destinations import (
    TransferDestination,
    TransferRule,
    read_destinations,
    read_rules,
)
from tenants.errors import InvalidRow, Lookup, UnknownTenant
from tenants.fields import DOMAIN_PATTERN, NUMBER_PATTERN
from tenants.hours import Open
from tenants.limits import Price, Quota, read_prices, read_quota
from tenants.models import Did, Domain, ProviderRow, Secretary, Tenant, in_order
from tenants.numbers import canonical
from tenants.opening import BusinessHours, read_hours
from tenants.policy import Policy, read_policy

_SQL = sql.load("tenants")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """What the switch says about who was called, in the forms that rows are looked up by."""

    lookup: Lookup
    value: str = field(repr=False)
    uuid: UUID | None = None
    numbers: tuple[str, ...] = field(default=(), repr=False)
    dialled: str = field(default="", repr=False)

    @classmethod
    def of(
        cls,
        *,
        domain_uuid: str | UUID | None,
        domain_name: str | None,
        destination_number: str | None,
        country: str | None,
    ) -> Called:
        """`domain_uuid`, else `domain_name`, else the dialled number.

        "Else" means where the former is absent. One that is there and leads nowhere is a mistake in
        the dialplan, and trying the next could hand the call to somebody else.
        """
        dialled = destination_number or ""
        if domain_uuid:
            value = str(domain_uuid)
            return cls(lookup="domain_uuid", value=value, uuid=_uuid(value), dialled=dialled)
        if domain_name:
            return cls(lookup="domain_name", value=domain_name, dialled=dialled)
        return cls(
            lookup="destination_number",
            value=dialled,
            numbers=tuple(dict.fromkeys((canonical(dialled, None), canonical(dialled, country)))),
            dialled=dialled,
        )

    def find(self, db: Database, *, wait_s: float | None = None) -> UUID | None:
        """The domain, asked of the database; `wait_s` as in `Database.tenant`.

        Raises:
            DatabaseUnavailable: Nobody could be asked.
        """
        match self.lookup:
            case "domain_uuid":
                return self.uuid
            case "domain_name":
                return _by_name(db, self.value.strip().lower(), wait_s)
            case "destination_number":
                found = (_by_number(db, number, wait_s) for number in self.numbers)
                return next((uuid for uuid in found if uuid is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Everything of a tenant that a call may need, whichever of its secretaries answers."""

    domain: Domain
    secretaries: tuple[Secretary, ...]
    dids: tuple[Did, ...]
    providers: tuple[ProviderRow, ...]
    hours: tuple[BusinessHours, ...]
    destinations: tuple[TransferDestination, ...]
    rules: tuple[TransferRule, ...]
    policy: Policy
    quota: Quota
    prices: tuple[Price, ...]
    warnings: tuple[str, ...]


def resolve(
    db: Database,
    *,
    domain_uuid: str | UUID | None = None,
    domain_name: str | None = None,
    destination_number: str | None = None,
    country: str | None = None,
) -> Tenant:
    """The tenant of a call, read from the database: see `Called.of` for the order of ways.

    Args:
        db: The application's database.
        domain_uuid: The dialplan's, if it set one.
        domain_name: The dialplan's, if it set one.
        destination_number: As it was dialled.
        country: How a number without a country is read while the tenant is not known.

    Raises:
        UnknownTenant: Says which lookup failed and why.
        DatabaseUnavailable: Nobody could be asked.
    """
    called = Called.of(
        domain_uuid=domain_uuid,
        domain_name=domain_name,
        destination_number=destination_number,
        country=country,
    )
    found = called.find(db)
    rows = None if found is None else read(db, found)
    if rows is None:
        raise UnknownTenant(called.lookup, called.value)
    return choose_tenant(rows, called)


def read(db: Database, domain_uuid: UUID, *, wait_s: float | None = None) -> Rows | None:
    """A tenant's rows, in one transaction; None when there is no such tenant.

    `wait_s` as in `Database.tenant`.

    Raises:
        DatabaseUnavailable: Nobody could be asked.
    """
    with db.tenant(domain_uuid, wait_s=wait_s) as cursor:
        domain = repository.read_domain(cursor, domain_uuid)
        if domain is None:
            return None
        providers, troubles = repository.read_providers(cursor, domain_uuid, db.vault)
        for trouble in troubles:
            # Calls go on with the next provider in order; a person has to see to this one.
            log.error("provider_unreadable", tenant=str(domain_uuid), reason=str(trouble))
        return Rows(
            domain=domain,
            secretaries=tuple(repository.read_secretaries(cursor, domain_uuid)),
            dids=tuple(repository.read_dids(cursor, domain_uuid)),
            providers=tuple(providers),
            hours=tuple(read_hours(cursor, domain_uuid)),
            destinations=tuple(read_destinations(cursor, domain_uuid)),
            rules=tuple(read_rules(cursor, domain_uuid)),
            policy=read_policy(cursor, domain_uuid),
            quota=read_quota(cursor, domain_uuid),
            prices=tuple(read_prices(cursor, domain_uuid)),
            warnings=tuple(str(trouble) for trouble in troubles),
        )


def choose_tenant(rows: Rows, called: Called, at: datetime | None = None) -> Tenant:
    """The tenant as this call sees it: with the secretary who answers it.

    Args:
        rows: The tenant's.
        called: Who was called.
        at: The instant, for secretaries who have hours; None is now.

    Raises:
        UnknownTenant: The tenant is disabled, or nobody of it answers this number.
    """
    if not rows.domain.is_enabled:
        raise UnknownTenant(called.lookup, called.value, "the tenant is disabled")
    numbers = {
        canonical(called.dialled, None),
        canonical(called.dialled, rows.domain.country),
        *called.numbers,
    }
    instant = at or datetime.now(UTC)
    secretary = choose(
        rows.secretaries, rows.dids, numbers, lambda who: _is_there(rows.hours, who, instant)
    )
    if secretary is None:
        raise UnknownTenant(
            called.lookup, called.value, "the tenant has no secretary for this number"
        )
    return Tenant(
        domain=rows.domain,
        secretary=secretary,
        providers=in_order(rows.providers, secretary),
        hours=rows.hours,
        destinations=rows.destinations,
        rules=rows.rules,
        policy=rows.policy,
        quota=rows.quota,
        prices=rows.prices,
        warnings=rows.warnings,
    )


def choose(
    secretaries: Sequence[Secretary],
    dids: Sequence[Did],
    numbers: Collection[str],
    is_there: Callable[[Secretary], bool] = lambda _: True,
) -> Secretary | None:
    """Who answers: by number, by extension, the default, or the only one there is.

    Outside the default's hours, one with hours of her own who is there takes the default's calls;
    without such a one the default answers all the same, and her flow says that it is closed.
    """
    enabled = {s.voice_secretary_uuid: s for s in secretaries if s.is_enabled}
    dialled = {number for number in numbers if number}
    for did in dids:
        if did.is_enabled and did.destination_number in dialled:
            return enabled.get(did.voice_secretary_uuid)
    for secretary in enabled.values():
        if secretary.extension in dialled:
            return secretary
    if len(enabled) == 1:
        return next(iter(enabled.values()))
    default = next((s for s in enabled.values() if s.is_default), None)
    if default is None or is_there(default):
        return default
    others = (s for s in enabled.values() if s != default and s.business_hours_uuid)
    return next((s for s in others if is_there(s)), default)


def _is_there(hours: Sequence[BusinessHours], who: Secretary, at: datetime) -> bool:
    """Whether a secretary's own hours, if she has any, say so."""
    row = next((h for h in hours if h.business_hours_uuid == who.business_hours_uuid), None)
    if row is None:
        return True
    try:
        return isinstance(hours_of(row).is_open(at), Open)
    except InvalidRow as error:  # a country whose holidays nobody knows
        log.error("hours_unreadable", reason=str(error))  # noqa: TRY400
        return True


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _by_name(db: Database, name: str, wait_s: float | None) -> UUID | None:
    if not re.fullmatch(DOMAIN_PATTERN, name):  # no row can hold it
        return None
    with db.lookup(domain_name=name, wait_s=wait_s) as cursor:
        row = cursor.execute(_SQL["domain_by_name"], {"domain_name": name}).fetchone()
    return None if row is None else UUID(str(row["domain_uuid"]))


def _by_number(db: Database, number: str, wait_s: float | None) -> UUID | None:
    if not re.fullmatch(NUMBER_PATTERN, number):
        return None
    with db.lookup(destination_number=number, wait_s=wait_s) as cursor:
        row = cursor.execute(_SQL["domain_by_number"], {"destination_number": number}).fetchone()
    return None if row is None else UUID(str(row["domain_uuid"]))
