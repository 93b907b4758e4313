"""The command line, `voice-ai`: one module a group of commands.

What a person typed wrong, or a part that is not there, is one line on standard error that names
what and where, and exit code 2; only our own mistakes show a traceback.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from esl_app import config, logs
from esl_app.bench import BenchError
from esl_app.cli import bench, calls, demo, documents, flows, keys, legs, privacy, rows, tenants
from esl_app.embedded import EmbeddedError
from esl_app.errors import ConfigError
from esl_app.flow_runner import FlowProblem
from knowledge.extract import Rejected
from providers.engine import EngineError
from providers.errors import ProviderError
from tenants.errors import TenantError

EXPECTED = (
    BenchError,
    ConfigError,
    EmbeddedError,
    EngineError,
    FlowProblem,
    ProviderError,
    Rejected,
    TenantError,
)

app = typer.Typer(
    name="voice-ai",
    help="Voice-AI IVR engine for FreeSWITCH: answers calls over the event socket.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(documents.app, name="documents")
app.add_typer(tenants.app, name="tenant")
for name, group in rows.groups().items():
    app.add_typer(group, name=name)
app.add_typer(keys.app, name="keys")
app.add_typer(flows.app, name="flow")
app.add_typer(bench.app, name="bench")
app.command("serve")(calls.serve)
app.command("worker", hidden=True)(calls.worker)
app.add_typer(privacy.app, name="retention")
app.command("forget")(privacy.forget)
app.command("legs")(legs.legs)
app.command("migrate")(calls.migrate)
app.command("demo")(demo.demo)


@app.callback()
def _settings(
    context: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option("--config", help="Settings file; default conf/voice-ai.toml.", metavar="FILE"),
    ] = None,
) -> None:
    settings = config.load(config_file)
    logs.configure(level=settings.log_level, form=settings.log_format)
    context.obj = settings


def main() -> None:
    """Run the command line; the console script's entry."""
    try:
        app()
    except EXPECTED as error:
        _refuse(str(error))
    except OSError as error:  # a full disk, a folder without rights: not a mistake of ours
        _refuse(f"{error.filename}: {error.strerror}" if error.filename else str(error))


def _refuse(line: str) -> NoReturn:
    print(f"voice-ai: {line}", file=sys.stderr)
    sys.exit(2)
