"""What kind of answer our own words ask for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.turn import Kind, PromptKind, asked_for

pytestmark = pytest.mark.unit

ASKS = [
    ("en-US", "phone", "What is your phone number?"),
    ("en-US", "phone", "Sure, I can do that. What's the best number to reach you?"),
    ("en-US", "phone", "Please tell me your mobile number."),
    ("en-US", "phone", "Could you give me your phone number? I will call you back."),
    ("en-US", "email", "And your e-mail address?"),
    ("en-US", "email", "Which email should I send it to?"),
    ("en-US", "spelled", "How do you spell your last name?"),
    ("en-US", "spelled", "Please spell your name."),
    ("en-US", "date", "What is your date of birth?"),
    ("en-US", "date", "Which day would you like to come?"),
    ("en-US", "digits", "What is your account number?"),
    ("en-US", "digits", "Okay, please enter the code."),
    ("en-US", "digits", "Your number, please."),
    ("en-US", "open", "One moment, please."),
    ("en-US", "yes_no", "Do you have an appointment?"),
    ("en-US", "yes_no", "So that is Tuesday at nine, is that correct?"),
    ("en-US", "yes_no", "Would you like me to connect you?"),
    ("en-US", "yes_no", "We have your phone number. Is it still the right one?"),
    ("en-US", "open", "Hello, how can I help you?"),
    ("en-US", "open", "Our phone number is 555 0134."),
    ("en-US", "open", "We open at nine. Is there anything else I can help you with?"),
    ("en-US", "open", "Would you like the morning or the afternoon?"),
    ("en-US", "open", "Could you say that again?"),
    ("en-US", "open", "What is the number of people in your party?"),
    ("en-US", "open", "Send an e-mail to us. We answer within a day."),
    ("pt-BR", "phone", "Qual é o seu telefone?"),
    ("pt-BR", "phone", "Por favor, me diga o número do seu celular."),
    ("pt-BR", "email", "E o seu e-mail?"),
    ("pt-BR", "spelled", "Pode soletrar o seu sobrenome?"),
    ("pt-BR", "date", "Qual é a sua data de nascimento?"),
    ("pt-BR", "digits", "Qual é o seu CPF?"),
    ("pt-BR", "yes_no", "Você já é nosso paciente?"),
    ("pt-BR", "yes_no", "Terça às nove, certo?"),
    ("pt-BR", "open", "Olá, como posso ajudar?"),
    ("pt-BR", "open", "Posso ajudar em algo mais?"),
    ("pt-BR", "open", "O nosso telefone é 3333 4444."),
    ("es-MX", "phone", "¿Cuál es su número de teléfono?"),
    ("es-MX", "email", "Dígame su correo electrónico."),
    ("es-MX", "spelled", "¿Puede deletrear su apellido?"),
    ("es-MX", "date", "¿Cuál es su fecha de nacimiento?"),
    ("es-MX", "digits", "¿Cuál es su número de expediente?"),
    ("es-MX", "yes_no", "¿Tiene cita?"),
    ("es-MX", "yes_no", "El martes a las nueve, ¿verdad?"),
    ("es-MX", "open", "Hola, ¿en qué puedo ayudarle?"),
    ("es-MX", "open", "¿Algo más?"),
    ("de-DE", "open", "Wie kann ich helfen?"),
]


@pytest.mark.parametrize(("language", "kind", "text"), ASKS)
def test_a_prompt_is_known_by_its_words(language: str, kind: str, text: str) -> None:
    assert asked_for(text, language=language).kind == Kind(kind)


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        ("en-US", "What are the last four digits of your card?", 4),
        ("en-US", "Please enter your 6-digit code.", 6),
        ("pt-BR", "Quais são os quatro últimos dígitos do cartão?", 4),
        ("es-ES", "Dígame los cuatro últimos dígitos.", 4),
    ],
)
def test_a_count_of_digits_is_their_length(language: str, text: str, count: int) -> None:
    assert asked_for(text, language=language) == PromptKind.digits(count)


@given(st.text(max_size=500), st.sampled_from(["en-US", "pt-BR", "es", "xx"]))
def test_any_text_has_a_kind(text: str, language: str) -> None:
    assert isinstance(asked_for(text, language=language), PromptKind)
