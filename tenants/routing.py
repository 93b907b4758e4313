"""Whose call is this: the tenant and the secretary of a leg.

Only values of the switch itself come in here: channel variables the dialplan set, and the dialled
number. Never a SIP header (`variable_sip_h_*`), which any caller can write.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from uuid import UUID

import structlog

from tenants import repository, sql
from tenants.db import Database
from tenants.destinations import read_destinations, read_rules
from tenants.errors import Lookup, UnknownTenant
from tenants.fields import DOMAIN_PATTERN, NUMBER_PATTERN, normalise_number
from tenants.limits import read_prices, read_quota
from tenants.models import Did, Secretary, Tenant, in_order
from tenants.opening import read_hours
from tenants.policy import read_policy

__all__ = ["normalise_number", "resolve"]

_SQL = sql.load("tenants")

log = structlog.get_logger()


def resolve(
    db: Database,
    *,
    domain_uuid: str | UUID | None = None,
    domain_name: str | None = None,
    destination_number: str | None = None,
) -> Tenant:
    """The tenant of a call: by `domain_uuid`, else by `domain_name`, else by the dialled number.

    "Else" means where the former is absent. One that is there and leads nowhere is a mistake in the
    dialplan, and trying the next could hand the call to somebody else.

    Raises:
        UnknownTenant: Says which lookup failed and why.
        DatabaseUnavailable: Nobody could be asked.
    """
    number = normalise_number(destination_number or "")
    if domain_uuid:
        lookup: Lookup = "domain_uuid"
        value = str(domain_uuid)
        found = _uuid(value)
    elif domain_name:
        lookup, value = "domain_name", domain_name
        found = _by_name(db, domain_name.strip().lower())
    else:
        lookup, value = "destination_number", destination_number or ""
        found = _by_number(db, number)
    if found is None:
        raise UnknownTenant(lookup, value)
    with db.tenant(found) as cursor:
        domain = repository.read_domain(cursor, found)
        if domain is None:
            raise UnknownTenant(lookup, value)
        if not domain.is_enabled:
            raise UnknownTenant(lookup, value, "the tenant is disabled")
        secretary = choose(
            repository.read_secretaries(cursor, found), repository.read_dids(cursor, found), number
        )
        if secretary is None:
            raise UnknownTenant(lookup, value, "the tenant has no secretary for this number")
        providers, troubles = repository.read_providers(cursor, found, db.vault)
        for trouble in troubles:
            # The call goes on with the next provider in order; a person has to see to this one.
            log.error("provider_unreadable", tenant=str(found), reason=str(trouble))
        return Tenant(
            domain=domain,
            secretary=secretary,
            providers=in_order(providers, secretary),
            warnings=tuple(str(trouble) for trouble in troubles),
            hours=tuple(read_hours(cursor, found)),
            destinations=tuple(read_destinations(cursor, found)),
            rules=tuple(read_rules(cursor, found)),
            policy=read_policy(cursor, found),
            quota=read_quota(cursor, found),
            prices=tuple(read_prices(cursor, found)),
        )


def choose(secretaries: Sequence[Secretary], dids: Sequence[Did], number: str) -> Secretary | None:
    """Who answers: by number, by extension, the default, or the only one there is."""
    enabled = {s.voice_secretary_uuid: s for s in secretaries if s.is_enabled}
    for did in dids:
        if number and did.is_enabled and did.destination_number == number:
            return enabled.get(did.voice_secretary_uuid)
    for secretary in enabled.values():
        if number and secretary.extension == number:
            return secretary
    for secretary in enabled.values():
        if secretary.is_default:
            return secretary
    return next(iter(enabled.values())) if len(enabled) == 1 else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _by_name(db: Database, name: str) -> UUID | None:
    if not re.fullmatch(DOMAIN_PATTERN, name):  # no row can hold it
        return None
    with db.lookup(domain_name=name) as cursor:
        row = cursor.execute(_SQL["domain_by_name"], {"domain_name": name}).fetchone()
    return None if row is None else UUID(str(row["domain_uuid"]))


def _by_number(db: Database, number: str) -> UUID | None:
    if not re.fullmatch(NUMBER_PATTERN, number):
        return None
    with db.lookup(destination_number=number) as cursor:
        row = cursor.execute(_SQL["domain_by_number"], {"destination_number": number}).fetchone()
    return None if row is None else UUID(str(row["domain_uuid"]))
