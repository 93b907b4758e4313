"""`voice-ai tenant`: make a tenant, look at it."""

from __future__ import annotations

import getpass
import os
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from esl_app.config import Settings
from esl_app.errors import ConfigError
from esl_app.stores import Stores
from tenants import repository, routing

app = typer.Typer(help="Tenants: companies whose calls are answered.", no_args_is_help=True)

Domain = Annotated[str, typer.Argument(help="The domain's name.", metavar="DOMAIN")]


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
    providers = []
    if openai:
        key = _openai_key()
        providers = [
            {"provider_type": kind, "provider_name": name, "config": {"api_key": key}}
            for kind, name in (("stt", "whisper_api"), ("tts", "openai_tts"), ("llm", "openai"))
        ]
    with Stores(settings) as stores:
        tenant = repository.create_tenant(
            stores.database,
            {
                "domain": {"domain_name": domain},
                "secretary": {
                    "secretary_name": secretary,
                    "company_name": company,
                    "language": language,
                    "greeting_message": greeting,
                    "transfer_extension": transfer_to,
                    "transfer_context": transfer_context,
                },
                "providers": providers,
                "numbers": number or [],
            },
        )
    print(f"{domain}: made, domain_uuid {tenant.domain.domain_uuid}")


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


@app.command("show")
def show(context: typer.Context, domain: Domain) -> None:
    """Show a tenant's rows (no keys)."""
    settings: Settings = context.obj
    with Stores(settings) as stores:
        tenant = routing.resolve(stores.database, domain_name=domain)
        with stores.database.tenant(tenant.domain.domain_uuid) as cursor:
            dids = repository.read_dids(cursor, tenant.domain.domain_uuid)
    table = Table(show_header=False, box=None)
    table.add_row("domain_uuid", str(tenant.domain.domain_uuid))
    table.add_row("numbers", ", ".join(did.destination_number for did in dids) or "none")
    for key, value in tenant.secretary.model_dump().items():
        if value not in ("", None, (), {}):
            table.add_row(key, escape(str(value)))
    for kind, rows in tenant.providers.items():
        table.add_row(f"{kind} providers", ", ".join(row.provider_name for row in rows))
    Console().print(table)
