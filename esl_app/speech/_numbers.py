"""Numbers into words: what num2words gives for integers, and what it does not.

Only its cardinals are used (and English years and ordinals): num2words 0.5.14 has no currencies in
Brazilian Portuguese, says "veintiuno mil" and "quadragésimo" in Spanish, and keeps state between
calls for decimals and genders.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal

from num2words import num2words

Gender = Literal["", "m", "f"]  # "" is counting: "uno", where "un año" and "una hora" have nouns

LARGEST: Final = 10**15  # from here on digit by digit: nobody follows such a number by ear
_CODES: Final = {"en": "en", "pt": "pt_BR", "pt-pt": "pt", "es": "es"}
_PT_FEMININE: Final = ((r"\bum\b", "uma"), (r"\bdois\b", "duas"), (r"entos\b", "entas"))
_ORDINALS: Final = {
    "pt": (
        ("", "primeiro", "segundo", "terceiro", "quarto", "quinto", "sexto", "sétimo", "oitavo",
         "nono"),
        ("", "décimo", "vigésimo", "trigésimo", "quadragésimo", "quinquagésimo", "sexagésimo",
         "septuagésimo", "octogésimo", "nonagésimo"),
    ),
    "es": (
        ("", "primero", "segundo", "tercero", "cuarto", "quinto", "sexto", "séptimo", "octavo",
         "noveno"),
        ("", "décimo", "vigésimo", "trigésimo", "cuadragésimo", "quincuagésimo", "sexagésimo",
         "septuagésimo", "octogésimo", "nonagésimo"),
    ),
}  # fmt: skip


@lru_cache(maxsize=4096)
def cardinal(number: int, language: str, gender: Gender = "") -> str:
    """A whole number from 0 to below `LARGEST` in words.

    >>> cardinal(1234, "en"), cardinal(2202, "pt", "f")
    ('one thousand two hundred and thirty-four', 'duas mil duzentas e duas')
    >>> cardinal(21031, "es", "m")
    'veintiún mil treinta y un'
    """
    words = str(num2words(number, lang=_CODES[language])).replace(",", "")
    if language.startswith("pt") and gender == "f":
        # "dois milhões de libras": millions stay masculine, what comes after them does not.
        millions, rest = divmod(number, 1_000_000)
        tail = words if not millions else str(num2words(rest, lang=_CODES[language]))
        tail = tail.replace(",", "")
        head = words.removesuffix(tail)
        for pattern, feminine in _PT_FEMININE:
            tail = re.sub(pattern, feminine, tail)
        return head + tail if rest or not millions else words
    if language == "es":
        words = words.replace("veintiuno mil", "veintiún mil").replace("uno mil", "un mil")
        if gender and words.endswith("uno"):
            if gender == "f":
                words = words[:-1] + "a"
            else:
                words = words[:-3] + ("ún" if words.endswith("veintiuno") else "un")
        if gender == "f" and number < 1_000_000:
            words = re.sub(r"(cient|quinient|setecient|novecient)os\b", r"\1as", words)
    return words


def year(number: int) -> str:
    """An English year: "nineteen oh-five" as people say it, without the hyphen."""
    return str(num2words(number, lang="en", to="year")).replace("oh-", "oh ")


@lru_cache(maxsize=1024)
def ordinal(number: int, language: str, *, feminine: bool = False) -> str | None:
    """An ordinal in words; None for those that nobody says (above 99 in Portuguese and Spanish)."""
    if language == "en":
        if not 0 < number < LARGEST:
            return None
        return str(num2words(number, lang="en", to="ordinal")).replace(",", "")
    if not 0 < number < 100:
        return None
    ones, tens = _ORDINALS[language[:2]]
    if language == "es" and number in {11, 12}:
        words = ("undécimo", "duodécimo")[number - 11]
    else:
        words = f"{tens[number // 10]} {ones[number % 10]}".strip()
    return re.sub(r"o\b", "a", words) if feminine else words


def split_number(text: str, point: str) -> tuple[str, str, str]:
    """The whole part, the sign between and the decimals of a number as written.

    >>> split_number("1.234,56", ","), split_number("1.234", ","), split_number("3.11", ",")
    (('1234', ',', '56'), ('1234', '', ''), ('3', '.', '11'))

    Args:
        text: Digits with ".", "," and spaces, beginning and ending in a digit.
        point: The sign before decimals in this language; the other one groups thousands.
    """
    text = text.replace(" ", "")
    last = max(text.rfind("."), text.rfind(","))
    if last < 0:
        return text, "", ""
    sign, group = text[last], "," if point == "." else "."
    whole, decimals = text[:last], text[last + 1 :]
    plain = "." not in whole and "," not in whole
    if text.count(sign) > 1 or (sign == group and plain and _grouped(whole, decimals)):
        return text.replace(".", "").replace(",", ""), "", ""
    return whole.replace(".", "").replace(",", ""), sign, decimals


def _grouped(whole: str, decimals: str) -> bool:
    return len(decimals) == 3 and len(whole) <= 3 and not whole.startswith("0")


def groups(digits: str) -> list[str]:
    """A long run of digits in groups as people say it: 10 as 3-3-4, 8 as 4-4, 7 as 3-4."""
    if len(digits) <= 4:
        return [digits]
    if len(digits) == 8:
        return [digits[:4], digits[4:]]
    cut = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    if len(cut[-1]) == 1:
        cut[-2:] = [cut[-2] + cut[-1]]
    return cut
