from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.speech import Splitter, sentences
from esl_app.speech.splitter import LONGEST

pytestmark = pytest.mark.unit

# Each text as a list of its sentences: what is tested is that joined they are cut there again.
WHOLE = [
    ("en", ["We open at nine.", "We close at one."]),
    ("en", ["Dr. Lee is in.", "Bye"]),
    ("en", ["Mr. and Mrs. J. A. Smith called.", "They will call again."]),
    ("en", ["It costs $1,234.50 a year!", "Yes"]),
    ("en", ["The rate is 3.5%.", "It was 4.25 before."]),
    ("en", ["from 9 a.m. to 1 p.m. on Saturdays."]),
    ("en", ["We open at 9 a.m. Monday to Friday."]),
    ("en", ["We open at 9 a.m.", "Please come then."]),
    ("en", ["We close at 5 p.m. EST.", "Goodbye."]),
    ("en", ["Write to ana.lee@example.co.uk.", "We answer soon."]),
    ("en", ["See https://example.com/a.b?x=1.5&y=2.", "It is all there."]),
    ("en", ["Go to www.example.com.", "Then log in."]),
    ("en", ["We are at 12 Main St. Springfield.", "Come in."]),
    ("en", ["We are on Main St.", "The door is open."]),
    ("en", ["The U.S. Government is closed."]),
    ("en", ["He lives in the U.S.", "She does not."]),
    ("en", ["He lives in the U.S.", "So"]),
    ("en", ["No.", "We are closed."]),
    ("en", ["It is No. 5 on the left.", "You see it."]),
    ("en", ["Bring pens, paper, etc.", "We have the rest."]),
    ("en", ["Dial tel. 555 0134 now.", "Thanks."]),
    ("en", ["Well... perhaps.", "Let me see..."]),
    ("en", ["Wait…", "I have it."]),
    ("en", ['"Is it open?" he asked.', "It was."]),
    ("en", ["Sure!", "let me look."]),
    ("en", ["Really?!", "Yes."]),
    ("en", ["He said (see p. 5) no.", "Then he left."]),
    ("en", ["(It is closed.)", "Come tomorrow."]),
    ("en", ["We meet on Jan. 5 at noon.", "Be there."]),
    ("en", ["The 1st of May is a holiday.", "We are closed."]),
    ("en", ["Take vitamin C.", "It helps."]),
    ("en", ["Acme Inc. Boston is ours.", "So is Acme Ltd.", "We like it."]),
    ("en", ["We have two offices.", "2 of them are here."]),
    ("en", ["Use e.g. Firefox.", "Or i.e. nothing."]),
    ("en", ["**We are open.**", "Come in."]),
    ("pt", ["Abrimos às 9.", "Às 13 fechamos."]),
    ("pt", ["O valor é R$ 1.234,56.", "Pode pagar hoje."]),
    ("pt", ["Custa R$ 49,90 por mês.", "É barato."]),
    ("pt", ["A Dra. Ana e o Sr. João atendem.", "O Dr. Lima não."]),
    ("pt", ["Fica na Av. Paulista, nº 1.000.", "É perto."]),
    ("pt", ["Fica na R. Augusta, n. 20, ap. 3.", "Venha."]),
    ("pt", ["A Silva Ltda. Matriz fica aqui."]),
    ("pt", ["Compramos da Silva Ltda.", "Ela é boa."]),
    ("pt", ["Ligue p. ex. amanhã.", "Ou hoje."]),
    ("pt", ["Traga RG, CPF, etc.", "Depois assine."]),
    ("pt", ["É o 1.º andar.", "Suba."]),
    ("pt", ["Fechamos às 18h30.", "Até logo!"]),
    ("pt", ["Escreva para ana@exemplo.com.br.", "Obrigado."]),
    ("pt", ["Abrimos em 02.01.2027.", "Feliz ano novo!"]),
    ("pt", ["São 3,5 km.", "É longe?", "Não."]),
    ("pt", ["V. Exa. Senhora Lima chegou.", "Entre."]),
    ("pt", ["O senhor quer?", "não sei."]),
    ("es", ["¿Qué hora es?", "¡Son las 9!", "Gracias."]),
    ("es", ["El Sr. Pérez y la Dra. Gómez están.", "Ud. puede pasar."]),
    ("es", ["Vivo en EE. UU. Florida es bonita."]),
    ("es", ["Cuesta 1.234,56 €.", "Es barato."]),
    ("es", ["Abrimos a las 9 a.m. Lunes a viernes."]),
    ("es", ["Abrimos a las 9 a. m. Lunes a viernes."]),
    ("es", ["Abrimos a las 9 a. m. y cerramos.", "Gracias."]),
    ("es", ["Está en la Avda. Libertad, núm. 5.", "Venga."]),
    ("es", ["Traiga, p. ej. Su carné."]),
    ("es", ["Bueno... no sé.", "Quizá."]),
    ("es", ["Escriba a ana@ejemplo.es.", "Adiós."]),
    ("fr", ["Bonjour.", "Au revoir."]),
]


@pytest.mark.parametrize(("language", "whole"), WHOLE)
def test_whole_sentences(language: str, whole: list[str]) -> None:
    assert list(sentences([" ".join(whole)], language)) == whole


@pytest.mark.parametrize(("language", "whole"), WHOLE)
def test_character_by_character_is_the_same(language: str, whole: list[str]) -> None:
    assert list(sentences(" ".join(whole), language)) == whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n ", []),
        ("...", []),
        ("🙂 ! ?", []),
        ("Yes. ... ", ["Yes. ..."]),
        ("One\r\n\r\ntwo", ["One", "two"]),
        ("1. Call us\n2. Wait. Really.\n3) Go", ["1. Call us", "2. Wait.", "Really.", "3) Go"]),
        (
            "Hours:\n- Monday 9 to 5\n- Friday 9 to 1",
            ["Hours:", "- Monday 9 to 5", "- Friday 9 to 1"],
        ),
        ("Monday: 9 to 5\nFriday: 9 to 1", ["Monday: 9 to 5", "Friday: 9 to 1"]),
        (
            "This is a long line that an author wrapped by hand in\nParis, of all places.",
            ["This is a long line that an author wrapped by hand in Paris, of all places."],
        ),
        ("a\0b\x1bc \ud800 d", ["a b c d"]),
        ("你好。好吗？再见！是", ["你好。", "好吗？", "再见！", "是"]),
    ],
)
def test_lines_and_oddities(text: str, expected: list[str]) -> None:
    assert list(sentences([text])) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Yes, we are open today, until nine. Bye, then.",
            ["Yes, we are open today,", "until nine.", "Bye, then."],
        ),
        ("Our hours are these: nine to five.", ["Our hours are these:", "nine to five."]),
        (
            "The number you need is 555, 0134, thanks.",
            ["The number you need is 555, 0134,", "thanks."],
        ),
        ("It costs you only about 1,234.50 a year.", ["It costs you only about 1,234.50 a year."]),
        (
            "We have some (two, three or four, five) rooms, sir.",
            ["We have some (two, three or four, five) rooms,", "sir."],
        ),
        (
            "Yes. It is open, as far as I know, today.",
            ["Yes.", "It is open, as far as I know, today."],
        ),
        ("... Well, we are open now, yes.", ["Well, we are open now,", "yes."]),
    ],
)
def test_the_first_clause_may_come_early(text: str, expected: list[str]) -> None:
    assert list(sentences([text], first_words=4)) == expected
    assert list(sentences(text, first_words=4)) == expected


def test_a_sentence_comes_before_the_text_ends() -> None:
    splitter = Splitter()
    assert splitter.feed("First one. S") == ["First one."]
    assert splitter.feed("econd, by Dr. ") == []
    assert splitter.feed("Lee! ") == []
    assert splitter.close() == ["Second, by Dr. Lee!"]
    assert splitter.feed("Again. ") == []
    assert splitter.close() == ["Again."]


TEXT = st.text(max_size=200) | st.text(
    alphabet='aBé .!?…9,:-\n\r\t"()¿*_R$@/。\0\ud800', max_size=200
) | st.lists(
    st.sampled_from(
        ["Dr.", "U.S.", "a.m.", "Monday", "The", "No.", "5", "1.", "e.g.", "word", ",", "J.",
         "(", ")", "\n", "\n\n", "- ", "Ltda.", "...", "?", '"', "x" * 90, "R$ 1.234,56."]
    ),
    max_size=40,
).map(" ".join)  # fmt: skip


@given(TEXT, st.sampled_from(["en", "pt", "es", "xx"]), st.sampled_from([None, 1, 3]), st.data())
def test_every_cut_of_the_stream_gives_the_same_sentences(
    text: str, language: str, first_words: int | None, data: st.DataObject
) -> None:
    whole = list(sentences([text], language, first_words=first_words))
    assert list(sentences(text, language, first_words=first_words)) == whole
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert list(sentences(pieces, language, first_words=first_words)) == whole


@given(TEXT, st.sampled_from([None, 2]))
def test_nothing_that_can_be_spoken_is_lost(text: str, first_words: int | None) -> None:
    found = list(sentences([text], first_words=first_words))
    assert [c for s in found for c in s if c.isalnum()] == [c for c in text if c.isalnum()]
    assert all(len(s) <= LONGEST for s in found)


@pytest.mark.parametrize(
    "unit", ["a", " ", ".", "a. ", "A. ", "?", "\n", "(", ')"', "Dr. ", "1.", "- ", "é́", "。", ", "]
)
@pytest.mark.parametrize(("step", "length"), [(1, 20_000), (300_000, 300_000)])
def test_hostile_text_takes_linear_time(unit: str, step: int, length: int) -> None:
    text = (unit * length)[:length]
    begin = time.process_time()
    found = list(sentences((text[i : i + step] for i in range(0, len(text), step)), first_words=3))
    assert time.process_time() - begin < 5  # it is some 0.5 s; squared it would be minutes
    assert all(len(s) <= LONGEST for s in found)
