"""`voice-ai tenant export` and `import`: a whole tenant as a file."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from esl_app.cli import _rows
from esl_app.cli._output import changes_table, console
from esl_app.config import Settings
from esl_app.errors import ConfigError
from tenants.errors import InvalidRow, UnknownTenant
from tenants.exchange import TenantFile
from tenants.exchange import export as text_of
from tenants.yaml_text import LARGEST


def export(
    context: typer.Context,
    domain: Annotated[str, typer.Argument(help="The domain's name.", metavar="DOMAIN")],
) -> None:
    """Print a whole tenant as YAML: names instead of ids, and no keys.

    Documents, conversations and what callers left are not in it.
    """
    settings: Settings = context.obj
    with _rows.open_stores(settings) as stores:
        rows = _rows.read(stores.database, _rows.domain_of(stores.database, domain))
    print(text_of(rows), end="")


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="What `export` prints; - is standard input.")],
    domain: Annotated[
        str | None, typer.Option(help="Another name than the file's.", metavar="DOMAIN")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and show the differences; write nothing.")
    ] = False,
) -> None:
    """Make a tenant what a file says, all of it or nothing; rows the file does not name go.

    Keys: `***` keeps the one there is, ${NAME} is taken from that environment variable.
    """
    settings: Settings = context.obj
    source = TenantFile(_text(file), str(file))
    name = domain or source.domain_name
    with _rows.open_stores(settings) as stores:
        database = stores.database
        try:
            uuid = _rows.domain_of(database, name)
        except UnknownTenant:
            uuid = uuid4()
        try:
            found = _rows.write(
                database,
                uuid,
                lambda before: source.rows(
                    before,
                    domain_name=name,
                    domain_uuid=uuid,
                    vault=database.vault,
                    environment=os.environ,
                ),
                dry_run=dry_run,
            )
        except InvalidRow as error:
            message = str(error)
            raise (error if message.startswith(f"{file}:") else source.located(error)) from None
    if found:
        console().print(changes_table(found))
    counts = ", ".join(
        f"{sum(one.action == action for one in found)} {action}"
        for action in ("added", "changed", "removed")
    )
    print(f"{name}: {counts if found else 'unchanged'}{' (--dry-run)' if dry_run else ''}")


def _text(file: Path) -> str:
    try:
        if str(file) == "-":
            data = sys.stdin.read(LARGEST + 1).encode()
        else:
            with file.open("rb") as stream:
                data = stream.read(LARGEST + 1)
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{file}: not UTF-8") from None
