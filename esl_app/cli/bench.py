"""`voice-ai bench`: figures, never verdicts."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from esl_app import logs


class Recogniser(StrEnum):
    """What hears the words in `bench audio`."""

    LABELS = "labels"
    WHISPER = "whisper"


app = typer.Typer(help="Measure parts of the engine.", no_args_is_help=True)


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


@app.command("media")
def media(
    legs: Annotated[int, typer.Option(help="Duplex legs.", min=1, max=2000)] = 50,
    seconds: Annotated[float, typer.Option(help="How long.", min=1.0, max=600.0)] = 10.0,
    flood: Annotated[
        int, typer.Option(help="Datagrams a second to the port of one leg more.", min=0)
    ] = 0,
    vad: Annotated[
        bool, typer.Option("--vad", help="Callers speak, and the voice detector listens.")
    ] = False,
) -> None:
    """How well N duplex legs keep the 20 ms beat, and what one costs."""
    logs.configure(level="error")
    from esl_app.bench import media as bench
    from esl_app.ears import best_vad

    report = bench.run(legs, seconds, flood=flood, vad=best_vad() if vad else None)
    Console().print(bench.table(report))


@app.command("turn")
def turn(
    calls: Annotated[int, typer.Option(help="Calls.", min=1, max=10_000)] = 4,
    at_once: Annotated[int, typer.Option(help="Calls at the same time.", min=1, max=500)] = 1,
    speculate: Annotated[
        bool, typer.Option(help="Begin with answers before the caller has finished for sure.")
    ] = True,
    streaming: Annotated[
        bool, typer.Option("--streaming", help="A recogniser that gives words as they are spoken.")
    ] = False,
) -> None:
    """What a turn costs beside its providers: whole duplex calls in real time."""
    logs.configure(level="error")
    from esl_app.bench import turn as bench

    report = bench.run(calls, at_once, speculate=speculate, streaming=streaming)
    Console().print(bench.table(report))


@app.command("ears")
def ears(
    folder: Annotated[
        Path, typer.Argument(help="Recordings with a transcripts.json.", exists=True)
    ] = Path("tests/audio"),
) -> None:
    """What the voice detectors miss and mistake on recordings, clean and in noise."""
    from esl_app.bench import ears as bench

    Console().print(bench.table(bench.main(folder)))


@app.command("audio")
def audio(
    folder: Annotated[
        Path, typer.Argument(help="Recordings with a manifest.json.", exists=True)
    ] = Path("tests/audio/set"),
    recogniser: Annotated[
        Recogniser,
        typer.Option(help="labels: hears what was said; whisper: the offline recogniser."),
    ] = Recogniser.LABELS,
    model: Annotated[
        Path | None,
        typer.Option(help="Folder of a Whisper model (CTranslate2); default: tiny.en, English."),
    ] = None,
) -> None:
    """Callers in three languages, hesitating, in noise, over our own voice: who is understood."""
    logs.configure(level="error")
    from esl_app.bench import audio as bench

    for table in bench.tables(bench.main(folder, recogniser.value, str(model) if model else None)):
        Console().print(table)
