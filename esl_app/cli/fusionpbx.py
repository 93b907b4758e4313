"""`voice-ai tenant import-fusionpbx`: tenants of a FusionPBX system, carried over."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.markup import escape
from rich.table import Table

from esl_app.cli import _rows
from esl_app.cli._output import changes_table, console, plain
from esl_app.config import Settings
from esl_app.errors import ConfigError
from providers import registry
from tenants import fusionpbx
from tenants.changes import Change
from tenants.db import Database
from tenants.errors import InvalidRow, TenantError, UnknownTenant
from tenants.fusionpbx import Findings, Source


class _Vendors:
    """The adapters that are installed here."""

    def fields(self, provider_type: str, provider_name: str) -> frozenset[str] | None:
        return registry.config_fields(provider_type, provider_name)


def import_fusionpbx(
    context: typer.Context,
    dsn: Annotated[
        str,
        typer.Argument(
            help="postgresql://… or `service=…`; the password in PGPASSWORD or .pgpass, as anybody"
            " on the machine can read arguments.",
            metavar="DSN",
        ),
    ],
    domain: Annotated[
        list[str] | None,
        typer.Option(help="Only this domain; may be repeated. Else all with secretaries."),
    ] = None,
    country: Annotated[
        str | None, typer.Option(help="How numbers without a country are read (BR, US, …).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and show; write nothing.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Everything that is said, as JSON.", metavar="FILE")
    ] = None,
) -> None:
    """Carry tenants over from FusionPBX's tables; a second time it carries over what changed since.

    Secretaries, providers (their keys sealed), destinations, rules and settings. Its database is
    only read. What cannot be carried over is listed with its reason. Exit code 2 when a whole
    domain could not be.
    """
    settings: Settings = context.obj
    if country is not None and not re.fullmatch("[A-Z]{2}", country):
        raise ConfigError("--country: two capital letters (BR)")
    source = fusionpbx.read(dsn)
    chosen = _chosen(source, domain or [])
    told: dict[str, Any] = {}
    failed = 0
    with _rows.open_stores(settings) as stores:
        for row in chosen:
            name = str(row["domain_name"])
            findings = Findings()
            try:
                found = _carry(stores.database, source, row, country, findings, dry_run=dry_run)
            except TenantError as error:
                failed += 1
                told[name] = {"error": str(error), "findings": [asdict(one) for one in findings]}
                typer.echo(f"voice-ai: {name}: {error}", err=True)
                continue
            files = fusionpbx.documents(source.of("v_voice_documents", str(row["domain_uuid"])))
            told[name] = _told(found, findings, files)
            _show(name, found, findings, files, dry_run=dry_run)
    if report is not None:
        _write(report, told)
    if failed:
        raise typer.Exit(2)


def _chosen(source: Source, names: Sequence[str]) -> list[Any]:
    rows = [row for row in source.rows["v_domains"] if row.get("domain_uuid")]
    if not names:
        return [row for row in rows if source.of("v_voice_secretaries", str(row["domain_uuid"]))]
    by_name = {str(row.get("domain_name")).lower(): row for row in rows}
    for name in names:
        if name.lower() not in by_name:
            raise ConfigError(f"--domain: {name}: no such domain in v_domains")
    return [by_name[name.lower()] for name in dict.fromkeys(names)]


def _carry(
    database: Database,
    source: Source,
    row: Any,
    country: str | None,
    findings: Findings,
    *,
    dry_run: bool,
) -> list[Change]:
    try:
        uuid = UUID(str(row["domain_uuid"]))
    except ValueError:
        raise InvalidRow("v_domains: domain_uuid: no UUID") from None
    theirs = fusionpbx.forms(source, row, country=country, vendors=_Vendors(), findings=findings)
    try:
        ours = _rows.domain_of(database, str(row["domain_name"]))
    except UnknownTenant:
        ours = uuid
    if ours != uuid:
        reason = "a tenant of this name is here: it keeps its id, so the dialplan needs that one"
        findings.changed("v_domains", str(row["domain_name"]), "domain_uuid", reason, uuid)
    return _rows.write(
        database,
        ours,
        lambda before: fusionpbx.carry(
            before, theirs, ours, check=_rows.check_provider, findings=findings
        ),
        dry_run=dry_run,
    )


def _told(
    found: Sequence[Change], findings: Findings, files: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    return {
        "changes": [
            {
                "action": one.action,
                "kind": one.kind.name,
                "row": one.title,
                "fields": plain(list(one.fields)),
            }
            for one in found
        ],
        "findings": [asdict(one) for one in findings],
        "documents": [{"name": name, "file_path": path} for name, path in files],
    }


def _show(
    name: str,
    found: Sequence[Change],
    findings: Findings,
    files: Sequence[tuple[str, str]],
    *,
    dry_run: bool,
) -> None:
    out = console()
    if dry_run and found:
        out.print(changes_table(found))
    table = Table("", "table", "field", "rows", "reason", box=None)
    for line in fusionpbx.summary(findings):
        table.add_row(*(escape(cell) for cell in line))
    if table.row_count:
        out.print(table)
    for document, path in files:
        place = path or "(its file is not named there)"
        out.print(
            f"document {escape(document)}: voice-ai documents add --domain {name} {escape(place)}"
        )
    counts = ", ".join(
        f"{sum(one.action == action for one in found)} {action}" for action in ("added", "changed")
    )
    print(f"{name}: {counts if found else 'unchanged'}{' (--dry-run)' if dry_run else ''}")


def _write(file: Path, told: dict[str, Any]) -> None:
    """Write the report for its owner's eyes: texts of a company are in it."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(told, stream, ensure_ascii=False, indent=1)
        stream.write("\n")
