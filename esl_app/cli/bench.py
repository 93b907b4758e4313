"""`voice-ai bench`: figures, never verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer(help="Measure parts of the engine.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `bench` a group while it has one command."""


@app.command("esl")
def esl(
    transcripts: Annotated[
        Path | None,
        typer.Option(help="Folder of recorded sessions to use instead of a made-up stream."),
    ] = None,
) -> None:
    """CPU an event-socket event costs, beside greenswitch's own parser on the same bytes."""
    from esl_app.bench import esl as bench

    Console().print(bench.table(bench.main(transcripts)))
