"""What a caller wants of the call itself: a person, an end, the last answer again.

Rules on words, not a model: they have to work when every provider is down, and a hand-off must not
wait for one. The tenant's own keywords are matched as whole words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum

from esl_app.turn.texts import primary


class Intent(StrEnum):
    """Kept with the turn as `detected_intent`."""

    QUESTION = "question"
    HANDOFF = "handoff"
    GOODBYE = "goodbye"
    REPEAT = "repeat"


# Matched on folded text: lower case, no accents, no punctuation, single spaces.
_WANT_EN = r"(?:speak|talk|connect me|put me through|transfer me)"
_PERSON_EN = (
    r"(?:person|human|human being|agent|operator|someone|somebody|representative|receptionist"
    r"|attendant|real person|live agent)"
)
_RULES: dict[str, dict[Intent, tuple[str, ...]]] = {
    "en": {
        Intent.HANDOFF: (
            rf"\b{_WANT_EN}(?: to| with)?(?: (?:a|an|the|some))?(?: \w+)? ?{_PERSON_EN}\b",
            rf"\b(?:i (?:want|need)|give me|get me)(?: (?:a|an|the))?(?: \w+)? {_PERSON_EN}\b",
            rf"^(?:{_PERSON_EN})(?: please)?$",
        ),
        Intent.GOODBYE: (
            r"\b(?:good ?bye|bye(?: bye)?)\b",
            r"^(?:no )?(?:thank you |thanks )?thats all(?: thank you| thanks)?$",
            r"^that is all(?: thank you| thanks)?$",
            r"^(?:no )?(?:thank you|thanks)(?: very much)? (?:have a (?:nice|good) day)$",
        ),
        Intent.REPEAT: (
            r"\b(?:say|repeat) (?:that|it)(?: again)?\b",
            r"^(?:pardon|sorry|what|repeat)(?: please)?$",
            r"\bcan you repeat\b",
        ),
    },
    "pt": {
        Intent.HANDOFF: (
            (
                r"\b(?:falar|conversar) com (?:(?:um|uma|o|a|algum|alguma) )?(?:\w+ )?"
                r"(?:atendente|pessoa|humano|alguem|operador|operadora|recepcionista)\b"
            ),
            (
                r"\b(?:quero|preciso de|me passa(?: para)?|transfere(?: para)?) "
                r"(?:(?:um|uma|o|a) )?(?:atendente|pessoa|humano|operador|operadora)\b"
            ),
            r"^(?:atendente|humano|operador)(?: por favor)?$",
        ),
        Intent.GOODBYE: (
            r"\b(?:tchau|ate logo|ate mais|adeus)\b",
            r"^(?:nao )?(?:obrigado |obrigada )?(?:e |era )?so isso(?: obrigado| obrigada)?$",
        ),
        Intent.REPEAT: (
            r"\b(?:pode|poderia) repetir\b",
            r"^(?:como|repete|repita)(?: por favor)?$",
        ),
    },
    "es": {
        Intent.HANDOFF: (
            (
                r"\b(?:hablar|comunicarme) con (?:(?:un|una|el|la|alguna) )?(?:\w+ )?"
                r"(?:persona|agente|humano|alguien|operador|operadora|recepcionista)\b"
            ),
            (
                r"\b(?:quiero|necesito|paseme con) (?:(?:un|una|el|la) )?"
                r"(?:agente|persona|humano|operador|operadora)\b"
            ),
            r"^(?:agente|operador|operadora)(?: por favor)?$",
        ),
        Intent.GOODBYE: (
            r"\b(?:adios|hasta luego|chao)\b",
            r"^(?:no )?(?:gracias )?eso es todo(?: gracias)?$",
        ),
        Intent.REPEAT: (
            r"\b(?:puede|podria) repetir\b",
            r"^(?:como|repita|repite)(?: por favor)?$",
        ),
    },
}


def fold(text: str) -> str:
    """Lower case without accents and punctuation, one space between words."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c for c in decomposed if not unicodedata.combining(c)).replace("'", "")
    return " ".join(re.findall(r"\w+", kept))


def detect(
    text: str,
    *,
    language: str,
    handoff_keywords: Iterable[str] = (),
    farewell_keywords: Iterable[str] = (),
) -> Intent:
    """What the utterance asks of the call; a question when none of the rules fits.

    >>> detect("I would like to speak to a person, please.", language="en-US").value
    'handoff'
    >>> detect("Can a person park near the clinic?", language="en-US").value
    'question'
    """
    said = fold(text)
    rules = _RULES.get(primary(language), _RULES["en"])
    if _fits(said, rules[Intent.HANDOFF]) or _names(said, handoff_keywords):
        return Intent.HANDOFF
    if _fits(said, rules[Intent.REPEAT]):
        return Intent.REPEAT
    if _fits(said, rules[Intent.GOODBYE]) or _names(said, farewell_keywords):
        return Intent.GOODBYE
    return Intent.QUESTION


def _fits(said: str, rules: Iterable[str]) -> bool:
    return any(re.search(rule, said) for rule in rules)


def _names(said: str, keywords: Iterable[str]) -> bool:
    folded = (fold(keyword) for keyword in keywords)
    return any(re.search(rf"\b{re.escape(word)}\b", said) for word in folded if word)
