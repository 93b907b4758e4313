from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.turn import yes_no

pytestmark = pytest.mark.unit

YES = {
    "en-US": "Yes.|yeah|Yes, please.|Yep, that's right.|That's correct.|Sure, go ahead.|Uh-huh.|OK"
    "|I do.|Of course!|No problem.|Yes yes, it is.|Um, yes.|Right.|Yes?|Please do.|I agree"
    "|Okay, sure, I would.|yes thank you|Why not?",
    "pt-BR": "Sim.|Sim, por favor.|É.|é|Isso.|Isso mesmo.|É isso.|Está certo.|Tá bom|Pode ser."
    "|Claro.|Com certeza!|Aham|Eu aceito.|Acho que sim.|Sem problema.|Quero.|É, pode ser.",
    "es-MX": "Sí.|sí, claro|Si|si por favor|Correcto.|Así es.|Eso es.|De acuerdo.|Claro que sí."
    "|Está bien.|Ajá|Creo que sí.|Acepto.|No hay problema.|¿Sí?|Por supuesto, adelante.",
}
NO = {
    "en-US": "No.|Nope.|No, thank you.|That's wrong.|That is not right.|No, that's not correct."
    "|Not really.|No, it is five five five.|I don't.|Please don't.|I do not agree.|It's not."
    "|Of course not.|I'd rather not.",
    "pt-BR": "Não.|Não, obrigado.|Não está certo.|Não, não é isso.|Está errado.|Claro que não."
    "|Não quero.|Não, o número é outro.|De jeito nenhum.|Não aceito.|Agora não.",
    "es-MX": "No.|No, gracias.|No es correcto.|Eso no es.|Está mal.|Claro que no.|No quiero."
    "|No, el número es otro.|De ninguna manera.|No estoy de acuerdo.|No acepto.",
}
NEITHER = {
    "en-US": "|Hmm.|What is that for?|Okay, what is that for?|Yes. No.|Yes, but not the last digit."
    "|No, that's right.|I don't know.|Maybe.|I would like to know the price.|right now please"
    "|No idea.|Wait, yes.|What is the right number?|Sure, one moment.|I have no phone.|yes or no",
    "pt-BR": "E|Não sei.|Não entendi.|Talvez.|Sim, mas depois.|Quero saber o preço.|Para quê?"
    "|Não ouvi.|Sim. Não.|Se for de graça.|É para amanhã",
    "es-MX": "No sé.|No entiendo.|No le escucho.|Tal vez.|Sí, pero no hoy.|Quiero saber el precio."
    "|Si me llaman antes de las tres|¿Para qué?|Sí. No.",
}


def cases(said: dict[str, str]) -> list[tuple[str, str]]:
    return [(language, text) for language, texts in said.items() for text in texts.split("|")]


@pytest.mark.parametrize(("language", "text"), cases(YES))
def test_a_yes(language: str, text: str) -> None:
    assert yes_no(text, language=language) is True


@pytest.mark.parametrize(("language", "text"), cases(NO))
def test_a_no(language: str, text: str) -> None:
    assert yes_no(text, language=language) is False


@pytest.mark.parametrize(("language", "text"), cases(NEITHER))
def test_what_is_not_plainly_one_of_them_is_neither(language: str, text: str) -> None:
    assert yes_no(text, language=language) is None


def test_an_unknown_language_is_heard_as_english() -> None:
    assert yes_no("yes", language="xx") is True


@given(
    st.text(st.sampled_from("yes no sí, é não is that not right.?!ok")), st.sampled_from("enptes")
)
def test_any_text_is_judged(text: str, tongue: str) -> None:
    assert yes_no(text, language=tongue) in {True, False, None}
