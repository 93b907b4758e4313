"""The kinds of values that rows are made of, and the base of all rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from tenants.errors import InvalidRow

ProviderType = Literal["stt", "tts", "llm", "embeddings", "realtime"]

_NOT_IN_NUMBERS = re.compile(r"[\s().\-/]+")
_NUMBER_LIKE = re.compile(r"\+?[0-9*#\s().\-/]+")


def normalise_number(dialled: str) -> str:
    """One form for each way to write a destination: what `did.destination_number` holds.

    Digits lose their punctuation and the `+` or `00` of international dialling, so that
    "+1 (555) 010-0200", "0015550100200" and "15550100200" are one number; short ones starting
    with 00 are extensions and stay. Anything else is a SIP user name, in lower case. Nothing is
    guessed from a country: that needs the tenant, which is what is being looked for.

    >>> normalise_number("+1 (555) 010-0200")
    '15550100200'
    """
    text = dialled.strip().lower()
    if not _NUMBER_LIKE.fullmatch(text):
        return text
    digits = _NOT_IN_NUMBERS.sub("", text)
    if digits.startswith("+"):
        return digits[1:]
    if digits.startswith("00") and len(digits) >= 10:
        return digits[2:]
    return digits


def _words(value: object) -> object:
    """Keywords as a list, or as the comma-separated text other systems keep them in."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


Keywords = Annotated[tuple[str, ...], BeforeValidator(_words)]
Destination = Annotated[
    str, BeforeValidator(lambda v: normalise_number(v) if isinstance(v, str) else v)
]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
# What a transfer takes (esl_app.protocol.safe): digits and keys, or a name.
Extension = Annotated[str, Field(pattern=r"^(\+?[0-9*#]{1,32}|[A-Za-z][A-Za-z0-9_.-]{0,63})$")]
Context = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")]
# Where we can ring back: E.164, or an extension of the house.
CallableNumber = Annotated[str, Field(pattern=r"^(\+[1-9][0-9]{6,14}|[0-9*#]{1,15})$")]
# What an integer column holds.
Integer = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
Priority = Literal["low", "medium", "high", "urgent"]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # KeyError: that is what "not found" is
        raise ValueError("no such time zone (for example America/Sao_Paulo)") from None
    return name


TimeZone = Annotated[str, Field(pattern=r"^[A-Za-z0-9_+/-]{1,64}$"), AfterValidator(_known_zone)]


NUMBER_PATTERN = r"^[a-z0-9._*#-]{1,64}$"
DOMAIN_PATTERN = r"^[a-z0-9]([a-z0-9._-]{0,252}[a-z0-9])?$"


class Row(BaseModel):
    """Base of all rows: immutable, strict about keys, silent about its input in messages."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


_RowT = TypeVar("_RowT", bound=Row)


def parse(model: type[_RowT], values: Mapping[str, Any], what: str) -> _RowT:
    """A row from outside.

    Raises:
        InvalidRow: Names the row (`what`), the field and the rule, never the value.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        # A rule about several fields names them itself.
        field = "".join(f"{part}: " for part in [".".join(map(str, first["loc"]))] if part)
        raise InvalidRow(f"{what}: {field}{first['msg'].removeprefix('Value error, ')}") from None
