"""Dialled numbers in one form, read the way they are written in the tenant's country."""

from __future__ import annotations

import re
from typing import Final

import phonenumbers

from tenants.fields import normalise_number

_DIGITS: Final = re.compile(r"[0-9]{5,15}")


def canonical(dialled: str, country: str | None) -> str:
    """The form in which `did.destination_number` is kept: E.164 without its `+`.

    A number without a country is read as one of `country`. Extensions, short codes, names, and
    whatever could be no number of that country stay as `normalise_number` leaves them: nothing is
    guessed about a number from abroad.

    >>> canonical("(11) 3333-4444", "BR"), canonical("+55 11 3333-4444", "US")
    ('551133334444', '551133334444')
    >>> canonical("2000", "BR"), canonical("11 3333-4444", None)
    ('2000', '1133334444')
    """
    plain = normalise_number(dialled)
    international = dialled.strip().startswith(("+", "00"))
    if country is None or international or not _DIGITS.fullmatch(plain):
        return plain
    try:
        number = phonenumbers.parse(plain, country)
    except phonenumbers.NumberParseException:
        return plain
    # By length only: ranges are opened faster than packages are updated.
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return plain
    return f"{number.country_code}{phonenumbers.national_significant_number(number)}"
