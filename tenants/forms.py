"""Rows as people write them: names for ids, lines for hours, and only what differs from the rule.

A form is a mapping of field to value. `form_of` makes one of a row, `row_of` a row of one; the
models judge every value, and messages name row, field and rule.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tenants import opening_text
from tenants.errors import InvalidRow
from tenants.fields import Row, parse
from tenants.kinds import HOURS, KINDS, NUMBER, Kind, TenantRows, references
from tenants.numbers import canonical
from tenants.opening import BusinessHours

Form = dict[str, Any]
Ids = Mapping[str, Mapping[str, UUID]]
"""Kind, then the row's name: its id."""


def ids_of(rows: TenantRows) -> Ids:
    """The ids of all rows that others can refer to."""
    return {
        name: {kind.title(row): getattr(row, kind.identity) for row in rows.get(name, ())}
        for name, kind in KINDS.items()
        if kind.identity and not kind.single
    }


def form_of(kind: Kind, row: Row, rows: TenantRows, *, whole: bool = False) -> Form:
    """A row's form; `whole` with the values that are the standard ones too."""
    refer = references(kind)
    form: Form = {}
    for name, info in kind.model.model_fields.items():
        value = getattr(row, name)
        standard = info.get_default(call_default_factory=True)
        if name == kind.identity or (not whole and value == standard):
            continue
        if (reference := refer.get(name)) is not None:
            form[reference.shown] = (
                None if value is None else _title(value, reference.kind, rows, reference.prefix)
            )
        else:
            form[name] = list(value) if isinstance(value, tuple) else value
    if isinstance(row, BusinessHours):
        lines = {
            "slots": opening_text.lines_of(row.slots),
            "exceptions": [opening_text.exception_line(day) for day in row.exceptions],
        }
        form |= {name: value for name, value in lines.items() if name in form}
    return form


def row_of(
    kind: Kind,
    form: Mapping[str, Any],
    what: str,
    rows: TenantRows,
    *,
    identity: UUID | None = None,
) -> Row:
    """The row that a form describes.

    Args:
        kind: its kind.
        form: the fields; a reference that is no name of a row is refused.
        what: what messages call it.
        rows: the rows of the tenant, for names and the country that numbers are read in.
        identity: the id it has; without one it gets a new one.

    Raises:
        InvalidRow: names the row, the field and the rule.
    """
    refer = {reference.shown: (name, reference) for name, reference in references(kind).items()}
    known = (set(kind.model.model_fields) - {*references(kind), kind.identity}) | set(refer)
    values: Form = {}
    ids = ids_of(rows)
    for name, value in form.items():
        if name not in known:
            raise InvalidRow(f"{what}: {name}: no such field{_near(name, known)}")
        _check_text(value, what, name)
        if name not in refer:
            values[name] = value
            continue
        field, reference = refer[name]
        there = ids[reference.kind.name]
        if value is not None and (
            not isinstance(value, str) or f"{reference.prefix}{value}" not in there
        ):
            titles = sorted(
                t.removeprefix(reference.prefix) for t in there if t.startswith(reference.prefix)
            )
            which = " ".join([*reference.prefix.split("/")[:-1], reference.kind.name])
            raise InvalidRow(
                f"{what}: {name}: no {which} of that name (there is {', '.join(titles) or 'none'})"
            )
        values[field] = None if value is None else there[f"{reference.prefix}{value}"]
    if kind is HOURS:
        try:
            values = opening_text.opened(values)
        except ValueError as error:
            raise InvalidRow(f"{what}: {error}") from None
    if kind is NUMBER and isinstance(values.get("destination_number"), str):
        values["destination_number"] = canonical(values["destination_number"], country_of(rows))
    if identity is not None and kind.identity:
        values[kind.identity] = identity
    return parse(kind.model, values, what)


def country_of(rows: TenantRows) -> str | None:
    """How the tenant's numbers are read."""
    return next((getattr(row, "country", None) for row in rows.get("tenant", ())), None)


def field_text(kind: Kind, name: str, text: str) -> object:
    """What a word of a command line means for a field: the model does the rest.

    An empty word is the value of a field that may be empty; `none` is, where there may be no value.
    """
    info = kind.model.model_fields.get(name)
    if info is None:  # a reference, or no field at all
        return text or None
    holds = str(info.annotation)
    if "None" in holds and text.lower() in ("", "none", "null"):
        return None
    if "dict" in holds or ("tuple" in holds and text.startswith("[")):
        return _json(text or "{}")
    if "tuple" not in holds or kind is HOURS:
        return text
    if name.endswith("patterns"):  # a comma is part of one
        return [text] if text else []
    return [part.strip() for part in text.split(",") if part.strip()]


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _title(value: UUID, kind: Kind, rows: TenantRows, prefix: str) -> str:
    for row in rows[kind.name]:
        if getattr(row, kind.identity or "") == value:
            return kind.title(row).removeprefix(prefix)
    return str(value)


def _near(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; {near[0]}?" if near else f" (fields: {', '.join(sorted(known))})"


def _check_text(value: object, what: str, name: str) -> None:
    """PostgreSQL holds no NUL and no half of a surrogate pair."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            raise InvalidRow(f"{what}: {name}: holds what is no text (NUL or broken UTF-8)")
    elif isinstance(value, Mapping):
        for key, part in value.items():
            _check_text(key, what, name)
            _check_text(part, what, f"{name}.{key}" if isinstance(key, str) else name)
    elif isinstance(value, list | tuple):
        for part in value:
            _check_text(part, what, name)
