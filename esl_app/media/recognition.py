"""What FreeSWITCH's recognisers send, as values: JSON, NLSML and its relatives, or plain text.

Known shapes: mod_test and others `{"text": …, "confidence": …, "error": "no_input"}`; vosk
`{"text": …, "result": [{"word": …, "conf": …}]}` and `{"partial": …}`; `{"alternatives": [{…}]}`
of cloud engines; `<result><interpretation><input>…` of pocketsphinx and, with an `<instance>` and a
namespace, of MRCP servers (NLSML); `DIGIT: 5` of `play_and_detect_speech`.

A result is text from outside: it is as long as an engine makes it, and an engine may be on another
host. Nothing is expanded, nothing is followed, and every failure is a `BadResult`.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from xml.parsers import expat

from esl_app.speech import clean

LONGEST: Final = 64 * 1024
_DEEPEST: Final = 32  # NLSML needs five
_DIGIT: Final = re.compile(r"DIGIT: ([0-9A-D*#])")
_NO_INPUT: Final = frozenset({"no_input", "noinput", "no_input_timeout", "no_speech"})
_NO_MATCH: Final = frozenset({"no_match", "nomatch"})
_TEXTS: Final = ("text", "transcript", "partial")
_CONFIDENCES: Final = ("confidence", "conf")


class BadResult(ValueError):  # noqa: N818 - says what it is about, not that it is an error
    """A result that cannot be read; the message never quotes it."""


class Outcome(StrEnum):
    """What became of an utterance."""

    MATCH = "match"
    NO_MATCH = "no_match"
    NO_INPUT = "no_input"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """One result.

    `confidence` is 0 to 1, None if the engine gives none. `interpretation` is what a grammar made
    of the words (the text of NLSML's `instance`); `digits` are keys that ended the listening.
    """

    outcome: Outcome
    text: str = ""
    confidence: float | None = None
    interpretation: str = ""
    digits: str = ""


def parse(body: str) -> Recognition:
    """Read a result.

    >>> parse('{"grammar": "default", "text": "agent", "confidence": 87.3}').text
    'agent'

    Raises:
        BadResult: too long, broken, or none of the known shapes.
    """
    if len(body) > LONGEST:
        raise BadResult(f"longer than {LONGEST} characters")
    text = clean(body).strip()
    if text.startswith(("{", "[")):
        return _of_json(text)
    if text.startswith("<"):
        return _of_xml(text)
    if digit := _DIGIT.fullmatch(text):
        return Recognition(outcome=Outcome.MATCH, digits=digit[1])
    return _made(text)


def _made(text: str, confidence: float | None = None, interpretation: str = "") -> Recognition:
    text, interpretation = (" ".join(part.split()) for part in (text, interpretation))
    return Recognition(
        outcome=Outcome.MATCH if text or interpretation else Outcome.NO_MATCH,
        text=text or interpretation,
        confidence=confidence,
        interpretation=interpretation,
    )


def _confidence(value: object) -> float | None:
    """0 to 1, whichever scale it had: MRCP 1 and mod_test count to 100, others to 1."""
    try:
        number = float(value)  # type: ignore[arg-type]  # anything: what is no number has none
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(number) or number < 0:
        return None
    return min(1.0, number / 100 if number > 1 else number)


# -- JSON -------------------------------------------------------------------------------------


def _of_json(text: str) -> Recognition:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadResult(f"broken JSON ({type(error).__name__})") from None
    if isinstance(value, list):
        value = {"alternatives": value}
    if value.get("error"):
        return _of_error(value["error"])
    best = _best(value)
    if best is None:
        raise BadResult("JSON without a text")
    confidence = next((_confidence(best[name]) for name in _CONFIDENCES if name in best), None)
    return _made(_text(best) or "", confidence if confidence is not None else _of_words(best))


def _of_error(error: object) -> Recognition:
    name = str(error).lower().replace("-", "_").replace(" ", "_")
    if name in _NO_INPUT:
        return Recognition(outcome=Outcome.NO_INPUT)
    if name in _NO_MATCH:
        return Recognition(outcome=Outcome.NO_MATCH)
    raise BadResult("the engine reports an error")


def _text(value: dict[str, Any]) -> str | None:
    return next((value[name] for name in _TEXTS if isinstance(value.get(name), str)), None)


def _best(value: dict[str, Any]) -> dict[str, Any] | None:
    """The object that holds the words: this one, or the first of its alternatives."""
    if _text(value) is not None:
        return value
    alternatives = value.get("alternatives")
    if alternatives == []:
        return {"text": ""}
    if isinstance(alternatives, list) and isinstance(alternatives[0], dict):
        first: dict[str, Any] = alternatives[0]
        return first if _text(first) is not None else None
    return None


def _of_words(value: dict[str, Any]) -> float | None:
    """The mean of the words' own confidences, where an engine gives only those."""
    words = value.get("result")
    if not isinstance(words, list):
        return None
    found = [_confidence(word.get("conf")) for word in words if isinstance(word, dict)]
    known = [number for number in found if number is not None]
    return sum(known) / len(known) if known else None


# -- XML --------------------------------------------------------------------------------------


def _of_xml(text: str) -> Recognition:
    reader = _Nlsml()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    # A document type is where entities are declared: there is no use for one here.
    parser.StartDoctypeDeclHandler = reader.refuse
    try:
        # Text already: an encoding that the document names is overruled by the parser's own.
        parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        raise BadResult(f"broken XML (expat error {error.code})") from None
    return reader.result()


class _Nlsml:
    """Collects the first interpretation of a result; the others are less likely ones."""

    def __init__(self) -> None:
        self._path: list[str] = []
        self._interpretations = 0
        self._confidence: float | None = None
        self._input: list[str] = []
        self._instance: list[str] = []
        self._outcome: Outcome | None = None

    def refuse(self, *_: object) -> None:
        raise BadResult("XML with a document type")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._path) >= _DEEPEST:
            raise BadResult(f"XML deeper than {_DEEPEST} elements")
        local = name.rpartition(":")[2].lower()
        if not self._path and local != "result":
            raise BadResult("XML that is no <result>")
        self._path.append(local)
        self._interpretations += local == "interpretation"
        if self._interpretations > 1:
            return
        if local in {"interpretation", "input"} and "confidence" in attributes:
            # The words' own, where both are given.
            self._confidence = _confidence(attributes["confidence"])
        elif local == "noinput":
            self._outcome = Outcome.NO_INPUT
        elif local == "nomatch":
            self._outcome = Outcome.NO_MATCH

    def end(self, _: str) -> None:
        left = self._path.pop()
        if left == "input":
            self._input.append(" ")
        elif "instance" in self._path:
            self._instance.append(" ")

    def characters(self, text: str) -> None:
        if self._interpretations > 1:
            return
        if "input" in self._path:
            self._input.append(text)
        elif "instance" in self._path:
            self._instance.append(text)

    def result(self) -> Recognition:
        if self._outcome is not None:
            # With words beside it a `nomatch` says what the grammar did not expect.
            return Recognition(outcome=self._outcome)
        return _made("".join(self._input), self._confidence, "".join(self._instance))
