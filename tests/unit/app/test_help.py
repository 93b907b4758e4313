"""Every command explains itself: its help can be drawn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer
import typer.main

from esl_app.cli import app

pytestmark = pytest.mark.unit


def contexts(context: typer.Context) -> Iterator[typer.Context]:
    yield context
    for name, command in getattr(context.command, "commands", {}).items():
        yield from contexts(typer.Context(command, info_name=name, parent=context))


ALL = list(contexts(typer.Context(typer.main.get_command(app), info_name="voice-ai")))


@pytest.mark.parametrize("context", ALL, ids=[context.command_path for context in ALL])
def test_its_help_is_drawn(context: typer.Context, capsys: pytest.CaptureFixture[str]) -> None:
    text = context.command.get_help(context)
    assert "Usage" in text + capsys.readouterr().out
