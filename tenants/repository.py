"""Tenants, conversations and messages: rows in, rows out.

Ids are made by the writer, so a write that is repeated after a lost answer changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from tenants import _rows, sql
from tenants.db import Cursor, Database
from tenants.errors import InvalidRow, SealError
from tenants.fields import parse
from tenants.models import (
    Conversation,
    Did,
    Domain,
    MessageRow,
    ProviderRow,
    Secretary,
    Tenant,
    in_order,
)
from tenants.numbers import canonical
from tenants.vault import Place, Sealed, Vault

_SQL = sql.load("tenants")
_CHOICES = {
    "stt_provider": "stt",
    "tts_provider": "tts",
    "llm_provider": "llm",
    "embeddings_provider": "embeddings",
    "realtime_provider": "realtime",
}


def create_tenant(db: Database, values: Mapping[str, Any]) -> Tenant:
    """Write a whole tenant in one transaction: all of it or nothing.

    Args:
        db: The application's database.
        values: `domain` (a mapping), `secretary` (a mapping; its default), and optionally
            `providers` (mappings; a secretary may name its choice as `llm_provider = "openai"`
            instead of an id) and `numbers` (destinations that lead to the secretary).

    Raises:
        InvalidRow: Names the row, the field and the rule; nothing is written.
        Conflict: A name or number is taken.

    >>> create_tenant(db, {                                        # doctest: +SKIP
    ...     "domain": {"domain_name": "willow.example"},
    ...     "secretary": {"secretary_name": "Reception", "language": "en-US"},
    ...     "providers": [{"provider_type": "llm", "provider_name": "offline"}],
    ...     "numbers": ["+1 555 010 0200"],
    ... })
    """
    unknown = set(values) - {"domain", "secretary", "providers", "numbers"}
    if unknown:
        raise InvalidRow(f"tenant: {min(unknown)}: no such part")
    domain = parse(Domain, _mapping(values, "domain"), "domain")
    providers = [
        _concealed(parse(ProviderRow, row, f"provider {number}"), db.vault)
        for number, row in enumerate(values.get("providers", ()), start=1)
    ]
    secretary = _secretary(_mapping(values, "secretary"), providers)
    dids = [
        parse(
            Did,
            {
                "destination_number": canonical(number, domain.country)
                if isinstance(number, str)
                else number,
                "voice_secretary_uuid": secretary.voice_secretary_uuid,
            },
            "number",
        )
        for number in values.get("numbers", ())
    ]
    with db.tenant(domain.domain_uuid) as cursor:
        insert_domain(cursor, domain)
        for provider in providers:
            save_provider(cursor, domain.domain_uuid, provider, db.vault)
        save_secretary(cursor, domain.domain_uuid, secretary)
        for did in dids:
            save_did(cursor, domain.domain_uuid, did)
    return Tenant(domain=domain, secretary=secretary, providers=in_order(providers, secretary))


def delete_tenant(db: Database, domain_uuid: UUID) -> bool:
    """Remove a tenant and everything that is his; False when there was none."""
    with db.tenant(domain_uuid, statement_s=60.0) as cursor:
        return cursor.execute(_SQL["delete_domain"], {"domain_uuid": domain_uuid}).rowcount == 1


def insert_domain(cursor: Cursor, domain: Domain) -> None:
    """Write a new domain's own row."""
    cursor.execute(_SQL["insert_domain"], domain.model_dump())


def lock_domain(cursor: Cursor, domain_uuid: UUID) -> None:
    """Let one change of the domain's rows follow the other."""
    cursor.execute(_SQL["lock_domain"], {"domain_uuid": domain_uuid})


def update_domain(cursor: Cursor, domain: Domain) -> None:
    """Write the domain's own row."""
    cursor.execute(_SQL["update_domain"], domain.model_dump())


def save_provider(cursor: Cursor, domain_uuid: UUID, provider: ProviderRow, vault: Vault) -> None:
    """Insert or change a provider; the keys in its configuration are sealed.

    Raises:
        SealError: There are keys and no key ring.
    """
    row = _concealed(provider, vault)
    sealed = vault.seal(_place(domain_uuid, row.voice_ai_provider_uuid, row.title), row.config)
    values = row.model_dump() | {
        "config": Jsonb(sealed.config),
        "key_id": sealed.key_id,
        "data_key": sealed.data_key,
    }
    cursor.execute(_SQL["save_provider"], values | {"domain_uuid": domain_uuid})


def remove_provider(cursor: Cursor, domain_uuid: UUID, voice_ai_provider_uuid: UUID) -> bool:
    """Remove a provider; secretaries that chose it fall back to the domain's order."""
    return _rows.remove(
        cursor,
        _SQL["remove_provider"],
        {"domain_uuid": domain_uuid, "voice_ai_provider_uuid": voice_ai_provider_uuid},
    )


def save_secretary(cursor: Cursor, domain_uuid: UUID, secretary: Secretary) -> None:
    """Insert or change a secretary."""
    values = _rows.values(secretary) | {"business_info": Jsonb(secretary.business_info)}
    cursor.execute(_SQL["save_secretary"], values | {"domain_uuid": domain_uuid})


def save_did(cursor: Cursor, domain_uuid: UUID, did: Did) -> None:
    """Insert or change where a number leads."""
    cursor.execute(_SQL["save_did"], did.model_dump() | {"domain_uuid": domain_uuid})


def remove_secretary(cursor: Cursor, domain_uuid: UUID, voice_secretary_uuid: UUID) -> bool:
    """Remove a secretary."""
    return _rows.remove(
        cursor,
        _SQL["remove_secretary"],
        {"domain_uuid": domain_uuid, "voice_secretary_uuid": voice_secretary_uuid},
    )


def remove_did(cursor: Cursor, domain_uuid: UUID, destination_number: str) -> bool:
    """Remove a number: it leads nowhere then."""
    return _rows.remove(
        cursor,
        _SQL["remove_did"],
        {"domain_uuid": domain_uuid, "destination_number": destination_number},
    )


def save_conversation(db: Database, domain_uuid: UUID, conversation: Conversation) -> None:
    """Write a call's row; again at its end, with what is known then."""
    with db.tenant(domain_uuid) as cursor:
        cursor.execute(
            _SQL["save_conversation"], conversation.model_dump() | {"domain_uuid": domain_uuid}
        )


def append_message(db: Database, domain_uuid: UUID, message: MessageRow) -> None:
    """Write one message; a second time with the same id it changes nothing."""
    with db.tenant(domain_uuid) as cursor:
        cursor.execute(_SQL["append_message"], _rows.values(message) | {"domain_uuid": domain_uuid})


def read_conversation(
    db: Database, domain_uuid: UUID, voice_conversation_uuid: UUID
) -> tuple[Conversation, list[MessageRow]] | None:
    """A call and its messages in order, or None when this tenant has no such call."""
    key = {"domain_uuid": domain_uuid, "voice_conversation_uuid": voice_conversation_uuid}
    with db.tenant(domain_uuid) as cursor:
        row = cursor.execute(_SQL["conversation"], key).fetchone()
        if row is None:
            return None
        messages = [parse(MessageRow, r, "message") for r in cursor.execute(_SQL["messages"], key)]
    return parse(Conversation, row, "conversation"), messages


def read_domain(cursor: Cursor, domain_uuid: UUID) -> Domain | None:
    """The domain's own row."""
    row = cursor.execute(_SQL["domain_by_uuid"], {"domain_uuid": domain_uuid}).fetchone()
    return None if row is None else parse(Domain, row, "domain")


def read_secretaries(cursor: Cursor, domain_uuid: UUID) -> list[Secretary]:
    """All secretaries of the domain, by name."""
    return _rows.read(cursor, _SQL["secretaries"], domain_uuid, Secretary, "secretary")


def read_dids(cursor: Cursor, domain_uuid: UUID) -> list[Did]:
    """All numbers of the domain."""
    return _rows.read(cursor, _SQL["dids"], domain_uuid, Did, "number")


def read_providers(
    cursor: Cursor, domain_uuid: UUID, vault: Vault
) -> tuple[list[ProviderRow], list[SealError]]:
    """All providers of the domain, and what is wrong with those whose keys do not open."""
    found, troubles = [], []
    for row in cursor.execute(_SQL["providers"], {"domain_uuid": domain_uuid}).fetchall():
        sealed = Sealed(
            config=row["config"], key_id=row.pop("key_id"), data_key=row.pop("data_key")
        )
        title = f"provider {row['provider_type']}/{row['provider_name']}"
        try:
            config = vault.open(_place(domain_uuid, row["voice_ai_provider_uuid"], title), sealed)
        except SealError as error:
            troubles.append(error)
        else:
            found.append(parse(ProviderRow, row | {"config": config}, "provider"))
    return found, troubles


def _place(domain_uuid: UUID, row_uuid: UUID, title: str) -> Place:
    return Place(domain_uuid=domain_uuid, row_uuid=row_uuid, name=title)


def _concealed(row: ProviderRow, vault: Vault) -> ProviderRow:
    config = vault.concealed(row.provider_type, row.provider_name, row.config)
    return row.model_copy(update={"config": config})


def _mapping(values: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    found = values.get(part)
    if not isinstance(found, Mapping):
        raise InvalidRow(f"tenant: {part}: missing, or not a mapping")
    return found


def _secretary(values: Mapping[str, Any], providers: Sequence[ProviderRow]) -> Secretary:
    """The secretary, with providers chosen by name turned into their ids."""
    row = dict(values)
    row.setdefault("is_default", True)
    for key, kind in _CHOICES.items():
        name = row.pop(key, None)
        if name is None:
            continue
        chosen = [p for p in providers if (p.provider_type, p.provider_name) == (kind, name)]
        if not chosen:
            raise InvalidRow(f"secretary: {key}: no {kind} provider of that name in this tenant")
        row[f"{key}_uuid"] = chosen[0].voice_ai_provider_uuid
    secretary = parse(Secretary, row, "secretary")
    secretary.check_served()
    return secretary
