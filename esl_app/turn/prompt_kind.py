"""What kind of answer a prompt asks for: it decides which silence ends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    OPEN = "open"
    YES_NO = "yes_no"
    DIGITS = "digits"
    PHONE = "phone"
    EMAIL = "email"
    SPELLED = "spelled"
    DATE = "date"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptKind:
    """A kind, and for numbers the lengths a whole one may have (empty: any)."""

    kind: Kind = Kind.OPEN
    lengths: frozenset[int] = frozenset()

    @property
    def keyed(self) -> bool:
        """Whether a keypad answers it, key by key."""
        return self.kind in {Kind.DIGITS, Kind.PHONE, Kind.DATE}

    @classmethod
    def digits(cls, *lengths: int) -> PromptKind:
        """A number of one of these lengths, or of any.

        >>> PromptKind.digits(4).lengths
        frozenset({4})
        """
        return cls(kind=Kind.DIGITS, lengths=frozenset(lengths))

    @classmethod
    def phone(cls, *lengths: int) -> PromptKind:
        """A telephone number; without lengths, one of the country in the language's tag."""
        return cls(kind=Kind.PHONE, lengths=frozenset(lengths))


OPEN: Final = PromptKind()
YES_NO: Final = PromptKind(kind=Kind.YES_NO)
PHONE: Final = PromptKind(kind=Kind.PHONE)
EMAIL: Final = PromptKind(kind=Kind.EMAIL)
SPELLED: Final = PromptKind(kind=Kind.SPELLED)
DATE: Final = PromptKind(kind=Kind.DATE)
