"""One expression that finds whatever is written in signs rather than in words.

Every repetition in it is bounded or cannot overlap with what follows, so that looking for it takes
linear time in any text. Groups are named `<kind>` and `<kind>_<part>`; `spoken` has a method for
each kind. Order is rank: what is more particular comes first.
"""
# ruff: noqa: E501 - an expression is read along its kind, not folded

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from esl_app.speech._lexicon import CODES, LEXICONS, SYMBOLS, UNITS, months

_NUMBER: Final = r"\d{1,3}(?: 000){1,3}(?! ?\d)|\d{1,3}(?:[.,]\d{3}){1,5}(?![.,]?\d)|\d{1,18}(?:[.,]\d{3}){0,5}(?:[.,]\d{1,9})?(?!\d)"
_AMOUNT: Final = rf"\d{{1,3}}(?: \d{{3}}){{1,3}}(?:[.,]\d\d)?(?! ?\d)|{_NUMBER}"
_LEFT: Final = r"(?<![\w])(?<!\d[.,])"
_TLDS: Final = "com|org|net|gov|edu|io|info|app|dev|br|es|mx|ar|co|cl|pt|uk|us|eu|me|ai|tv"
_LABEL: Final = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_SCALES: Final = {
    "en": r"hundred|thousand|million|billion|trillion|[MBK](?!\w)|bn(?!\w)|k(?!\w)",
    "pt": r"mil|milhão|milhões|bilhão|bilhões|trilhão|trilhões|mi(?!\w)|bi(?!\w)",
    "es": r"mil(?:es)?|millón|millones|billón|billones|M(?!\w)",
}
_PHONES: Final = (
    r"\+\d(?:[ ().-]{0,2}\d){6,14}",
    r"(?:0?\d{1,3}[ -])?\(\d{2,4}\) ?\d{3,5}(?:[ .-]?\d{2,4}){1,2}",
    r"\d{3}\.\d{3}\.\d{3}-\d{2}",  # CPF
    r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}",  # CNPJ
    r"\d{4}(?:[ -]\d{4}){2,3}",
    r"(?:1[-. ])?\d{3}(?:-\d{3}-|\.\d{3}\.| \d{3} )\d{4}",
    r"0[3589]00[ -]\d{3}[ -]?\d{3,4}",
    r"\d{3}-\d{2}-\d{4}",
    r"\d{5}-\d{3,4}",  # CEP, ZIP+4, Brazilian mobiles
    r"\d{3}-\d{4}",
    r"(?!(?:1\d|20)\d\d-(?:1\d|20)\d\d(?!\d))\d{4}-\d{4}",  # but not years
    r"\d{2} 9?\d{4}[- ]\d{4}",
    r"0\d{2,4} \d{3,4} \d{3,4}",
    r"0\d{4} \d{6}",
    r"\d{3} \d{4}",
    r"\d{3}(?: \d{3}){2}",
    r"\d{3}(?: \d{2}){3}",
    r"\d{2} \d{3} \d{2} \d{2}",
)


def _any(words: Iterable[str]) -> str:
    """Alternatives, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


@cache
def tokens(language: str) -> re.Pattern[str]:
    """The expression for one language: "en", "pt" or "es"."""
    lexicon = LEXICONS[language]
    money = _any([*SYMBOLS, "$"])
    codes = "|".join(CODES)
    names = _any(months(lexicon.locale))
    days = _any(lexicon.days)
    kinds = {
        "email": rf"(?<![\w.+-])[\w.+-]{{1,64}}@{_LABEL}(?:\.{_LABEL}){{1,4}}",
        "url": r"(?<!\w)(?:https?://|www\.)[^\s<>\"']{1,2000}",
        "domain": rf"(?<![\w@.-]){_LABEL}(?:\.[^\W_][\w-]{{0,30}}){{0,2}}?\.(?:{_TLDS})(?:\.[a-z]{{2}})?(?:/[\w/-]{{0,60}})?(?![\w@])(?!\.\w)",
        "always": r"(?<![\w/])24/7(?![\w/])",
        "range": rf"(?:(?<=\d)|(?<=[%€])|(?<=\d[hH])|(?<=\d[aApP][mM])|(?<=\d [aApP][mM])|(?<=[aApP]\.[mM]\.))(?: [-–—] |[-–—])(?=(?:{money})? ?\d)",
        "days": rf"(?<!\w)(?P<days_from>(?i:{days}))\.? ?(?:[-–]|{'to' if language == 'en' else 'a'}) ?(?P<days_to>(?i:{days}))(?:\.(?!\w)|(?!\w))",
        "iso": rf"{_LEFT}(?P<iso_y>\d{{4}})-(?P<iso_m>\d{{1,2}})-(?P<iso_d>\d{{1,2}})(?!\d)",
        "date": rf"{_LEFT}(?P<date_a>\d{{1,2}})(?:/(?P<date_b>\d{{1,2}})/(?P<date_y>\d{{4}}|\d\d)|(?P<date_s>[.-])(?P<date_c>\d{{1,2}})(?P=date_s)(?P<date_z>\d{{4}}))(?![\w/])",
        "phone": rf"{_LEFT}(?<![$€£])(?:{'|'.join(_PHONES)})(?![\d/])(?![.,]\d)",
        "fraction": rf"{_LEFT}(?:{_any(lexicon.fractions)})(?![\w/])",
        "day": rf"{_LEFT}(?P<day_a>\d{{1,2}})/(?P<day_b>\d{{1,2}})(?![\w/])",
        "money": rf"(?<!\w)(?P<money_minus>[-−])?(?P<money_symbol>{money}|(?:{codes}) ) ?(?P<money_amount>{_AMOUNT})(?: ?(?P<money_scale>{_SCALES[language]})(?!\w))?(?: (?P<money_also>{codes})(?!\w))?",
        "priced": rf"{_LEFT}(?P<priced_minus>[-−])?(?P<priced_amount>{_AMOUNT})(?: ?(?P<priced_scale>{_SCALES[language]}))? ?(?P<priced_symbol>[€£]|US\$|R\$|\$(?!\d)|(?:{codes})(?!\w))",
        "time": rf"{_LEFT}(?P<time_h>\d{{1,2}})[:.]?(?P<time_m>(?<=[:.])\d\d)? ?(?P<time_half>[aApP])\.? ?[mM](?:\.|(?!\w))"
        rf"|{_LEFT}(?P<time_h2>\d{{1,2}}):(?P<time_m2>\d\d)(?::(?P<time_s2>\d\d))?(?: ?(?:hs?|hrs?|horas?)(?:\.(?=\w)|(?!\w)))?(?![\d:])",
        "percent": rf"(?<!\w)(?P<percent_minus>(?<!\d)[-−+])?(?P<percent_n>{_NUMBER}) ?%",
        "measure": rf"(?<!\w)(?P<measure_minus>(?<!\d)[-−+])?(?P<measure_n>{_NUMBER}) ?(?P<measure_unit>{_any(UNITS)})(?![\w/²³])",
        "degrees": rf"(?<!\w)(?P<degrees_minus>(?<!\d)[-−+])?(?P<degrees_n>{_NUMBER}) ?°(?!\w)",
        "version": rf"{_LEFT}(?!\d{{1,3}}(?:[.]\d{{3}}){{2,3}}(?![\d.]))\d{{1,5}}(?:\.\d{{1,5}}){{2,5}}(?![\w])",
    }
    titled = "|".join(day.title() for day in lexicon.days)
    # "Sat." ends many a sentence in Portuguese ("ter.") or Spanish: only before a colon there.
    leads = ",| \\d| and | to | at |:" if language == "en" else ":"
    kinds["weekday"] = rf"(?<!\w)(?P<weekday_d>{titled})(?:\.(?={leads})|(?=: ?\d))"
    if language == "en":
        short = "|".join(f"{m[:3]}" for m in months("en"))
        kinds |= {
            "monthday": rf"(?<!\w)(?:(?P<monthday_long>{names})|(?P<monthday_short>{short}|Sept)\.?) (?P<monthday_d>\d{{1,2}})(?:st|nd|rd|th)?(?![\w:%]|[.,]\d)(?:,? (?P<monthday_y>\d{{4}})(?![\w:%]|[.,]\d))?",
            "daymonth": rf"{_LEFT}(?P<daymonth_d>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?(?P<daymonth_m>{names})(?!\w)(?:,? (?P<daymonth_y>\d{{4}})(?![\w:%]|[.,]\d))?",
            "decade": rf"{_LEFT}(?P<decade_y>(?:1[5-9]|20)\d0)s(?!\w)",
            "ordinal": r"(?<!\w)(?P<ordinal_n>\d{1,3}(?:,\d{3}){1,3}|\d{1,12})(?:st|nd|rd|th)(?!\w)",
            "numbered": r"(?<!\w)(?:[Nn]o\. ?|# ?)(?P<numbered_n>\d{1,30})(?!\w)",
        }
    else:
        kinds |= {
            "times": rf"{_LEFT}(?P<times_n>\d{{1,3}})x(?= (?:de|sem|no|com|sin|con|en)(?!\w))",
            "clock": rf"{_LEFT}(?P<clock_h>\d{{1,2}}) ?[hH](?:s(?!\w)|(?P<clock_m>[0-5]\d)(?:min)?)?(?!\w)",
            "first": rf"{_LEFT}0?1(?:\.?[ºo°])? de (?P<first_m>{names})(?!\w)",
            "ordinal": r"(?<!\w)(?P<ordinal_n>\d{1,4})\.?(?:(?P<ordinal_e>[ºª°](?![CF]))|(?P<ordinal_w>r[oa]|d[oa]|t[oa]|er[oa]?|mo|ma|va|vo|no|na))(?!\w)",
            "numbered": r"(?<!\w)(?:[Nn][úu]m\. ?|[Nn]\.? ?[º°]s?\.? ?|[Nn]\. |[Nn]ro\. ?|# ?)(?P<numbered_n>\d{1,30}(?!\d)(?!\.\d))",
        }
        if language == "pt":
            kinds["rua"] = r"(?<=\b[nd]a )R\.(?= \w)"
    after = {
        "en": "for|to|in|if|or|and|now|immediately|right|first",
        "pt": "para|em|se|ou|e|agora|imediatamente",
        "es": "para|en|si|o|y|ahora|inmediatamente",
    }[language]
    dial = {"en": "call|dial", "pt": "ligue(?: para)?(?: o)?|disque(?: o)?", "es": "marque(?: el)?"}
    per = {
        "en": "month|year|day|hour|week|night|person|minute|mo|yr",
        "pt": "mês|ano|dia|hora|semana|noite|pessoa|minuto",
        "es": "mes|año|día|hora|semana|noche|persona|minuto",
    }[language]
    kinds |= {
        "emergency": rf"(?<!\w)(?P<emergency_call>(?i:{dial[language]})) (?P<emergency_n>\d{{3}})(?=[,;!?]|\.?$|\. | (?:{after})(?!\w))",
        "code": rf"(?<!\w)(?P<code_word>(?i:{lexicon.codes})(?: (?:is|é|es))?:?) (?P<code_n>\d{{3,30}})(?![\w.,-]{{0,20}}\d)",
        "number": rf"(?<![\w])(?P<number_minus>(?<![\d)])[-−+](?=\d))?(?P<number_n>{_NUMBER})(?: (?P<number_scale>{_SCALES[language]})(?!\w))?",
        "abbreviation": rf"(?<!\w)(?i:{_any(lexicon.abbreviations)})(?!\w)",
        "street": r"(?<!\w)St\.(?=\W|$)" if language == "en" else r"(?<!\w)[Cc]/ ?(?=[A-ZÀ-Þ])",
        "sign": rf" ?&(?!\w) ?|[#*]|/(?=(?:{per})(?!\w))|(?<=\d)\+(?!\w)|(?<=[\w ])@(?= |$)|(?<=\d) ?[×x] ?(?=\d)|(?<=\d) = (?=\d)|(?<=\d) \+ (?=\d)",
        "digits": r"\d+",
    }
    order = [
        "email", "url", "domain", "always", "range", "days", "emergency", "iso", "date", "phone", "fraction", "day",
        "money", "priced", "monthday", "daymonth", "weekday", "decade", "time", "first", "times", "ordinal", "numbered",
        "clock", "percent", "measure", "degrees", "version", "code", "number", "rua", "abbreviation",
        "street", "sign", "digits",
    ]  # fmt: skip
    return re.compile("|".join(f"(?P<{kind}>{kinds[kind]})" for kind in order if kind in kinds))


@cache
def signs(language: str) -> re.Pattern[str]:
    """What every token has something of: a text without it is only words."""
    lexicon = LEXICONS[language]
    days, short = _any(lexicon.days), _any(lexicon.abbreviations)
    return re.compile(rf"[\d@$€£¥%&°×#*/=–-]|\.(?=.)|(?i:\b(?:{days})\b|\b(?:{short})$)")
