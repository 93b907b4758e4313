"""One answer from keys and speech: "say or press one", "enter or say your number". Pure.

Theory of operation. Keys are exact and speech is not, so keys win, whenever they come:

    a key that completes the entry     → the entry
    a terminator                       → the entry, complete or not
    keys, then silence for `between_s` → the entry, as it is
    words at the end of a turn         → the entry, when they hold one; joined to the keys where
                                         only both together are whole ("4 1 5" pressed, rest said)

`*` clears the keys, unless it is a choice. While keys are pending, `due_at()` is the instant at
which they are taken as they are: a caller who stops half way does not wait for ever.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from esl_app.turn.intents import fold
from esl_app.turn.numerals import numerals

_LONGEST: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What was entered; `whole` when it is one of the choices or has one of the lengths."""

    pii_keys: str
    by: Literal["keys", "voice", "both"]
    whole: bool


class SayOrPress:
    """One entry; make a new one for each prompt.

    >>> menu = SayOrPress(language="en-US", choices={"1": ["sales"], "2": ["support", "help"]})
    >>> menu.said("I need some help", 3.0)
    Entry(pii_keys='2', by='voice', whole=True)
    """

    def __init__(
        self,
        *,
        language: str,
        choices: Mapping[str, Sequence[str]] | None = None,
        lengths: Sequence[int] = (),
        terminators: str = "#",
        between_s: float = 3.0,
    ) -> None:
        """For a menu `choices` (key → words for it), for a number its `lengths` (none: any)."""
        self._language = language
        self._choices = dict(choices or {})
        self._lengths = frozenset(lengths)
        self._terminators = terminators
        self._between_s = between_s
        self._keys = ""
        self._pressed_at = 0.0

    @property
    def pending(self) -> str:
        """The keys pressed so far."""
        return self._keys

    def press(self, key: str, t: float) -> Entry | None:
        """A key; the entry when it ends it."""
        self._pressed_at = t
        if key in self._terminators and key not in self._choices:
            return self._take("keys") if self._keys else None
        if key == "*" and "*" not in self._choices:
            self._keys = ""
            return None
        self._keys += key
        full = len(self._keys) >= self._longest
        return self._take("keys") if full or self._only_choice(self._keys) else None

    def said(self, text: str, t: float) -> Entry | None:
        """The words of a turn; None when there is no entry in them (and no key pending counts)."""
        choice = self._chosen(text)
        if choice:
            return Entry(pii_keys=choice, by="voice", whole=True)
        digits = numerals(text, language=self._language).all
        if self._choices or not digits:
            return self.tick(t)
        if self._keys and len(digits) not in self._lengths:
            joined = self._keys + digits
            if len(joined) in self._lengths:
                self._keys = joined
                return self._take("both")
            return self.tick(t)
        self._keys = digits
        return self._take("voice")

    def due_at(self) -> float | None:
        """When the keys pending are taken as they are."""
        return self._pressed_at + self._between_s if self._keys else None

    def tick(self, t: float) -> Entry | None:
        """Do what is due."""
        due = self.due_at()
        return self._take("keys") if due is not None and t >= due else None

    @property
    def _longest(self) -> int:
        if self._choices:
            return max(len(key) for key in self._choices)
        return max(self._lengths, default=_LONGEST)

    def _only_choice(self, keys: str) -> bool:
        return keys in self._choices and not any(
            other != keys and other.startswith(keys) for other in self._choices
        )

    def _take(self, by: Literal["keys", "voice", "both"]) -> Entry:
        keys, self._keys = self._keys, ""
        if self._choices:
            whole = keys in self._choices
        else:
            whole = len(keys) in self._lengths if self._lengths else bool(keys)
        return Entry(pii_keys=keys, by=by, whole=whole)

    def _chosen(self, text: str) -> str:
        """The one choice the words name; none when they name two."""
        if not self._choices:
            return ""
        said = fold(text)
        named = {
            key
            for key, words in self._choices.items()
            if any(fold(w) and re.search(rf"\b{re.escape(fold(w))}\b", said) for w in words)
        }
        if not named:
            named = {numerals(text, language=self._language).all} & self._choices.keys()
        return named.pop() if len(named) == 1 else ""
