"""`voice-ai flow`: look at call-flow scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from esl_app.flow_runner import FlowProblem, check

app = typer.Typer(help="Call-flow scripts.", no_args_is_help=True)


@app.command("check")
def check_files(
    files: Annotated[list[Path], typer.Argument(help="Flow files.", metavar="FILE…")],
) -> None:
    """Check flow files without running them: syntax, the @flow function, imports, permissions."""
    problems = 0
    for file in files:
        try:
            check(file)
        except FlowProblem as problem:
            problems += 1
            typer.echo(str(problem), err=True)
        else:
            print(f"{file}: ok")
    if problems:
        raise typer.Exit(2)
