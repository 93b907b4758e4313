"""What is taken out of texts, what is left, and that no text takes long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esl_app.redaction import redact

pytestmark = pytest.mark.unit

CARD = "4111 1111 1111 1111"


@pytest.mark.parametrize(
    ("language", "text", "left"),
    [
        ("en-US", "card 4111111111111111 thanks", "card [card] thanks"),
        ("en-US", "card 4111-1111-1111-1111", "card [card]"),
        ("en-US", "3782 822463 10005", "[card]"),
        (
            "en-US",
            "it's four one one one, one one one one, uh, one one one one, one one one one okay",
            "it's [card] okay",
        ),
        ("en-US", "forty one eleven eleven eleven eleven eleven eleven eleven", "[card]"),
        (
            "pt-BR",
            "o cartão é quatro um um um um um um um um um um um um um um um, certo",
            "o cartão é [card], certo",
        ),
        (
            "es-ES",
            "cuatro uno uno uno uno uno uno uno uno uno uno uno uno uno uno uno",
            "[card]",
        ),
        ("pt-BR", "CPF 529.982.247-25 e CNPJ 11.222.333/0001-81.", "CPF [cpf] e CNPJ [cnpj]."),
        (
            "pt-BR",
            "cinco dois nove nove oito dois dois quatro sete dois cinco",
            "[cpf]",
        ),
        ("en-US", "SSN 536-90-4399", "SSN [ssn]"),
        ("en-US", "five three six nine zero four three nine nine", "[ssn]"),
        ("de-DE", "IBAN DE89 3704 0044 0532 0130 00 bitte", "IBAN [iban] bitte"),
        ("en-US", "gb29nwbk60161331926819.", "[iban]."),
        ("en-US", "write to ana.b+x@mail.example.com now", "write to [email] now"),
        ("en-US", "john dot smith at gmail dot com", "[email]"),
        ("pt-BR", "maria ponto silva arroba gmail ponto com", "[email]"),
        ("es-ES", "maria arroba correo punto es", "[email]"),
        ("en-US", "call +1 (650) 253-0000 or 650 253 0000", "call [phone] or [phone]"),
        ("en-US", "six five zero, two five three, zero zero zero zero", "[phone]"),
        ("pt-BR", "meu número é (11) 98765-4321", "meu número é ([phone]"),
        ("pt-BR", "onze nove oito sete meia cinco quatro três dois um", "[phone]"),
        ("pt-BR", "ligue +55 11 98765 4321 às 10 horas", "ligue [phone] às 10 horas"),
        ("pt-BR", "é 98765-4321", "é [phone]"),
        ("es-ES", "llame al 612 345 678", "llame al [phone]"),
        ("en-US", "from 192.168.1.20 and 2001:db8::1", "from [ip] and [ip]"),
    ],
)
def test_is_taken_out(language: str, text: str, left: str) -> None:
    assert redact(text, language=language) == left


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en-US", "We are open from 9 to 18, Monday to Friday, 8:30 to 12:00 and 14:00 to 18:30."),
        ("en-US", "That is $1,299.00, or 3 payments of $433.00; 15% off until 12/31/2026."),
        ("en-US", "Dial extension 2045, then 0. Order 58213. Room 12, floor 3."),
        ("en-US", "On 2026-11-22 at 10:30:15, since nineteen ninety nine."),
        ("en-US", "two thousand and twenty six, one hundred and five dollars"),
        ("en-US", "see you at nine, one or two of us, version 3.11.2"),
        ("en-US", "no one knows, and I will be at home at ten"),
        ("pt-BR", "Das 8h às 18h, de segunda a sexta; sábado das 9h30 às 13h."),
        ("pt-BR", "Custa R$ 1.250.000,00 ou 12 vezes de 99,90 reais, até 31/12/2026."),
        ("pt-BR", "ramal dois mil e quarenta e cinco, às oito e trinta da manhã"),
        ("pt-BR", "Rua das Flores, 1234, apartamento 56, CEP 01310-100"),
        ("es-ES", "De 9:00 a 18:00 h, del 1 al 15; son 1.299,00 € más 21 %."),
        ("es-ES", "la extensión dos mil cuarenta y cinco, el 22/11/2026"),
        ("en-US", "1111 1111 1111 1111 and 0000000000"),
    ],
)
def test_is_left_alone(language: str, text: str) -> None:
    assert redact(text, language=language) == text


def test_the_country_tells_whose_numbers_they_are() -> None:
    assert redact("(11) 98765-4321", language="en-US", country="BR") == "([phone]"
    assert redact("030 901820", language="en-US", country="DE") == "[phone]"


@given(st.text(max_size=200), st.text(max_size=200), st.sampled_from(["en-US", "pt-BR", "es-ES"]))
@settings(max_examples=60, deadline=None)
def test_any_text_is_read_and_a_card_in_it_found(before: str, after: str, language: str) -> None:
    found = redact(f"{before}. So; {CARD}; so. {after}", language=language)
    assert CARD not in found
    assert redact(found, language=language) == found


@pytest.mark.parametrize(
    "piece",
    ["1 ", "4111 1111 1111 1112 x ", "a@", "a.", "one ", "GB29 ", "1:", "12/", "a at b dot "],
)
def test_no_text_takes_long(piece: str) -> None:
    """A pattern that tries again from each place would take minutes for this."""
    text = (piece * (16_000 // len(piece) + 1))[:16_000]
    began = time.process_time()
    redact(text, language="en-US")
    assert time.process_time() - began < 3.0
