"""Digits in what a caller said: "five five five, uh, zero one" is 55501.

Recognisers write numbers as figures or as words, and change their mind between two partials. What
matters here is how many digits were said so far and which: a number is complete when it has the
digits it needs. Where a reading is ambiguous the one with fewer digits is taken, because taking a
number for shorter than it is costs a moment of waiting, and the contrary cuts the caller off.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from esl_app.turn.intents import fold
from esl_app.turn.texts import primary

_WORDS: Final[dict[str, dict[str, int]]] = {
    "en": {
        "zero": 0, "oh": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
        "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13,
        "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18,
        "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60,
        "seventy": 70, "eighty": 80, "ninety": 90,
    },
    "pt": {
        "zero": 0, "um": 1, "dois": 2, "duas": 2, "tres": 3, "quatro": 4, "cinco": 5, "seis": 6,
        "meia": 6, "sete": 7, "oito": 8, "nove": 9, "dez": 10, "onze": 11, "doze": 12, "treze": 13,
        "quatorze": 14, "catorze": 14, "quinze": 15, "dezesseis": 16, "dezasseis": 16,
        "dezessete": 17, "dezassete": 17, "dezoito": 18, "dezenove": 19, "dezanove": 19,
        "vinte": 20, "trinta": 30, "quarenta": 40, "cinquenta": 50, "sessenta": 60, "setenta": 70,
        "oitenta": 80, "noventa": 90, "cem": 100, "cento": 100, "duzentos": 200, "trezentos": 300,
        "quatrocentos": 400, "quinhentos": 500, "seiscentos": 600, "setecentos": 700,
        "oitocentos": 800, "novecentos": 900,
    },
    "es": {
        "cero": 0, "uno": 1, "un": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6,
        "siete": 7, "ocho": 8, "nueve": 9, "diez": 10, "once": 11, "doce": 12, "trece": 13,
        "catorce": 14, "quince": 15, "dieciseis": 16, "diecisiete": 17, "dieciocho": 18,
        "diecinueve": 19, "veinte": 20, "veintiuno": 21, "veintidos": 22, "veintitres": 23,
        "veinticuatro": 24, "veinticinco": 25, "veintiseis": 26, "veintisiete": 27,
        "veintiocho": 28, "veintinueve": 29, "treinta": 30, "cuarenta": 40, "cincuenta": 50,
        "sesenta": 60, "setenta": 70, "ochenta": 80, "noventa": 90, "cien": 100, "ciento": 100,
        "doscientos": 200, "trescientos": 300, "cuatrocientos": 400, "quinientos": 500,
        "seiscientos": 600, "setecientos": 700, "ochocientos": 800, "novecientos": 900,
    },
}  # fmt: skip
_TIMES: Final = {"en": {"double": 2, "triple": 3}, "pt": {}, "es": {"doble": 2, "triple": 3}}
_THOUSAND: Final = {"en": "thousand", "pt": "mil", "es": "mil"}
_AND: Final = {"en": {"and"}, "pt": {"e"}, "es": {"y"}}
_JUDGED: Final = 600  # characters, from the end; longer than any number there is
# Said between digits without ending the number.
_BETWEEN: Final = {
    "en": {
        "uh",
        "um",
        "uhm",
        "oh",
        "er",
        "erm",
        "hmm",
        "mm",
        "dash",
        "hyphen",
        "then",
        "and",
        "space",
    },
    "pt": {"e", "eh", "hum", "ahn", "hm", "ne", "traco", "ponto", "barra", "tipo", "depois"},
    "es": {"y", "e", "eh", "em", "este", "mm", "hm", "guion", "punto", "barra", "luego", "pues"},
}
# Words that stand for one as often as for something else; alone they are no number.
_ONE: Final = {"one", "um", "un", "uno"}
_BEFORE_ONE: Final = {"is", "s", "number", "e", "numero", "es"}
_CORRECTION: Final = {
    "en": r"\b(?:no|sorry|i mean|wait|correction|actually|rather)\b",
    "pt": r"\b(?:nao|desculpa|desculpe|perdao|quer dizer|alias|errei|corrigindo)\b",
    "es": r"\b(?:no|perdon|disculpe|quiero decir|digo|mejor dicho)\b",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Numerals:
    """The digits of an utterance.

    `all` are those since the caller last corrected himself; `tail` those the utterance ends in,
    `before` the word in front of them.
    """

    all: str = ""
    tail: str = ""
    before: str = ""
    corrected: bool = False


def numerals(text: str, *, language: str) -> Numerals:
    """The digits in `text`.

    >>> numerals("it's five five five uh zero one", language="en-US").tail
    '55501'
    >>> numerals("vinte e três, meia", language="pt-BR").all
    '236'
    """
    language = primary(language) if primary(language) in _WORDS else "en"
    said = whole = fold(text[-_JUDGED:])
    corrected = False
    for correction in re.finditer(_CORRECTION[language], whole):
        if any(w.isdigit() for w in _digits(whole[: correction.start()].split(), language)):
            corrected, said = True, whole[correction.end() :]
    words = _digits(said.split(), language)
    tail: list[str] = []
    before = ""
    for item in reversed(words):
        if item.isdigit():
            tail.insert(0, item)
        elif item not in _BETWEEN[language]:
            before = item
            break
    return Numerals(
        all="".join(item for item in words if item.isdigit()),
        tail="".join(tail),
        before=before,
        corrected=corrected,
    )


def figures(words: Sequence[str], *, language: str) -> list[tuple[int, int, str]]:
    """Every number among folded words: its first word, its last, its digits; in linear time.

    >>> figures(["card", "forty", "one", "eleven", "double", "four"], language="en-US")
    [(1, 2, '41'), (3, 3, '11'), (5, 5, '44')]
    """
    tongue = primary(language) if primary(language) in _WORDS else "en"
    reading = _Reading(tongue)
    found: list[tuple[int, int, str]] = []
    first = 0
    for index, word in enumerate([*words, ""]):
        lone_oh = word == "oh" and (index == 0 or not _numeric(words[index - 1], tongue))
        goes_on = reading.pending
        for digits, before in reading.step(word, number=bool(word) and not lone_oh):
            found.append((first, index - 1, digits) if before else (index, index, digits))
            goes_on = False
        if not goes_on:
            first = index
    return found


def bridges(word: str, *, language: str) -> bool:
    """Whether a folded word may stand between digits: "five five, uh, dash, one"."""
    tongue = primary(language) if primary(language) in _WORDS else "en"
    return word in _BETWEEN[tongue] or word in _TIMES[tongue]


def _digits(words: list[str], language: str) -> list[str]:
    """The words with every number in them written in figures, one entry a number."""
    reading = _Reading(language)
    for index, word in enumerate(words):
        lone_oh = word == "oh" and (index == 0 or not _numeric(words[index - 1], language))
        if lone_oh or (word in _ONE and _is_no_number(words, index, language)):
            reading.other(word)
        else:
            reading.word(word)
    return reading.finished()


def _numeric(word: str, language: str) -> bool:
    return word.isdigit() or word in _WORDS[language] or word in _TIMES[language]


def _is_no_number(words: list[str], index: int, language: str) -> bool:
    near = words[max(0, index - 1) : index] + words[index + 1 : index + 2]
    if any(_numeric(word, language) for word in near):
        return False
    between = _BETWEEN[language] - _BEFORE_ONE
    earlier = [word for word in words[:index] if word not in between]
    return bool(earlier) and earlier[-1] not in _BEFORE_ONE and not _numeric(earlier[-1], language)


class _Reading:
    """Number words read one after the other: "two", "hundred", "and", "five" → 205.

    `room` is what may still be added to the number under way: below 10 after "twenty", below 100
    after "two hundred", nothing after "five".
    """

    def __init__(self, language: str) -> None:
        self._language = language
        self._out: list[str] = []
        self._value: int | None = None
        self._room = 0
        self._times = 1
        self._and: str | None = None

    def word(self, word: str) -> None:
        value = _WORDS[self._language].get(word)
        if word.isdigit():
            self._close()
            self._out.append(word * self._take_times())
        elif value is not None:
            self._number(value)
        elif word in _TIMES[self._language]:
            self._close()
            self._times = _TIMES[self._language][word]
        elif word == "hundred" and self._value is not None and 0 < self._value < 10:
            self._value, self._room = self._value * 100, 100
        elif word == _THOUSAND[self._language] and (self._value or 0) < 1000:
            self._value, self._room = (self._value or 1) * 1000, 1000
        elif word in _AND[self._language] and self._value is not None and self._and is None:
            self._and = word
        else:
            self.other(word)

    def other(self, word: str) -> None:
        self._close()
        self._times = 1
        self._out.append(word)

    @property
    def pending(self) -> bool:
        """Whether a number is under way."""
        return self._value is not None

    def step(self, word: str, *, number: bool) -> list[tuple[str, bool]]:
        """Take a word; the numbers that ended with it, and whether each began before it."""
        pending, seen = self.pending, len(self._out)
        (self.word if number else self.other)(word)
        made = [item for item in self._out[seen:] if item.isdecimal()]
        return [(item, pending and place == 0) for place, item in enumerate(made)]

    def finished(self) -> list[str]:
        self._close()
        return self._out

    def _number(self, value: int) -> None:
        if self._value is not None and 0 < value < self._room:
            self._value += value
            self._and = None
        else:
            self._close()
            self._value = value
        # "vinte e três" leaves no room; "twenty" leaves room for a unit, "duzentos" for tens.
        self._room = 10 if value in range(20, 100, 10) else 100 if value >= 100 else 0
        if self._times > 1 and self._value is not None:
            self._out.append(str(self._value) * self._take_times())
            self._value = None

    def _take_times(self) -> int:
        times, self._times = self._times, 1
        return times

    def _close(self) -> None:
        if self._value is not None:
            self._out.append(str(self._value))
        if self._and is not None:
            self._out.append(self._and)
        self._value, self._room, self._and = None, 0, None
