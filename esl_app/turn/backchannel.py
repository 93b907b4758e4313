"""What words over the agent's speech mean: go on, stop, or nothing because they are his own."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

from esl_app.turn.intents import fold
from esl_app.turn.texts import primary


class Overlap(StrEnum):
    NOTHING = "nothing"  # no words in it
    ECHO = "echo"  # the agent's own words coming back
    BACKCHANNEL = "backchannel"  # "uh-huh": go on
    WORDS = "words"  # the caller wants the turn


# Sounds of listening: never an answer. In Portuguese "um" is one.
_HUMS: Final = r"h+m+|m+h*m*|m+ ?h+m+|uh|er|ah+|oh+|eh|hum+|ha|huh|ahem"
_SOUNDS: Final = {"en": rf"{_HUMS}|u[hm]m*|wow", "pt": rf"{_HUMS}|hein|ahn|nossa", "es": _HUMS}
# Words of listening: an answer when the agent has just asked something.
_AGREES: Final = {
    "en": r"u[hm] huh|aha|yes|yeah|yep|yup|ya|ok|okay|okey|right|all right|alright|sure|i see"
    r"|got it|great|good|perfect|cool|fine|of course|exactly|understood|go on|thank(?: you|s)?"
    r"|thank you (?:very|so) much|thanks a lot|very (?:good|well)|i understand|sounds good",
    "pt": r"aham|aha|uhum|uh hum|sim|ok|okay|certo|ta|ta bom|ta certo|esta bem|entendi|entendo"
    r"|beleza|isso|isso mesmo|e|pois e|claro|legal|sei|perfeito|otimo|bom|exato|obrigad[oa]"
    r"|muit[oa](?: obrigad[oa]| bem| bom)?|com certeza",
    "es": r"aja|aha|uh huh|si|ok|okay|vale|claro|ya|ya veo|bueno|bien|muy bien|entiendo|entendido"
    r"|eso|eso es|de acuerdo|perfecto|exacto|gracias|correcto"
    r"|muchas(?: gracias)?|por supuesto",
}
# Too important to be taken for an echo.
_STOPS: Final = frozenset(
    {"no", "stop", "wait", "sorry", "help", "hold on", "nao", "para", "pare", "espera", "espere"}
    | {"desculpa", "perdon", "alto", "pera", "ayuda", "ajuda"}
)
_LONGEST_WORDS: Final = 4  # "yes, yes, ok, right" is still listening; more is talking
_LONGEST_SAID: Final = 60
_ECHO_WORDS: Final = 4  # so many of our words in a row are no chance
_ECHO_SHARE: Final = 0.75
_JUDGED_WORDS: Final = 40


def overlap(
    text: str,
    *,
    language: str,
    own: str = "",
    asked: bool = False,
    echo: bool = False,
    brief: bool = False,
) -> Overlap:
    """What `text`, heard while the agent talked, is.

    Args:
        text: the recogniser's words.
        language: of the call.
        own: what the agent was saying.
        asked: the agent's words end in a question: "yes" is then an answer.
        echo: the sound itself is like ours, so that fewer words prove it.
        brief: the voice ended with our sound, as an echo does: a few of our words prove it.

    >>> overlap("uh-huh, okay", language="en-US").value
    'backchannel'
    >>> overlap("yes", language="en-US", asked=True).value
    'words'
    >>> overlap("we open at nine", language="en-US", own="On Saturdays we open at nine.").value
    'echo'
    """
    said = fold(text)
    if not said:
        return Overlap.NOTHING
    if _is_echo(said, fold(own), alike=echo, brief=brief):
        return Overlap.ECHO
    agrees = _AGREES.get(primary(language), _AGREES["en"])
    sounds = _SOUNDS.get(primary(language), _HUMS)
    kinds = sounds if asked else f"{sounds}|{agrees}"
    if asked and re.fullmatch(agrees, said):  # "uh-huh" is made of sounds
        return Overlap.WORDS
    if len(said.split()) <= _LONGEST_WORDS and _made_of(kinds, said):
        return Overlap.BACKCHANNEL
    return Overlap.WORDS


def only_sounds(text: str, *, language: str) -> bool:
    """Whether there are no words in it but "hmm" and the like: nothing that could be answered.

    >>> only_sounds("Hmm, uh...", language="en-US"), only_sounds("uh-huh", language="en-US")
    (True, False)
    """
    said = fold(text)
    agrees = _AGREES.get(primary(language), _AGREES["en"])
    sounds = _SOUNDS.get(primary(language), _HUMS)
    return not said or (_made_of(sounds, said) and not re.fullmatch(agrees, said))


def _made_of(kinds: str, said: str) -> bool:
    # Bounded, because such patterns try many ways to take a long row of letters apart.
    return len(said) <= _LONGEST_SAID and bool(re.fullmatch(rf"(?:{kinds})(?: (?:{kinds}))*", said))


def _is_echo(said: str, own: str, *, alike: bool, brief: bool) -> bool:
    """Whether most of the words stand in the agent's, in the same order."""
    ours, theirs = own.split(), said.split()[:_JUDGED_WORDS]
    if not ours:
        return False
    if len(theirs) < _ECHO_WORDS and not alike:
        return brief and said not in _STOPS and f" {said} " in f" {own} "
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    # Single common words in a row of others are no echo: "no, the price at nine" shares three.
    shortest = 1 if alike else 2
    common = sum(block.size for block in blocks if block.size >= shortest)
    return common / len(theirs) >= _ECHO_SHARE
