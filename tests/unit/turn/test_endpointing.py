from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from esl_app.turn.completeness import Completeness
from esl_app.turn.endpointing import LONGEST_WAIT_S, Endpointer
from esl_app.turn.pauses import Pauses
from esl_app.turn.prompt_kind import EMAIL, OPEN, PHONE, YES_NO, Kind, PromptKind

pytestmark = pytest.mark.unit


def wait(
    text: str, kind: PromptKind = OPEN, language: str = "en-US", learned: Pauses | None = None
) -> float:
    """How long after the speech the turn ends, its words known at once."""
    ear = Endpointer(kind, language, learned or Pauses())
    ear.speech_started(0.0)
    ear.speech_ended(1.0)
    if text:
        ear.final(text, 1.0)
    due = ear.due_at()
    assert due is not None
    return due - 1.0


def paused_for(pause_s: float, times: int = 12) -> Pauses:
    pauses = Pauses()
    for _ in range(times):
        pauses.learn(pause_s)
    return pauses


def test_a_quiet_caller_is_nobody_to_wait_for_here() -> None:
    assert Endpointer(OPEN, "en", Pauses()).due_at() is None


def test_a_whole_question_ends_soon() -> None:
    assert wait("What are your hours?") <= 0.35


@pytest.mark.parametrize("yes", ["Yes.", "Yeah.", "yeah", "Yep.", "Sure.", "Okay.", "Right."])
def test_every_yes_waits_as_long_as_the_others(yes: str) -> None:
    assert wait(yes) == wait("Yes.") <= 0.35
    assert wait(yes, YES_NO) == wait("Yes.", YES_NO) <= 0.35


def test_the_less_finished_the_longer() -> None:
    whole, open_end, begun = wait("I'd like to go."), wait("I'd like to go"), wait("I'd like to")
    assert whole < open_end < begun


def test_a_slow_caller_is_waited_for_and_a_quick_one_not() -> None:
    text = "I would like to come"
    assert wait(text, learned=paused_for(0.3)) < wait(text) < wait(text, learned=paused_for(1.2))


def test_what_is_learned_does_not_slow_whole_answers_down_much() -> None:
    assert wait("Yes.", learned=paused_for(2.9)) <= 0.4


def test_a_number_is_waited_for_however_quick_the_caller_was() -> None:
    quick = paused_for(0.2)
    assert wait("", PHONE, learned=quick) > 1.2
    assert wait("555 0134", PHONE, learned=quick) > 1.2


def test_no_caller_is_slow_enough_to_make_the_agent_deaf() -> None:
    assert wait("four one", PHONE, learned=paused_for(2.9, 100)) == LONGEST_WAIT_S


def test_one_search_for_the_card_does_not_count_for_the_rest_of_the_call() -> None:
    pauses = paused_for(0.4)
    before = pauses.patience
    pauses.learn(2.8)
    assert pauses.patience == pytest.approx(before, abs=0.1)


def test_a_pause_inside_the_turn_is_learned() -> None:
    pauses = Pauses()
    ear = Endpointer(OPEN, "en", pauses)
    ear.speech_started(0.0)
    ear.speech_ended(1.0)
    ear.speech_started(2.2)
    assert pauses.patience > 1


def test_a_caller_cut_off_is_learned_from() -> None:
    pauses = Pauses()
    ear = Endpointer(OPEN, "en", pauses)
    ear.speech_started(0.0)
    ear.speech_ended(1.0)
    ear.final("I would like to come", 1.1)
    due = ear.due_at()
    assert due is not None
    ear.speech_started(due + 0.4)
    assert pauses.patience > 1


def test_words_of_before_do_not_shorten_the_wait_for_what_came_after() -> None:
    ear = Endpointer(OPEN, "en", Pauses())
    ear.speech_started(0.0)
    ear.speech_ended(1.0)
    ear.final("Yes.", 1.1)
    assert ear.due_at() == pytest.approx(1.3)
    ear.speech_started(1.25)
    ear.speech_ended(2.0)
    assert ear.due_at() == pytest.approx(2.76, abs=0.1)
    ear.final("I want to come on Monday.", 2.1)
    assert ear.due_at() == pytest.approx(2.3)
    assert ear.text == "Yes. I want to come on Monday."


def test_a_partial_from_before_the_end_may_lack_the_last_words() -> None:
    ear = Endpointer(OPEN, "en", Pauses())
    ear.speech_started(0.0)
    ear.partial("No.", 0.9)
    ear.speech_ended(1.0)
    assert ear.due_at() == pytest.approx(1.45)
    ear.partial("No.", 1.2)
    assert ear.due_at() == pytest.approx(1.3)


def test_a_partial_is_replaced_and_a_final_kept() -> None:
    ear = Endpointer(OPEN, "en", Pauses())
    ear.partial("my", 0.0)
    ear.partial("my name", 0.2)
    ear.final("My name is", 0.4)
    ear.partial("Ann", 0.6)
    assert ear.text == "My name is Ann"


def test_a_late_transcript_ends_the_turn_at_once() -> None:
    ear = Endpointer(PHONE, "en-US", Pauses())
    ear.speech_started(0.0)
    ear.speech_ended(1.0)
    ear.final("415 555 0134", 2.0)
    assert ear.due_at() == pytest.approx(1.3)
    assert ear.endpoint_s(2.0) == pytest.approx(1.0)


def test_a_voice_the_detector_missed_has_an_end_too() -> None:
    ear = Endpointer(OPEN, "en", Pauses())
    ear.final("Yes.", 5.0)
    assert ear.due_at() == pytest.approx(5.3)


def test_a_voice_that_never_pauses_ends() -> None:
    ear = Endpointer(OPEN, "en", Pauses(), longest_s=20.0)
    ear.speech_started(3.0)
    assert ear.due_at() == 23.0


def test_a_television_behind_a_whole_question_does_not_hold_the_turn() -> None:
    ear = Endpointer(OPEN, "en", Pauses())
    ear.speech_started(0.0)
    ear.partial("What are your hours?", 2.0)
    ear.partial("What are your hours?", 5.0)
    assert ear.due_at() == pytest.approx(6.0)


def test_nonsense_order_changes_nothing() -> None:
    ear = Endpointer(OPEN, "en", Pauses())
    ear.speech_ended(1.0)
    assert ear.due_at() is None
    ear.speech_started(2.0)
    ear.speech_started(2.5)
    ear.speech_ended(1.0)  # before it began
    assert ear.due_at() == pytest.approx(2.8)


# No digit string is cut. People pause where they group digits, or to look at the card.

NUMBERS = {
    "en-US": (
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
        ["my number is", "it's", "yes, my phone number is", "sure, you can reach me at", "uh,"],
        ["4155550134", "2125550199", "14155550134"],
    ),
    "pt-BR": (
        ["zero", "um", "dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove"],
        ["meu número é", "é", "sim, o meu telefone é", "o celular é o", "é, então,"],
        ["11987654321", "1134567890", "5511987654321"],
    ),
    "es-MX": (
        ["cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"],
        ["mi número es", "es el", "sí, mi teléfono es", "es, este,"],
        ["5512345678", "8112345678", "525512345678"],
    ),
}


@dataclass(frozen=True)
class Dictation:
    """What a caller dictates, in stretches with pauses between them."""

    language: str
    digits: str
    stretches: list[str]
    pauses: list[float]
    kind: PromptKind


@st.composite
def dictations(draw: st.DrawFn, *, kinds: tuple[Kind, ...]) -> Dictation:
    language = draw(st.sampled_from(sorted(NUMBERS)))
    words, prefixes, phones = NUMBERS[language]
    kind = draw(st.sampled_from(kinds))
    if kind is Kind.DIGITS:
        digits = draw(st.text(alphabet="0123456789", min_size=3, max_size=16))
        prompt = PromptKind.digits(*([len(digits)] if draw(st.booleans()) else []))
    else:
        digits = draw(st.sampled_from(phones))
        prompt = PromptKind(kind=kind)
    prefix = draw(st.sampled_from(prefixes))
    as_words = draw(st.booleans())
    stretches, left = [], digits
    while left:
        size = draw(st.integers(1, min(4, len(left))))
        group, left = left[:size], left[size:]
        stretches.append(" ".join(words[int(d)] for d in group) if as_words else group)
        if left and draw(st.booleans()):
            stretches[-1] += draw(st.sampled_from([",", ".", " -", "", "..."]))
    separate = draw(st.booleans())
    stretches = [prefix, *stretches] if separate else [f"{prefix} {stretches[0]}", *stretches[1:]]
    pauses = draw(
        st.lists(st.floats(0.1, 1.2), min_size=len(stretches) - 1, max_size=len(stretches) - 1)
    )
    return Dictation(language, digits, stretches, pauses, prompt)


def dictate(
    said: Dictation, ear: Endpointer, *, lag_s: float, streams: bool, finals: bool
) -> tuple[list[float], float]:
    """By how much each pause was survived, and how long the turn waited after the last digit."""
    t, spare, heard = 0.0, [], ""
    for index, stretch in enumerate(said.stretches):
        ear.speech_started(t)
        t += 0.4
        ear.speech_ended(t)
        last = index == len(said.stretches) - 1
        pause = 60.0 if last else said.pauses[index]
        if not last:  # before its words come, too
            due = ear.due_at()
            assert due is not None
            spare.append(due - t - min(pause, lag_s))
        heard = f"{heard} {stretch}".strip()
        if streams and pause > lag_s:  # else they come with the next ones
            (ear.final if finals else ear.partial)(heard, t + lag_s)
            heard = "" if finals else heard
        due = ear.due_at()
        assert due is not None
        if last:
            return spare, due - t
        spare.append(due - t - pause)
        t += pause
    raise AssertionError


# Not of an open question: "it's one", a second's pause, "four one five" is cut there, and only the
# prompt's kind could tell that a number is meant.
@given(
    dictations(kinds=(Kind.DIGITS, Kind.PHONE)),
    st.floats(0.0, 0.35),
    st.booleans(),
    st.sampled_from([0.0, 0.2, 0.9, 2.0]),
)
def test_no_digit_string_is_cut(
    said: Dictation, lag_s: float, finals: bool, usual_pause_s: float
) -> None:
    ear = Endpointer(said.kind, said.language, paused_for(usual_pause_s))
    spare, waited = dictate(said, ear, lag_s=lag_s, streams=True, finals=finals)
    assert min(spare, default=1.0) > 0
    assert waited <= LONGEST_WAIT_S + 1e-9
    if said.kind.lengths:
        assert ear.looks is Completeness.COMPLETE
        assert waited <= 0.4 + 1e-9


@given(dictations(kinds=(Kind.DIGITS, Kind.PHONE)), st.sampled_from([0.0, 0.2, 2.0]))
def test_nor_without_a_word_from_the_recogniser(said: Dictation, usual_pause_s: float) -> None:
    ear = Endpointer(said.kind, said.language, paused_for(usual_pause_s))
    spare, waited = dictate(said, ear, lag_s=0.0, streams=False, finals=False)
    assert min(spare, default=1.0) > 0
    assert waited <= LONGEST_WAIT_S


@pytest.mark.parametrize(
    ("stretches", "language"),
    [
        (["my e-mail is", "maria dot silva", "at", "example", "dot com"], "en-US"),
        (["é maria", "ponto silva", "arroba", "exemplo", "ponto com", "ponto br"], "pt-BR"),
    ],
)
def test_no_email_is_cut(stretches: list[str], language: str) -> None:
    said = Dictation(language, "", stretches, [1.2] * (len(stretches) - 1), EMAIL)
    ear = Endpointer(EMAIL, language, Pauses())
    spare, waited = dictate(said, ear, lag_s=0.2, streams=True, finals=False)
    assert min(spare) > 0
    assert waited <= 0.55


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens, in whatever order: once begun the turn has an end, and a bounded one."""

    def __init__(self) -> None:
        super().__init__()
        self.t = 100.0
        self.began: float | None = None
        self.talking_since: float | None = None
        self.learned = Pauses()
        self.ear = Endpointer(OPEN, "en-US", self.learned, longest_s=30.0)

    @rule(by=st.floats(0.0, 5.0))
    def time_passes(self, by: float) -> None:
        self.t += by

    @rule(kind=st.sampled_from(list(Kind)), language=st.sampled_from(["en", "pt-BR", "es", "xx"]))
    def another_turn(self, kind: Kind, language: str) -> None:
        self.ear = Endpointer(PromptKind(kind=kind), language, self.learned, longest_s=30.0)
        self.began = None

    @rule()
    def voice(self) -> None:
        self.ear.speech_started(self.t)
        self.began = self.t if self.began is None else self.began

    @rule()
    def quiet(self) -> None:
        self.ear.speech_ended(self.t)

    @rule(text=st.sampled_from(["", "yes", "my number is", "555", "uh", "\0", "What?"]))
    def partial(self, text: str) -> None:
        self._words(text)
        self.ear.partial(text, self.t)

    @rule(text=st.sampled_from(["", "Yes.", "My number is", "555", "...", "One moment."]))
    def final(self, text: str) -> None:
        self._words(text)
        self.ear.final(text, self.t)

    def _words(self, text: str) -> None:
        if self.began is None and text:
            self.began = self.t

    @invariant()
    def it_ends(self) -> None:
        due = self.ear.due_at()
        if self.began is None:
            assert due is None
        else:
            assert due is not None
            assert self.began <= due <= self.began + 30.0
        assert 0.8 <= self.learned.patience <= 1.8


TestAnyOrder = AnyOrder.TestCase
