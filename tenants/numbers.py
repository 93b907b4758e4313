"""Dialled numbers in one form, read the way they are written in the tenant's country."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

import phonenumbers

from tenants.fields import normalise_number

_DIGITS: Final = re.compile(r"[0-9]{5,15}")

# What costs what a call costs. Premium, shared-cost, personal and satellite numbers do not.
_ORDINARY: Final = frozenset(
    {
        phonenumbers.PhoneNumberType.FIXED_LINE,
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
        phonenumbers.PhoneNumberType.VOIP,
        phonenumbers.PhoneNumberType.TOLL_FREE,
    }
)


def ordinary(number: str, countries: Collection[str]) -> bool:
    """Whether an E.164 number is an ordinary one of one of these countries (ISO 3166).

    What is not known to be one is none: here a mistake is paid for.

    >>> ordinary("+551133334444", {"BR"}), ordinary("+551133334444", {"DE"})
    (True, False)
    >>> ordinary("+8821650123456", {"BR", "US"}), ordinary("+18765551234", {"US"})
    (False, False)
    """
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return False
    return (
        phonenumbers.region_code_for_number(parsed) in countries
        and phonenumbers.number_type(parsed) in _ORDINARY
    )


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
