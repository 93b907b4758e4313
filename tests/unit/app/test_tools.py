from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import gevent
import pytest

from esl_app.tools import ActionTool, ReadTool, ToolProblem, Tools, acts, read, reads, run
from providers.contracts import ToolCall

pytestmark = pytest.mark.unit

booked: list[tuple[date, str]] = []


@reads
def free_slots(day: date, dentist: str = "any") -> list[str]:
    """Free appointments of a day."""
    return [f"{day:%d.%m.} 09:00 {dentist}"]


@acts
def book(day: date, name: str) -> str:
    """Book an appointment."""
    if name == "nobody":
        raise ToolProblem("nobody of that name")
    if name == "broken":
        raise RuntimeError("secret inside")
    booked.append((day, name))
    return "booked"


def call(tool: str, /, **arguments: Any) -> ToolCall:
    return ToolCall(id="1", name=tool, arguments=json.dumps(arguments))


def test_the_model_is_told_name_purpose_and_parameters() -> None:
    spec = free_slots.spec
    assert (spec.name, spec.description) == ("free_slots", "Free appointments of a day.")
    assert spec.parameters["required"] == ["day"]
    assert spec.parameters["properties"]["day"]["format"] == "date"
    assert spec.parameters["additionalProperties"] is False


def test_results_are_json_and_parameters_are_checked() -> None:
    told = read(free_slots, call("free_slots", day="2027-01-04"), seconds=1)
    assert json.loads(told) == ["04.01. 09:00 any"]
    told = run(book, call("book", day="never", name="Ana", more=1), seconds=1)
    assert "day" in json.loads(told)["error"]
    assert "more" in json.loads(told)["error"]
    assert not booked


def test_what_it_raises_is_told_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    told = run(book, call("book", day="2027-01-04", name="nobody"), seconds=1)
    assert json.loads(told) == {"error": "nobody of that name"}
    told = run(book, call("book", day="2027-01-04", name="broken"), seconds=1)
    assert json.loads(told) == {"error": "the tool failed"}
    assert "secret" not in capsys.readouterr().out


def test_one_that_takes_too_long_is_ended() -> None:
    @reads
    def slow() -> str:
        """Wait."""
        gevent.sleep(30)
        return "never"

    assert json.loads(read(slow, call("slow"), seconds=0.001)) == {"error": "it took too long"}


def test_an_action_goes_on_when_the_caller_has_gone() -> None:
    done: list[int] = []
    noted: list[str] = []

    @acts
    def act() -> str:
        """Act."""
        gevent.sleep(0)
        done.append(1)
        return "done"

    caller = gevent.spawn(run, act, call("act"), seconds=5, note=noted.append)
    gevent.sleep(0)
    caller.kill()
    for _ in range(3):
        gevent.sleep(0)
    assert done == [1]
    assert noted == ["done"]


def test_an_action_does_not_run_early() -> None:
    """Nor does it pass mypy: were it let in, `make check` would find the ignore unused."""
    with pytest.raises(TypeError, match="book: an action"):
        read(book, call("book", day="2027-01-04", name="Ana"), seconds=1)  # type: ignore[arg-type]
    early: Mapping[str, ReadTool] = {"book": book}  # type: ignore[dict-item]
    assert early
    assert not booked
    assert set(Tools([free_slots, book]).reads) == {"free_slots"}
    assert not issubclass(ActionTool, ReadTool)


def test_tools_that_cannot_work_are_refused_where_they_are_written() -> None:
    with pytest.raises(TypeError, match="what: no annotation"):

        @reads
        def unannotated(what) -> str:  # type: ignore[no-untyped-def] # noqa: ANN001
            """Look up."""
            return str(what)

    with pytest.raises(TypeError, match="docstring"):
        reads(lambda: 1)
    with pytest.raises(ValueError, match="two of one name"):
        Tools([book, book])
