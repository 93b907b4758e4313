"""Where a full stop does not end a sentence, by language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Stops:
    """The words of one language that a splitter has to know, all in lower case.

    `never`: abbreviations which always lead on ("Dr."). `perhaps`: those that end a sentence only
    when a usual first word follows ("Main St. The"). `numbered`: lead on to a number only
    ("No. 5"). `starters`: usual first words. `dates`: what may follow "a.m." in one sentence.
    """

    never: frozenset[str]
    perhaps: frozenset[str]
    numbered: frozenset[str]
    starters: frozenset[str]
    dates: frozenset[str]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ZONES: Final = " est edt et cst cdt ct mst mdt mt pst pdt pt gmt utc brt cet"

_EN: Final = Stops(
    never=_set(
        "dr mr mrs ms mx prof rev fr gen col sgt capt lt hon pres gov sen rep mt vs tel ext "
        "approx e.g i.e eg ie cf dept messrs ft"
    ),
    perhaps=_set(
        "st ave av rd blvd ln hwy jr sr inc ltd llc co corp bros univ assn "
        "jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs "
        "fri sat"
    ),
    numbered=_set("no nos nr p pp pg fig sec ch vol art rm apt ste par n"),
    starters=_set(
        "the it we you i this that there he she they if for please to in on at our your "
        "my what when where why how who do does is are was would could can may and but or "
        "so no yes however also let then each all call just their his her its these those "
        "here after before press say thank thanks a an with from by as"
    ),
    dates=_set(
        "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays "
        "wednesdays thursdays fridays saturdays sundays january february march april may "
        "june july august september october november december eastern central mountain "
        "pacific" + _ZONES
    ),
)
_PT: Final = Stops(
    never=_set(
        "dr dra drs sr sra srs sras srta prof profa eng engª arq adv av pça trav rod ed edif "
        "exmo exma ilmo ilma v exa tel cel aprox p.ex ex cf obs i.e d dª sto sta pe fr cap "
        "gen ten vs min.º"
    ),
    perhaps=_set(
        "r al jr ltda cia s.a inc ltd jan fev mar abr mai jun jul ago set out nov dez depto apto"
    ),
    numbered=_set("n nº no núm p pp pág págs art inc fig cap vol apto ap bl cj km nr"),
    starters=_set(
        "o a os as nós você vocês ele ela eles elas isso isto este esta esse essa se para "
        "por em no na nos nas não sim qual quais quando onde como quem posso pode podemos "
        "temos é há são também mas e ou então nosso nossa seu sua um uma de do da ligue "
        "obrigado obrigada caso depois antes com já aqui lá nosso eu meu minha digite"
    ),
    dates=_set(
        "segunda terça quarta quinta sexta sábado domingo janeiro fevereiro março abril maio "
        "junho julho agosto setembro outubro novembro dezembro brasília" + _ZONES
    ),
)
_ES: Final = Stops(
    never=_set(
        "dr dra dres sr sra sres sras srta prof profa ing lic arq abg av avda avd pza plza "
        "cra ctra tel tfno cel ext aprox p.ej ej cf d dª dña gral cnel tte cap sto sta fr "
        "excmo excma ilmo vs ee rr ff v.gr i.e dpto dto cía"
    ),
    perhaps=_set(
        "c ud uds vd vds uu s.a s.l ltda ltd inc jr ene feb mar abr may jun jul ago sep "
        "sept oct nov dic hnos admón"
    ),
    numbered=_set("n nº no núm num nro p pp pág págs art fig cap vol apdo km ap"),
    starters=_set(
        "el la los las lo nosotros usted ustedes él ella ellos ellas eso esto este esta "
        "ese esa si sí para por en no cuál cuáles cuándo dónde cómo quién puede puedo "
        "podemos tenemos es hay son también pero y o entonces nuestro nuestra su sus un "
        "una de del al llame gracias después antes con ya aquí yo mi marque a"
    ),
    dates=_set(
        "lunes martes miércoles jueves viernes sábado domingo enero febrero marzo abril mayo "
        "junio julio agosto septiembre octubre noviembre diciembre" + _ZONES
    ),
)
_STOPS: Final = {"en": _EN, "pt": _PT, "es": _ES}


def primary(language: str) -> str:
    """The first part of a language tag, in lower case: of "pt-BR" and "pt_BR", "pt"."""
    return language.replace("_", "-").partition("-")[0].lower()


def stops(language: str) -> Stops:
    """The words for a language; those of English where there are none."""
    return _STOPS.get(primary(language), _EN)
