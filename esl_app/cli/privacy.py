"""`voice-ai retention` and `voice-ai forget`: what is kept of callers, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from esl_app.cli import _rows
from esl_app.config import Settings
from esl_app.errors import ConfigError
from esl_app.forget import Places
from esl_app.forget import forget as forget_caller
from esl_app.retention import Removed, Retention
from esl_app.stores import Stores, key_ring

app = typer.Typer(help="What is kept too long.", no_args_is_help=True)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Count, and change nothing.")]


@app.callback()
def _retention() -> None:
    pass  # so that `run` is a command of its own although it is the only one


@app.command("run")
def run(context: typer.Context, *, dry_run: DryRun = False) -> None:
    """Take away what every tenant's policy keeps no longer; `serve` does it every hour."""
    settings: Settings = context.obj
    with Stores(settings) as stores:
        retention = Retention(
            stores.database, settings.recordings, actor=_rows.actor(), dry_run=dry_run
        )
        done = retention.run(datetime.now(UTC))
    columns = list(Removed.__dataclass_fields__)
    table = Table("tenant", *columns, box=None)
    for domain_uuid, removed in done.items():
        if removed.counts:
            table.add_row(str(domain_uuid), *(str(getattr(removed, c)) for c in columns))
    Console(width=120).print(table if table.row_count else "nothing to do")


def forget(
    context: typer.Context,
    caller: Annotated[str, typer.Option(help="The caller's number.", metavar="NUMBER")],
    domain: Annotated[str, typer.Option(help="Of this tenant alone.", metavar="DOMAIN")],
    *,
    dry_run: DryRun = False,
) -> None:
    """Take away everything a tenant has of a caller: words, number, recordings, messages."""
    settings: Settings = context.obj
    if not any(sign.isdigit() for sign in caller):
        raise ConfigError(f"--caller: {caller!r}: not a telephone number")
    with Stores(settings) as stores:
        done = forget_caller(
            stores.database,
            _rows.domain_of(stores.database, domain),
            caller,
            places=Places(
                recordings=settings.recordings,
                spool=settings.spool,
                prompts=settings.spool.parent / "prompts",
                backlog=settings.data_dir.absolute() / "backlog",
                sessions=stores.sessions,
            ),
            ring=key_ring(settings),
            actor=_rows.actor(),
            now=datetime.now(UTC),
            dry_run=dry_run,
        )
    would = "would be forgotten" if dry_run else "forgotten"
    print(
        f"{would}: {done.conversations} conversations, {done.recordings} recordings, "
        f"{done.voice_messages} voice messages, {done.callbacks} callbacks, "
        f"{done.waiting} calls not written yet"
    )
    if done.may_be_up:
        print(f"{done.may_be_up} of the calls may still be up: run this again when they are over")
