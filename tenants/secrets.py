"""Keys and passwords as values that nobody can print by mistake.

A `Secret` shows itself as `***` wherever Python shows things: repr, str, format, logs, tracebacks
with locals, JSON with a default, pickles. What is inside comes out of `reveal` alone.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

MASK: Final = "***"

# Names that hold secrets in every vendor's configuration, whether or not its model is at hand.
_NAMES: Final = re.compile(
    r"(^|_)(api_?key|key|secret|token|password|passwd|passphrase|credential)s?(_|$)", re.IGNORECASE
)
# "max_tokens" and its like count words.
_COUNTS: Final = re.compile(r"(^|_)tokens(_|$)", re.IGNORECASE)


class Secret:
    """A text that is shown as `***`.

    >>> key = Secret("sk-123")
    >>> f"{key} {key!r}"
    '*** ***'
    >>> key.reveal()
    'sk-123'
    """

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def reveal(self) -> str:
        """The text itself, for the one call that needs it."""
        return self.__text

    def __repr__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        del spec
        return MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__text.encode(), other.__text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> tuple[type[Secret], tuple[str]]:
        # A pickle is a file somewhere.
        return Secret, (MASK,)


def looks_secret(name: str) -> bool:
    """Whether a field of this name holds a secret.

    >>> [looks_secret(n) for n in ("api_key", "aws_session_token", "max_tokens", "model")]
    [True, True, False, False]
    """
    return bool(_NAMES.search(name)) and not _COUNTS.search(name)


def conceal(config: Mapping[str, Any], names: Collection[str] = ()) -> dict[str, Any]:
    """The same configuration with the texts of secret fields as `Secret`."""
    return {
        name: Secret(value)
        if isinstance(value, str) and (name in names or looks_secret(name))
        else value
        for name, value in config.items()
    }


def reveal(config: Mapping[str, Any]) -> dict[str, Any]:
    """The same configuration with every `Secret` as its text, for the vendor's own client."""
    return {
        name: value.reveal() if isinstance(value, Secret) else value
        for name, value in config.items()
    }
