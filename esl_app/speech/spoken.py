"""Written text as it is said: numbers, money, dates, times, telephones, addresses in words.

Engines differ in what they make of "R$ 1.234,56" or "14h30", and some skip what they do not know.
Words they all say alike, so every text is put into words before it reaches a voice.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from esl_app.speech import _nouns
from esl_app.speech._languages import primary
from esl_app.speech._lexicon import LEXICONS, SYMBOLS, UNITS, Currency, currency, months, unit
from esl_app.speech._numbers import (
    LARGEST,
    Gender,
    cardinal,
    groups,
    ordinal,
    split_number,
    year,
)
from esl_app.speech._patterns import signs, tokens

_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
# Pictures, what joins them, marks of direction and of width: engines read their names or choke.
_PICTURES: Final = re.compile(
    "[\U0001f000-\U0001fbff\u2600-\u27bf\u2b00-\u2bff\u2190-\u21ff\ufe00-\ufe0f\u200b-\u200f"
    "\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff\u00ad©®™\U000e0000-\U000e007f]"
)
_LINK: Final = re.compile(r"\[([^\[\]]{1,200})\]\((?:https?|mailto|tel):[^\s()]{1,500}\)")
# A star alone, or before a digit, is a key of the telephone: "press * or *67".
_MARKUP: Final = re.compile(
    r"^(?:#{1,6}|[-*•]) (?=.)|__|`+|\*{2,3}"
    r"|\*(?=[^\W\d_])|(?<=[^\s\d])\*(?!\d)|(?<=\d)\*(?=[\s.,;:!?]|$)"
)
_DECIMAL: Final = re.compile(r"[^\D0-9]")
_DAY_FIRST: Final = frozenset({"gb", "au", "nz", "ie", "in", "za"})
_POINT_DECIMALS: Final = frozenset(
    {"mx", "us", "gt", "hn", "sv", "ni", "pa", "pr", "do", "419", "pe"}
)
_PESOS: Final = frozenset({"mx", "ar", "co", "cl", "uy", "do", "cu"})
_SCALES: Final = {
    "k": "thousand", "K": "thousand", "M": "million", "B": "billion", "bn": "billion",
    "mi": "milhões", "bi": "bilhões",
}  # fmt: skip
_FULL_SCALES: Final = ("mil", "thousand", "hundred")  # take no "de" after them
_NOT_FEMININE: Final = frozenset({"quilograma", "grama", "miligrama", "ampere"})
_SPEAKERS: Final = 64


def spoken(text: str, language: str = "en") -> str:
    """A text as it is said in a language; in languages we lack only rid of what nobody says.

    >>> spoken("It's $1,234.50 at 9:05.")
    "It's one thousand two hundred and thirty-four dollars and fifty cents at nine oh five."
    >>> spoken("São R$ 49,90 até às 18h30.", "pt-BR")
    'São quarenta e nove reais e noventa centavos até às dezoito e trinta.'
    """
    plain = _MARKUP.sub("", _LINK.sub(r"\1", _BLANK.sub(" ", text).strip()))
    plain = _PICTURES.sub("", plain)
    tag = language.replace("_", "-").lower()
    if primary(tag) not in LEXICONS:
        return _tidy(plain)
    plain = _DECIMAL.sub(lambda digit: str(int(digit.group())), plain)
    return _tidy(_speaker(tag[:16]).say(plain))


def _tidy(text: str) -> str:
    return _BLANK.sub(" ", text).strip()


@lru_cache(maxsize=_SPEAKERS)
def _speaker(tag: str) -> _Speaker:
    return _Speaker(tag)


class _Speaker:
    """Puts the tokens of one language and region into words; a method for each kind."""

    def __init__(self, tag: str) -> None:
        region = tag.rpartition("-")[2] if "-" in tag else ""
        self._language = primary(tag)
        self._region = region
        self._spelling = "pt-pt" if tag == "pt-pt" else self._language
        self._words = LEXICONS[self._language]
        self._locale = "pt_PT" if tag == "pt-pt" else self._words.locale
        self._months = months(self._locale)
        self._tokens = tokens(self._language)
        self._signs = signs(self._language)
        points = self._language == "en" or (self._language == "es" and region in _POINT_DECIMALS)
        self._point = "." if points else ","
        self._month_first = self._language == "en" and region not in _DAY_FIRST
        self._kinds = {
            kind: getattr(self, f"_{kind}") for kind in self._tokens.groupindex if "_" not in kind
        }

    def say(self, text: str) -> str:
        """The text with each token replaced by words, set apart from letters beside it."""

        def replaced(match: re.Match[str]) -> str:
            kind = match.lastgroup
            words: str | None = self._kinds[kind](match) if kind is not None else None
            if words is None:
                words = self._loose(match.group())
            if match.start() and text[match.start() - 1].isalnum():
                words = " " + words
            if match.end() < len(text) and text[match.end()].isalnum():
                words += " "
            return words

        return self._tokens.sub(replaced, text) if self._signs.search(text) else text

    # Numbers.

    def _count(self, digits: str, gender: Gender = "") -> str:
        """A whole number, or its digits where it is too long or begins with zero."""
        if len(digits) > 1 and digits.startswith("0"):
            return self._spell(digits)
        if len(digits) > 15 or int(digits) >= LARGEST:
            return self._spell(digits)
        return cardinal(int(digits), self._spelling, gender)

    def _spell(self, digits: str, *, six: bool = False) -> str:
        """Digit by digit, with a pause between groups; `six`: Brazil's "meia" on the telephone."""
        names = list(self._words.digits)
        if six and self._language == "pt" and self._region != "pt":
            names[6] = "meia"
        return ", ".join(" ".join(names[int(d)] for d in group) for group in groups(digits))

    def _value(self, written: str, gender: Gender = "") -> str:
        whole, sign, decimals = split_number(written, self._point)
        if not decimals:
            return self._count(whole, gender)
        if self._language == "en" or len(decimals) > 2 or decimals.startswith("0"):
            tail = " ".join(self._words.digits[int(d)] for d in decimals)
        else:
            tail = cardinal(int(decimals), self._spelling)
        head = self._count(whole) if whole.strip("0") else self._words.digits[0]
        return f"{head} {self._words.points[sign]} {tail}"

    def _signed(self, sign: str | None, words: str) -> str:
        if not sign:
            return words
        return f"{self._words.plus if sign == '+' else self._words.minus} {words}"

    def _is_one(self, written: str) -> bool:
        """Whether a noun after this number is in the singular: in Portuguese below two."""
        whole, _, decimals = split_number(written, self._point)
        if self._language == "pt":
            return whole.strip("0") in {"", "1"} and (whole.strip("0") == "1" or bool(decimals))
        return whole == "1" and not decimals

    def _number(self, match: re.Match[str]) -> str | None:
        written, scale = match["number_n"], match["number_scale"]
        if scale:
            words = f"{self._value(written, 'm')} {_SCALES.get(scale, scale)}"
        elif self._language == "en" and written.isdigit() and 1900 <= int(written) <= 2099:
            words = year(int(written))
        elif len(written) >= 7 and written.isdigit() and not written.endswith("000"):
            words = self._spell(written)  # an identifier: quantities are written in groups
        else:
            words = self._value(written, self._counted(match))
        return self._signed(match["number_minus"], words)

    def _counted(self, match: re.Match[str]) -> Gender:
        if self._language == "en":
            return ""
        return _nouns.gender(_nouns.noun(match.string, match.end()))

    def _digits(self, match: re.Match[str]) -> str:
        return self._count(match.group())

    def _code(self, match: re.Match[str]) -> str:
        word = match["code_word"]
        word = self._words.abbreviations.get(word.lower(), word)
        return f"{word} {self._spell(match['code_n'])}"

    def _emergency(self, match: re.Match[str]) -> str:
        return f"{match['emergency_call']} {self._spell(match['emergency_n'], six=True)}"

    def _times(self, match: re.Match[str]) -> str:
        number = int(match["times_n"])
        one, many = ("vez", "vezes") if self._language == "pt" else ("vez", "veces")
        return f"{cardinal(number, self._spelling, 'f')} {one if number == 1 else many}"

    def _numbered(self, match: re.Match[str]) -> str:
        return f"{self._words.number} {self._count(match['numbered_n'])}"

    def _version(self, match: re.Match[str]) -> str:
        parts = (self._count(part) for part in match.group().split("."))
        return f" {self._words.points['.']} ".join(parts)

    def _ordinal(self, match: re.Match[str]) -> str | None:
        number = int(match["ordinal_n"].replace(",", ""))
        if self._language == "en":
            return ordinal(number, "en")
        ending = match["ordinal_e"] or match["ordinal_w"]
        words = ordinal(number, self._language, feminine=ending[-1] in "ªa")
        if words is None:
            return self._count(match["ordinal_n"])
        short = self._language == "es" and words.endswith(("primero", "tercero"))
        # "primer piso", but "primero de mayo"
        if short and (ending == "er" or _nouns.noun(match.string, match.end())):
            return words[:-1]
        return words

    def _fraction(self, match: re.Match[str]) -> str:
        return self._words.fractions[match.group()]

    def _percent(self, match: re.Match[str]) -> str:
        words = f"{self._value(match['percent_n'])} {self._words.percent}"
        return self._signed(match["percent_minus"], words)

    def _measure(self, match: re.Match[str]) -> str:
        written = match["measure_n"]
        one, many = unit(self._locale, UNITS[match["measure_unit"]])
        noun = one.partition(" ")[0]
        feminine = self._language != "en" and noun.endswith("a") and noun not in _NOT_FEMININE
        words = self._value(written, "f" if feminine else "m")
        return self._signed(
            match["measure_minus"], f"{words} {one if self._is_one(written) else many}"
        )

    def _degrees(self, match: re.Match[str]) -> str:
        one, many = self._words.degree
        name = one if self._is_one(match["degrees_n"]) else many
        return self._signed(
            match["degrees_minus"], f"{self._value(match['degrees_n'], 'm')} {name}"
        )

    # Money.

    def _money(self, match: re.Match[str]) -> str:
        symbol = match["money_also"] or match["money_symbol"].strip()
        return self._signed(
            match["money_minus"], self._amount(match["money_amount"], symbol, match["money_scale"])
        )

    def _priced(self, match: re.Match[str]) -> str:
        return self._signed(
            match["priced_minus"],
            self._amount(match["priced_amount"], match["priced_symbol"], match["priced_scale"]),
        )

    def _amount(self, written: str, symbol: str, scale: str | None) -> str:
        code = SYMBOLS.get(symbol, symbol)
        if symbol == "$":
            code = "MXN" if self._language == "es" and self._region in _PESOS else "USD"
        coin = currency(self._language, code)
        gender = self._gender(coin.one)
        if scale:
            full = _SCALES.get(scale, scale)
            join = "" if full in _FULL_SCALES or not self._words.scale_of else " de"
            return f"{self._value(written, 'm')} {full}{join} {coin.many}"
        whole, _, decimals = split_number(written, self._point)
        whole = whole.lstrip("0") or "0"
        if len(decimals) > 2 or (decimals and not coin.minor_one):
            return f"{self._value(written)} {coin.many}"
        minor = int(decimals.ljust(2, "0")) if decimals else 0
        said = self._minor(minor, coin)
        if whole == "0" and said:
            return said
        head = f"{self._count(whole, gender)}{self._of(whole)} "
        head += coin.one if whole == "1" else coin.many
        return f"{head} {self._words.hundredths} {said}" if said else head

    def _minor(self, minor: int, coin: Currency) -> str:
        if not minor:
            return ""
        name = coin.minor_one if minor == 1 else coin.minor_many
        return f"{cardinal(minor, self._spelling, self._gender(name))} {name}"

    def _of(self, whole: str) -> str:
        """What stands between round millions and what they count: "un millón de pesos"."""
        round_million = len(whole) > 6 and whole.endswith("000000") and len(whole) <= 15
        return f" {self._words.scale_of}" if round_million and self._words.scale_of else ""

    def _gender(self, noun: str) -> Gender:
        if self._language == "en":
            return ""
        return "f" if noun.partition(" ")[0].endswith(("a", "as")) else "m"

    # Dates and times.

    def _iso(self, match: re.Match[str]) -> str | None:
        return self._on(int(match["iso_d"]), int(match["iso_m"]), match["iso_y"])

    def _date(self, match: re.Match[str]) -> str | None:
        first, second = match["date_a"], match["date_b"] or match["date_c"]
        written = match["date_y"] or match["date_z"]
        return self._ordered(
            int(first), int(second), f"20{written}" if len(written) == 2 else written
        )

    def _day(self, match: re.Match[str]) -> str | None:
        return self._ordered(int(match["day_a"]), int(match["day_b"]), "")

    def _ordered(self, first: int, second: int, written: str) -> str | None:
        day, month = (second, first) if self._month_first else (first, second)
        if month > 12 >= day:
            day, month = month, day
        return self._on(day, month, written)

    def _on(self, day: int, month: int, written: str) -> str | None:
        """A day in words; None when there is no such day."""
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return None
        name = self._months[month - 1]
        if self._language == "en":
            words = f"{name} {ordinal(day, 'en')}"
            return f"{words}, {self._in(written)}" if written else words
        number = ordinal(1, self._language) if day == 1 else cardinal(day, self._spelling)
        return f"{number} de {name}" + (f" de {self._in(written)}" if written else "")

    def _in(self, written: str) -> str:
        number = int(written)
        if self._language == "en" and 1100 <= number <= 2099:
            return year(number)
        return cardinal(number, self._spelling)

    def _monthday(self, match: re.Match[str]) -> str | None:
        short = match["monthday_short"]
        month = (
            next(i for i, name in enumerate(self._months, 1) if name.startswith(short[:3]))
            if short
            else self._months.index(match["monthday_long"]) + 1
        )
        return self._on(int(match["monthday_d"]), month, match["monthday_y"] or "")

    def _daymonth(self, match: re.Match[str]) -> str | None:
        day = int(match["daymonth_d"])
        if not 1 <= day <= 31:
            return None
        words = f"{ordinal(day, 'en')} of {match['daymonth_m']}"
        if not match.string[: match.start()].endswith("the "):
            words = f"the {words}"
        return f"{words}, {self._in(match['daymonth_y'])}" if match["daymonth_y"] else words

    def _weekday(self, match: re.Match[str]) -> str:
        return self._words.days[match["weekday_d"].lower()]

    def _decade(self, match: re.Match[str]) -> str:
        words = year(int(match["decade_y"]))
        return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"

    def _first(self, match: re.Match[str]) -> str:
        return f"{ordinal(1, self._language)} de {match['first_m']}"

    def _days(self, match: re.Match[str]) -> str:
        days = self._words.days
        end = match["days_to"]
        return f"{days[match['days_from'].lower()]} {self._words.until} {days[end.lower()]}"

    def _always(self, _match: re.Match[str]) -> str:
        return self._words.always

    def _time(self, match: re.Match[str]) -> str | None:
        half = (match["time_half"] or "").lower()
        hour = int(match["time_h"] or match["time_h2"])
        minute = int(match["time_m"] or match["time_m2"] or 0)
        if hour > 24 or minute > 59 or (half and hour > 12):
            return None
        words = self._at(hour, minute, half)
        # The dot of "a.m." that ends a text ends its sentence, too.
        ended = match.group().endswith(".") and match.end() == len(match.string)
        return f"{words}." if ended else words

    def _clock(self, match: re.Match[str]) -> str | None:
        hour = int(match["clock_h"])
        if match["clock_m"] is None:
            name = unit(self._locale, "hour")[hour not in {0, 1}]
            return f"{cardinal(hour, self._spelling, 'f')} {name}"
        return self._at(hour, int(match["clock_m"]), "") if hour <= 24 else None

    def _at(self, hour: int, minute: int, half: str) -> str:
        if self._language == "en":
            return _english_time(hour, minute, half)
        words = cardinal(hour, self._spelling, "f")
        if minute:
            words += f" {self._words.ampersand} {cardinal(minute, self._spelling)}"
        elif not half and (self._language == "pt" or hour > 12 or hour == 0):
            words += f" {unit(self._locale, 'hour')[hour not in {0, 1}]}"
        if half:
            of = "da" if self._language == "pt" else "de la"
            morning, noon, night = (
                ("manhã", "tarde", "noite") if of == "da" else ("mañana", "tarde", "noche")
            )
            part = morning if half == "a" else night if 8 <= hour < 12 else noon
            words += f" {of} {part}"
        return words

    def _range(self, _match: re.Match[str]) -> str:
        return f" {self._words.until} "

    # Telephones and addresses.

    def _phone(self, match: re.Match[str]) -> str:
        parts = re.findall(r"\d+", match.group())
        said = []
        for part in parts:
            if self._language == "pt" and part in {"0800", "0300", "0500", "0900"}:
                said.append(f"zero {cardinal(int(part), self._spelling)}")
            else:
                said.append(self._spell(part, six=True))
        words = ", ".join(said)
        return f"{self._words.plus} {words}" if match.group().startswith("+") else words

    def _email(self, match: re.Match[str]) -> str:
        local, _, host = match.group().rpartition("@")
        return f"{self._address(local)} {self._words.at} {self._host(host)}"

    def _domain(self, match: re.Match[str]) -> str:
        return self._place(match.group())

    def _url(self, match: re.Match[str]) -> str:
        written = match.group().rstrip(".,;:!?)]}»”’…")
        ending = match.group()[len(written) :]
        return self._place(written.partition("//")[2] or written) + ending

    def _place(self, written: str) -> str:
        """A host, and its path where somebody could remember it."""
        address = re.split(r"[?#]", written, maxsplit=1)[0].rstrip("/")
        host, slash, path = address.partition("/")
        said = self._host(host[:100])
        if slash and len(path) <= 40:
            said += f" {self._words.slash} {self._address(path)}"
        return said

    def _host(self, host: str) -> str:
        """A host by its labels; short ones that are no words letter by letter."""
        labels = host.split(".")
        said = []
        for i, label in enumerate(labels):
            short = len(label) == 2 and i and label.isalpha() and label.lower() not in {"co", "me"}
            spelled = label.lower() == "www" or short
            said.append(" ".join(label) if spelled else self._address(label))
        return f" {self._words.dot} ".join(filter(None, said))

    def _address(self, written: str) -> str:
        """Signs by their names, digits one by one, words as they are."""
        names = {
            ".": self._words.dot, "-": self._words.dash, "_": self._words.underscore,
            "+": self._words.plus, "/": self._words.slash, ":": self._words.colon,
            "@": self._words.at,
        }  # fmt: skip
        said = (
            self._spell(part) if part.isdigit() and part.isascii() else names.get(part, part)
            for part in re.findall(r"\d+|[^\W\d_]+|.", written)
        )
        return " ".join(said)

    # Short forms and what is left.

    def _abbreviation(self, match: re.Match[str]) -> str:
        words = self._words.abbreviations[match.group().lower()]
        return f"{words}." if match.end() == len(match.string) else words

    def _rua(self, _match: re.Match[str]) -> str:
        return "Rua"

    def _street(self, match: re.Match[str]) -> str:
        if self._language != "en":
            return "calle "
        before = (
            match.string[max(0, match.start() - 20) : match.start()].rstrip().rpartition(" ")[2]
        )
        if not before[:1].isupper():
            return "Saint"
        return "Street." if match.end() == len(match.string) else "Street"

    def _sign(self, match: re.Match[str]) -> str:
        sign = match.group().strip()
        by, equals = ("by", "equals") if self._language == "en" else ("por", "igual a")
        hash_key = self._words.hash
        if (self._language, self._region) in {("en", "gb"), ("es", "es")}:
            hash_key = {"en": "hash", "es": "almohadilla"}[self._language]
        words = {
            "#": hash_key, "*": self._words.star,
            "&": self._words.ampersand, "@": self._words.at, "+": self._words.plus,
            "×": by, "x": by, "=": equals,
        }  # fmt: skip
        if sign == "/":
            return " per " if self._language == "en" else " por "
        before, _, after = match.group().partition(sign)
        return before + words[sign] + after

    def _loose(self, written: str) -> str:
        """What looked like more than it is: its numbers one by one, its signs as they are."""
        numbers = re.sub(r"\d+", lambda digits: f" {self._count(digits.group())} ", written)
        return numbers.replace("/", self._words.slash).strip()


def _english_time(hour: int, minute: int, half: str) -> str:
    """A time as "nine thirty", "two p m", "nine o'clock"."""
    if not half and hour >= 13 and hour != 24:
        hour, half = hour - 12, "p"
    if hour in {0, 24}:
        if not minute and not half:
            return "midnight"
        hour, half = 12, half or "a"
    words = cardinal(hour, "en")
    if minute:
        words += f" {'oh ' if minute < 10 else ''}{cardinal(minute, 'en')}"
    if half:
        return f"{words} {half} m"
    return words if minute else f"{words} o'clock"
