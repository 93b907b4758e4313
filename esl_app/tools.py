"""What a model may do besides talking: Python functions, of two kinds by what they do to the world.

    from esl_app.flow import acts, reads

    @reads
    def free_slots(day: date) -> list[str]:
        "Free appointments of a day."
        return calendar.free(day)

    @acts
    def book(day: date, time: str, name: str) -> str:
        "Book an appointment."
        return calendar.book(day, time, name)

    call.converse(tools=[free_slots, book])

A `ReadTool` only looks something up: it may run for words that the caller has not confirmed by
falling silent, and its result be thrown away. An `ActionTool` changes something, so it never runs
before the turn is confirmed. The two are types of their own: what runs early takes `ReadTool`s
alone, and neither mypy nor the interpreter lets the other in. Parameters are checked before the
function sees them; what it raises goes to the model as data.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, get_type_hints

import gevent
import structlog
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import to_jsonable_python

from esl_app.errors import trace_of
from esl_app.greenlets import spawn
from providers.contracts import ToolCall, ToolSpec

log = structlog.get_logger()

__all__ = ["ActionTool", "ReadTool", "Tool", "ToolProblem", "Tools", "acts", "reads"]

_MOST_CHARACTERS: Final = 8000  # of a result: the model has to read it before the caller hears us
_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")


class ToolProblem(Exception):  # noqa: N818 - a problem for the model, which is told the message
    """A tool could not do what was asked; the message tells the model why."""


@dataclass(frozen=True, slots=True)
class _Tool:
    """A function, what the model is told of it, and the check of its parameters."""

    spec: ToolSpec
    function: Callable[..., Any]
    parameters: type[BaseModel]

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Self:
        """Make a tool of a function with annotated parameters and a docstring.

        Raises:
            TypeError: a parameter has no annotation, or there is no docstring.
        """
        name = getattr(function, "__name__", "")
        description = inspect.getdoc(function) or ""
        if not _NAME.fullmatch(name) or not description:
            raise TypeError(f"tool {name!r}: a plain name and a docstring are what the model reads")
        hints = get_type_hints(function, include_extras=True)
        fields: dict[str, Any] = {}
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise TypeError(f"tool {name}: *{parameter.name}: name each parameter")
            if parameter.name not in hints:
                raise TypeError(f"tool {name}: {parameter.name}: no annotation")
            default = ... if parameter.default is parameter.empty else parameter.default
            fields[parameter.name] = (hints[parameter.name], default)
        model = create_model(name, __config__=ConfigDict(extra="forbid"), **fields)
        schema = model.model_json_schema()
        spec = ToolSpec(name=name, description=description, parameters=schema)
        return cls(spec=spec, function=function, parameters=model)

    @property
    def name(self) -> str:
        return self.spec.name

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """The function itself, for the integrator's own use."""
        return self.function(*arguments, **named)

    def result(self, arguments: str, *, seconds: float) -> str:
        """What the model is told of a run with these `arguments`; problems are told too."""
        try:
            checked = self.parameters.model_validate_json(arguments)
        except ValidationError as error:
            problems = [
                f"{'.'.join(map(str, each['loc'])) or 'arguments'}: {each['msg']}"
                for each in error.errors(include_url=False, include_input=False)
            ]
            return _problem("; ".join(problems))
        values = {name: getattr(checked, name) for name in self.parameters.model_fields}
        patience = gevent.Timeout.start_new(seconds)
        try:
            found = to_jsonable_python(self.function(**values))
        except ToolProblem as error:
            return _problem(str(error))
        except (Exception, gevent.Timeout) as error:  # noqa: BLE001 - code we did not write
            log.error("tool_failed", tool=self.name, **trace_of(error))  # noqa: TRY400
            return _problem("it took too long" if error is patience else "the tool failed")
        finally:
            patience.close()
        told = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
        return told[:_MOST_CHARACTERS]


class ReadTool(_Tool):
    """Looks something up and changes nothing."""

    __slots__ = ()


class ActionTool(_Tool):
    """Changes something: runs for a confirmed turn only, and to its end."""

    __slots__ = ()


Tool = ReadTool | ActionTool


def reads(function: Callable[..., Any]) -> ReadTool:
    """A tool that changes nothing. It may run twice, or in vain.

    Raises:
        TypeError: a parameter has no annotation, or there is no docstring.
    """
    return ReadTool.of(function)


def acts(function: Callable[..., Any]) -> ActionTool:
    """A tool that changes something.

    Raises:
        TypeError: a parameter has no annotation, or there is no docstring.
    """
    return ActionTool.of(function)


class Tools:
    """The tools of a conversation.

    Raises:
        ValueError: two have one name.
    """

    def __init__(self, tools: Sequence[Tool] = ()) -> None:
        self.all: Mapping[str, Tool] = {tool.name: tool for tool in tools}
        if len(self.all) < len(tools):
            raise ValueError("tools: two of one name")
        self.reads: Mapping[str, ReadTool] = {
            name: tool for name, tool in self.all.items() if isinstance(tool, ReadTool)
        }

    def __iter__(self) -> Iterator[Tool]:
        return iter(self.all.values())

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(tool.spec for tool in self)


def read(tool: ReadTool, call: ToolCall, *, seconds: float) -> str:
    """Run a tool that changes nothing; ended at its deadline.

    Raises:
        TypeError: it is one that does.
    """
    if not isinstance(tool, ReadTool):
        raise TypeError(f"{tool.name}: an action does not run before the turn is confirmed")
    return tool.result(call.arguments, seconds=seconds)


def run(
    tool: Tool, call: ToolCall, *, seconds: float, note: Callable[[str], None] = lambda _: None
) -> str:
    """Run a tool for a confirmed turn; `note` is told the result, whoever waits for it still.

    An action goes on to its end, or its deadline, also when the caller interrupts or hangs up:
    half of one is worse than one too many.
    """

    def run_it() -> str:
        told = tool.result(call.arguments, seconds=seconds)
        note(told)
        return told

    if isinstance(tool, ReadTool):
        return run_it()
    outcome = spawn(run_it).get()
    assert isinstance(outcome, str)
    return outcome


def _problem(message: str) -> str:
    return json.dumps({"error": message}, ensure_ascii=False)
