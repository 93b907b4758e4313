"""The kinds of rows that make a tenant up: what each is called, and how it is read and written.

One table for the command line, for files and for imports, so that a new kind of row is one entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from tenants import destinations, limits, opening, policy, repository
from tenants.db import Cursor
from tenants.destinations import TransferDestination, TransferRule
from tenants.fields import Row
from tenants.limits import Price, Quota
from tenants.models import Did, Domain, ProviderRow, Secretary
from tenants.opening import BusinessHours
from tenants.policy import Policy
from tenants.vault import Vault

TenantRows = dict[str, list[Row]]
"""A tenant's rows by the name of their kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of row."""

    name: str
    """What one is called on the command line and in the audit."""
    section: str
    """What all of them are called in a tenant's file."""
    model: type[Row]
    names: tuple[str, ...] = ()
    """The fields whose values are a row's name, joined by `/`; none: there is one row a tenant."""
    identity: str | None = None
    """The field with the row's id, which no person types."""
    columns: tuple[str, ...] = ()
    """What a list shows beside the name."""
    read: Callable[[Cursor, UUID, Vault], list[Any]]
    save: Callable[[Cursor, UUID, Any, Vault], None]
    remove: Callable[[Cursor, UUID, Any], object] | None = None
    freed: Mapping[str, Any] = field(default_factory=dict)
    """Values of fields that only one row may have, for a row that is about to give them up."""

    def title(self, row: Row) -> str:
        """What a person calls this row."""
        return "/".join(str(getattr(row, name)) for name in self.names).rstrip("/")

    @property
    def single(self) -> bool:
        """Whether a tenant has exactly one."""
        return not self.names


def _providers(cursor: Cursor, domain_uuid: UUID, vault: Vault) -> list[ProviderRow]:
    found, troubles = repository.read_providers(cursor, domain_uuid, vault)
    if troubles:
        raise troubles[0]
    return found


def _domain(cursor: Cursor, domain_uuid: UUID, vault: Vault) -> list[Domain]:
    del vault
    found = repository.read_domain(cursor, domain_uuid)
    return [] if found is None else [found]


def _save_domain(cursor: Cursor, domain_uuid: UUID, row: Domain, vault: Vault) -> None:
    if _domain(cursor, domain_uuid, vault):
        repository.update_domain(cursor, row)
    else:
        repository.insert_domain(cursor, row)


DOMAIN: Final = Kind(
    name="tenant",
    section="tenant",
    model=Domain,
    identity="domain_uuid",
    read=_domain,
    save=_save_domain,
)
PROVIDER: Final = Kind(
    name="provider",
    section="providers",
    model=ProviderRow,
    names=("provider_type", "provider_name"),
    identity="voice_ai_provider_uuid",
    columns=("is_default", "is_enabled", "priority", "config"),
    read=_providers,
    save=repository.save_provider,
    remove=lambda c, d, row: repository.remove_provider(c, d, row.voice_ai_provider_uuid),
    freed={"is_default": False},
)
HOURS: Final = Kind(
    name="hours",
    section="hours",
    model=BusinessHours,
    names=("name",),
    identity="business_hours_uuid",
    columns=("time_zone", "is_default", "holiday_country", "slots", "exceptions"),
    read=lambda c, d, _: opening.read_hours(c, d),
    save=lambda c, d, row, _: opening.save_hours(c, d, row),
    remove=lambda c, d, row: opening.remove_hours(c, d, row.name),
    freed={"is_default": False},
)
SECRETARY: Final = Kind(
    name="secretary",
    section="secretaries",
    model=Secretary,
    names=("secretary_name",),
    identity="voice_secretary_uuid",
    columns=("company_name", "extension", "language", "media_mode", "is_default", "is_enabled"),
    read=lambda c, d, _: repository.read_secretaries(c, d),
    save=lambda c, d, row, _: repository.save_secretary(c, d, row),
    remove=lambda c, d, row: repository.remove_secretary(c, d, row.voice_secretary_uuid),
    freed={"is_default": False, "extension": None},
)
NUMBER: Final = Kind(
    name="number",
    section="numbers",
    model=Did,
    names=("destination_number",),
    columns=("secretary", "description", "is_enabled"),
    read=lambda c, d, _: repository.read_dids(c, d),
    save=lambda c, d, row, _: repository.save_did(c, d, row),
    remove=lambda c, d, row: repository.remove_did(c, d, row.destination_number),
)
DESTINATION: Final = Kind(
    name="destination",
    section="destinations",
    model=TransferDestination,
    names=("name",),
    identity="transfer_destination_uuid",
    columns=("aliases", "destination_type", "destination_number", "hours", "is_enabled"),
    read=lambda c, d, _: destinations.read_destinations(c, d),
    save=lambda c, d, row, _: destinations.save_destination(c, d, row),
    remove=lambda c, d, row: destinations.remove_destination(c, d, row.name),
    freed={"is_default": False, "aliases": ()},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _RuleKind(Kind):
    """Rules have no name: the beginning of their id stands for one."""

    def title(self, row: Row) -> str:
        return str(getattr(row, "transfer_rule_uuid"))[:8]  # noqa: B009 - a row of any model


RULE: Final = _RuleKind(
    name="rule",
    section="rules",
    model=TransferRule,
    names=("transfer_rule_uuid",),
    identity="transfer_rule_uuid",
    columns=("destination", "intent_keywords", "intent_patterns", "secretary", "is_enabled"),
    read=lambda c, d, _: destinations.read_rules(c, d),
    save=lambda c, d, row, _: destinations.save_rule(c, d, row),
    remove=lambda c, d, row: destinations.remove_rule(c, d, row.transfer_rule_uuid),
)
POLICY: Final = Kind(
    name="policy",
    section="policy",
    model=Policy,
    read=lambda c, d, _: [policy.read_policy(c, d)],
    save=lambda c, d, row, _: policy.save_policy(c, d, row),
)
QUOTA: Final = Kind(
    name="quota",
    section="quota",
    model=Quota,
    read=lambda c, d, _: [limits.read_quota(c, d)],
    save=lambda c, d, row, _: limits.save_quota(c, d, row),
)
PRICE: Final = Kind(
    name="price",
    section="prices",
    model=Price,
    names=("provider_type", "provider_name", "unit", "model"),
    columns=("price", "per", "currency"),
    read=lambda c, d, _: list(limits.read_own_prices(c, d)),
    save=lambda c, d, row, _: limits.save_price(c, d, row),
    remove=limits.remove_price,
)

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            DOMAIN,
            PROVIDER,
            HOURS,
            SECRETARY,
            NUMBER,
            DESTINATION,
            RULE,
            POLICY,
            QUOTA,
            PRICE,
        )
    }
)
"""In an order in which rows can be written: what is referred to comes first."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that holds another row's id, shown and typed as that row's name."""

    shown: str
    kind: Kind
    prefix: str = ""


REFERENCES: Final[Mapping[str, Reference]] = MappingProxyType(
    {
        **{
            f"{kind}_provider_uuid": Reference(f"{kind}_provider", PROVIDER, f"{kind}/")
            for kind in ("stt", "tts", "llm", "embeddings", "realtime")
        },
        "business_hours_uuid": Reference("hours", HOURS),
        "voice_secretary_uuid": Reference("secretary", SECRETARY),
        "transfer_destination_uuid": Reference("destination", DESTINATION),
    }
)


def references(kind: Kind) -> dict[str, Reference]:
    """The fields of a kind that refer to other rows, by their names in the model."""
    return {
        name: REFERENCES[name]
        for name in kind.model.model_fields
        if name in REFERENCES and name != kind.identity
    }


def read_all(cursor: Cursor, domain_uuid: UUID, vault: Vault) -> TenantRows:
    """Every row of a tenant; without a domain there is none, and `EVERYBODY` has prices alone.

    Raises:
        SealError: a provider's key does not open.
    """
    if domain_uuid == limits.EVERYBODY:
        return {name: [] for name in KINDS} | {"price": PRICE.read(cursor, domain_uuid, vault)}
    if not DOMAIN.read(cursor, domain_uuid, vault):
        return {name: [] for name in KINDS}
    return {name: kind.read(cursor, domain_uuid, vault) for name, kind in KINDS.items()}
