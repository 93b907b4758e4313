"""The words that written signs stand for, by language."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from babel.dates import get_month_names
from babel.numbers import get_currency_name
from babel.units import format_unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Currency:
    """One coin: its name, and that of its hundredth ("" where there is none)."""

    one: str
    many: str
    minor_one: str = ""
    minor_many: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """What is said for signs in one language."""

    locale: str
    digits: tuple[str, ...]
    points: dict[str, str]
    minus: str
    plus: str
    percent: str
    until: str
    ampersand: str
    number: str
    at: str
    dot: str
    dash: str
    underscore: str
    slash: str
    star: str
    hash: str
    colon: str
    degree: tuple[str, str]
    hundredths: str
    scale_of: str
    always: str
    fractions: dict[str, str]
    currencies: dict[str, Currency]
    abbreviations: dict[str, str]
    days: dict[str, str]
    codes: str


_EN: Final = Lexicon(
    locale="en",
    digits=("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    points={".": "point", ",": "point"},
    minus="minus", plus="plus", percent="percent", until="to", ampersand="and", number="number",
    at="at", dot="dot", dash="dash", underscore="underscore", slash="slash",
    star="star", hash="pound", colon="colon",
    degree=("degree", "degrees"), hundredths="and", scale_of="",
    always="twenty-four seven",
    fractions={"1/2": "one half", "1/3": "one third", "2/3": "two thirds", "1/4": "one quarter",
               "3/4": "three quarters"},
    currencies={
        "USD": Currency(one="dollar", many="dollars", minor_one="cent", minor_many="cents"),
        "EUR": Currency(one="euro", many="euros", minor_one="cent", minor_many="cents"),
        "GBP": Currency(one="pound", many="pounds", minor_one="penny", minor_many="pence"),
        "BRL": Currency(one="real", many="reais", minor_one="centavo", minor_many="centavos"),
        "MXN": Currency(one="peso", many="pesos", minor_one="centavo", minor_many="centavos"),
        "JPY": Currency(one="yen", many="yen"),
    },
    abbreviations={
        "dr.": "Doctor", "mr.": "Mister", "mrs.": "Missus", "prof.": "Professor", "ave.": "Avenue",
        "blvd.": "Boulevard", "apt.": "apartment", "dept.": "department", "approx.":
        "approximately", "e.g.": "for example", "i.e.": "that is", "etc.": "et cetera",
        "vs.": "versus", "ext.": "extension", "tel.": "telephone", "jr.": "Junior",
        "sr.": "Senior", "inc.": "Incorporated", "ltd.": "Limited", "hrs.": "hours",
    },
    days={"mon": "Monday", "tue": "Tuesday", "tues": "Tuesday", "wed": "Wednesday",
          "thu": "Thursday", "thurs": "Thursday", "fri": "Friday", "sat": "Saturday",
          "sun": "Sunday"},
    codes="(?:code|pin|extension|zip|reference|confirmation)(?: number| code)?"
    "|ext\\.|(?:order|invoice|account|ticket|flight|reservation|case|phone|serial) number",
)  # fmt: skip
_PT: Final = Lexicon(
    locale="pt_BR",
    digits=("zero", "um", "dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove"),
    points={".": "ponto", ",": "vírgula"},
    minus="menos", plus="mais", percent="por cento", until="a", ampersand="e", number="número",
    at="arroba", dot="ponto", dash="hífen", underscore="underline", slash="barra",
    star="asterisco", hash="jogo da velha", colon="dois pontos",
    degree=("grau", "graus"), hundredths="e", scale_of="de",
    always="vinte e quatro horas por dia, sete dias por semana",
    fractions={"1/2": "meio", "1/3": "um terço", "2/3": "dois terços", "1/4": "um quarto",
               "3/4": "três quartos"},
    currencies={
        "BRL": Currency(one="real", many="reais", minor_one="centavo", minor_many="centavos"),
        "USD": Currency(one="dólar", many="dólares", minor_one="centavo", minor_many="centavos"),
        "EUR": Currency(one="euro", many="euros", minor_one="centavo", minor_many="centavos"),
        "GBP": Currency(one="libra", many="libras", minor_one="pêni", minor_many="pence"),
        "MXN": Currency(one="peso", many="pesos", minor_one="centavo", minor_many="centavos"),
        "JPY": Currency(one="iene", many="ienes"),
    },
    abbreviations={
        "dr.": "Doutor", "dra.": "Doutora", "sr.": "Senhor", "sra.": "Senhora",
        "srta.": "Senhorita", "prof.": "Professor", "profa.": "Professora", "av.": "Avenida",
        "tel.": "telefone", "aprox.": "aproximadamente", "p. ex.": "por exemplo",
        "p.ex.": "por exemplo", "etc.": "et cétera", "ltda.": "Limitada", "pág.": "página",
        "art.": "artigo", "apto.": "apartamento", "ap.": "apartamento", "obs.": "observação",
        "cia.": "companhia", "vs.": "versus", "jr.": "Júnior", "eng.": "Engenheiro",
    },
    days={"seg": "segunda", "ter": "terça", "qua": "quarta", "qui": "quinta", "sex": "sexta",
          "sáb": "sábado", "sab": "sábado", "dom": "domingo"},
    codes="código|senha|ramal|protocolo|cep|(?:pedido|conta|agência|voo|nota) número"
    "|número d[eoa] (?:pedido|conta|protocolo|voo|série|nota|reserva)",
)  # fmt: skip
_ES: Final = Lexicon(
    locale="es",
    digits=("cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"),
    points={".": "punto", ",": "coma"},
    minus="menos", plus="más", percent="por ciento", until="a", ampersand="y", number="número",
    at="arroba", dot="punto", dash="guion", underscore="guion bajo", slash="barra",
    star="asterisco", hash="numeral", colon="dos puntos",
    degree=("grado", "grados"), hundredths="con", scale_of="de",
    always="veinticuatro horas al día, siete días a la semana",
    fractions={"1/2": "medio", "1/3": "un tercio", "2/3": "dos tercios", "1/4": "un cuarto",
               "3/4": "tres cuartos"},
    currencies={
        "EUR": Currency(one="euro", many="euros", minor_one="céntimo", minor_many="céntimos"),
        "USD": Currency(one="dólar", many="dólares", minor_one="centavo", minor_many="centavos"),
        "BRL": Currency(one="real", many="reales", minor_one="centavo", minor_many="centavos"),
        "GBP": Currency(one="libra", many="libras", minor_one="penique", minor_many="peniques"),
        "MXN": Currency(one="peso", many="pesos", minor_one="centavo", minor_many="centavos"),
        "JPY": Currency(one="yen", many="yenes"),
    },
    abbreviations={
        "dr.": "Doctor", "dra.": "Doctora", "sr.": "Señor", "sra.": "Señora", "srta.": "Señorita",
        "prof.": "Profesor", "profa.": "Profesora", "av.": "Avenida", "avda.": "Avenida",
        "tel.": "teléfono", "aprox.": "aproximadamente", "p. ej.": "por ejemplo",
        "p.ej.": "por ejemplo", "etc.": "etcétera", "ud.": "usted", "uds.": "ustedes",
        "pág.": "página", "art.": "artículo", "dpto.": "departamento", "ing.": "Ingeniero",
        "lic.": "Licenciado", "dña.": "doña", "ee. uu.": "Estados Unidos",
        "ee.uu.": "Estados Unidos", "vs.": "versus", "ext.": "extensión", "cía.": "compañía",
    },
    days={"lun": "lunes", "mar": "martes", "mié": "miércoles", "mie": "miércoles",
          "jue": "jueves", "vie": "viernes", "sáb": "sábado", "sab": "sábado", "dom": "domingo"},
    codes="código(?: postal)?|ext\\.|clave|extensión|folio|pin"
    "|(?:pedido|cuenta|vuelo|factura) número"
    "|número de (?:pedido|cuenta|vuelo|factura|serie|reserva|expediente)",
)  # fmt: skip
LEXICONS: Final = {"en": _EN, "pt": _PT, "es": _ES}

# Signs of units as written, and their names in the CLDR data that babel carries.
UNITS: Final = {
    "km/h": "kilometer-per-hour", "mph": "mile-per-hour", "km²": "square-kilometer",
    "km2": "square-kilometer", "m²": "square-meter", "m2": "square-meter", "m³": "cubic-meter",
    "m3": "cubic-meter", "km": "kilometer", "cm": "centimeter", "mm": "millimeter", "m": "meter",
    "mi": "mile", "ft": "foot", "kg": "kilogram", "mg": "milligram", "g": "gram", "lbs": "pound",
    "lb": "pound", "oz": "ounce", "ml": "milliliter", "mL": "milliliter", "l": "liter",
    "L": "liter", "°C": "celsius", "ºC": "celsius", "°F": "fahrenheit", "ºF": "fahrenheit",
    "kWh": "kilowatt-hour", "kW": "kilowatt", "W": "watt", "V": "volt", "GHz": "gigahertz",
    "MHz": "megahertz", "kHz": "kilohertz", "Hz": "hertz", "TB": "terabyte", "GB": "gigabyte",
    "MB": "megabyte", "kB": "kilobyte", "KB": "kilobyte", "ha": "hectare", "h": "hour",
    "hrs": "hour", "min": "minute", "ms": "millisecond",
}  # fmt: skip
SYMBOLS: Final = {"R$": "BRL", "US$": "USD", "MX$": "MXN", "€": "EUR", "£": "GBP", "¥": "JPY"}
CODES: Final = (
    "USD", "EUR", "GBP", "BRL", "MXN", "JPY", "ARS", "CLP", "COP", "PEN", "UYU", "CAD", "AUD",
    "CHF", "BOB", "PYG", "CRC", "DOP", "GTQ", "CNY", "INR",
)  # fmt: skip


@cache
def months(locale: str) -> tuple[str, ...]:
    """The names of the months in lower case (English: with capitals)."""
    names = get_month_names("wide", locale=locale)
    return tuple(str(names[i]) for i in range(1, 13))


@cache
def unit(locale: str, name: str) -> tuple[str, str]:
    """A unit's names for one and for many."""
    one, many = (str(format_unit(n, name, "long", locale=locale)) for n in (1, 2))
    return one.partition(" ")[2], many.partition(" ")[2]


@cache
def currency(language: str, code: str) -> Currency:
    """A currency's names: the everyday ones of ours, else what CLDR calls it."""
    lexicon = LEXICONS[language]
    if code in lexicon.currencies:
        return lexicon.currencies[code]
    one, many = (str(get_currency_name(code, count=n, locale=lexicon.locale)) for n in (1, 2))
    if language != "en":  # Portuguese data has capitals: it is meant for lists
        one, many = one.lower(), many.lower()
    return Currency(one=one, many=many)
