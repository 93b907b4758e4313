"""From forms to the rows that a tenant shall have: what a rule refuses is left out and said.

A field that is refused falls back to what the row has here, or to the standard; a row without a
field that it needs is left out. Rows that the source does not have stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from tenants.changes import check_rules
from tenants.errors import InvalidRow
from tenants.fields import Row
from tenants.forms import Form, form_of, row_of
from tenants.fusionpbx.findings import Findings
from tenants.fusionpbx.theirs import Theirs
from tenants.kinds import HOURS, PROVIDER, Kind, TenantRows, references
from tenants.models import ProviderRow
from tenants.secrets import MASK, looks_secret

Check = Callable[[ProviderRow], None]


def carry(
    before: TenantRows,
    theirs: Sequence[Theirs],
    domain_uuid: UUID,
    *,
    check: Check,
    findings: Findings,
) -> TenantRows:
    """The tenant's rows with everything carried over that can be.

    Raises:
        InvalidRow: the domain itself cannot be: without it there is no tenant.
    """
    rows = {name: list(there) for name, there in before.items()}
    for one in theirs:
        identity = domain_uuid if one.kind.name == "tenant" else one.identity
        old = _there(one, rows, identity)
        row = _row(one, rows, old, identity, check, findings)
        if row is not None:
            rows = _with(one.kind, rows, old, row)
            findings.carried(one.table, one.row)
        elif one.kind.name == "tenant":
            raise InvalidRow(f"{one.row}: {findings[-1].reason}")
    return rows


def _there(one: Theirs, rows: TenantRows, identity: UUID | None) -> Row | None:
    """The row that stands for theirs: the one with its id, else the one with its name."""
    kind, there = one.kind, rows[one.kind.name]
    if kind.single:
        return there[0] if there else None
    name = [one.form.get(field, identity) for field in kind.names]
    same = [row for row in there if getattr(row, kind.identity or "") == identity]
    alike = [row for row in there if [getattr(row, field) for field in kind.names] == name]
    return next(iter(same or alike), None)


def _row(
    one: Theirs,
    rows: TenantRows,
    old: Row | None,
    identity: UUID | None,
    check: Check,
    findings: Findings,
) -> Row | None:
    """Their row here; None when it cannot be."""
    kind = one.kind
    if old is not None and kind.identity:
        identity = getattr(old, kind.identity)
    kept: Form = {} if old is None else form_of(kind, old, rows)
    form = dict(one.form)
    refused: set[str] = set()
    while True:
        try:
            row = row_of(kind, kept | form, "row", rows, identity=identity)
            check_rules(_with(kind, rows, old, row))
            if isinstance(row, ProviderRow):
                _check(row, check)
        except InvalidRow as error:
            field, rule = _what(kind, str(error))
            if not _give_up(one, form, field, rule, refused, findings):
                findings.left_out(one.table, one.row, "", f"{field}: {rule}" if field else rule)
                return None
        else:
            return row


def _give_up(
    one: Theirs, form: Form, field: str, rule: str, refused: set[str], findings: Findings
) -> bool:
    """Take what is refused out of the form; False when the row cannot be without it."""
    name, _, entry = field.partition(".")
    if one.kind is PROVIDER and name == "config":
        config = form.get("config", {})
        if entry in config and entry not in refused:
            refused.add(entry)
            value = MASK if looks_secret(entry) else config[entry]
            form["config"] = {n: v for n, v in config.items() if n != entry}
            findings.left_out(one.table, one.row, field, rule, value)
            return True
        if form.get("is_enabled") is not False:
            form["is_enabled"] = False
            findings.changed(
                one.table, one.row, "is_enabled", f"kept, switched off: {field}: {rule}"
            )
            return True
        return False
    info = one.kind.model.model_fields.get(name)
    if one.kind is HOURS:  # without their slots they would say "never"
        return False
    if name not in form or (info is not None and info.is_required()):
        return False
    value = form.pop(name)
    findings.left_out(one.table, one.row, name, rule, value)
    return True


def _check(row: ProviderRow, check: Check) -> None:
    try:
        check(row)
    except InvalidRow as error:
        # "provider llm/openai: config: model: …" names the entry last.
        rest = str(error).removeprefix(f"{row.title}: ")
        entry, _, rule = rest.removeprefix("config: ").partition(": ")
        raise InvalidRow(f"row: config.{entry}: {rule or rest}") from None


def _what(kind: Kind, message: str) -> tuple[str, str]:
    """Which field of a form a message is about, and the rule."""
    shown = {name: reference.shown for name, reference in references(kind).items()}
    names = {*kind.model.model_fields, *shown.values()}
    parts = message.split(": ")
    for number, part in enumerate(parts):
        if (name := part.split(".")[0]) in names:
            field = part if name == "config" else shown.get(name, name)
            return field, ": ".join(parts[number + 1 :])
    return "", message


def _with(kind: Kind, rows: TenantRows, old: Row | None, row: Row) -> TenantRows:
    there: list[Any] = [row if other is old else other for other in rows[kind.name]]
    return rows | {kind.name: there if old is not None else [*there, row]}
