"""What the commands about a tenant's rows share: finding the tenant, the row, the values."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

from esl_app.config import Settings
from esl_app.stores import Stores
from providers import registry
from providers.errors import ProviderError
from tenants import changes, kinds
from tenants.changes import Change
from tenants.db import Database, Limits
from tenants.errors import InvalidRow, UnknownTenant
from tenants.fields import Row
from tenants.forms import Form, country_of, field_text, form_of, row_of
from tenants.kinds import KINDS, NUMBER, PRICE, PROVIDER, RULE, Kind, TenantRows
from tenants.limits import EVERYBODY
from tenants.models import ProviderRow
from tenants.numbers import canonical
from tenants.routing import Called
from tenants.secrets import looks_secret, reveal
from tenants.yaml_text import Plain, typed

EVERYBODY_S_NAME: Final = "@everybody"  # no domain can be called so
_READ_S: Final = 10.0
# A person at a terminal would rather wait than be told that nothing was free within 0.3 s.
_PATIENT: Final = Limits(wait_s=10.0, statement_s=10.0, connect_s=10)


def open_stores(settings: Settings) -> Stores:
    """The stores, for a person who can wait."""
    return Stores(settings, _PATIENT)


def actor() -> str:
    """Who is at the command line, for the audit."""
    return f"cli:{getpass.getuser()}"


def domain_of(db: Database, name: str) -> UUID:
    """The tenant of that domain name.

    Raises:
        UnknownTenant: there is none.
    """
    called = Called.of(domain_uuid=None, domain_name=name, destination_number=None, country=None)
    found = called.find(db) if name else None
    if found is None:
        raise UnknownTenant("domain_name", name, f"no tenant is called {name!r}")
    return found


def read(db: Database, domain_uuid: UUID) -> TenantRows:
    """All rows of a tenant."""
    with db.tenant(domain_uuid, statement_s=_READ_S) as cursor:
        return kinds.read_all(cursor, domain_uuid, db.vault)


def scope_of(db: Database, kind: Kind, name: str) -> UUID:
    """The tenant of that name, or everybody's prices."""
    return EVERYBODY if kind is PRICE and name == EVERYBODY_S_NAME else domain_of(db, name)


def write(
    db: Database,
    domain_uuid: UUID,
    edit: Callable[[TenantRows], TenantRows],
    *,
    dry_run: bool = False,
) -> list[Change]:
    """Change a tenant's rows, all at once."""
    return changes.change(
        db, domain_uuid, edit, actor=actor(), check=check_provider, dry_run=dry_run
    )


def check_provider(row: ProviderRow) -> None:
    """Refuse a configuration that its vendor's adapter refuses.

    A provider that is not enabled is not judged: it may wait for its adapter, a package, a key.

    Raises:
        InvalidRow: names the provider, the field and the rule.
    """
    if not row.is_enabled:
        return
    if row.provider_type == "realtime":
        raise InvalidRow(f"{row.title}: provider_type: realtime is not served yet")
    try:
        registry.create(row.provider_type, row.provider_name, reveal(row.config)).close()
    except ProviderError as error:
        raise InvalidRow(f"{row.title}: {str(error).partition(': ')[2]}") from None


def find(kind: Kind, rows: TenantRows, name: str) -> Row:
    """The row of that name; a rule by the beginning of its id.

    Raises:
        InvalidRow: says which there are.
    """
    there = rows[kind.name]
    if kind.single:
        return there[0]
    if kind is NUMBER:
        name = canonical(name, country_of(rows))
    found = [row for row in there if kind.title(row) == name]
    if kind is RULE:
        found = [row for row in there if str(getattr(row, kind.names[0])).startswith(name.lower())]
    if len(found) != 1 or not name:
        titles = ", ".join(kind.title(row) for row in there) or "none"
        raise InvalidRow(f"{kind.name} {name}: no such {kind.name} (there is {titles})")
    return found[0]


def changed(
    kind: Kind, rows: TenantRows, row: Row, words: Sequence[str], secret: Form
) -> TenantRows:
    """The rows with one of them changed by FIELD=VALUE words."""
    form = form_of(kind, row, rows)
    return replaced(kind, rows, row, with_words(kind, form, words, secret))


def replaced(kind: Kind, rows: TenantRows, row: Row, form: Form) -> TenantRows:
    """The rows with one of them as a form says."""
    what = f"{kind.name} {kind.title(row)}".strip()
    identity = getattr(row, kind.identity) if kind.identity else None
    new = row_of(kind, form, what, rows, identity=identity)
    return rows | {kind.name: [new if other is row else other for other in rows[kind.name]]}


def added(
    kind: Kind, rows: TenantRows, name: str, words: Sequence[str], secret: Form
) -> TenantRows:
    """The rows with one more."""
    form = with_words(kind, name_form(kind, name), words, secret)
    if kind is NUMBER:
        form.setdefault("secretary", _answers(rows))
    new = row_of(kind, form, f"{kind.name} {name}".strip(), rows)
    if any(kind.title(other) == kind.title(new) for other in rows[kind.name]):
        raise InvalidRow(f"{kind.name} {kind.title(new)}: is there already; change it with `set`")
    return rows | {kind.name: [*rows[kind.name], new]}


def without(kind: Kind, rows: TenantRows, row: Row) -> TenantRows:
    """The rows without one of them."""
    return rows | {kind.name: [other for other in rows[kind.name] if other is not row]}


def name_form(kind: Kind, name: str) -> Form:
    """The fields that a row's name stands for.

    Raises:
        InvalidRow: a name of another shape.
    """
    if kind is RULE:
        return {}
    parts = name.split("/", len(kind.names) - 1)
    least = len(kind.names) - (kind is PRICE)  # without a model: for all of them
    if len(parts) < least:
        shape = "/".join(kind.names)
        raise InvalidRow(f"{kind.name} {name}: a name is like {shape}")
    return dict(zip(kind.names, parts, strict=False))


def with_words(kind: Kind, form: Form, words: Sequence[str], secret: Form) -> Form:
    """A form with FIELD=VALUE words, `config.FIELD=VALUE` for one entry, and a secret put in.

    Raises:
        InvalidRow: a word of another shape, or a secret among them.
    """
    what = f"{kind.name} {'/'.join(str(form[n]) for n in kind.names if n in form)}".strip()
    form = dict(form)
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InvalidRow(f"{what}: {word!r} is not like FIELD=VALUE")
        field, dot, entry = name.partition(".")
        if not dot:
            form[name] = field_text(kind, name, value)
            entries: Any = form[name] if field == "config" else None
        else:
            there = form.get(field, {})
            info = kind.model.model_fields.get(field)
            if info is None or "dict" not in str(info.annotation):
                raise InvalidRow(f"{what}: {name}: {field} has no entries")
            entries = {entry: value}
            form[field] = {n: v for n, v in there.items() if n != entry}
            if value:
                form[field][entry] = _entry(value)
        if kind is PROVIDER and isinstance(entries, dict):
            _refuse_secrets(what, form, entries)
    if secret:
        form["config"] = {**form.get("config", {}), **secret}
    return form


def secret_field(form: Form, wanted: str | None) -> str:
    """Which entry of a provider's configuration a key belongs into.

    Raises:
        InvalidRow: there are several, or none.
    """
    title = f"provider {form.get('provider_type')}/{form.get('provider_name')}"
    fields = registry.secret_fields(str(form.get("provider_type")), str(form.get("provider_name")))
    if wanted is not None:
        if wanted not in fields and not looks_secret(wanted):
            raise InvalidRow(f"{title}: --key-field: {wanted} holds no secret")
        return wanted
    if "api_key" in fields or not fields:
        return "api_key"
    if len(fields) > 1:
        raise InvalidRow(f"{title}: --key-field: which of {', '.join(sorted(fields))}?")
    return next(iter(fields))


def _refuse_secrets(what: str, form: Form, entries: Form) -> None:
    fields = registry.secret_fields(str(form.get("provider_type")), str(form.get("provider_name")))
    for name, value in entries.items():
        if value and (name in fields or looks_secret(name)):
            raise InvalidRow(
                f"{what}: config.{name}: a secret in the arguments can be read by everybody on "
                "this machine; use --key or --key-env"
            )


def _entry(value: str) -> object:
    """A word as the number, list or mapping that it is written as, else as a text."""
    if not value.startswith(("{", "[", '"')):
        return typed(Plain(value))
    try:
        return json.loads(value)
    except ValueError:
        return value


def _answers(rows: TenantRows) -> str:
    """The secretary that answers what says nothing else."""
    there = rows["secretary"]
    default = [s for s in there if getattr(s, "is_default")] or (there if len(there) == 1 else [])  # noqa: B009
    if not default:
        raise InvalidRow(
            "number: secretary: there is no default one; say which with secretary=NAME"
        )
    return KINDS["secretary"].title(default[0])
