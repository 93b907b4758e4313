"""`voice-ai documents`: what a tenant's callers are answered from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from esl_app.config import Settings
from esl_app.engines import EnginePool
from esl_app.stores import Stores
from knowledge import documents, ingest
from knowledge.extract import Rejected
from knowledge.retrieval import Retriever
from providers.deadline import Deadline
from providers.errors import ProviderError
from tenants import routing

app = typer.Typer(help="A tenant's documents.", no_args_is_help=True)

INGEST_S = 600.0
SEARCH_S = 30.0  # the first search loads the model

Domain = Annotated[str, typer.Option("--domain", help="The tenant's domain.", metavar="DOMAIN")]
Name = Annotated[str, typer.Argument(help="The document's name.", metavar="NAME")]


@app.command("add")
def add(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="txt, md or pdf.", metavar="FILE…")],
    domain: Domain,
) -> None:
    """Add files, or replace the documents of their names; the same file again changes nothing.

    A file that cannot be used is named with its reason; the others are added. Exit code 2 then.
    """
    settings: Settings = context.obj
    rejected = 0
    with Stores(settings) as stores:
        tenant = routing.resolve(stores.database, domain_name=domain)
        pool = EnginePool()
        try:
            embedder = pool.for_tenant(tenant).embedder
            for file in files:
                try:
                    report = ingest.add_document(
                        stores.database,
                        tenant.domain.domain_uuid,
                        file,
                        embedder,
                        Deadline.after(INGEST_S),
                        language=tenant.secretary.language,
                    )
                except (Rejected, ProviderError) as error:
                    rejected += 1
                    typer.echo(f"voice-ai: {error}", err=True)
                    continue
                same = f", the same as {report.same_as}" if report.same_as else ""
                print(f"{report.name}: {report.outcome}{same}, {report.passages} passages")
        finally:
            pool.close()
    if rejected:
        raise typer.Exit(2)


@app.command("list")
def list_(context: typer.Context, domain: Domain) -> None:
    """List a tenant's documents."""
    settings: Settings = context.obj
    with Stores(settings) as stores:
        tenant = routing.resolve(stores.database, domain_name=domain)
        listed = documents.list_documents(stores.database, tenant.domain.domain_uuid)
    table = Table("name", "type", "passages", "bytes", "status")
    for row in listed:
        table.add_row(
            escape(row.document_name),
            row.document_type,
            str(row.chunk_count),
            str(row.file_size),
            row.processing_status,
        )
    Console().print(table)


@app.command("show")
def show(context: typer.Context, name: Name, domain: Domain) -> None:
    """Show a document's passages, as the answers see them."""
    settings: Settings = context.obj
    with Stores(settings) as stores:
        tenant = routing.resolve(stores.database, domain_name=domain)
        found = documents.passages(stores.database, tenant.domain.domain_uuid, name)
    if not found:
        raise Rejected(name, f"{domain} has no such document")
    console = Console()
    for passage in found:
        console.rule(escape(passage.title or name), align="left")
        console.print(passage.text, markup=False)


@app.command("remove")
def remove(context: typer.Context, name: Name, domain: Domain) -> None:
    """Remove a document: no answer rests on it from now on."""
    settings: Settings = context.obj
    with Stores(settings) as stores:
        tenant = routing.resolve(stores.database, domain_name=domain)
        if not documents.remove_document(stores.database, tenant.domain.domain_uuid, name):
            raise Rejected(name, f"{domain} has no such document")
    print(f"{name}: removed")


@app.command("search")
def search(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="As a caller would say it.", metavar="QUESTION")],
    domain: Domain,
    limit: Annotated[int, typer.Option(help="Passages at most.", min=1, max=50)] = 4,
) -> None:
    """Show the passages that a question finds, best first."""
    settings: Settings = context.obj
    with Stores(settings) as stores:
        tenant = routing.resolve(stores.database, domain_name=domain)
        pool = EnginePool()
        try:
            retriever = Retriever(stores.database, pool.for_tenant(tenant).embedder)
            found = retriever.search(
                tenant.domain.domain_uuid, question, limit, Deadline.after(SEARCH_S)
            )
        finally:
            pool.close()
    table = Table("score", "title", "passage", show_lines=True)
    for source in found:
        table.add_row(f"{source.score:.3f}", escape(source.title), escape(source.text))
    Console().print(table)
