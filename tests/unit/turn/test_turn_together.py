"""Barge-in, endpointing and history over the same events, as a conversation has them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from esl_app.turn import (
    Action,
    BargeIn,
    BargeInRules,
    Cut,
    Endpointer,
    NoInput,
    Pause,
    Pauses,
    PromptKind,
    Resume,
    Spoken,
    heard_text,
)

pytestmark = pytest.mark.unit

RATE = 8000
ANSWER = [
    Spoken(text="We are open on Saturdays from nine to one.", samples=3 * RATE),
    Spoken(text="Parking behind the house is free.", samples=2 * RATE),
]


@dataclass
class Call:
    """Events in virtual time in steps of one frame, and what came of them."""

    events: dict[float, tuple[str, str]]
    barge_in: BargeIn = field(default_factory=lambda: BargeIn(BargeInRules(language="en-US")))
    pauses: Pauses = field(default_factory=Pauses)
    ear: Endpointer | None = None
    sent: int = 0
    paused: bool = False
    silent_since: float = 0.0
    silences: list[float] = field(default_factory=list)
    heard: str | None = None
    turn: str | None = None
    turn_at: float = 0.0

    def run(self, until_s: float) -> Call:
        self.barge_in.talking(0.0, " ".join(s.text for s in ANSWER))
        for frame in range(int(until_s * 50)):
            t = frame / 50
            for action in (self.barge_in.tick(t), self._happens(*self.events.get(t, ("", "")), t)):
                self._obey(action, t)
            if self._ended(t):
                break
            self.sent += 0 if self.paused else RATE // 50
        return self

    def _happens(self, what: str, text: str, t: float) -> Action | None:
        if what == "voice":
            self.ear = self.ear or Endpointer(PromptKind(), "en-US", self.pauses)
            self.ear.speech_started(t)
            return self.barge_in.voice_started(t)
        if what == "quiet" and self.ear:
            self.ear.speech_ended(t)
            return self.barge_in.voice_ended(t)
        if what == "words" and self.ear:
            self.ear.partial(text, t)
            return self.barge_in.words(text, t)
        return None

    def _obey(self, action: Action | None, t: float) -> None:
        match action:
            case Pause():
                self.paused, self.silent_since = True, t
            case Resume():
                self.paused, self.ear = False, None
                self.silences.append(t - self.silent_since)
            case Cut():
                self.paused = True
                self.heard = heard_text(ANSWER, self.sent).text
            case None:
                pass

    def _ended(self, t: float) -> bool:
        due = self.ear.due_at() if self.ear and self.heard is not None else None
        if self.ear is None or due is None or t < due:
            return False
        assert self.barge_in.settled(self.ear.text, t) is None
        self.turn, self.turn_at = self.ear.text, t
        return True


def test_an_interruption_leaves_in_the_history_what_was_heard() -> None:
    call = Call(
        {
            1.5: ("voice", ""),
            1.8: ("words", "and"),
            2.0: ("words", "and on Sunday?"),
            2.2: ("quiet", ""),
            2.4: ("words", "And on Sunday?"),
        }
    ).run(6.0)
    assert call.sent == int(1.54 * RATE)
    assert call.heard == "We are open on"
    assert call.turn == "And on Sunday?"
    assert call.turn_at == pytest.approx(2.5, abs=0.03)


def test_a_cough_and_a_hum_cost_a_moment_and_no_word_of_the_answer() -> None:
    call = Call(
        {
            1.0: ("voice", ""),
            1.2: ("quiet", ""),
            3.5: ("voice", ""),
            3.8: ("quiet", ""),
            4.0: ("words", "uh-huh"),
        }
    ).run(9.0)
    assert call.silences == pytest.approx([1.2, 0.36], abs=0.03)
    assert (call.heard, call.turn) == (None, None)
    assert heard_text(ANSWER, call.sent).whole


def test_a_hesitation_is_not_answered_and_silence_is_asked_about() -> None:
    silence, ear = NoInput(0.0, wait_s=6.0), Endpointer(PromptKind(), "en-US", Pauses())
    ear.speech_started(1.0)
    ear.speech_ended(1.4)
    silence.noise(1.4)
    ear.final("Hmm.", 1.6)
    due = ear.due_at()
    assert due is not None
    assert not ear.has_words  # so the caller is listened to as before
    assert due < silence.due_at() == 6.0
