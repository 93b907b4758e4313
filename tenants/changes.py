"""Changing a tenant's rows: all of a change or nothing, judged as a whole, each step in the audit.

Whoever changes something says what the tenant's rows shall be; what differs is found here, checked
against the rules that hold between rows, and written in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from tenants import audit, repository
from tenants.audit import AuditEntry
from tenants.calendars import hours_of
from tenants.db import Cursor, Database
from tenants.errors import InvalidRow
from tenants.fields import Row
from tenants.forms import Form, form_of
from tenants.kinds import KINDS, Kind, TenantRows, read_all, references
from tenants.limits import EVERYBODY
from tenants.models import ProviderRow, Secretary
from tenants.opening import BusinessHours
from tenants.vault import Vault

_STATEMENT_S: Final = 10.0

Check = Callable[[ProviderRow], None]
"""Whether a provider's configuration is one its vendor takes (esl_app.cli.providers)."""

Action = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row that differs; `fields` with what they were and what they shall be."""

    kind: Kind
    title: str
    action: Action
    fields: dict[str, tuple[Any, Any]]
    row: Row


def change(
    db: Database,
    domain_uuid: UUID,
    edit: Callable[[TenantRows], TenantRows],
    *,
    actor: str,
    check: Check,
    dry_run: bool = False,
) -> list[Change]:
    """Make a tenant's rows what `edit` says they shall be.

    Args:
        db: the application's database.
        domain_uuid: the tenant; one that is not there is made.
        edit: from the rows there are to the rows there shall be. It changes neither.
        actor: who, for the audit.
        check: judges configurations of providers that are new or changed.
        dry_run: finds and checks, and writes nothing.

    Returns:
        What differs (or would), in the order of writing.

    Raises:
        InvalidRow: a rule between rows is broken; nothing is written.
        TenantError: as `Database.tenant`; nothing is written.
    """
    with db.tenant(domain_uuid, statement_s=_STATEMENT_S) as cursor:
        repository.lock_domain(cursor, domain_uuid)
        before = _concealed(read_all(cursor, domain_uuid, db.vault), db.vault)
        after = _concealed(edit(before), db.vault)
        found = differences(before, after)
        check_rules(after)
        for one in found:
            if one.action != "removed":
                _check_row(one.row, check)
        if not dry_run:
            _write(cursor, domain_uuid, found, db.vault, actor)
    return found


def differences(before: TenantRows, after: TenantRows) -> list[Change]:
    """What differs: removals first, the last kind's before the first's; then what is there."""
    removed, written = [], []
    for name, kind in KINDS.items():
        was = {_key(kind, row): row for row in before.get(name, ())}
        shall = {_key(kind, row): row for row in after.get(name, ())}
        removed += [
            Change(kind=kind, title=kind.title(row), action="removed", fields={}, row=row)
            for key, row in was.items()
            if key not in shall
        ]
        for key, row in shall.items():
            old = was.get(key)
            if old is None:
                fields = _fields({}, form_of(kind, row, after))
            else:
                fields = _fields(
                    form_of(kind, old, before, whole=True), form_of(kind, row, after, whole=True)
                )
            if fields:  # a standard policy or quota needs no row
                action: Action = "added" if old is None else "changed"
                written.append(
                    Change(kind=kind, title=kind.title(row), action=action, fields=fields, row=row)
                )
    return removed[::-1] + written


def _key(kind: Kind, row: Row) -> object:
    if kind.identity:
        return getattr(row, kind.identity)
    return tuple(getattr(row, name) for name in kind.names)


def _fields(was: Form, shall: Form) -> dict[str, tuple[Any, Any]]:
    return {name: (was.get(name), value) for name, value in shall.items() if was.get(name) != value}


def check_rules(rows: Mapping[str, Sequence[Any]]) -> None:
    """The rules between rows, which the database has too and names less well.

    Raises:
        InvalidRow: names the row, the field and the rule.
    """
    for name, kind in KINDS.items():
        names = [tuple(getattr(row, n) for n in kind.names) for row in rows.get(name, ())]
        _once(kind, rows.get(name, ()), "name", names)
        for row in rows.get(name, ()):
            for field, reference in references(kind).items():
                uuid = getattr(row, field)
                if uuid is not None and not any(
                    getattr(other, reference.kind.identity or "") == uuid
                    for other in rows[reference.kind.name]
                ):
                    raise InvalidRow(
                        f"{name} {kind.title(row)}: {reference.shown}: refers to a "
                        f"{reference.kind.name} that would be gone; change it first"
                    )
    for name in ("secretary", "hours", "destination"):
        _one_default(rows, name, lambda _: "")
    _one_default(rows, "provider", lambda row: f" of {row.provider_type}")
    secretaries = rows.get("secretary", ())
    _once(KINDS["secretary"], secretaries, "extension", [s.extension for s in secretaries])
    taken: dict[str, str] = {}
    for row in rows.get("destination", ()):
        title = KINDS["destination"].title(row)
        for alias in row.aliases:
            if taken.setdefault(alias, title) != title:
                raise InvalidRow(
                    f"destination {title}: aliases: {alias!r} is an alias of {taken[alias]} already"
                )


def _once(kind: Kind, rows: Iterable[Row], field: str, values: Sequence[object]) -> None:
    seen: set[object] = set()
    for row, value in zip(rows, values, strict=True):
        if value is not None and value in seen and not kind.single:
            shown = kind.title(row) if field == "name" else value
            raise InvalidRow(f"{kind.name} {kind.title(row)}: {field}: {shown} is there twice")
        seen.add(value)


def _one_default(rows: Mapping[str, Sequence[Any]], name: str, group: Callable[[Any], str]) -> None:
    defaults: dict[str, str] = {}
    for row in rows.get(name, ()):
        if row.is_default:
            title = KINDS[name].title(row)
            if group(row) in defaults:
                raise InvalidRow(
                    f"{name} {title}: is_default: {defaults[group(row)]} is the default"
                    f"{group(row)} already"
                )
            defaults[group(row)] = title


def _check_row(row: Row, check: Check) -> None:
    """What a row's own model cannot know."""
    try:
        if isinstance(row, Secretary):
            row.check_served()
        if isinstance(row, BusinessHours):
            hours_of(row)  # a country whose holidays nobody knows
    except InvalidRow as error:
        kind = "secretary" if isinstance(row, Secretary) else "hours"
        rule = str(error).partition(": ")[2]
        raise InvalidRow(f"{kind} {KINDS[kind].title(row)}: {rule}") from None
    if isinstance(row, ProviderRow):
        check(row)


def _concealed(rows: TenantRows, vault: Vault) -> TenantRows:
    """The same rows with what vendors call secret as `Secret`, so that nothing shows it."""
    providers = [
        row.model_copy(
            update={"config": vault.concealed(row.provider_type, row.provider_name, row.config)}
        )
        for row in rows.get("provider", ())
        if isinstance(row, ProviderRow)
    ]
    return rows | {"provider": [*providers]}


def _write(
    cursor: Cursor, domain_uuid: UUID, found: Sequence[Change], vault: Vault, actor: str
) -> None:
    for one in found:
        # What only one row may have is given up before another takes it.
        freed = {
            name: value
            for name, value in one.kind.freed.items()
            if name in one.fields or one.action == "removed"
        }
        if one.action != "added" and freed:
            one.kind.save(cursor, domain_uuid, one.row.model_copy(update=freed), vault)
    for one in found:
        if one.action != "removed":
            one.kind.save(cursor, domain_uuid, one.row, vault)
    for one in found:
        # Last, when nothing refers to it any more.
        if one.action == "removed":
            assert one.kind.remove is not None
            one.kind.remove(cursor, domain_uuid, one.row)
    if domain_uuid == EVERYBODY:
        return  # nobody's tenant, so nobody's audit
    for one in found:
        entry = AuditEntry(
            actor=actor,
            action=f"{one.kind.name}_{one.action}",
            subject=one.title,
            details={"fields": ", ".join(one.fields)} if one.action == "changed" else {},
        )
        audit.record(cursor, domain_uuid, entry)
