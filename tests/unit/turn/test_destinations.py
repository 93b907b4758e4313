"""Whom words name."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import pytest

from esl_app.turn import Answer, End, Ending, Lead, Leads, Rules, Say, TurnLoop, WordRule
from esl_app.turn.destinations import best, score

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class Desk:
    name: str
    aliases: tuple[str, ...] = ()
    department: str = ""
    role: str = ""
    priority: int = 100


SALES = Desk("Sales desk", ("sales", "vendas", "ventas"), "Commercial", "account manager")
BILLING = Desk("Faturação", ("billing", "financeiro", "facturación"), "Finance")
MARIA_S, MARIA_C = Desk("Maria Silva"), Desk("Maria Costa")
ALL = (SALES, BILLING, MARIA_S, MARIA_C)


def _leads(language: str = "en-US", *rules: WordRule) -> Leads:
    return Leads(destinations=ALL, rules=rules, language=language)


@pytest.mark.parametrize(
    ("words", "points"),
    [
        ("sales", 1.0),
        ("sales desk", 0.95),
        ("somebody in sales", 0.85),
        ("that sales desk upstairs", 0.85),
        ("desk", 0.80),
        ("commercial people", 0.70),
        ("my account manager", 0.65),
        ("salez", 0.6 * 0.8),
        ("parking", 0.0),
        ("", 0.0),
    ],
)
def test_scores(words: str, points: float) -> None:
    assert score(words, SALES) == pytest.approx(points)


@pytest.mark.parametrize(
    ("language", "text", "name"),
    [
        ("en-US", "Could you put me through to sales, please?", "Sales desk"),
        ("en-US", "I'd like to talk to my account manager.", "Sales desk"),
        ("en-GB", "Transfer me to the billing department.", "Faturação"),
        ("en-US", "Sales, please.", "Sales desk"),
        ("en-US", "Sales. Can you transfer me?", "Sales desk"),
        ("en-US", "No, I want to speak to Maria Costa.", "Maria Costa"),
        ("en-US", "Can I speak with Maria Kosta?", "Maria Costa"),
        ("pt-BR", "Quero falar com o pessoal de vendas, por favor.", "Sales desk"),
        ("pt-BR", "Me passa para a faturacao.", "Faturação"),
        ("pt-BR", "Não, quero falar com o financeiro.", "Faturação"),
        ("es-MX", "¿Me puede comunicar con ventas?", "Sales desk"),
        ("es-ES", "Páseme con facturacion, por favor.", "Faturação"),
    ],
)
def test_a_wish_for_somebody_leads_there(language: str, text: str, name: str) -> None:
    assert _leads(language).of(text) == Lead(names=(name,))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en-US", "When is the sales desk open?"),
        ("en-US", "I don't want to talk to sales."),
        ("en-US", "Transfer me to +882 165 0123 456."),
        ("en-US", "Transfer me to 0900 123456 now!"),
        ("en-US", "Please talk to me about parking."),
        ("pt-BR", "Não quero falar com vendas."),
        ("pt-BR", "A faturação abre quando?"),
        ("es-ES", "No quiero hablar con ventas."),
        ("en-US", ""),
        ("en-US", "sales " * 100),
    ],
)
def test_nobody_is_sent_anywhere_for_a_word(language: str, text: str) -> None:
    assert _leads(language).of(text) is None


def test_priority_parts_two_that_fit_equally_well() -> None:
    assert best("maria", ALL) == [MARIA_S, MARIA_C]
    assert best("maria", (MARIA_S, replace(MARIA_C, priority=5))) == [replace(MARIA_C, priority=5)]


def test_rules_need_no_wish_and_come_first() -> None:
    keyword = WordRule(destination="Sales desk", keywords=("orçamento",), message="Sales, then.")
    pattern = WordRule(destination="Faturação", patterns=(r"\bsegunda\b.*\bvia\b", "orcament"))
    leads = _leads("pt-BR", keyword, pattern)
    assert leads.of("Um ORCAMENTO, quero falar com Maria Silva") == Lead(
        names=("Sales desk",), message="Sales, then."
    )
    assert leads.of("Preciso da segunda via do boleto") == Lead(names=("Faturação",))
    assert leads.of("Uma orçamentação") == Lead(names=("Faturação",)), "a pattern finds parts"
    assert _leads("pt-BR", keyword).of("Uma orçamentação") is None, "a keyword is a whole word"


def test_the_worst_pattern_that_is_let_through_costs_milliseconds() -> None:
    worst = WordRule(destination="x", patterns=["(a|a)(a|a)(a|a)(a|a).*.*!"] * 10)
    began = time.process_time()
    assert _leads("en-US", worst).of("a" * 1000) is None
    assert time.process_time() - began < 5.0


def test_the_caller_is_asked_which_of_two_and_his_answer_needs_no_wish() -> None:
    loop = TurnLoop(rules=Rules(language="en-US", leads=_leads()))
    asked = loop.heard("I want to talk to Maria.")
    assert isinstance(asked, Say)
    assert asked.text == "Whom would you like to speak to: Maria Silva, or Maria Costa?"
    ended = loop.heard("Costa.")
    assert ended == End(ending=Ending.HANDOFF, question="Costa.", lead=Lead(names=("Maria Costa",)))
    assert isinstance(loop.heard("Maria Costa."), End), "alone it names her, too"
    assert isinstance(loop.heard("Is she in?"), Answer)


def test_a_person_of_a_department_is_the_department_and_any_person_the_default() -> None:
    loop = TurnLoop(rules=Rules(language="en-US", leads=_leads()))
    named = loop.heard("I want to speak to somebody in sales.")
    assert isinstance(named, End)
    assert named.lead == Lead(names=("Sales desk",))
    anybody = loop.heard("I want to speak to a person.")
    assert isinstance(anybody, End)
    assert (anybody.ending, anybody.lead) == (Ending.HANDOFF, None)
