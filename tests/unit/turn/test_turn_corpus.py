"""Hesitating callers in three languages: turns cut early, and what the others wait.

`|` is where the caller pauses. The recogniser streams: a partial without punctuation during the
pause, and a final one after the end; or it closes each stretch with a full stop, as those do that
transcribe an utterance at a time.
"""

from __future__ import annotations

import itertools
import statistics

import pytest

from esl_app.turn import Endpointer, Kind, Pauses, PromptKind

pytestmark = pytest.mark.unit

PAUSES_S = (0.3, 0.5, 0.8, 1.0, 1.2)
LAG_S = 0.25
OPEN = PromptKind()

HESITATING = [
    ("en-US", OPEN, "I would like to | book an appointment for | next Tuesday."),
    ("en-US", OPEN, "Hi, um | I'm calling because | my | invoice is wrong."),
    ("en-US", OPEN, "My number is | 555 | uh | 0134."),
    ("en-US", OPEN, "My number is 555, uh | 0134."),
    ("en-US", OPEN, "Can you tell me if | the | doctor is in today?"),
    ("en-US", OPEN, "It's, let me see | account 4 4 | 7 1 | 9 0."),
    ("en-US", OPEN, "I want to know how much | uh | a cleaning is and | when you close."),
    ("en-US", OPEN, "Well, | I was wondering about the | parking."),
    ("en-US", PromptKind.digits(6), "Sure, it's | 4 4 | 7 1 | 9 0"),
    ("en-US", PromptKind.phone(), "four one five | five five five | oh one three four"),
    ("en-US", PromptKind(kind=Kind.EMAIL), "it's ann | dot lee | at gmail | dot com"),
    ("en-US", PromptKind(kind=Kind.DATE), "March | the fifth | 5, 1985"),
    ("en-US", PromptKind(kind=Kind.YES_NO), "Yes, but | only on Monday."),
    ("pt-BR", OPEN, "Eu queria | marcar uma consulta para | terça-feira."),
    ("pt-BR", OPEN, "Oi, é | eu estou ligando porque | a | minha fatura veio errada."),
    ("pt-BR", OPEN, "O meu telefone é | 11 | 98765 | 4321."),
    ("pt-BR", OPEN, "O meu CPF é 123 456 | 789 | 09."),
    ("pt-BR", OPEN, "Queria saber se | vocês abrem no | sábado."),
    ("pt-BR", OPEN, "Então, | deixa eu ver | o protocolo é 77 | 31."),
    ("pt-BR", PromptKind.digits(5), "claro, é | um dois | três | meia sete"),
    ("pt-BR", PromptKind.phone(), "onze | nove oito sete seis cinco | quatro três dois um"),
    ("pt-BR", PromptKind(kind=Kind.EMAIL), "maria | arroba exemplo | ponto com | ponto br"),
    ("pt-BR", PromptKind(kind=Kind.DATE), "cinco de | março de | 1985"),
    ("es-MX", OPEN, "Quisiera | pedir una cita para | el martes."),
    ("es-MX", OPEN, "Hola, este | llamo porque | mi | factura está mal."),
    ("es-MX", OPEN, "Mi teléfono es el | 55 | 1234 | 5678."),
    ("es-MX", OPEN, "Quiero saber si | abren los | sábados."),
    ("es-MX", OPEN, "A ver | mi número de cuenta es 33 | 12."),
    ("es-MX", PromptKind.digits(4), "sí, es | uno dos | tres | cuatro"),
    ("es-ES", PromptKind.phone(), "seis uno dos | tres cuatro cinco | seis siete ocho"),
]
PLAIN = [
    ("en-US", OPEN, "What time do you open on Saturday?"),
    ("en-US", OPEN, "I'd like to cancel my appointment."),
    ("en-US", OPEN, "Yeah."),
    ("en-US", OPEN, "no thanks"),
    ("en-US", OPEN, "I want to speak to a person, please."),
    ("en-US", PromptKind(kind=Kind.YES_NO), "Sure, that works"),
    ("en-US", PromptKind.phone(), "415 555 0134"),
    ("pt-BR", OPEN, "Vocês aceitam convênio?"),
    ("pt-BR", OPEN, "Quanto custa um clareamento?"),
    ("pt-BR", OPEN, "Não, obrigada."),
    ("pt-BR", PromptKind(kind=Kind.YES_NO), "isso"),
    ("pt-BR", PromptKind.phone(), "11 98765 4321"),
    ("es-MX", OPEN, "¿A qué hora cierran?"),
    ("es-MX", OPEN, "Sí, claro."),
    ("es-ES", PromptKind.phone(), "612 345 678"),
]


# The hard ones: what is said before the pause could be all, and only time tells.
CLAUSES = [
    "I would like to book an appointment | for next Tuesday",
    "I want to come on Monday | in the morning | with my son",
    "My invoice is wrong | it says fifty | for one visit",
    "The doctor told me to call | about the results",
]


def plays(
    language: str,
    kind: PromptKind,
    text: str,
    pause_s: float,
    *,
    stops: bool,
    learned: Pauses | None = None,
) -> float | None:
    """Seconds from the caller's last word to the end of the turn; None when it was cut."""
    ear, t, said = Endpointer(kind, language, learned or Pauses()), 0.0, ""
    stretches = [stretch.strip() for stretch in text.split("|")]
    for stretch, last in zip(stretches, [*[False] * (len(stretches) - 1), True], strict=True):
        ear.speech_started(t)
        t += 0.5
        ear.speech_ended(t)
        said = f"{said} {stretch}".strip()
        if stops or last:
            stop = "" if stretch[-1] in ".?!" or last else "."
            ear.final(stretch + stop if stops else said, t + LAG_S)
        else:
            ear.partial(said.rstrip("."), t + LAG_S)
        due = ear.due_at()
        assert due is not None
        if last:
            return max(due, t + LAG_S) - t
        if due <= t + pause_s:
            return None
        t += pause_s
    raise AssertionError


@pytest.mark.parametrize("stops", [False, True], ids=["streaming", "full stops"])
def test_of_a_hundred_hesitating_turns_two_are_cut_at_most(stops: bool) -> None:
    cases = list(itertools.product(HESITATING, PAUSES_S))
    cut = [
        (text, pause_s)
        for (language, kind, text), pause_s in cases
        if plays(language, kind, text, pause_s, stops=stops) is None
    ]
    assert len(cut) <= 0.02 * len(cases), cut


def test_whole_answers_are_not_kept_waiting() -> None:
    waits = [plays(language, kind, text, 0.0, stops=False) for language, kind, text in PLAIN]
    assert None not in waits
    known = sorted(wait for wait in waits if wait is not None)
    assert statistics.median(known) <= 0.35
    assert known[-1] <= 0.5


def test_a_caller_who_pauses_between_clauses_is_soon_waited_for() -> None:
    def cut(learned: Pauses) -> int:
        texts = [(text, pause_s) for text in CLAUSES for pause_s in (0.5, 0.8, 1.0)]
        done = [plays("en-US", OPEN, t, p, stops=False, learned=learned) for t, p in texts]
        return done.count(None)

    slow = Pauses()
    for _ in range(6):
        slow.learn(0.9)
    assert cut(slow) <= cut(Pauses()) / 2


def test_a_turn_ended_too_early_goes_on_while_nothing_was_answered() -> None:
    ear = Endpointer(OPEN, "en-US", Pauses())
    ear.speech_started(0.0)
    ear.speech_ended(1.0)
    ear.final("I want to come on Monday", 1.2)
    due = ear.due_at()
    assert due is not None
    ear.speech_started(due + 0.1)
    ear.speech_ended(3.0)
    ear.final("in the morning.", 3.1)
    assert ear.text == "I want to come on Monday in the morning."
    assert ear.due_at() == pytest.approx(3.3, abs=0.1)
