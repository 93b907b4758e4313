"""What kind of answer our own words ask for: "What is your phone number?" wants a number. Pure.

A model writes the prompts of a conversation, so nobody says of which kind they are. Rules on the
last sentences do: they are wrong now and then, and then cost a moment of waiting, or what an open
question costs. Only what is asked for counts: "Our phone number is …" asks nothing.
"""

from __future__ import annotations

import re
from typing import Final

from esl_app.turn.intents import fold
from esl_app.turn.numerals import numerals
from esl_app.turn.prompt_kind import DATE, EMAIL, OPEN, PHONE, SPELLED, YES_NO, PromptKind
from esl_app.turn.texts import primary

_JUDGED: Final = 400  # characters, from the end
_SENTENCES: Final = 2  # "What is your number? I will call you back."

# How a request begins that is no question. Matched on folded text, as everything below.
_REQUESTS: Final = {
    "en": r"^(?:(?:so|and|then|now|okay|ok|sure|great|thanks|thank you|first) )*"
    r"(?:please|kindly|tell me|give me|let me have|say|enter|key in|type|spell|i need|i will need"
    r"|ill need|i just need)\b|\bplease (?:tell|give|say|enter|spell|key|type)\b|\bplease$",
    "pt": r"^(?:(?:entao|e|agora|certo|ok|claro|otimo|obrigad[oa]|primeiro) )*"
    r"(?:por favor|diga|me diga|me diz|me passa|me passe|informe|me informe|fale|digite|soletre"
    r"|preciso)\b|\bpor favor (?:me )?(?:diga|fale|informe|digite|soletre|passe)\b|\bpor favor$",
    "es": r"^(?:(?:entonces|y|ahora|bien|ok|claro|gracias|primero) )*"
    r"(?:por favor|diga|digame|dime|indique|indiqueme|deme|marque|introduzca|deletree|deletreeme"
    r"|necesito)\b|\bpor favor (?:diga|digame|indique|deme|marque|deletree)\b|\bpor favor$",
}
_PHONE: Final = {
    "en": r"\b(?:phone|telephone|cell|cellphone|mobile|callback|call back|contact)"
    r"(?: phone)? number\b|\bnumber (?:to (?:call|reach)|(?:can|should|may|do) (?:i|we)"
    r" (?:call|reach)|(?:i|we) (?:can|should|may) (?:call|reach))|\bbest number\b"
    r"|\breach you (?:at|on)\b|\byour (?:phone|telephone|cell|mobile)$",
    "pt": r"\b(?:telefone|celular|whatsapp)\b|\bnumero (?:para contato|de contato)\b",
    "es": r"\b(?:telefono|celular|movil|whatsapp)\b|\bnumero de contacto\b",
}
_EMAIL: Final = {
    "en": r"\be ?mail\b",
    "pt": r"\be ?mail\b|\bendereco eletronico\b",
    "es": r"\be ?mail\b|\bcorreo(?! postal)\b",
}
_SPELLED: Final = {
    "en": r"\bspell(?:ed|ing|t)?\b|\bletter by letter\b",
    "pt": r"\bsoletr\w+\b|\bletra por letra\b|\bcomo se escreve\b",
    "es": r"\bdeletr\w+\b|\bletra por letra\b|\bcomo se escribe\b",
}
_DATE: Final = {
    "en": r"\bdate of birth\b|\bbirth ?da(?:te|y)\b|\bwhen were you born\b"
    r"|\b(?:what|which) (?:date|day)\b|\b(?:the|your|a) (?:\w+ )?date\b",
    "pt": r"\b(?:data de nascimento|aniversario|quando (?:voce )?nasceu)\b"
    r"|\b(?:que|qual) (?:a )?(?:data|dia)\b|\ba data\b",
    "es": r"\b(?:fecha de nacimiento|cumpleanos|cuando nacio)\b"
    r"|\b(?:que|cual) (?:es la )?(?:fecha|dia)\b|\bla fecha\b",
}
_DIGITS: Final = {
    "en": r"\b(?:account|card|order|policy|reference|member|membership|customer|patient|ticket"
    r"|booking|confirmation|case|invoice|extension|room|social security|insurance|record|id"
    r"|serial|tracking) (?:id )?number\b|\b(?:zip|postal|security|verification|access) code\b"
    r"|\bcode\b|\bpin\b|\bdigits?\b|\b(?:what|which|your) number\b",
    "pt": r"\b(?:numero (?:do|da|de)|codigo|cpf|cnpj|cep|rg|protocolo|matricula|senha"
    r"|digitos?|carteirinha)\b|\bqual (?:e )?o (?:seu )?numero\b",
    "es": r"\b(?:numero de|codigo|dni|cedula|nif|rfc|clave|digitos?|expediente)\b"
    r"|\bcual es (?:el|su) numero$",
}
# "How many of you": a number, but not one that is said digit by digit.
_QUANTITY: Final = r"\bnumber of\b|\bnumero de (?:pessoas|personas|vezes|veces|dias)\b"
_YES_NO: Final = {
    "en": r"^(?:(?:so|and|okay|ok|well|great|then|thanks|thank you|sure) )*(?:do|does|did|is|are"
    r"|was|were|will|would|shall|should|have|has|had|may|might|can (?:i|we)|could (?:i|we))\b"
    r"|\b(?:right|correct|okay|is that so|does that work|do you|would you like (?:me|us) to)$",
    "pt": r"^(?:(?:entao|e|ok|certo|bom|otimo) )*(?:o senhor|a senhora|voce|deseja|quer|gostaria"
    r"|posso|podemos|esta|estao|tem|ha|existe|confirma|seria|ja|foi|sao)\b"
    r"|\b(?:certo|correto|tudo bem|esta bem|pode ser|nao e|ne)$",
    "es": r"^(?:(?:entonces|y|ok|bien|bueno) )*(?:usted|desea|quiere|le gustaria|puedo|podemos"
    r"|esta|estan|es|son|tiene|hay|confirma|seria|ya|fue)\b"
    r"|\b(?:verdad|correcto|de acuerdo|esta bien|le parece)$",
}
# Asked as if for a yes, answered by a question, a choice or a whole sentence.
_OPENS: Final = {
    "en": r"\b(?:what|when|where|who|whom|why|how|which|or)\b|\b(?:anything|something) else\b"
    r"|\banything (?:more|i can)\b|\b(?:can|may|could) (?:i|we) help\b|\bthere anything\b",
    "pt": r"\b(?:qual|quais|quando|quanto|quantos|quantas|onde|como|quem|por que|ou|o que)\b"
    r"|\b(?:algo|alguma coisa) mais\b|\bmais (?:algo|alguma)\b|\bajudar\b",
    "es": r"\b(?:cual|cuales|cuando|cuanto|cuantos|cuantas|donde|como|quien|por que|o|que)\b"
    r"|\balgo mas\b|\balguna otra\b|\bayudar\w*\b",
}
_COUNTED: Final = {
    "en": r"\b(\w+)(?: ?digits?| numbers)\b",
    "pt": r"\b(\w+) (?:ultimos |primeiros )?(?:digitos|numeros)\b",
    "es": r"\b(\w+) (?:ultimos |primeros )?(?:digitos|numeros|cifras)\b",
}


def asked_for(text: str, *, language: str) -> PromptKind:
    """What kind of answer `text`, which was said to the caller, asks for; open when for none.

    >>> asked_for("Sure. What is your phone number?", language="en-US").kind.value
    'phone'
    >>> asked_for("And the last four digits of the card?", language="en-US").lengths
    frozenset({4})
    >>> asked_for("We open at nine. Anything else?", language="en-US").kind.value
    'open'
    """
    tongue = primary(language) if primary(language) in _REQUESTS else "en"
    ends = re.findall(r"[^.?!]+[.?!]*", text[-_JUDGED:].replace("@", " "))
    for sentence in reversed([end for end in ends if fold(end)][-_SENTENCES:]):
        said = fold(sentence)
        question = sentence.rstrip(" \"'”’»)").endswith("?")
        if question or re.search(_REQUESTS[tongue], said):
            return _of(said, question=question, tongue=tongue)
    return OPEN


def _of(said: str, *, question: bool, tongue: str) -> PromptKind:
    """The kind of one sentence that asks."""
    if question and re.search(_YES_NO[tongue], said) and not re.search(_OPENS[tongue], said):
        return YES_NO
    for rules, kind in ((_SPELLED, SPELLED), (_EMAIL, EMAIL), (_PHONE, PHONE), (_DATE, DATE)):
        if re.search(rules[tongue], said):
            return _counted(said, tongue, kind)
    if re.search(_DIGITS[tongue], said) and not re.search(_QUANTITY, said):
        return _counted(said, tongue, PromptKind.digits())
    return OPEN


def _counted(said: str, tongue: str, kind: PromptKind) -> PromptKind:
    """A number of so many digits, where the prompt says how many."""
    counted = re.search(_COUNTED[tongue], said)
    count = numerals(counted[1], language=tongue).all if counted else ""
    return PromptKind.digits(int(count)) if count and 0 < int(count) <= 32 else kind
