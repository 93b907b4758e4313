"""Personal data out of a text: card numbers, accounts, telephones, addresses. Pure, linear time.

Theory of operation. What has a form of its own (an e-mail, an IBAN, an address of the internet) is
found by its form; dates, times and prices are set aside, so that their digits are nobody's. What is
left of numbers, in figures or as words ("four one one one"), is read in runs: neighbours with
nothing between them but separators and hesitations. In a run, stretches of whole numbers are tried,
the longest first, against what can be checked: check digits of cards, CPF and CNPJ, the shape of an
SSN, and the numbering plan for telephones. A run longer than any number there is goes as a whole.

Names are not found: no rule of this kind finds them without taking half of the other words too.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import PhoneMetadata, ValidationResult

from esl_app.turn import primary
from esl_app.turn.intents import fold
from esl_app.turn.numerals import bridges, figures

_LONGEST: Final = 64  # digits of a run that is looked into
_MOST: Final = 19  # digits of a card
_REGIONS: Final = {"pt": "BR", "en": "US", "es": "ES"}

_EMAIL: Final = re.compile(r"[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_SPOKEN_EMAIL: Final = re.compile(
    r"\b\w{1,64}(?:\s(?:dot|ponto|punto|underscore|sublinhado)\s\w{1,64}){0,4}"
    r"\s(?:at|arroba)\s\w{1,63}(?:\s(?:dot|ponto|punto)\s\w{1,63}){1,4}\b",
    re.IGNORECASE,
)
_IPV4: Final = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)")
_IPV6: Final = re.compile(r"(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")
_IBAN: Final = re.compile(r"\b[A-Za-z]{2}[ -]?\d{2}(?=[ -]?[A-Za-z0-9])")
_IBAN_LENGTHS: Final = range(15, 35)
_HARMLESS: Final = re.compile(
    r"(?<![\d.,/-])(?:"
    r"(?:R\$|US\$|[$€£])\s?\d{1,3}(?:[.,]?\d{3}){0,2}(?:[.,]\d{1,2})?"
    r"|\d{1,3}(?:[.,]\d{3}){0,3}(?:[.,]\d{1,2})?\s?"
    r"(?:%|€|reais|real|d[oó]lares|dollars?|euros?|cents?|centavos|pesos)\b"
    r"|\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2})|\d{4}-\d{2}-\d{2}"
    r"|\d{1,2}(?::\d{2}){1,2}|\d{1,2}\s?h(?:oras?)?(?:\s?\d{2})?\b"
    r")(?![\d/]|[.,-]\d)",
    re.IGNORECASE,
)
_PLUS: Final = frozenset({"plus", "mais", "mas"})  # a + that is said, folded
_SEPARATORS: Final = re.compile(r"[\s\-–./(),+]{0,8}")
_POSSIBLE: Final = (ValidationResult.IS_POSSIBLE, ValidationResult.IS_POSSIBLE_LOCAL_ONLY)
_SSN: Final = re.compile(r"(?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4}")


@dataclass(frozen=True, slots=True)
class _Number:
    """A number of the text, from `start` to `end`."""

    start: int
    end: int
    digits: str
    plus: bool


def redact(text: str, *, language: str, country: str | None = None) -> str:
    """The text with `[card]`, `[phone]`, … in the place of personal data.

    Args:
        text: what somebody said, wrote or keyed in.
        language: of its number words; without rules of its own it is read as English.
        country: of telephone numbers without a prefix; by default the language's.

    >>> redact("It's 4111 1111 1111 1111, my mail is ana@example.com.", language="en-US")
    "It's [card], my mail is [email]."
    >>> redact("Meu CPF é cinco dois nove, nove oito dois, dois quatro sete, dois cinco.",
    ...        language="pt-BR")
    'Meu CPF é [cpf].'
    >>> redact("We open from 9:00 to 18:30 on 12/03/2026; ext. 2045, $1,299.00.", language="en-US")
    'We open from 9:00 to 18:30 on 12/03/2026; ext. 2045, $1,299.00.'
    """
    found = _by_form(text)
    aside = [*found, *((m.start(), m.end(), "") for m in _HARMLESS.finditer(text))]
    region = country or _region(language)
    for run in _runs(text, language, sorted(aside)):
        found += _in_run(run, language, region)
    out, last = [], 0
    for start, end, kind in sorted(found):
        if start >= last:
            out += [text[last:start], f"[{kind}]"]
            last = end
    return "".join([*out, text[last:]])


def _region(language: str) -> str | None:
    named = language.replace("_", "-").split("-")[1:]
    return next((part.upper() for part in named if len(part) == 2), _REGIONS.get(primary(language)))


def _by_form(text: str) -> list[tuple[int, int, str]]:
    found = [(m.start(), m.end(), "email") for m in _EMAIL.finditer(text)] if "@" in text else []
    found += [(m.start(), m.end(), "email") for m in _SPOKEN_EMAIL.finditer(text)]
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            try:
                ipaddress.ip_address(match[0])
            except ValueError:
                continue
            found.append((*match.span(), "ip"))
    for match in _IBAN.finditer(text):
        if (end := _iban_end(text, match.start())) is not None:
            found.append((match.start(), end, "iban"))
    return found


def _iban_end(text: str, start: int) -> int | None:
    """Where the account number that begins there ends, if it is one (ISO 13616: mod 97 is 1)."""
    signs, ends = "", []
    for at in range(start, min(len(text), start + 48)):
        if text[at].isascii() and text[at].isalnum():
            signs += text[at].upper()
            ends.append(at + 1)
        elif text[at] not in " -":
            break
    for length in reversed(_IBAN_LENGTHS):
        if (
            length <= len(signs)
            and text[ends[length - 1] : ends[length - 1] + 1].isalnum() is False
        ):
            turned = signs[4:length] + signs[:4]
            if int("".join(str(int(sign, 36)) for sign in turned)) % 97 == 1:
                return ends[length - 1]
    return None


def _runs(text: str, language: str, aside: list[tuple[int, int, str]]) -> Iterator[list[_Number]]:
    """Numbers with nothing between them but what may stand inside a longer one."""
    tokens = list(re.finditer(r"[^\W_]+", text))
    words = [fold(token[0]).replace(" ", "") for token in tokens]
    run: list[_Number] = []
    last = -1  # the word the run ends with
    places = iter(aside)
    place = next(places, None)
    for first, final, digits in figures(words, language=language):
        start, end = tokens[first].start(), tokens[final].end()
        while place is not None and place[1] <= start:
            place = next(places, None)
        if place is not None and place[0] < end:
            continue
        if run and not _joined(text, tokens, words, (last, first), language):
            yield run
            run = []
        sign = text[start - 1 : start] == "+"
        plus = sign or (first > 0 and words[first - 1] in _PLUS)
        run.append(_Number(start - sign, end, _ascii(digits), plus))
        last = final
    if run:
        yield run


def _ascii(digits: str) -> str:
    return "".join(str(int(sign)) for sign in digits)


def _joined(
    text: str,
    tokens: list[re.Match[str]],
    words: list[str],
    between: tuple[int, int],
    language: str,
) -> bool:
    """Whether the words between two numbers, and the signs around them, may be inside one."""
    before, after = between
    if after - before > 4:
        return False
    if not all(bridges(word, language=language) for word in words[before + 1 : after]):
        return False
    return all(
        _SEPARATORS.fullmatch(text, tokens[at].end(), tokens[at + 1].start())
        for at in range(before, after)
    )


def _in_run(
    run: list[_Number], language: str, region: str | None
) -> Iterator[tuple[int, int, str]]:
    if sum(len(number.digits) for number in run) > _LONGEST:
        yield run[0].start, run[-1].end, "number"
        return
    at = 0
    while at < len(run):
        stretches, digits = [], ""
        for end in range(at, len(run)):
            digits += run[end].digits
            if len(digits) > _MOST:
                break
            stretches.append((end, digits))
        for end, digits in reversed(stretches):
            whole = at == 0 and end == len(run) - 1
            kind = _kind(run[at : end + 1], digits, language, region, whole=whole)
            if kind is not None:
                yield run[at].start, run[end].end, kind
                at = end
                break
        at += 1


def _kind(
    numbers: list[_Number], digits: str, language: str, region: str | None, *, whole: bool
) -> str | None:
    """What a stretch of numbers is."""
    count = len(digits)
    if count < 7 or len(set(digits)) == 1:
        return None
    plus, sizes = numbers[0].plus, [len(number.digits) for number in numbers]
    if not plus:
        if count >= 13 and digits[0] in "23456" and _luhn(digits):
            return "card"
        if count == 14 and _mod11(digits, [5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]):
            return "cnpj"
        if count == 11 and _mod11(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]):
            return "cpf"
        written_so = sizes in ([3, 2, 4], [1] * 9)
        if written_so and primary(language) == "en" and _SSN.fullmatch(digits):
            return "ssn"
    # Dialled inside a town, without its code: nothing checks it but the way it is written.
    local = whole and (set(sizes) == {1} or (len(sizes) > 1 and sizes[-1] == 4))
    return "phone" if _is_phone(digits, plus=plus, region=region, local=local) else None


def _luhn(digits: str) -> bool:
    doubled = [int(d) if n % 2 == 0 else sum(divmod(2 * int(d), 10)) for n, d in _back(digits)]
    return sum(doubled) % 10 == 0


def _back(digits: str) -> Iterator[tuple[int, str]]:
    return enumerate(reversed(digits))


def _mod11(digits: str, weights: list[int]) -> bool:
    """The two check digits of CPF and CNPJ; the second is reckoned with one weight more."""
    for extra in ([], [weights[0] + 1 if len(weights) == 9 else 6]):
        used = [*extra, *weights]
        rest = sum(int(d) * w for d, w in zip(digits, used, strict=False)) % 11
        if int(digits[len(used)]) != (0 if rest < 2 else 11 - rest):
            return False
    return True


def _is_phone(digits: str, *, plus: bool, region: str | None, local: bool) -> bool:
    if not plus and digits.startswith("00"):
        return _is_phone(digits[2:], plus=True, region=region, local=False)
    if not plus and (region is None or len(digits) not in _lengths(region)):
        return False
    try:
        number = phonenumbers.parse(f"+{digits}" if plus else digits, region)
    except phonenumbers.NumberParseException:
        return False
    if phonenumbers.is_valid_number(number):
        return True
    reason = phonenumbers.is_possible_number_with_reason(number)
    return local and not plus and reason in _POSSIBLE


@lru_cache(maxsize=256)
def _lengths(region: str) -> frozenset[int]:
    """How many digits a number of the country may have, with and without 0 and country code."""
    about = PhoneMetadata.metadata_for_region(region)
    if about is None or about.general_desc is None:
        return frozenset()
    code = len(str(about.country_code))
    known = about.general_desc
    lengths = {n for n in (*known.possible_length, *known.possible_length_local_only) if n > 6}
    return frozenset(n + more for n in lengths for more in (0, 1, code))
