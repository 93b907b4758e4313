"""`voice-ai demo`: a whole call on this machine, shown as it happens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from esl_app import logs
from esl_app.errors import ConfigError

STAGES = ("stt", "retrieval", "llm", "tts")


def demo(
    out: Annotated[
        Path, typer.Option("--out", help="Where the call's files are left.", metavar="DIR")
    ] = Path("out/demo"),
) -> None:
    """Answer one call by a recorded caller: two questions, one too many, then a person.

    Leaves call.wav (caller left, agent right), report.html and transcript.json. Exit code 0 only if
    the call went as scripted.
    """
    logs.configure(level="warning")
    from esl_app.demo.run import Demo

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--out: {out}: {error.strerror}") from None
    console = Console()
    run = Demo(out=out, tell=lambda kind, data: _tell(console, kind, data))
    wrong = run.run()
    for line in wrong:
        console.print(f"[red]not as scripted:[/] {line}")
    console.print(f"\nleft in [bold]{out}[/]: call.wav  report.html  transcript.json")
    if wrong:
        raise typer.Exit(1)


def _tell(console: Console, kind: str, data: dict[str, Any]) -> None:
    """One line, or none, for each thing that happens."""
    match kind:
        case "starting":
            console.print("[dim]starting PostgreSQL, Valkey and the speech engines …[/]")
        case "document":
            console.print(f"[dim]document {data['name']}: {data['passages']} passages[/]")
        case "ready":
            console.print(f"[dim]listening on 127.0.0.1:{data['port']}, a call comes in[/]\n")
        case "heard":
            console.print(f"[bold cyan]caller[/]  {escape(data['pii_text'])}")
        case "said":
            console.print(f"[bold green]agent[/]   {escape(data['pii_text'])}")
        case "answered":
            times = "  ".join(f"{s} {data[f'{s}_ms']}" for s in STAGES if data[f"{s}_ms"])
            sources = ", ".join(data["sources"]) or "no source"
            console.print(
                f"        [dim]{times}  first sound {data['first_audio_ms']} ms · {sources}[/]"
            )
        case "transfer":
            console.print(f"[bold yellow]→[/]       transferred to {data['extension']}")
        case "trouble":
            console.print(f"[red]trouble[/] {data['stage']}: {data['error']}")
        case "hangup":
            console.print(f"[dim]call over: {data['cause']}[/]")
