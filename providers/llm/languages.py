"""What the extractive answerer knows of each language: little words, ideas, and its own phrases.

Everything is compared after `fold`: lower case, no accents. A language is one `Words` and one line
in `_LANGUAGES`.
"""

from __future__ import annotations

import re

from providers.llm.words import Idea, Words
from providers.text import primary

_STOP_ENGLISH = """
a about actually after again all also am an and any are around as ask at be been before
being business but by can clinic company could day days did do does doing done during each
else even ever every find for from get gets getting give go going good got had happen
happens has have having he hello help her here hey hi him his how i if im in info
information into is it its just know let like ll long look looking many may maybe me mean
mine more most much my near nearby need no not now of off office oh ok okay on one only or
other our out over per please question questions re really right said same say see she shop
should so some someone something sorry still store sure take takes taking tell than thank
thanks that the their them then there these they thing things this those to too uh um under
until up us use ve very want was way we well were what whats when where which while who why
will with would yeah yes yet you your
"""

_STOP_PORTUGUESE = """
a ao aos aquela aquele aqui as ate boa bom clinica com como consultorio da das de dela dele
depois dia dizer do dos e ela ele eles em empresa entao era essa esse esta estao estou eu
existe faz fazer fica foi gostaria ha informacao informar isso isto ja la lhe loja mais mas
me mesmo meu minha muito na nao nas nem no nos nossa nosso num numa o oi ola onde os ou para
pela pelo pergunta pode podem poderia por porque posso pra preciso quais qual quando que
quem queria quero saber se sei sem ser seu seus sim so sobre sou sua suas tambem te tem
tenho ter tudo um uma umas uns vai vem voce voces vou
"""

_STOP_SPANISH = """
a ahi al algo alla aqui asi buenas buenos cada clinica como con cual cuales cuando de del
desde despues dia dias donde el ella ellas ellos empresa en era es esa ese eso esta estan
este esto estoy favor fue gracias gustaria ha hacer hay hola informacion la las le les lo
los mas me mi mis mucho muy necesito no nos nosotros nuestra nuestro o para pero por porque
pregunta puede pueden puedo que quien quiero quisiera saber se ser si sin sobre solo son soy
su sus tambien te tengo tienda tiene tienen todo un una unas uno unos usted ustedes va voy y
ya yo
"""


def words_of(language: str) -> Words:
    """The words of a language; English for one we do not know."""
    return _LANGUAGES.get(primary(language), _LANGUAGES["en"])


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(alternatives)})(?!\w)")


_TIME = r"\d{1,2}(?::\d\d)? ?(?:am|pm|a\.m|p\.m)"
_CLOCK = r"\d{1,2}:\d\d"
_MONEY = re.compile(r"[$€£]\s?\d|\d\s?(?:[€£]|dollars?\b|cents?\b|reais\b|euros?\b|pesos?\b)")
_NUMBER = re.compile(r"\+?\d[\d ()-]{5,30}\d|[\w.+-]{1,64}@\w")


def _with(pattern: re.Pattern[str], *alternatives: str) -> re.Pattern[str]:
    return re.compile(f"{pattern.pattern}|{_any(*alternatives).pattern}")


_ENGLISH = Words(
    stop=frozenset(_STOP_ENGLISH.split()),
    endings=(
        "ations",
        "ation",
        "ings",
        "ing",
        "ness",
        "ment",
        "ies",
        "ied",
        "ers",
        "ed",
        "er",
        "es",
        "ly",
        "y",
        "e",
        "s",
    ),
    ideas=(
        Idea(
            name="hours",
            whole=True,
            asked=_any(
                "when",
                "what time",
                "hours?",
                "open(?:s|ed|ing)?",
                "clos(?:e|es|ed|ing)",
                "schedule",
                "business hours",
            ),
            answered=_any(_TIME, _CLOCK, "hours", "open", "closed?", "o'clock", "noon", "midnight"),
        ),
        Idea(
            name="price",
            strict=True,
            asked=_any(
                "how much",
                "costs?",
                "prices?",
                "pricing",
                "fees?",
                "charges?",
                "rates?",
                "expensive",
            ),
            answered=_with(_MONEY, "costs?", "prices?", "fees?", "free", "no charge"),
        ),
        Idea(
            name="place",
            asked=_any("where", "address", "located", "location", "directions?", "get there"),
            answered=_any(
                "address",
                "located",
                "street",
                "st",
                "avenue",
                "ave",
                "road",
                "floor",
                "opposite",
                "corner",
            ),
        ),
        Idea(
            name="contact",
            strict=True,
            asked=_any(
                "(?:tele)?phone(?: numbers?)?", "e-?mail", "contact", "reach you", "your number"
            ),
            answered=_with(_NUMBER, "phone", "e-?mail"),
        ),
        Idea(
            name="duration",
            strict=True,
            asked=_any("how long", "duration"),
            answered=_any("minutes?", "hours?", "weeks?", "months?"),
        ),
    ),
    follow_up=re.compile(
        r"^(?:and|what about|how about|but|or|also)\b|\b(?:it|that one|they|them|those)\b"
    ),
    repeat=_any(
        "say (?:that|it) again",
        "repeat(?: that| it)?",
        "come again",
        "didn'?t (?:hear|catch|get) (?:that|you|it)",
        "pardon(?: me)?",
    ),
    thanks=re.compile(r"^(?:ok(?:ay)?|great|perfect|alright|thank you|thanks)\b[\w ,.!']{0,25}$"),
    not_found="I could not find that in our information.",
    nothing_to_repeat="I have not said anything yet. How can I help you?",
    welcome="You're welcome. Is there anything else I can help you with?",
)

_PORTUGUESE = Words(
    stop=frozenset(_STOP_PORTUGUESE.split()),
    endings=(
        "amentos",
        "amento",
        "imento",
        "acoes",
        "acao",
        "mente",
        "avam",
        "ando",
        "endo",
        "indo",
        "amos",
        "emos",
        "imos",
        "ados",
        "adas",
        "ado",
        "ada",
        "oes",
        "ais",
        "ao",
        "am",
        "em",
        "ar",
        "er",
        "ir",
        "os",
        "as",
        "es",
        "a",
        "e",
        "o",
        "s",
    ),
    ideas=(
        Idea(
            name="hours",
            whole=True,
            asked=_any(
                "quando",
                "que horas?",
                "horarios?",
                "abr(?:e|em|ir)",
                "abert[oa]s?",
                "fech(?:a|am|ar|ado)",
                "funciona(?:m|mento)?",
                "atende(?:m)?",
            ),
            answered=_any(
                r"\d{1,2} ?h(?:oras|\d\d)?",
                _CLOCK,
                r"das \w+ as \w+",
                "horarios?",
                "abert[oa]s?",
                "fechad[oa]s?",
                "horas",
                "meio-dia",
            ),
        ),
        Idea(
            name="price",
            strict=True,
            asked=_any(
                "quanto(?! tempo)", "custa(?:m)?", "custo", "precos?", "valor(?:es)?", "taxas?"
            ),
            answered=_with(_MONEY, "custa(?:m)?", "precos?", "valor", "gratis", "gratuit[oa]"),
        ),
        Idea(
            name="place",
            asked=_any("onde", "enderecos?", "localizacao", "chegar", "fica(?:m)?"),
            answered=_any(
                "rua", "avenida", "av", "endereco", "andar", "esquina", "atras", "bairro"
            ),
        ),
        Idea(
            name="contact",
            strict=True,
            asked=_any("telefone", "e-?mail", "contato", "whatsapp", "falar com"),
            answered=_with(_NUMBER, "telefone", "e-?mail", "whatsapp"),
        ),
        Idea(
            name="duration",
            strict=True,
            asked=_any("quanto tempo", "demora(?:m)?", "dura(?:m|cao)?"),
            answered=_any("minutos?", "horas?", "semanas?", "mes(?:es)?"),
        ),
    ),
    follow_up=re.compile(r"^(?:e|mas|ou|tambem)\b|\b(?:isso|ele|ela|eles|elas)\b"),
    repeat=_any(
        "repet(?:e|ir|ir isso|a)",
        "pode repetir",
        "de novo",
        "nao (?:ouvi|entendi|escutei)",
        "como e que e",
    ),
    thanks=re.compile(
        r"^(?:ok|certo|perfeito|ta bom|tudo bem|obrigad[oa]|valeu)\b[\w ,.!']{0,25}$"
    ),
    not_found="Não encontrei isso nas nossas informações.",
    nothing_to_repeat="Ainda não disse nada. Como posso ajudar?",
    welcome="De nada. Posso ajudar em mais alguma coisa?",
)

_SPANISH = Words(
    stop=frozenset(_STOP_SPANISH.split()),
    endings=(
        "amientos",
        "amiento",
        "imiento",
        "aciones",
        "acion",
        "mente",
        "ando",
        "iendo",
        "amos",
        "emos",
        "imos",
        "ados",
        "adas",
        "ado",
        "ada",
        "ciones",
        "cion",
        "an",
        "en",
        "ar",
        "er",
        "ir",
        "os",
        "as",
        "es",
        "a",
        "e",
        "o",
        "s",
    ),
    ideas=(
        Idea(
            name="hours",
            whole=True,
            asked=_any(
                "cuando",
                "que horas?",
                "horarios?",
                "abr(?:e|en|ir|is)",
                "abiert[oa]s?",
                "cierr(?:a|an)",
                "cerrad[oa]s?",
                "atienden?",
            ),
            answered=_any(
                r"\d{1,2} ?h(?:oras)?",
                _CLOCK,
                r"de \w+ a \w+",
                "horarios?",
                "abiert[oa]s?",
                "cerrad[oa]s?",
                "horas",
                "mediodia",
            ),
        ),
        Idea(
            name="price",
            strict=True,
            asked=_any(
                "cuanto(?! tiempo)",
                "cuesta[ns]?",
                "coste?",
                "precios?",
                "valor",
                "tarifas?",
                "vale",
            ),
            answered=_with(_MONEY, "cuesta[ns]?", "precios?", "gratis", "gratuit[oa]"),
        ),
        Idea(
            name="place",
            asked=_any("donde", "direccion", "ubicacion", "llegar", "queda"),
            answered=_any(
                "calle", "avenida", "direccion", "piso", "esquina", "detras", "ubicad[oa]"
            ),
        ),
        Idea(
            name="contact",
            strict=True,
            asked=_any("telefono", "correo", "e-?mail", "contacto", "whatsapp"),
            answered=_with(_NUMBER, "telefono", "correo", "e-?mail", "whatsapp"),
        ),
        Idea(
            name="duration",
            strict=True,
            asked=_any("cuanto tiempo", "tarda[ns]?", "dura[ns]?", "duracion"),
            answered=_any("minutos?", "horas?", "semanas?", "mes(?:es)?"),
        ),
    ),
    follow_up=re.compile(r"^(?:y|pero|o|tambien)\b|\b(?:eso|ese|esa)\b"),
    repeat=_any(
        "repet(?:ir|irlo|irme)",
        "repit[ae](?:lo)?",
        "otra vez",
        "de nuevo",
        "no (?:oi|entendi|escuche)",
    ),
    thanks=re.compile(r"^(?:ok|vale|perfecto|muy bien|gracias|muchas gracias)\b[\w ,.!']{0,25}$"),
    not_found="No encontré eso en nuestra información.",
    nothing_to_repeat="Todavía no he dicho nada. ¿En qué puedo ayudarle?",
    welcome="De nada. ¿Puedo ayudarle en algo más?",
)

_LANGUAGES = {"en": _ENGLISH, "pt": _PORTUGUESE, "es": _SPANISH}
