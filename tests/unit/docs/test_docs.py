"""What the documentation shows is true: flows load, links lead somewhere, references hold."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import typer.main
from typer.cli import get_docs_for_click

from esl_app.cli import app
from esl_app.flow_runner import load

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
PAGES = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "dialplan" / "README.md"})
REFERENCE = ROOT / "docs" / "reference" / "cli.md"


def blocks(page: Path, language: str) -> list[str]:
    fenced = re.compile(rf"^```{language}\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return fenced.findall(page.read_text("utf-8"))


FLOWS = [(page, text) for page in PAGES for text in blocks(page, "python") if "@flow" in text]


def test_there_are_flows_to_check() -> None:
    assert len(FLOWS) >= 2


@pytest.mark.parametrize(("page", "text"), FLOWS, ids=lambda value: getattr(value, "name", "flow"))
def test_a_flow_that_is_shown_loads(page: Path, text: str, tmp_path: Path) -> None:
    del page
    file = tmp_path / "shown.py"
    file.write_text(text)
    file.chmod(0o644)
    load(file)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target


def test_the_command_line_reference_is_current() -> None:
    """To renew it: UPDATE_DOCS=1 pytest tests/unit/docs."""
    command = typer.main.get_command(app)
    text = get_docs_for_click(
        obj=command, ctx=typer.Context(command), name="voice-ai", title="Command line"
    )
    text = re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
    if os.environ.get("UPDATE_DOCS"):
        REFERENCE.write_text(text, encoding="utf-8")
    assert REFERENCE.read_text("utf-8") == text


COMMAND = re.compile(r"(?:^ {4,}|`)voice-ai ([a-z][^`\n#|]*)", re.MULTILINE)
SHOWN = sorted(
    {
        (page, line)
        for page in PAGES
        if page != REFERENCE
        for line in re.findall(
            r"(?m)(?:^ {4,}|`)voice-ai ([a-z][^`\n#|]*)", page.read_text("utf-8")
        )
    }
)


def of_the_command_line(words: str) -> str | None:
    """What is wrong with a command line that is shown; None when it exists."""
    command: Any = typer.main.get_command(app)
    rest = shlex.split(words, posix=False)
    while rest and hasattr(command, "commands"):
        name = rest.pop(0).strip(".,;:|)")
        if name not in command.commands:
            return f"no command {name}"
        command = command.commands[name]
    known = {option for parameter in command.params for option in parameter.opts}
    unknown = {word.split("=")[0] for word in rest if word.startswith("--")} - known
    return f"no option {unknown}" if unknown else None


def test_commands_are_found_in_the_pages() -> None:
    assert len(SHOWN) > 12
    assert of_the_command_line("tenant add x --compny X")
    assert of_the_command_line("tenant change x")


@pytest.mark.parametrize(("page", "words"), SHOWN, ids=lambda value: getattr(value, "name", value))
def test_a_command_that_is_shown_exists(page: Path, words: str) -> None:
    assert of_the_command_line(words) is None, page
