"""Where the caller's words lead: which of a tenant's destinations they name. Pure.

A destination is named by what its row says, the surest first:

    1.0  an alias, and nothing else      .80  a name among other words, or a part of it
    .95  the name, and nothing else      .70  the department among other words
    .85  an alias among other words      .65  the role among other words
    ratio x .6, of a ratio above .6: it sounds like an alias or the name

Words are compared folded, without what leads to them ("transfer me to the") and politeness. Nobody
is sent anywhere for mentioning a name: there has to be the wish ("talk to"), or nothing but the
name. What only sounds like one has to be near (`SURE`); below it, the model may judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final, Protocol, TypeVar

from esl_app.turn.intents import fold
from esl_app.turn.texts import primary

EXACT: Final = 0.95
SURE: Final = 0.48  # a ratio of .8
_LIKE: Final = 0.6
_JUDGED: Final = 300  # characters of an utterance; who wants somebody says so in fewer
_SEARCHED: Final = 120  # by a tenant's patterns: what one may cost grows with the cube of it
_MOST_PATTERNS: Final = 50
_LIKE_WORDS: Final = 6  # after "talk to": who sounds like somebody is among the first
_PART: Final = 3  # letters that a part of a name has at least

# On folded clauses.
_WISH: Final = {
    "en": r"\b(?:(?:speak|talk)(?:ing)? (?:to|with)|transfer(?: me| my call| this call)?(?: to)?"
    r"|put me through(?: to)?|connect me(?: to| with)?|pass me(?: on)? to)\b",
    "pt": r"\b(?:(?:falar|fala|conversar) com|transf(?:ere|ira|erir)(?: me)?(?: a ligacao)?"
    r"(?: para| pra| pro)?|(?:me )?pass[ae]r?(?: me)?(?: a ligacao)? (?:para|pra|pro|com)"
    r"|(?:me )?lig(?:a|ar|ue) (?:com|para|pra|pro))\b",
    "es": r"\b(?:(?:hablar|conversar) con|transf(?:ier[ae]|erir)(?:me)?(?: la llamada)?(?: a| con)?"
    r"|(?:me )?(?:comuni(?:ca|car|que|quen?)(?:me)?|pas[ae]r?(?:me)?|pon(?:er|ga)(?:me)?) con"
    r"|(?:me )?pas[ae](?:me)? al?)\b",
}
_NOT: Final = {
    "en": r"\b(?:dont|do not|did not|didnt|not|never|cannot|cant)(?: \w+){0,3} (?=WISH)",
    "pt": r"\b(?:nao|nunca)(?: \w+){0,3} (?=WISH)",
    "es": r"\b(?:no|nunca)(?: \w+){0,3} (?=WISH)",
}
_BEFORE: Final = re.compile(
    r"^(?:(?:please|por favor|hi|hello|ola|hola|the|a|an|your|to|with|for|o|os|as|um|uma|ao|aos|com"
    r"|para|pra|pro|da|do|de|el|la|los|las|un|una|al|con|del)(?: |$))+"
)
_AFTER: Final = re.compile(
    r"(?:^| )(?:please|thanks|thank you|now|por favor|obrigad[oa]|gracias|agora|ahora)$"
)


class Named(Protocol):
    """What a destination's row says of itself."""

    @property
    def name(self) -> str: ...
    @property
    def aliases(self) -> Sequence[str]: ...
    @property
    def department(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def priority(self) -> int: ...


D = TypeVar("D", bound=Named)


@dataclass(frozen=True, slots=True, kw_only=True)
class WordRule:
    """Words and patterns of a tenant that lead to the destination of that name."""

    destination: str
    keywords: Sequence[str] = ()
    patterns: Sequence[str] = ()
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """The destinations that words lead to, by name: one, or several that fit equally well."""

    names: tuple[str, ...]
    message: str = ""
    """What the rule that leads there has said before the transfer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leads:
    """A tenant's destinations, and its rules in the order to try them."""

    destinations: Sequence[Named] = ()
    rules: Sequence[WordRule] = ()
    language: str = "en-US"

    def of(self, text: str) -> Lead | None:
        """Where an utterance leads, by a rule or by a wish for somebody who is named."""
        return self.by_rule(text) or self.by_name(text)

    def by_rule(self, text: str) -> Lead | None:
        """The first rule with one of its keywords or patterns in the utterance."""
        said, plain = fold(text), " ".join(text.split())[:_SEARCHED]
        patterns = 0
        for rule in self.rules:
            found = any(_within(_folded(word), said) for word in rule.keywords)
            for pattern in rule.patterns:
                patterns += 1
                if found or patterns > _MOST_PATTERNS:
                    break
                # As it was said, and without accents: both are ways to write a pattern.
                found = any(
                    re.search(pattern, words, re.IGNORECASE) for words in (plain, said[:_SEARCHED])
                )
            if found:
                return Lead(names=(rule.destination,), message=rule.message)
        return None

    def by_name(self, text: str) -> Lead | None:
        """Who is wished for by alias, name, department or role."""
        if not self.destinations or len(text) > _JUDGED:
            return None
        for wished in _wishes(text, self.language):
            if found := best(wished, self.destinations):
                return Lead(names=tuple(each.name for each in found))
        found = best(fold(text), self.destinations, at_least=EXACT)
        return Lead(names=tuple(each.name for each in found)) if found else None

    def among(self, text: str, names: Sequence[str]) -> Lead | None:
        """Which of these the answer to "which of them?" means."""
        asked = [each for each in self.destinations if each.name in names]
        found = best(fold(text[:_JUDGED]), asked)
        return Lead(names=tuple(each.name for each in found)) if found else None


def best(words: str, destinations: Iterable[D], *, at_least: float = SURE) -> list[D]:
    """Whom folded words name best; several when neither score nor priority tells them apart."""
    bare, rows = _bare(words), list(destinations)
    if not bare:
        return []
    scored = [(_named(bare, each), each) for each in rows]
    top = max((points for points, _ in scored), default=0.0)
    if not top and at_least < _LIKE:  # the dearest comes last: nobody was named
        near = at_least / _LIKE
        scored = [(_alike(bare, each, near) * _LIKE, each) for each in rows]
        top = max((points for points, _ in scored), default=0.0)
    if top == 0 or top < at_least:
        return []
    found = [each for points, each in scored if points == top]
    first = min(each.priority for each in found)
    return [each for each in found if each.priority == first]


def score(words: str, destination: Named) -> float:
    """How surely folded words name a destination, from 0 to 1.

    >>> @dataclass
    ... class Desk:
    ...     name: str = "Sales desk"
    ...     aliases: tuple[str, ...] = ("sales",)
    ...     department: str = "Revenue"
    ...     role: str = "manager"
    ...     priority: int = 1
    >>> [score(words, Desk()) for words in ("sales", "sales desk", "the sales people", "desk")]
    [1.0, 0.95, 0.85, 0.8]
    >>> [score(words, Desk()) for words in ("revenue department", "a manager", "nobody")]
    [0.7, 0.65, 0.0]
    """
    return _named(words, destination) or _alike(words, destination, _LIKE) * _LIKE


def _named(words: str, destination: Named) -> float:
    aliases = [_folded(alias) for alias in destination.aliases]
    name = _folded(destination.name)
    fits = (
        (1.0, words in aliases),
        (0.95, words == name),
        (0.85, any(_within(alias, words) or _part(words, alias) for alias in aliases)),
        (0.80, _within(name, words) or _part(words, name)),
        (0.70, _within(_folded(destination.department), words)),
        (0.65, _within(_folded(destination.role), words)),
    )
    return next((points for points, fit in fits if fit), 0.0)


def _alike(words: str, destination: Named, near: float) -> float:
    """How alike words and alias or name are; 0 for less than `near`."""
    known = (_folded(text) for text in (destination.name, *destination.aliases))
    return max((_ratio(text, words, near) for text in known), default=0.0)


def _wishes(text: str, language: str) -> list[str]:
    """What is wished for in each clause: what follows "talk to", or else the whole utterance."""
    tongue = primary(language) if primary(language) in _WISH else "en"
    wish = _WISH[tongue]
    found = []
    for clause in re.split(r"[,.;:!?]+", text):
        said = fold(clause)
        if re.search(_NOT[tongue].replace("WISH", wish), said):
            continue
        if match := re.search(wish, said):  # "Sales, please. Can you transfer me?"
            found.append(_bare(said[match.end() :]) or fold(text))
    return found


def _bare(words: str) -> str:
    bare = _BEFORE.sub("", words.strip())
    while (shorter := _AFTER.sub("", bare)) != bare:
        bare = shorter
    return bare.strip()


def _within(part: str, words: str) -> bool:
    """Whole words among words."""
    return bool(part) and f" {part} " in f" {words} "


def _part(words: str, known: str) -> bool:
    return len(words) >= _PART and _within(words, known)


def _ratio(known: str, words: str, near: float) -> float:
    """The ratio at the place where they are most alike; 0 for less than `near`."""
    said, count = words.split()[:_LIKE_WORDS], len(known.split())
    if not known:
        return 0.0
    matcher = SequenceMatcher(autojunk=False)
    found = 0.0
    for n in range(max(1, len(said) - count + 1)):
        part = " ".join(said[n : n + count])
        least = max(found, near)
        # The most that a ratio of texts of such lengths can be.
        if 2 * min(len(part), len(known)) < least * (len(part) + len(known)):
            continue
        matcher.set_seqs(part, known)
        if matcher.quick_ratio() >= least:
            ratio = matcher.ratio()
            found = ratio if ratio >= least else found
    return found


@lru_cache(maxsize=8192)
def _folded(text: str) -> str:
    """Of rows, not of what people say: they are asked for again and again."""
    return fold(text)
