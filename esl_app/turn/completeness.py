"""Whether what the caller said so far looks finished: rules on the words, by kind of prompt.

No model: it has to be the same on every machine, cost nothing on the hub, and be explained when it
is wrong. Silence decides in the end; this only says how much of it (see `endpointing`).
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

from esl_app.turn.intents import fold
from esl_app.turn.numerals import Numerals, numerals
from esl_app.turn.prompt_kind import Kind, PromptKind
from esl_app.turn.texts import primary


class Completeness(StrEnum):
    COMPLETE = "complete"  # nothing is missing
    UNSURE = "unsure"  # may be all, may go on
    UNFINISHED = "unfinished"  # something has to follow


# Words after which something follows. As they are spelled, with accents: "sí" ends, "si" does not.
_GOES_ON: Final = {
    "en": """and but or because cause if when which who whose the a an my your his her our their its
        to of for with at in on from by about than as like i we they he she so is are was were am be
        it's i'm i'd i'll i've we're that's name's number's address's email's uh um uhm er erm hmm
        mm well would could should can will want need calling dash hyphen dot underscore at""",
    "pt": """e ou mas porque que se quando como o a os as um uma uns umas meu minha seu sua nosso
        nossa de do da dos das em no na nos nas ao à às para pra por pelo pela com sem sobre até é
        são sou era eu ele ela nós eh hum ahn hm tipo então assim quero queria preciso gostaria
        arroba ponto traço underline""",
    "es": """y e o u pero porque que si cuando como el la los las un una unos unas mi mis su sus
        nuestro nuestra de del al a en para por con sin sobre hasta es son soy era yo eh em este mm
        pues entonces quiero quisiera necesito arroba punto guion guión""",
}
_ENDS_AFTER_ALL: Final = {
    "en": r"\b(?:(?:it|he|she|that|this|there|they|we|you) (?:is|are|was|were)|(?:yes|yeah|no) i am"
    r"|(?:think|hope|guess|believe) so|thank you so|(?:can|could|will|would) you|if i can|yes i can"
    r"|yes i (?:will|would|do)|(?:what|all|everything|anything) i (?:want|need))$",
    "pt": r"\b(?:(?:sim|isso|assim) e|era isso|e assim)$",
    "es": r"\b(?:(?:si|asi|eso|no) (?:es|era)|lo que quiero)$",
}
# "I want to know how much": the half that says what is still to come.
_ASKS_BY_HALF: Final = (
    r"\b(?:(?:know|ask|wondering|tell me) (?:how|how much|how many|how long|what|where)"
    r"|(?:saber|dizer|perguntar|entender) (?:quanto|quantos|quantas|como|onde|qual|quais)"
    r"|(?:saber|decirme|preguntar|entender) (?:cuanto|cuantos|cuantas|como|donde|cual|cuales))$"
)
# Said to keep the turn: whatever came before, more follows.
_HOLDS: Final = {
    "en": r"\b(?:let me (?:see|check|look|think|find|get)(?: (?:it|that|for a \w+))?|hold on"
    r"|hang on|(?:just )?(?:one|a) (?:moment|second|sec|minute)|wait|you know|i mean)(?: please)?$",
    "pt": r"\b(?:deixa eu (?:ver|pensar|pegar|achar)|deixe me ver|(?:so )?um (?:momento|minuto"
    r"|instante|segundo|momentinho|minutinho)|pera(?: ai)?|espera(?: ai)?|quer dizer)"
    r"(?: por favor)?$",
    "es": r"\b(?:a ver|dejame (?:ver|buscar)|dejeme (?:ver|buscar)|un (?:momento|momentito|segundo"
    r"|minuto)|espere?|o sea|quiero decir)(?: por favor)?$",
}
_SHORT: Final = {
    "en": r"(?:yes|yeah|yep|yup|yah|ya|uh huh|mm hmm|mhm|sure|ok|okay|right|correct|exactly"
    r"|of course|absolutely|no|nope|nah|not really|never|thanks|thank you|please"
    r"|thats? (?:is )?right|hello|hi|bye|goodbye|i do|i dont|it is|nothing)",
    "pt": r"(?:sim|e|isso|isso mesmo|claro|com certeza|certo|correto|exato|exatamente|ok|ta|ta bom"
    r"|aham|uhum|pode|pode ser|quero|tenho|nao|nada|obrigad[oa]|por favor|ola|oi|alo|tchau|beleza)",
    "es": r"(?:si|claro|correcto|exacto|exactamente|eso es|asi es|ok|vale|aja|bueno|por supuesto|no"
    r"|nada|gracias|por favor|hola|adios|de acuerdo)",
}
# An answer that is none of what was asked for: the rules for free speech apply.
_REFUSES: Final = (
    r"\b(?:dont (?:have|know|remember)|do not (?:have|know|remember)|no idea|speak to|talk to|help"
    r"|nao (?:tenho|sei|lembro)|falar com|atendente|no (?:tengo|se|recuerdo)|hablar con)\b"
)
# A number may follow, or the digits said belong to one.
_NUMBER_CUE: Final = (
    r"\b(?:numbers?|phone|telephone|cell|mobile|call me|reach|card|code|account|policy|reference"
    r"|numeros?|telefone|celular|cartao|codigo|conta|cpf|cnpj|cep|rg|protocolo|ligar"
    r"|telefono|movil|tarjeta|cuenta|cedula|dni|llam\w+)\b"
)
_PHONE_CUE: Final = (
    r"\b(?:phone|telephone|cell|mobile|call me|reach me|telefone|celular|telefono|movil)\b"
)
_JUDGED: Final = 600  # characters: the end decides, and the rules stay cheap on any text
_TRAILING: Final = (",", "-", "–", "…", "...", ":", "@", "_")
_AMOUNT: Final = re.compile(r"(?:[$€£]\s?[\d.,]+|\d{1,2}[:h]\d\d)[.!?]?\s*$")
_BEFORE_TIME: Final = frozenset(
    {"at", "around", "about", "until", "till", "by", "for", "as", "ate", "para", "dia", "pelas"}
    | {"la", "las", "hasta", "sobre"}
)
_BEFORE_YEAR: Final = frozenset({"in", "since", "em", "desde", "en", "de", "of"})

_EMAIL: Final = re.compile(r"\S+@(?:[\w-]+\.)+([a-z]{2,})\W*$", re.IGNORECASE)
_SPOKEN_EMAIL: Final = re.compile(r"\b(?:at|arroba) .*\b(?:dot|ponto|punto) (?:(\w+))$")
# ".com" may be followed by ".br"; with these providers it is not.
_ENDS_IN_COM: Final = re.compile(
    r"(?:gmail|hotmail|outlook|icloud|live)\W*(?:dot|ponto|punto)?\W*com$"
)
_COUNTRY_FOLLOWS: Final = {"com", "org", "net", "gov", "edu", "gob", "co"}

_RELATIVE_DAY: Final = (
    r"\b(?:today|tomorrow|yesterday|next week|hoje|amanha|ontem|semana que vem|hoy|manana|ayer"
    r"|proxima semana)$"
)
_MONTH: Final = (
    r"\b(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|janeiro|fevereiro|marco|abril|maio|junho|julho|agosto|setembro|outubro|novembro|dezembro"
    r"|enero|febrero|marzo|mayo|junio|julio|septiembre|octubre|noviembre|diciembre)\b"
)
# Country code and whole national numbers (ITU-T E.164, national numbering plans). What begins with
# the country code is read as if it were said: where it is an area code too, we wait the longer.
_PHONE_PLANS: Final[dict[str, tuple[str, str]]] = {
    "US": ("1", r"[2-9]\d{9}"),
    "BR": ("55", r"[1-9]\d(?:9\d{8}|[2-5]\d{7})"),
    "MX": ("52", r"[1-9]\d{9}"),
    "ES": ("34", r"[6-9]\d{8}"),
    "PT": ("351", r"[29]\d{8}"),
    "GB": ("44", r"0?[1-9]\d{9}"),
    "CL": ("56", r"[2-9]\d{8}"),
    "PE": ("51", r"9\d{8}"),
}
_REGION: Final = {"en": "US", "pt": "BR", "es": "MX"}


def completeness(text: str, kind: PromptKind, *, language: str) -> Completeness:
    """How finished `text` looks as an answer to a prompt of this kind.

    >>> completeness("My number is", PromptKind(), language="en-US").value
    'unfinished'
    >>> completeness("Yeah.", PromptKind(), language="en-US").value
    'complete'
    >>> completeness("two five", PromptKind.digits(4), language="en-US").value
    'unfinished'
    """
    text = text[-_JUDGED:]
    said = fold(text)
    if not said:
        return Completeness.UNSURE
    tongue = primary(language) if primary(language) in _GOES_ON else "en"
    if re.search(_HOLDS[tongue], said):
        return Completeness.UNFINISHED
    digits = numerals(text, language=tongue)
    match kind.kind:
        case Kind.DIGITS | Kind.PHONE:
            looks = _number(text, said, digits, kind, language)
        case Kind.EMAIL:
            looks = _email(text, said, tongue)
        case Kind.DATE:
            looks = _date(text, said, digits, language)
        case Kind.SPELLED:
            free = _open(text, said, digits, language)
            looks = free if _refuses(said) else _not_less(free)
        case Kind.YES_NO | Kind.OPEN:
            looks = _open(text, said, digits, language, brief=kind.kind is Kind.YES_NO)
    return looks


def _open(
    text: str, said: str, digits: Numerals, language: str, *, brief: bool = False
) -> Completeness:
    tongue = primary(language) if primary(language) in _GOES_ON else "en"
    stripped = text.rstrip()
    looks = Completeness.UNSURE
    if re.fullmatch(rf"{_SHORT[tongue]}(?: {_SHORT[tongue]})*", said):
        if not brief and _drawn_out(stripped.lower(), said):
            looks = Completeness.UNFINISHED
        elif not stripped.endswith(_TRAILING):
            looks = Completeness.COMPLETE
    elif _goes_on(text, said, tongue):
        if not stripped.endswith("?"):
            looks = Completeness.UNFINISHED
    elif digits.tail:
        looks = _digits_at_the_end(text, said, digits, language)
    elif re.search(r"(?:\b\w ){2}\w$", said) and not re.search(r"\b[ap] m$", said):
        looks = Completeness.UNFINISHED  # letter by letter
    elif stripped.endswith((".", "!", "?")) or (brief and re.match(rf"{_SHORT[tongue]}\b", said)):
        looks = Completeness.COMPLETE
    return looks


def _drawn_out(text: str, said: str) -> bool:
    """Whether a last "é" is an "er" before the answer and not a "yes": "Oi, é", but "Sim, é."."""
    return text.endswith("é") or (
        text.endswith("é.") and re.match(r"(?:oi|ola|alo) ", said) is not None
    )


def _goes_on(text: str, said: str, tongue: str) -> bool:
    stripped = text.rstrip()
    if stripped.endswith(_TRAILING):
        return True
    if not stripped.endswith("?") and re.search(_ASKS_BY_HALF, said):
        return True
    words = re.findall(r"[\w'’]+", stripped.lower())
    if not words or words[-1].replace("’", "'") not in _WORDS_GOING_ON[tongue]:
        return False
    return not re.search(_ENDS_AFTER_ALL[tongue], said)


def _digits_at_the_end(text: str, said: str, digits: Numerals, language: str) -> Completeness:
    """Free speech that ends in figures: more of them may follow, unless they are a time or so."""
    if re.search(_PHONE_CUE, said) and _whole_phone(digits.tail, language):
        return Completeness.UNSURE
    if re.search(_NUMBER_CUE, said):
        return Completeness.UNFINISHED
    time = digits.before in _BEFORE_TIME and len(digits.tail) <= 2
    year = digits.before in _BEFORE_YEAR and re.fullmatch(r"(?:19|20)\d\d", digits.tail)
    if time or year or _AMOUNT.search(text):
        return Completeness.UNSURE
    return Completeness.UNFINISHED


def _number(
    text: str, said: str, digits: Numerals, kind: PromptKind, language: str
) -> Completeness:
    if not digits.all:
        asks = _refuses(said) or text.rstrip().endswith("?")
        free = _open(text, said, digits, language)
        return free if asks else _not_less(free)
    if digits.corrected:
        return Completeness.UNSURE
    count = len(digits.all)
    count, looks = len(digits.all), Completeness.UNSURE
    if kind.lengths:
        if count == max(kind.lengths):
            looks = Completeness.COMPLETE
        elif count < min(kind.lengths):
            looks = Completeness.UNFINISHED
    elif kind.kind is Kind.PHONE:
        if _whole_phone(digits.all, language):
            looks = Completeness.COMPLETE
        elif count < 7:
            looks = Completeness.UNFINISHED
    return looks


def _whole_phone(digits: str, language: str) -> bool:
    """Whether this is a whole number and cannot be the beginning of a longer one."""
    tongue, _, region = language.replace("_", "-").partition("-")
    plan = _PHONE_PLANS.get(region.upper()) or _PHONE_PLANS[_REGION.get(tongue.lower(), "US")]
    code, national = plan
    return re.fullmatch(national, digits.removeprefix(code)) is not None


def _email(text: str, said: str, tongue: str) -> Completeness:
    ending = _EMAIL.search(text) or _SPOKEN_EMAIL.search(said)
    if ending is None:
        whole = said.split()
        if _refuses(said) or (text.rstrip().endswith("?") and len(whole) > 1):
            return _open(text, said, Numerals(), tongue)
        return Completeness.UNFINISHED
    if ending[1].lower() not in _COUNTRY_FOLLOWS or tongue == "en" or _ENDS_IN_COM.search(said):
        return Completeness.COMPLETE
    return Completeness.UNSURE


def _date(text: str, said: str, digits: Numerals, language: str) -> Completeness:
    if re.search(_RELATIVE_DAY, said):
        return Completeness.COMPLETE
    month = re.search(_MONTH, said)
    figures = len(digits.all)
    if re.search(r"\b\d{1,2}\W\d{1,2}\W\d{4}\W*$", text) or (
        figures >= 5 and re.search(r"(?:19|20)\d\d$", digits.tail) and (month or figures >= 6)
    ):
        return Completeness.COMPLETE
    tongue = primary(language) if primary(language) in _GOES_ON else "en"
    if _goes_on(text, said, tongue) or (month and not figures):
        return Completeness.UNFINISHED
    return _not_less(_open(text, said, Numerals(), language))


def _refuses(said: str) -> bool:
    return re.search(_REFUSES, said) is not None


def _not_less(free: Completeness) -> Completeness:
    """Free speech where something else was asked for: the answer itself may follow yet."""
    return Completeness.UNSURE if free is Completeness.COMPLETE else free


_WORDS_GOING_ON: Final = {tongue: frozenset(words.split()) for tongue, words in _GOES_ON.items()}
