"""`voice-ai secretary`, `provider`, `hours` and their like: one set of commands for all of them."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Final

import typer

from esl_app.cli import _rows
from esl_app.cli._output import changes_table, console, plain, rows_table
from esl_app.config import Settings
from esl_app.errors import ConfigError
from tenants.fields import Row
from tenants.forms import Form, form_of
from tenants.kinds import KINDS, PROVIDER, RULE, Kind, TenantRows
from tenants.secrets import Secret

_HELP: Final = {
    "provider": "A tenant's providers of speech and answers.",
    "hours": "A tenant's opening hours.",
    "secretary": "A tenant's secretaries: who answers, how, in which language.",
    "number": "The numbers that lead to a tenant.",
    "destination": "Where a tenant's calls can be handed to.",
    "rule": "Words of callers that lead to a destination.",
    "policy": "What a tenant lets us keep and pass on.",
    "quota": "What a tenant may use.",
    "price": f"What providers charge: a tenant's own prices; {_rows.EVERYBODY_S_NAME}: for all.",
}
Domain = Annotated[str, typer.Argument(help="The tenant's domain.", metavar="DOMAIN")]
Name = Annotated[
    str,
    typer.Argument(
        help="As `list` shows it: a provider is TYPE/NAME, a price TYPE/NAME/UNIT or …/MODEL.",
        metavar="NAME",
    ),
]
Words = Annotated[
    list[str], typer.Argument(help="Fields of the row; NAME= empties one.", metavar="FIELD=VALUE…")
]
MayWords = Annotated[
    list[str] | None, typer.Argument(help="Fields of the row.", metavar="FIELD=VALUE…")
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, one row a line.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and show; write nothing.")]
Key = Annotated[
    bool, typer.Option("--key", help="Ask for the vendor's key, or read it from standard input.")
]
KeyEnv = Annotated[
    str | None, typer.Option(help="The environment variable with the vendor's key.", metavar="NAME")
]
KeyField = Annotated[
    str | None, typer.Option(help="Where in `config` the key belongs.", metavar="FIELD")
]


def groups() -> dict[str, typer.Typer]:
    """The commands of each kind, by its name."""
    return {name: _group(kind) for name, kind in KINDS.items() if name in _HELP}


def _group(kind: Kind) -> typer.Typer:
    app = typer.Typer(help=_HELP[kind.name], no_args_is_help=True)
    one = "set of hours" if kind.name == "hours" else kind.name
    app.command("show", help=f"Show a {one}.")(_shows(kind))
    if kind.single:
        app.command("set", help=f"Change the {kind.name}.")(_sets_the_one(kind))
        return app
    app.command("list", help=f"List a tenant's {kind.section}.")(_lists(kind))
    if kind is RULE:
        app.command("add", help="Add a rule.")(_adds_without_name(kind))
    else:
        app.command("add", help=f"Add a {one}.")(_adds(kind))
    app.command("set", help=f"Change a {one}.")(_sets(kind))
    app.command("remove", help=f"Remove a {one}.")(_removes(kind))
    return app


def _lists(kind: Kind) -> Callable[..., None]:
    def list_(context: typer.Context, domain: Domain, as_json: AsJson = False) -> None:
        rows = _read(context, kind, domain)
        if as_json:
            for row in rows[kind.name]:
                print(json.dumps(plain(_whole(kind, row, rows)), ensure_ascii=False))
            return
        cells = []
        for row in rows[kind.name]:
            form = _whole(kind, row, rows)
            cells.append([kind.title(row), *(form.get(name) for name in kind.columns)])
        console().print(rows_table(("name", *kind.columns), cells))

    return list_


def _shows(kind: Kind) -> Callable[..., None]:
    def show_one(context: typer.Context, domain: Domain, as_json: AsJson = False) -> None:
        show(context, domain, "", as_json=as_json)

    def show(context: typer.Context, domain: Domain, name: Name, as_json: AsJson = False) -> None:
        rows = _read(context, kind, domain)
        form = _whole(kind, _rows.find(kind, rows, name), rows)
        if as_json:
            print(json.dumps(plain(form), ensure_ascii=False))
        else:
            console().print(rows_table(("field", "value"), form.items()))

    return show_one if kind.single else show


def _adds(kind: Kind) -> Callable[..., None]:
    def add(
        context: typer.Context,
        domain: Domain,
        name: Name,
        fields: MayWords = None,
        dry_run: DryRun = False,
    ) -> None:
        _write(
            context, kind, domain, lambda r: _rows.added(kind, r, name, fields or [], {}), dry_run
        )

    def add_provider(
        context: typer.Context,
        domain: Domain,
        name: Name,
        fields: MayWords = None,
        key: Key = False,
        key_env: KeyEnv = None,
        key_field: KeyField = None,
        dry_run: DryRun = False,
    ) -> None:
        secret = _secret(name, key, key_env, key_field)
        _write(
            context,
            kind,
            domain,
            lambda r: _rows.added(kind, r, name, fields or [], secret),
            dry_run,
        )

    return add_provider if kind is PROVIDER else add


def _adds_without_name(kind: Kind) -> Callable[..., None]:
    def add(context: typer.Context, domain: Domain, fields: Words, dry_run: DryRun = False) -> None:
        _write(context, kind, domain, lambda r: _rows.added(kind, r, "", fields, {}), dry_run)

    return add


def _sets(kind: Kind) -> Callable[..., None]:
    def set_(
        context: typer.Context,
        domain: Domain,
        name: Name,
        fields: Words,
        dry_run: DryRun = False,
    ) -> None:
        _write(context, kind, domain, _setting(kind, name, fields, {}), dry_run)

    def set_provider(
        context: typer.Context,
        domain: Domain,
        name: Name,
        fields: MayWords = None,
        key: Key = False,
        key_env: KeyEnv = None,
        key_field: KeyField = None,
        dry_run: DryRun = False,
    ) -> None:
        secret = _secret(name, key, key_env, key_field)
        if not fields and not secret:
            raise ConfigError(f"provider {name}: nothing to change: FIELD=VALUE, --key, --key-env")
        _write(context, kind, domain, _setting(kind, name, fields or [], secret), dry_run)

    return set_provider if kind is PROVIDER else set_


def _sets_the_one(kind: Kind) -> Callable[..., None]:
    def set_(
        context: typer.Context, domain: Domain, fields: Words, dry_run: DryRun = False
    ) -> None:
        _write(context, kind, domain, _setting(kind, "", fields, {}), dry_run)

    return set_


def _removes(kind: Kind) -> Callable[..., None]:
    def remove(context: typer.Context, domain: Domain, name: Name, dry_run: DryRun = False) -> None:
        _write(
            context,
            kind,
            domain,
            lambda r: _rows.without(kind, r, _rows.find(kind, r, name)),
            dry_run,
        )

    return remove


def _setting(
    kind: Kind, name: str, words: Sequence[str], secret: Form
) -> Callable[[TenantRows], TenantRows]:
    return lambda r: _rows.changed(kind, r, _rows.find(kind, r, name), words, secret)


def _read(context: typer.Context, kind: Kind, domain: str) -> TenantRows:
    settings: Settings = context.obj
    with _rows.open_stores(settings) as stores:
        return _rows.read(stores.database, _rows.scope_of(stores.database, kind, domain))


def _write(
    context: typer.Context,
    kind: Kind,
    domain: str,
    edit: Callable[[TenantRows], TenantRows],
    dry_run: bool,
) -> None:
    settings: Settings = context.obj
    with _rows.open_stores(settings) as stores:
        scope = _rows.scope_of(stores.database, kind, domain)
        found = _rows.write(stores.database, scope, edit, dry_run=dry_run)
    if not found:
        print(f"{domain}: unchanged")
    elif dry_run:
        console().print(changes_table(found))
        print(f"{domain}: nothing written (--dry-run)")
    else:
        for one in found:
            print(f"{domain}: {kind.name} {one.title}".rstrip() + f" {one.action}")


def _whole(kind: Kind, row: Row, rows: TenantRows) -> Form:
    return form_of(kind, row, rows, whole=True)


def _secret(name: str, ask: bool, variable: str | None, field: str | None) -> Form:
    """The vendor's key: typed, piped in, or from the environment; never from the arguments."""
    if not ask and variable is None:
        if field is not None:
            raise ConfigError("--key-field: needs --key or --key-env")
        return {}
    form = _rows.name_form(PROVIDER, name)
    field = _rows.secret_field(form, field)
    if variable is not None:
        key, where = os.environ.get(variable, ""), f"--key-env: {variable} is not set"
    elif sys.stdin.isatty():
        key, where = getpass.getpass(f"{field} of {name}: "), "--key: no key was given"
    else:
        key, where = sys.stdin.readline(), "--key: standard input is empty"
    if not key.strip():
        raise ConfigError(where)
    return {field: Secret(key.strip())}
