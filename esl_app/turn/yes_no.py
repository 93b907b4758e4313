"""Whether the caller said yes or no; nothing when he said neither, or both. Pure.

Made for answers that something hangs on (a consent, a number read back): what is not plainly one
of the two is neither, and whoever asked asks again.
"""

from __future__ import annotations

import re
from typing import Final

from esl_app.turn.intents import fold
from esl_app.turn.texts import primary

# All matched on folded text, at the beginning of a clause, one after the other: "yes yes it is".
_YES: Final = {
    "en": r"yes|yeah|yep|yup|yah|ya|aye|uh huh|mm hmm|mhm|ok|okay|sure|certainly|absolutely"
    r"|definitely|of course|all right|alright|correct|exactly|indeed|agreed|by all means"
    r"|(?:(?:it|that|this|everything)(?: is|s) )(?:all )?(?:right|correct|fine|ok|okay|it|good)"
    r"|i (?:agree|accept|consent)|go ahead|sounds good|no (?:problem|doubt|objections?)"
    r"|not a problem|why not",
    "pt": r"sim|claro|com certeza|certo|certinho|correto|exato|exatamente|isso mesmo|isso ai|ok"
    r"|okay|aham|uhum|uh huh|positivo|perfeito|beleza"
    r"|(?:e|esta|ta) (?:isso|sim|certo|correto|bom|bem|otimo)(?: mesmo)?|pode (?:ser|sim)"
    r"|(?:quero|tenho|sou) sim|aceito|concordo|autorizo|confirmo|de acordo|tudo (?:certo|bem)"
    r"|acho que sim|(?:nao ha|nao tem|sem|nenhum) (?:problema|duvida)|por que nao|pois nao",
    "es": r"claro|correcto|exacto|exactamente|asi es|eso es|es (?:asi|correcto|cierto|ese|eso)"
    r"|esta (?:bien|correcto)|ok|okay|vale|aja|uh huh|(?:estoy )?de acuerdo|por supuesto"
    r"|desde luego|perfecto|acepto|autorizo|confirmo|adelante|(?:creo|claro) que (?:si|aja)|como no"
    r"|(?:no hay|sin|ningun) problema|por que no",
}
# A yes only when nothing follows: "I would", but "I would like to know".
_YES_ALONE: Final = {
    "en": r"right|fine|perfect|great|it is|it does|i do|i am|i would|i will|please do|please"
    r"|you (?:may|can)|i (?:think|believe|guess) so",
    "pt": r"isso|pode|quero|tenho|sou|ta|gostaria|por favor",
    "es": r"si|eso|quiero|tengo|bueno|bien|por favor",
}
_NO: Final = {
    "en": r"nope|nah|no(?! (?:one|idea))|wrong|negative|not (?:really|at all|now|today)"
    r"|(?:it|that|this)(?: is|s) (?:all )?wrong|please (?:do not|dont)"
    r"|i (?:do not|dont|will not|wont) (?:agree|accept|consent|want|think so)"
    r"|i (?:disagree|decline|refuse)|(?:absolutely|certainly|definitely|of course) not"
    r"|(?:id|i would) rather not",
    "pt": r"nao(?! (?:entend\w+|ouvi|escutei|consegui|lembro))|errado|negativo|jamais"
    r"|de jeito nenhum|de forma alguma|(?:ta|esta) errad[oa]|recuso|discordo"
    r"|(?:claro que|acho que|ainda|agora) nao",
    "es": r"no(?! (?:(?:le|te|lo|la|les) )?(?:ent[ie]+nd\w+|escuch\w+|oi\w*|recuerdo))|incorrecto"
    r"|eso no(?: es)?|esta mal|negativo|jamas|de ninguna manera|para nada|me niego"
    r"|(?:claro que|creo que|todavia|ahora) no",
}
_NO_ALONE: Final = {
    "en": r"not|never|i (?:do not|dont|wont|am not|would not|wouldnt|will not)|it (?:isnt|is not)"
    r"|its not|it does not|it doesnt",
    "pt": r"nunca|nenhum|nada",
    "es": r"nunca|mal|nada|ninguno",
}
# A no, with the yes that it takes back: "that is not correct", "não está certo".
_NOT_SO: Final = {
    "en": r"(?:no )?(?:(?:it|that|this)(?: is|s)? )?(?:not|isnt)(?: (?:quite|exactly|entirely))?"
    r" (?:right|correct|ok|okay|fine|it|good|true|agreed|my number|the right \w+)",
    "pt": r"(?:nao )?(?:isso )?nao(?: (?:e|esta|ta|era|foi))?(?: (?:muito|bem))?"
    r" (?:certo|correto|isso|exato|bom|assim|quero|aceito|concordo|autorizo|confirmo|pode|tenho"
    r"|sou|de acordo)",
    "es": r"(?:no )?(?:eso )?no(?: (?:es|esta|estoy|lo))?(?: (?:muy|del todo))?"
    r" (?:correcto|asi|eso|ese|cierto|exacto|bien|de acuerdo|quiero|acepto|autorizo|confirmo)",
}
_BEFORE: Final = {
    "en": r"uh(?! huh)|um|oh|ah|er|hmm|well|so|and|i said|hello|thank you|thanks"
    r"|please(?= (?!do)\w)",
    "pt": r"ah|oh|eh|ahn|bom|bem|entao|olha|eu|e|ola|oi|obrigad[oa]|eu disse|por favor(?= \w)",
    "es": r"ah|oh|eh|este|pues|bueno|mire|y|yo|hola|gracias|que|dije|por favor(?= \w)",
}
_AFTER: Final = (
    r"(?: (?:please|thanks|thank you|sir|madam|por favor|gracias|obrigad[oa]|senora?))*$"
)
# He has not made up his mind, or wants something first.
_HOLDS: Final = {
    "en": r"but|except|however|or|wait|moment|minute|second|hold on|maybe|perhaps|not sure|mean|if"
    r"|(?:dont|do not) know",
    "pt": r"mas|porem|exceto|ou|espera|pera|momento|minuto|talvez|nao sei|quer dizer|se"
    r"|certeza que nao|nao tenho certeza",
    "es": r"pero|excepto|o|esper[ae]|momento|momentito|minuto|quizas?|tal vez|no se|quiero decir"
    r"|no estoy segur[oa]",
}
# Accents that folding takes away, and that tell a yes from an "if" and an "and".
_ACCENTED: Final = {"es": (r"\bsí\b", "aja"), "pt": (r"\bé(?=\s*(?:[,.;!?]|$))", "isso mesmo")}
_JUDGED: Final = 300  # characters; who says more did not just say yes or no


def yes_no(text: str, *, language: str) -> bool | None:
    """True for a yes, False for a no, None for neither or both.

    Args:
        text: the caller's words.
        language: of the call; one without rules of its own is taken for English.

    >>> yes_no("Yeah, that's right.", language="en-US"), yes_no("Não, obrigado.", language="pt-BR")
    (True, False)
    >>> yes_no("What is that for?", language="en-US") is None
    True
    """
    if len(text) > _JUDGED:
        return None
    tongue = primary(language) if primary(language) in _YES else "en"
    text = text.lower()
    if tongue in _ACCENTED:
        text = re.sub(*_ACCENTED[tongue], text)
    said: set[bool] = set()
    for clause, mark in re.findall(r"([^,.;:!?…]+)([,.;:!?…]*)", text):
        words = fold(clause)
        answers, rest = _answers(words, tongue)
        if re.search(rf"\b(?:{_HOLDS[tongue]})\b", words) or (
            "?" in mark and (rest or not answers)
        ):
            return None
        said |= answers
    return said.pop() if len(said) == 1 else None


def _answers(said: str, tongue: str) -> tuple[set[bool], str]:
    """What the beginning of a clause says, and what follows it."""
    found: set[bool] = set()
    said = re.sub(rf"^(?:(?:{_BEFORE[tongue]})(?: |$))+", "", said)
    while True:
        length, means = max(
            (_length(rules[tongue], said, alone=alone), means) for rules, alone, means in _KINDS
        )
        if not length:
            return found, re.sub(rf"^{_AFTER}", "", f" {said}").strip()
        found.add(means)
        said = said[length:].strip()


def _length(rules: str, said: str, *, alone: bool) -> int:
    match = re.match(rf"(?:{rules})(?!\w){_AFTER if alone else ''}", said)
    return match.end() if match else 0


_KINDS: Final = (
    (_YES, False, True),
    (_YES_ALONE, True, True),
    (_NO, False, False),
    (_NO_ALONE, True, False),
    (_NOT_SO, False, False),
)
