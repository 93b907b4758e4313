"""Text from a recogniser or a model, made fit to be kept, spoken and shown."""

from __future__ import annotations

import unicodedata


def clean(text: str) -> str:
    r"""Text from a recogniser or a model without control characters and lone surrogates.

    PostgreSQL keeps no NUL, and nothing that speaks or prints a text has a use for the others.

    >>> clean("a\0b\r\nc")
    'a b  c'
    """
    return "".join(" " if unicodedata.category(c) in {"Cc", "Cs"} else c for c in text)
