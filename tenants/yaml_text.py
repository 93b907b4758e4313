"""YAML as it is needed for files that people write: nothing clever, and every value with its line.

YAML's cleverness is refused: aliases (a small file can stand for gigabytes), tags (other loaders
make objects of them), a key that is there twice, values that look like a time and become a number.
Only what `yaml.parse` says about the text is used, never a loader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

LARGEST: Final = 1_000_000
"""Bytes. A tenant with a thousand destinations takes a fifth of that."""
_DEEPEST: Final = 20
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,29})")
_FLOAT: Final = re.compile(r"-?[0-9]{1,30}\.[0-9]{0,30}([eE][-+][0-9]{1,3})?")

Path = tuple[str | int, ...]


class Plain(str):
    """A text without quotes: a number, say, where numbers are meant, and else what it reads."""

    __slots__ = ()


class YamlError(ValueError):
    """What is wrong with a text, beginning with the line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"{line}: {message}")


@dataclass(slots=True)
class Parsed:
    """A text's value, and the line on which each part of it begins."""

    value: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """The line of a part, or of the nearest that is there around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def load(text: str) -> Parsed:
    """The value of a text: mappings, lists, texts and null; see `typed` for numbers.

    Raises:
        YamlError: names the line and what is wrong there.

    >>> typed(load("a: [1, on, '2', true, 08:30]").value)
    {'a': [1, 'on', '2', True, '08:30']}
    """
    if len(text.encode("utf-8", "replace")) > LARGEST:
        raise YamlError(1, f"larger than {LARGEST} bytes")
    parsed = Parsed(None)
    try:
        events = iter(yaml.parse(text, Loader=yaml.SafeLoader))
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if parsed.lines:
                    raise YamlError(_line(event), "a second document")
                parsed.value = _value(next(events), events, (), parsed.lines)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(mark.line + 1 if mark else 1, str(error.problem)) from None
    except yaml.YAMLError as error:  # a character that no text holds
        raise YamlError(1, f"not YAML: {str(error).splitlines()[0]}") from None
    return parsed


def typed(value: Any) -> Any:
    """A value with what is written like a number, true or false as that."""
    if isinstance(value, dict):
        return {name: typed(part) for name, part in value.items()}
    if isinstance(value, list):
        return [typed(part) for part in value]
    if not isinstance(value, Plain):
        return value
    if value in ("true", "false"):
        return value == "true"
    if _INTEGER.fullmatch(value):
        return int(value)
    return float(value) if _FLOAT.fullmatch(value) else str(value)


def dump(value: Mapping[str, Any]) -> str:
    """The text of a value; `load` reads the same back."""
    text: str = yaml.dump(
        value, Dumper=yaml.SafeDumper, allow_unicode=True, sort_keys=False, width=100
    )
    return text


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _value(event: Any, events: Iterator[Any], path: Path, lines: dict[Path, int]) -> Any:
    line = lines[path] = lines.get(path, _line(event))
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise YamlError(line, "anchors and aliases are not taken here: write the value out")
    if getattr(event, "tag", None):
        raise YamlError(line, f"tags are not taken here: {event.tag}")
    if len(path) > _DEEPEST:
        raise YamlError(line, f"deeper than {_DEEPEST} levels")
    if isinstance(event, yaml.SequenceStartEvent):
        found: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            found.append(_value(event, events, (*path, len(found)), lines))
        return found
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(events, path, lines)
    return _scalar(event)


def _mapping(events: Iterator[Any], path: Path, lines: dict[Path, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag:
            raise YamlError(_line(event), "a key that is no text")
        if event.value in found:
            raise YamlError(_line(event), f"{event.value}: is there twice")
        inner = (*path, event.value)
        lines[inner] = _line(event)
        found[event.value] = None
        found[event.value] = _value(next(events), events, inner, lines)
    return found


def _scalar(event: Any) -> str | None:
    text: str = event.value
    if event.style is not None:  # quoted, or a block
        return text
    return None if text in ("", "~", "null", "Null", "NULL") else Plain(text)
