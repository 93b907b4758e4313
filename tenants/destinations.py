"""Where calls may be handed to, and which words lead there."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self
from uuid import UUID, uuid4

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tenants import _rows, sql
from tenants.db import Cursor
from tenants.fields import Context, Integer, Keywords, Row

_SQL = sql.load("tenants", "rows.sql")

DestinationType = Literal["extension", "ring_group", "queue", "external", "voicemail"]

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
# Keys, or a name with a short number at its end: nobody's extension is a card or an account.
_INSIDE: Final = re.compile(r"[0-9*#]{1,15}|[A-Za-z][A-Za-z_.-]{0,40}[0-9]{0,6}")
_PATTERN_LONGEST: Final = 200
_PATTERN_REPEATS: Final = 2
_PATTERN_CHOICES: Final = 16


def _lowered(value: object) -> object:
    if isinstance(value, str):
        value = [word for word in value.split(",") if word.strip()]
    if isinstance(value, list | tuple):
        return [" ".join(v.lower().split()) if isinstance(v, str) else v for v in value]
    return value


def _distinct(aliases: tuple[str, ...]) -> tuple[str, ...]:
    if "" in aliases:
        raise ValueError("one is empty")
    if len(set(aliases)) < len(aliases):
        twice = next(a for n, a in enumerate(aliases) if a in aliases[:n])
        raise ValueError(f"{twice!r} is there twice")
    return aliases


def _harmless(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Regular expressions that cannot hold up a call, whatever a caller says.

    Python's matcher tries one thing after the other: repeated groups, and long rows of choices,
    take exponential time. Two repeats and few choices over 120 characters
    (`esl_app.turn.destinations`) take milliseconds at worst.
    """
    for number, pattern in enumerate(patterns, start=1):
        try:
            re.compile(pattern)
        except (re.error, OverflowError, RecursionError):
            raise ValueError(f"pattern {number}: not a regular expression") from None
        bare = re.sub(r"\[\^?\]?[^\]]*\]", "_", re.sub(r"\\.", "_", pattern))
        if len(pattern) > _PATTERN_LONGEST:
            raise ValueError(f"pattern {number}: longer than {_PATTERN_LONGEST} characters")
        if re.search(r"\)[*+?{]", bare) or re.search(r"\\[1-9]|\(\?P=", pattern):
            raise ValueError(f"pattern {number}: repeats a group or refers back to one")
        if len(re.findall(r"[*+{]", bare)) > _PATTERN_REPEATS:
            raise ValueError(f"pattern {number}: more than {_PATTERN_REPEATS} repetitions")
        if _choices(bare) > _PATTERN_CHOICES:
            raise ValueError(f"pattern {number}: more than {_PATTERN_CHOICES} ways to match")
    return patterns


def _choices(bare: str) -> int:
    """How many ways through a pattern there are, besides its repetitions; or more."""
    ways: int = 2 ** len(re.findall(r"(?<![(*+?}])\?", bare))
    open_groups = [1]
    for sign in bare:
        if sign == "(":
            open_groups.append(1)
        elif sign == "|":
            open_groups[-1] += 1
        elif sign == ")":
            ways *= open_groups.pop()
    return ways


Aliases = Annotated[tuple[str, ...], BeforeValidator(_lowered), AfterValidator(_distinct)]
Patterns = Annotated[tuple[str, ...], AfterValidator(_harmless)]


class TransferDestination(Row):
    """Somebody a call can be handed to. `voice_secretary_uuid` None: by every secretary."""

    transfer_destination_uuid: UUID = Field(default_factory=uuid4)
    voice_secretary_uuid: UUID | None = None
    name: str = Field(min_length=1)
    aliases: Aliases = ()
    destination_type: DestinationType
    destination_number: str
    destination_context: Context = "default"
    business_hours_uuid: UUID | None = None
    fallback_action: Literal[
        "offer_callback", "offer_ticket", "create_ticket", "voicemail", "return_agent", "hangup"
    ] = "return_agent"
    ring_timeout_seconds: int = Field(default=30, ge=5, le=300)
    max_retries: int = Field(default=1, ge=0, le=5)
    retry_delay_seconds: int = Field(default=5, ge=0, le=300)
    department: str = ""
    role: str = ""
    description: str = ""
    priority: Integer = 100
    is_enabled: bool = True
    is_default: bool = False

    @model_validator(mode="after")
    def _number_fits_type(self) -> Self:
        number = self.destination_number
        if self.destination_type == "external":
            if not _E164.fullmatch(number):
                raise ValueError("destination_number: an external one is +, country and number")
        elif not _INSIDE.fullmatch(number):
            raise ValueError(
                f"destination_number: no {self.destination_type} (up to 15 digits, * and #, "
                "or a name with at most 6 digits at its end)"
            )
        return self


class TransferRule(Row):
    """Words that mean: transfer me there. `voice_secretary_uuid` None: for every secretary."""

    transfer_rule_uuid: UUID = Field(default_factory=uuid4)
    voice_secretary_uuid: UUID | None = None
    transfer_destination_uuid: UUID
    intent_keywords: Keywords = ()
    intent_patterns: Patterns = ()
    transfer_message: str = ""
    transfer_timeout_seconds: int | None = Field(default=None, ge=5, le=300)
    skip_presence_check: bool = False
    priority: Integer = 0
    is_enabled: bool = True

    @model_validator(mode="after")
    def _matches_something(self) -> Self:
        if not self.intent_keywords and not self.intent_patterns:
            raise ValueError("intent_keywords: neither these nor intent_patterns are given")
        return self


def read_destinations(cursor: Cursor, domain_uuid: UUID) -> list[TransferDestination]:
    """All destinations of the domain, in the order to offer them."""
    return _rows.read(
        cursor, _SQL["destinations"], domain_uuid, TransferDestination, "transfer_destination"
    )


def save_destination(cursor: Cursor, domain_uuid: UUID, row: TransferDestination) -> None:
    """Insert or change a destination.

    Raises:
        Conflict: `alias_in_use`, `destination_name_in_use` or `destination_one_default`.
    """
    _rows.write(cursor, _SQL["save_destination"], domain_uuid, row)


def remove_destination(cursor: Cursor, domain_uuid: UUID, name: str) -> bool:
    """Remove a destination by name, with the rules that lead to it."""
    return _rows.remove(
        cursor, _SQL["remove_destination"], {"domain_uuid": domain_uuid, "name": name}
    )


def read_rules(cursor: Cursor, domain_uuid: UUID) -> list[TransferRule]:
    """All transfer rules of the domain, in the order to try them."""
    return _rows.read(cursor, _SQL["transfer_rules"], domain_uuid, TransferRule, "transfer_rule")


def save_rule(cursor: Cursor, domain_uuid: UUID, row: TransferRule) -> None:
    """Insert or change a transfer rule."""
    _rows.write(cursor, _SQL["save_transfer_rule"], domain_uuid, row)


def remove_rule(cursor: Cursor, domain_uuid: UUID, transfer_rule_uuid: UUID) -> bool:
    """Remove a transfer rule."""
    return _rows.remove(
        cursor,
        _SQL["remove_transfer_rule"],
        {"domain_uuid": domain_uuid, "transfer_rule_uuid": transfer_rule_uuid},
    )
