"""Whether a Portuguese or Spanish number is "dois" or "duas": by the look of the next word."""

from __future__ import annotations

import re
from typing import Final

from esl_app.speech._numbers import Gender

_NOUN: Final = re.compile(r" ([^\W\d_]{2,20})(?!\w)")
_FEMININE: Final = re.compile(
    r"(?:as?|ções|ção|ciones|ción|dades?|dad|gens?"
    r"|^(?:vez|vezes|veces|noites?|noches?|tardes?|partes?|chaves?|llaves?|calles?|clases?|classes?"
    r"|mulher|mulheres|mujer|mujeres|redes?|fases?))$"
)
_MASCULINE: Final = re.compile(
    r"(?:d[ií]a|(?:quilo|kilo|mili)?grama|problema|programa|mapa|sistema|idioma|tema)s?"
)
# Words that may follow a number and are not what is counted.
_SMALL: Final = frozenset(
    re.findall(
        r"\w+",
        "a à ao aos às as o os e é em no na nos nas do da dos das de del el la los las y u ou con "
        "com por para pra pela pelo que se es en al un una um uma mais más menos até hasta desde "
        "ante sobre entre antes depois después ya já si sim não sí vamos agora "
        "ahora ainda fora fuera nunca mañana mientras cuando donde como quando onde porque pero "
        "marque pulse llame ligue disque aperte digite tecle entonces então",
    )
)


def noun(text: str, at: int) -> str | None:
    """The word right after a number that ends at `at`, if it can be what is counted."""
    match = _NOUN.match(text, at)
    word = None if match is None else match[1].lower()
    return None if word in _SMALL else word


def gender(word: str | None) -> Gender:
    """The gender of a noun as far as its ending shows it."""
    if word is None:
        return ""
    return "f" if _FEMININE.search(word) and not _MASCULINE.fullmatch(word) else "m"
