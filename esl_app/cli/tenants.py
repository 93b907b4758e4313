"""`voice-ai tenant`: make a tenant, look at it, change it, take it away."""

from __future__ import annotations

import getpass
import json
import os
import sys
from typing import Annotated
from uuid import uuid4

import structlog
import typer
from rich.table import Table

from esl_app.cli import _rows, exchange, fusionpbx
from esl_app.cli._output import changes_table, console, plain, rows_table, text
from esl_app.config import Settings
from esl_app.errors import ConfigError
from tenants import repository, rotation
from tenants.forms import Form, form_of, row_of
from tenants.kinds import DOMAIN, KINDS, TenantRows

app = typer.Typer(help="Tenants: companies whose calls are answered.", no_args_is_help=True)

log = structlog.get_logger()

Domain = Annotated[str, typer.Argument(help="The domain's name.", metavar="DOMAIN")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command("add")
def add(
    context: typer.Context,
    domain: Domain,
    company: Annotated[str, typer.Option(help="The company's name, as it is spoken.")],
    number: Annotated[
        list[str] | None, typer.Option(help="A number that leads to it; may be repeated.")
    ] = None,
    secretary: Annotated[str, typer.Option(help="The secretary's name.")] = "Reception",
    language: Annotated[str, typer.Option(help="What it speaks (BCP 47).")] = "en-US",
    greeting: Annotated[str, typer.Option(help="What callers hear first.")] = "",
    country: Annotated[
        str | None, typer.Option(help="How numbers without a country are read (US, BR, …).")
    ] = None,
    time_zone: Annotated[str, typer.Option(help="Where its days begin.")] = "UTC",
    transfer_to: Annotated[
        str | None, typer.Option(help="Extension of a person, in FreeSWITCH's dialplan.")
    ] = None,
    transfer_context: Annotated[str, typer.Option(help="The dialplan context.")] = "default",
    openai: Annotated[
        bool,
        typer.Option(
            "--openai",
            help="Use OpenAI for recognition, voice and answers, with the key in OPENAI_API_KEY"
            " or, on a terminal, the one you are asked for. Without it: the offline engines.",
        ),
    ] = False,
) -> None:
    """Make a tenant with one secretary."""
    settings: Settings = context.obj
    key = _openai_key() if openai else ""
    uuid = uuid4()
    forms: list[tuple[str, Form]] = [
        (
            "tenant",
            {
                "domain_name": domain,
                "country": country,
                "time_zone": time_zone,
            },
        ),
        *(
            (
                "provider",
                {"provider_type": kind, "provider_name": name, "config": {"api_key": key}},
            )
            for kind, name in (("stt", "whisper_api"), ("tts", "openai_tts"), ("llm", "openai"))
            if openai
        ),
        (
            "secretary",
            {
                "secretary_name": secretary,
                "company_name": company,
                "is_default": True,
                "language": language,
                "greeting_message": greeting,
                "transfer_extension": transfer_to,
                "transfer_context": transfer_context,
            },
        ),
        *(("number", {"destination_number": one, "secretary": secretary}) for one in number or []),
    ]
    made: TenantRows = {name: [] for name in KINDS}
    for name, form in forms:
        identity = uuid if name == "tenant" else None
        made[name].append(row_of(KINDS[name], form, name, made, identity=identity))
    with _rows.open_stores(settings) as stores:
        _rows.write(stores.database, uuid, lambda _: made)
    print(f"{domain}: made, domain_uuid {uuid}")


def _openai_key() -> str:
    """The account's key; never from the arguments, which any user of the machine can read."""
    if key := os.environ.get("OPENAI_API_KEY", "").strip():
        return key
    if not sys.stdin.isatty():
        raise ConfigError("--openai: put the key into OPENAI_API_KEY (there is no terminal to ask)")
    key = getpass.getpass("OpenAI key: ").strip()
    if not key:
        raise ConfigError("--openai: no key was given")
    return key


@app.command("list")
def list_(
    context: typer.Context,
    as_json: AsJson = False,
    admin_url: Annotated[
        str | None,
        typer.Option(
            envvar="VOICE_AI_ADMIN_URL",
            help="postgresql://… of a superuser, who sees all tenants; not needed when embedded.",
        ),
    ] = None,
) -> None:
    """List all tenants."""
    settings: Settings = context.obj
    found = []
    with _rows.open_stores(settings) as stores:
        url = admin_url or stores.admin_url
        if url is None:
            raise ConfigError(
                "--admin-url: needed, as the application's role sees no list of tenants"
            )
        for uuid in rotation.domains(url):
            with stores.database.tenant(uuid) as cursor:
                domain = repository.read_domain(cursor, uuid)
                numbers = len(repository.read_dids(cursor, uuid))
            if domain is not None:
                found.append((domain, numbers))
    found.sort(key=lambda entry: entry[0].domain_name)
    if as_json:
        for domain, numbers in found:
            print(json.dumps(plain({**domain.model_dump(), "numbers": numbers})))
        return
    columns = ("domain", "numbers", "country", "time_zone", "is_enabled", "domain_uuid")
    console().print(
        rows_table(
            columns,
            (
                (d.domain_name, n, d.country, d.time_zone, d.is_enabled, d.domain_uuid)
                for d, n in found
            ),
        )
    )


@app.command("show")
def show(context: typer.Context, domain: Domain, as_json: AsJson = False) -> None:
    """Show what a tenant has decided, without what is as usual (no keys)."""
    settings: Settings = context.obj
    with _rows.open_stores(settings) as stores:
        uuid = _rows.domain_of(stores.database, domain)
        rows = _rows.read(stores.database, uuid)
    shown = {
        kind.section: [
            ({} if kind.single else {"name": kind.title(row)}) | form_of(kind, row, rows)
            for row in rows[name]
            if not kind.single or form_of(kind, row, rows)
        ]
        for name, kind in KINDS.items()
    }
    if as_json:
        print(json.dumps(plain({"domain_uuid": uuid, **shown}), ensure_ascii=False))
        return
    table = Table(show_header=False, box=None)
    table.add_row("domain_uuid", str(uuid))
    for section, forms in shown.items():
        for form in forms:
            table.add_row(f"[bold]{section}[/]", text(form.pop("name", "")))
            for field, value in form.items():
                table.add_row(f"  {field}", text(value))
    console().print(table)


@app.command("set")
def set_(
    context: typer.Context,
    domain: Domain,
    fields: Annotated[
        list[str], typer.Argument(help="Fields of the domain's row.", metavar="FIELD=VALUE…")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and show; write nothing.")
    ] = False,
) -> None:
    """Change the tenant's own row: its name, country, time zone, whether it is served."""
    settings: Settings = context.obj
    with _rows.open_stores(settings) as stores:
        found = _rows.write(
            stores.database,
            _rows.domain_of(stores.database, domain),
            lambda r: _rows.changed(DOMAIN, r, r["tenant"][0], fields, {}),
            dry_run=dry_run,
        )
    if dry_run:
        console().print(changes_table(found))
    print(f"{domain}: {'changed' if found else 'unchanged'}{' (--dry-run)' if dry_run else ''}")


@app.command("remove")
def remove(
    context: typer.Context,
    domain: Domain,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a tenant and everything that is its: documents, conversations, its audit."""
    settings: Settings = context.obj
    with _rows.open_stores(settings) as stores:
        uuid = _rows.domain_of(stores.database, domain)
        if not yes and not (
            sys.stdin.isatty() and typer.confirm(f"Remove {domain} and everything of it?")
        ):
            raise ConfigError(f"{domain}: not removed; --yes removes it without being asked")
        repository.delete_tenant(stores.database, uuid)
    # Its audit is gone with it, so who did it is in the log.
    log.warning("tenant_removed", domain=domain, reason=_rows.actor())
    print(f"{domain}: removed")


app.command("export")(exchange.export)
app.command("import")(exchange.import_)
app.command("import-fusionpbx")(fusionpbx.import_fusionpbx)
