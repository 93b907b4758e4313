"""`voice-ai keys`: the key ring that seals providers' keys in the database."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from esl_app.config import Settings
from esl_app.errors import ConfigError
from esl_app.stores import Stores, key_ring, keys_file
from tenants import keyring, rotation

app = typer.Typer(help="Keys that seal providers' keys in the database.", no_args_is_help=True)

AdminUrl = Annotated[
    str | None,
    typer.Option(
        envvar="VOICE_AI_ADMIN_URL",
        help="postgresql://… of a superuser, who sees all tenants; not needed when embedded.",
    ),
]


@app.command("new")
def new(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Option(help="The key ring; default: what the settings name.")
    ] = None,
) -> None:
    """Add a key; what is sealed from now on is sealed with it."""
    settings: Settings = context.obj
    place = file or _file(settings)
    print(f"{place}: added key {keyring.add(place)}")


@app.command("list")
def list_(context: typer.Context, admin_url: AdminUrl = None) -> None:
    """Show the ids of all keys, and how many rows each has to open."""
    settings: Settings = context.obj
    ring = key_ring(settings)
    with Stores(settings) as stores:
        admin = admin_url or stores.admin_url
        rows = rotation.rows_by_key(admin) if admin else {}
    table = Table("key", "", "rows", box=None)
    for key_id in (*ring.ids, *sorted(set(rows) - set(ring.ids))):
        state = "current" if key_id == ring.current else ""
        if key_id not in ring.ids:
            state = "not in the key ring"
        table.add_row(key_id, state, str(rows.get(key_id, 0)) if admin else "?")
    Console().print(table)


@app.command("rotate")
def rotate(context: typer.Context, admin_url: AdminUrl = None) -> None:
    """Bring every tenant's rows under the current key, and seal what is plain; calls go on."""
    settings: Settings = context.obj
    with Stores(settings) as stores:
        done = rotation.Rotated()
        for domain_uuid in rotation.domains(_admin(admin_url or stores.admin_url)):
            done += rotation.rotate(stores.database, domain_uuid, actor=f"cli:{getpass.getuser()}")
        current = stores.database.vault.current
    print(f"{current}: {done.rewrapped} rewrapped, {done.sealed} sealed, {done.failed} failed")
    if done.failed:
        raise typer.Exit(1)


@app.command("drop")
def drop(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(help="The key's id.", metavar="KEY")],
    admin_url: AdminUrl = None,
) -> None:
    """Take a key out of the ring, once no row needs it."""
    settings: Settings = context.obj
    place = _file(settings)
    with Stores(settings) as stores:
        rows = rotation.rows_by_key(_admin(admin_url or stores.admin_url))
    if rows.get(key_id):
        raise ConfigError(f"{key_id}: {rows[key_id]} rows need it; run `voice-ai keys rotate`")
    keyring.drop(place, key_id)
    print(f"{place}: dropped key {key_id}")


def _file(settings: Settings) -> Path:
    if settings.keys is not None:
        raise ConfigError("keys: given as a text (VOICE_AI_KEYS), so change it where it is kept")
    if settings.keys_file is None:
        if settings.database_url is not None:
            raise ConfigError("keys_file: not set; name the file with --file, then in the settings")
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    return keys_file(settings)


def _admin(url: str | None) -> str:
    if url is None:
        raise ConfigError("--admin-url: needed, as the application's role sees no list of tenants")
    return url
