from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from esl_app.turn.barge_in import Action, BargeIn, BargeInRules, Cut, Pause, Resume, State

pytestmark = pytest.mark.unit

OWN = "On Saturdays we open at nine, and there is no fee for parking."


def talking(text: str = OWN, *, language: str = "en", streaming: bool = True) -> BargeIn:
    barge_in = BargeIn(BargeInRules(language=language, streaming=streaming))
    barge_in.talking(0.0, text)
    return barge_in


def paused(text: str = OWN, *, streaming: bool = True) -> BargeIn:
    """With the caller's voice since 1.0, paused at 1.1."""
    barge_in = talking(text, streaming=streaming)
    assert barge_in.voice_started(1.0, now=1.1) == Pause(at_s=1.1)
    return barge_in


def test_the_mouth_is_silent_once_the_voice_is_one() -> None:
    barge_in = talking()
    assert barge_in.voice_started(1.0) is None
    assert barge_in.due_at() == pytest.approx(1.04)
    assert barge_in.tick(1.03) is None
    assert barge_in.tick(1.04) == Pause(at_s=1.04)


def test_a_click_pauses_nothing() -> None:
    barge_in = talking()
    barge_in.voice_started(1.0)
    assert barge_in.voice_ended(1.03) is None
    assert barge_in.due_at() is None


def test_words_cut() -> None:
    assert paused().words("what about Sunday", 1.4) == Cut(at_s=1.4, pii_words="what about Sunday")


def test_a_cough_resumes_within_1200_ms() -> None:
    barge_in = paused()
    assert barge_in.voice_ended(1.3) is None
    assert barge_in.due_at() == pytest.approx(2.3)
    resumed = barge_in.tick(2.3)
    assert isinstance(resumed, Resume)
    assert (resumed.why, resumed.after_cut) == ("nothing", False)
    assert resumed.paused_s <= 1.2 + 1e-9


@pytest.mark.parametrize(
    ("said", "language"), [("uh-huh", "en"), ("aham", "pt-BR"), ("sim", "pt"), ("vale", "es")]
)
def test_a_backchannel_resumes_when_its_voice_has_ended(said: str, language: str) -> None:
    barge_in = talking("Abrimos." if language != "en" else OWN, language=language)
    barge_in.voice_started(1.0, now=1.1)
    assert barge_in.words(said, 1.3) is None
    resumed = barge_in.voice_ended(1.4)
    assert isinstance(resumed, Resume)
    assert resumed.why == "backchannel"


def test_a_backchannel_that_goes_on_is_words() -> None:
    barge_in = paused()
    assert barge_in.words("yeah", 1.3) is None
    assert isinstance(barge_in.words("yeah but how much", 1.7), Cut)


def test_a_yes_to_our_question_is_an_answer() -> None:
    assert isinstance(paused("Shall I book it for you?").words("yes", 1.3), Cut)


def test_the_echo_of_our_words_is_not_the_caller() -> None:
    barge_in = paused()
    assert barge_in.words("at nine", 1.3) is None
    resumed = barge_in.voice_ended(1.35)
    assert isinstance(resumed, Resume)
    assert resumed.why == "echo"


def test_a_caller_who_repeats_our_word_outlasts_an_echo() -> None:
    barge_in = paused()
    assert isinstance(barge_in.words("at nine", 1.8), Cut)


def test_a_sound_like_ours_does_not_pause() -> None:
    barge_in = talking()
    assert barge_in.voice_started(1.0, now=1.5, echo=True) is None
    assert barge_in.words("we open", 1.6) is None
    assert isinstance(barge_in.words("how much is it", 2.0), Cut)


def test_words_that_come_late_cut_what_was_resumed() -> None:
    barge_in = paused(streaming=False)
    barge_in.voice_ended(1.5)
    assert isinstance(barge_in.tick(2.3), Resume)
    assert isinstance(barge_in.words("stop", 2.5), Cut)


def test_a_late_transcript_of_a_voice_that_outlasted_an_echo_is_no_echo() -> None:
    barge_in = paused(streaming=False)
    barge_in.voice_ended(1.8)
    assert isinstance(barge_in.tick(2.3), Resume)
    assert isinstance(barge_in.words("on Saturdays", 2.6), Cut)


def test_events_a_little_out_of_order_do_not_turn_time_back() -> None:
    barge_in = paused()
    barge_in.words("uh-huh", 1.5)
    resumed = barge_in.voice_ended(1.45)
    assert isinstance(resumed, Resume)
    assert resumed.at_s == 1.5


def test_the_transcript_of_the_turn_before_does_not_cut_the_answer() -> None:
    barge_in = talking()
    assert barge_in.words("what are your hours", 0.3) is None
    assert barge_in.state is State.TALKING


def test_without_early_words_a_long_voice_counts_as_words() -> None:
    barge_in = paused(streaming=False)
    assert barge_in.due_at() == pytest.approx(2.1)
    assert barge_in.tick(2.1) == Cut(at_s=2.1)


def test_a_long_voice_in_which_the_recogniser_finds_nothing_is_no_words() -> None:
    barge_in = paused(streaming=False)
    assert barge_in.words("", 1.8) is None
    resumed = barge_in.tick(2.3)
    assert isinstance(resumed, Resume)
    assert resumed.why == "nothing"
    assert isinstance(barge_in.words("no, wait", 2.5), Cut), "it may find them yet"


def test_what_a_recogniser_found_in_one_voice_tells_nothing_of_the_next() -> None:
    barge_in = paused(streaming=False)
    barge_in.words("", 1.3)
    barge_in.voice_ended(1.35)
    barge_in.voice_started(1.5)
    assert barge_in.tick(2.25) is None
    assert isinstance(barge_in.tick(2.3), Resume)
    assert barge_in.voice_ended(2.4) is None
    barge_in.voice_started(3.0)
    due = barge_in.due_at()
    assert due is not None
    assert isinstance(barge_in.tick(due), Pause)
    assert isinstance(barge_in.tick(4.1), Cut)


def test_a_cough_of_which_the_recogniser_makes_nothing_resumes_at_once() -> None:
    barge_in = paused(streaming=False)
    assert barge_in.voice_ended(1.3) is None
    resumed = barge_in.words("", 1.6)
    assert isinstance(resumed, Resume)
    assert resumed.at_s == 1.6


def test_a_long_voice_without_words_is_noise_when_they_would_have_come() -> None:
    barge_in = paused()
    assert isinstance(barge_in.tick(2.3), Resume)
    assert barge_in.due_at() is None  # it goes on, and pauses no more
    assert isinstance(barge_in.words("hello, can you hear me", 5.0), Cut)


def test_false_alarms_need_a_longer_voice_each_time_and_then_pause_no_more() -> None:
    barge_in, t, needed = talking(), 1.0, []
    for _ in range(5):
        barge_in.voice_started(t)
        due = barge_in.due_at()
        if due is None:
            break
        needed.append(due - t)
        assert isinstance(barge_in.tick(due), Pause)
        barge_in.voice_ended(due + 0.1)
        assert isinstance(barge_in.tick(due + 1.2), Resume)
        t = due + 2.0
    assert needed == pytest.approx([0.04, 0.12, 0.36])
    assert barge_in.false_alarms == 3
    barge_in.done(t + 10)
    barge_in.talking(t + 20, "Something new.")
    barge_in.voice_ended(t + 20)
    barge_in.voice_started(t + 21)
    assert barge_in.due_at() == pytest.approx(t + 21.04)


def test_a_caller_still_talking_when_the_agent_begins_pauses_him() -> None:
    barge_in = BargeIn(BargeInRules())
    barge_in.voice_started(0.0)
    barge_in.talking(1.0, OWN)
    assert barge_in.tick(1.1) == Pause(at_s=1.1)


def test_what_must_be_said_is_not_interrupted() -> None:
    barge_in = BargeIn(BargeInRules())
    barge_in.talking(0.0, "This call is recorded.", interruptible=False)
    assert barge_in.voice_started(1.0, now=2.0) is None
    assert barge_in.words("stop it please", 2.5) is None
    assert barge_in.due_at() is None


def test_a_cut_that_proves_empty_gives_the_rest_back() -> None:
    barge_in = paused(streaming=False)
    barge_in.tick(2.1)
    resumed = barge_in.settled("", 3.0)
    assert isinstance(resumed, Resume)
    assert resumed.after_cut


def test_a_cut_with_words_is_a_turn() -> None:
    barge_in = paused()
    barge_in.words("what about Sunday", 1.4)
    assert barge_in.settled("What about Sunday?", 2.5) is None
    assert (barge_in.state, barge_in.due_at()) == (State.IDLE, None)


def test_a_cut_of_which_nothing_comes_ends() -> None:
    barge_in = paused()
    barge_in.words("what", 1.4)
    barge_in.voice_ended(1.5)
    due = barge_in.due_at()
    assert due is not None
    resumed = barge_in.tick(due)
    assert isinstance(resumed, Resume)
    assert resumed.after_cut


def test_done_does_not_leave_the_player_paused() -> None:
    assert isinstance(paused().done(1.2), Resume)


class Anything(RuleBasedStateMachine):
    """A mouth that obeys: never silent for long while it has something to say."""

    def __init__(self) -> None:
        super().__init__()
        self.t = 0.0
        self.barge_in = BargeIn(BargeInRules())
        self.silent_since: float | None = None
        self.cut = False
        self.pauses = 0

    def _do(self, action: Action | None) -> None:
        match action:
            case Pause(at_s=at):
                assert self.silent_since is None
                assert not self.cut
                self.silent_since, self.pauses = at, self.pauses + 1
            case Resume(paused_s=paused_s, after_cut=after_cut):
                assert after_cut == self.cut
                assert after_cut or self.silent_since is not None
                assert after_cut or paused_s <= 1.2 + 1e-6
                self.silent_since, self.cut = None, False
            case Cut():
                assert not self.cut
                self.silent_since, self.cut = None, True
            case None:
                pass

    @rule(by=st.floats(0.001, 4.0))
    def time_passes(self, by: float) -> None:
        """As the owner does it: ticks when they are due."""
        until = self.t + by
        for _ in range(20):
            due = self.barge_in.due_at()
            if due is None or due > until:
                break
            self.t = max(self.t, due)
            self._do(self.barge_in.tick(self.t))
        else:
            raise AssertionError("due again and again without time passing")
        self.t = until

    @rule(interruptible=st.booleans(), text=st.sampled_from([OWN, "Shall I?", ""]))
    def agent_talks(self, interruptible: bool, text: str) -> None:
        if self.barge_in.state in {State.IDLE, State.CUT}:
            self.cut, self.pauses = False, 0
        self.barge_in.talking(self.t, text, interruptible=interruptible)

    @rule()
    def agent_is_done(self) -> None:
        self._do(self.barge_in.done(self.t))
        self.cut = False

    @rule(late=st.floats(0.0, 0.3), echo=st.booleans())
    def voice(self, late: float, echo: bool) -> None:
        self._do(self.barge_in.voice_started(self.t - late, now=self.t, echo=echo))

    @rule()
    def quiet(self) -> None:
        self._do(self.barge_in.voice_ended(self.t))

    @rule(text=st.sampled_from(["", "uh-huh", "at nine", "stop", "what about Sunday", "yes"]))
    def words(self, text: str) -> None:
        self._do(self.barge_in.words(text, self.t))

    @rule(text=st.sampled_from(["", "uh-huh", "What about Sunday?"]))
    def settled(self, text: str) -> None:
        self._do(self.barge_in.settled(text, self.t))
        self.cut = self.barge_in.state is State.CUT

    @precondition(lambda self: self.silent_since is not None or self.cut)
    @rule()
    def nothing_more_happens(self) -> None:
        due = self.barge_in.due_at()
        assert due is not None
        assert due - self.t <= 6.0 + 1e-6
        self.t = max(self.t, due)
        self._do(self.barge_in.tick(self.t))
        assert self.silent_since is None
        assert not self.cut

    @invariant()
    def the_states_agree(self) -> None:
        assert (self.barge_in.state is State.PAUSED) == (self.silent_since is not None)
        assert (self.barge_in.state is State.CUT) == self.cut
        assert self.pauses <= 3


TestAnything = Anything.TestCase
