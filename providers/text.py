"""Text from and for engines: what may go on to logs, SQL, prompts and voices."""

from __future__ import annotations

import re

# C0 controls but tab and newline, DEL, C1, and lone surrogates: PostgreSQL refuses NUL, UTF-8 the
# surrogates, and a terminal obeys the rest.
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(text: str) -> str:
    """Text without control characters; carriage returns become newlines."""
    return _UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def speakable(text: str) -> bool:
    """Whether there is anything to pronounce."""
    return any(character.isalnum() for character in text)


def primary(language: str) -> str:
    """The primary subtag: "pt" of "pt-BR" or "pt_BR".

    >>> primary("pt-BR")
    'pt'
    """
    return re.split("[-_]", language, maxsplit=1)[0].lower()
