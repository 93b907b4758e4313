"""Barge-in: pause, decide, resume; a pure state machine on voice, words and instants.

Theory of operation. Stopping late makes callers shout, stopping at every cough makes the agent
stutter. So the mouth pauses at once, where it can go on from, and the words decide:

                 voice for `min_voice_s`                 real words
      TALKING ──────────────────────────▶ PAUSED ──────────────────────────▶ CUT
       ▲  │                                 │                                 │
       │  └──────── real words (late) ──────┼────────────────────────────────▶│
       │                                    │ "uh-huh", own echo, cough:      │
       │◀───────────────────────────────────┘ when the voice has ended, and   │
       │      Resume                          at the latest `decide_s` after  │
       │                                      the pause                       │
       │◀─────────────────────────────────────────────────────────────────────┘
              Resume(after_cut): the turn proved empty (`settled`), or nothing came of it

IDLE is the state in which the agent says nothing; `talking` leaves it, `done` enters it.

The agent is never left silent: PAUSED has an end (`due_at`), and so has CUT (`settle_s` after the
last sign of the caller, unless `settled` or `done` comes). One stretch of speech pauses at most
`max_pauses` times, each time after a longer voice than before; then only words stop it. A voice
that went on past the decision (a television) does not pause again before it has ended.

An echo cannot outlast our sound by more than the line's delay. Words of a voice that ended within
`echo_tail_s` of the pause are ours when they are among those we were saying; those of a longer
voice only when they are many. Words without a voice over the agent's speech are of the turn before.

A recogniser that does not stream may not answer in time: without `streaming` a voice longer than
`long_voice_s` counts as words, since backchannels and coughs are shorter, unless the recogniser has
found none in it so far. When it finds none in the whole of it, we go on at once.

What resumes was no turn: the endpointer that was fed the same voice is dropped at `Resume`, and at
`Cut` it is the caller's turn that goes on in it.

Times: monotonic seconds. Each method returns what to do now, if anything. Call `tick` when `due_at`
has come. Where to resume is the player's knowledge: it is paused, not cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from esl_app.turn.backchannel import Overlap, overlap


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Stop sounding; keep the place."""

    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Go on where it stopped. `after_cut`: say again what was not heard of it."""

    at_s: float
    paused_s: float
    why: str
    after_cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The caller has the turn: drop what was not heard, truncate the history to what was."""

    at_s: float
    pii_words: str = ""


Action = Pause | Resume | Cut


class State(StrEnum):
    IDLE = "idle"
    TALKING = "talking"
    PAUSED = "paused"
    CUT = "cut"


@dataclass(frozen=True, slots=True, kw_only=True)
class BargeInRules:
    """How easily the agent is interrupted."""

    language: str = "en"
    streaming: bool = True  # the recogniser gives words while they are spoken
    min_voice_s: float = 0.04
    decide_s: float = 1.2
    long_voice_s: float = 1.1  # an end is known 0.2 s later: 0.9 s of voice
    settle_s: float = 6.0
    echo_tail_s: float = 0.6  # 0 where the line cannot echo
    max_pauses: int = 3


_LONG_TURN_S: Final = 30.0  # a voice without words yet, from a recogniser that waits for its end
_SOUNDING: Final = frozenset({State.TALKING, State.PAUSED})
_OWN_KEPT: Final = 600  # characters of the agent's words an echo is looked for in
_VOICE_GROWS: Final = 3.0  # after each false alarm, the voice has to be longer by this factor


class BargeIn:
    """Decides what the mouth does when the caller makes a sound; one for a call.

    >>> barge_in = BargeIn(BargeInRules())
    >>> barge_in.talking(0.0, "We open at nine on Saturdays.")
    >>> barge_in.voice_started(1.0, now=1.1)
    Pause(at_s=1.1)
    >>> barge_in.words("uh-huh", 1.3)
    >>> barge_in.voice_ended(1.4)
    Resume(at_s=1.4, paused_s=0.2999999999999998, why='backchannel', after_cut=False)
    """

    def __init__(self, rules: BargeInRules) -> None:
        self.rules = rules
        self.state = State.IDLE
        self.false_alarms = 0
        """Pauses that were resumed, in the whole call."""
        self._now = float("-inf")
        self._interruptible = True
        self._own = ""
        self._pauses = 0
        self._voice_at: float | None = None  # the voice under way
        self._voice_counts = False  # it may yet pause the agent
        self._voice_over = False  # there was a voice over this stretch of the agent's speech
        self._echo = False
        self._outlasted = False  # what was known of that voice when the agent went on
        self._ended_at: float | None = None  # the last voice
        self._paused_at: float | None = None  # in this stretch, last
        self._cut_at = 0.0
        self._sign_at = 0.0  # of the caller, after a cut
        self._verdict = Overlap.NOTHING
        self._wordless = False  # the recogniser has answered, and found no words in this voice

    # --- the agent

    def talking(self, t: float, text: str = "", *, interruptible: bool = True) -> None:
        """The agent begins to sound, or goes on with `text`.

        Whatever the caller was saying already may pause him.
        """
        now = self._at(t)
        if self.state in {State.IDLE, State.CUT}:
            self.state, self._pauses, self._own = State.TALKING, 0, ""
            self._paused_at = None
            self._voice_over = self._voice_at is not None
            if self._voice_at is not None:
                self._voice_at, self._voice_counts = now, True
        self._interruptible = interruptible
        self._own = f"{self._own} {text}".strip()[-_OWN_KEPT:]

    def done(self, t: float) -> Action | None:
        """The agent has said everything, or the call's turn has moved on."""
        self._at(t)
        action = self._resume("done") if self.state is State.PAUSED else None
        self.state = State.IDLE
        return action

    # --- the caller

    def voice_started(
        self, t: float, *, now: float | None = None, echo: bool = False
    ) -> Action | None:
        """Voice since `t`, noticed `now`. `echo`: it sounds like our own."""
        if self._voice_at is None:
            self._voice_at, self._voice_counts, self._echo = t, True, echo
            self._voice_over = self._voice_over or self.state is not State.IDLE
            self._ended_at, self._outlasted, self._wordless = None, False, False
        return self.tick(t if now is None else now)

    def voice_ended(self, t: float) -> Action | None:
        """The caller is quiet."""
        action = self.tick(t)
        if self._voice_at is None:
            return action
        self._voice_at, self._voice_counts = None, False
        self._ended_at = t
        self._sign_at = self._now
        if action is None and self.state is State.PAUSED and self._decided_to_go_on:
            return self._resume(self._verdict)
        return action

    def words(self, text: str, t: float, *, echo: bool = False) -> Action | None:
        """All the words of this voice so far (partial or final)."""
        now = self._at(t)
        verdict = overlap(
            text,
            language=self.rules.language,
            own=self._own,
            asked=self._own.rstrip(" \"'”’").endswith("?"),
            echo=echo or self._echo,
            brief=not self._outlasts(now),
        )
        if verdict in {Overlap.WORDS, Overlap.BACKCHANNEL}:
            self._sign_at = now
        if self._voice_over and self._interruptible and self.state in _SOUNDING:
            if verdict is Overlap.WORDS:
                return self._cut(text)
            self._verdict, self._wordless = verdict, verdict is Overlap.NOTHING
            over = self._voice_at is None
            if (
                self.state is State.PAUSED
                and over
                and (self._decided_to_go_on or (self._wordless and not self.rules.streaming))
            ):
                return self._resume(verdict)
        return self.tick(t)

    def settled(self, text: str, t: float) -> Action | None:
        """The caller's turn ended with these words; after a cut, none worth it give it back."""
        now = self._at(t)
        if self.state is not State.CUT:
            return self.tick(t)
        verdict = overlap(text, language=self.rules.language, own=self._own)
        if verdict is Overlap.WORDS or (text.strip() and self._own.rstrip().endswith("?")):
            self._sign_at = now
            self.state = State.IDLE  # to be answered: the turn has moved on
            return None
        return self._resume(verdict)

    # --- time

    def tick(self, t: float) -> Action | None:
        """Do what is due."""
        now = self._at(t)
        due = self.due_at()
        if due is None or now < due:
            return None
        if self.state is State.TALKING:
            return self._pause()
        if self.state is State.PAUSED:
            if self._long_voice(now):
                return self._cut("")
            return self._resume(self._verdict)
        return self._resume(Overlap.NOTHING)

    def due_at(self) -> float | None:
        """When `tick` has something to do if nothing more happens."""
        match self.state:
            case State.TALKING if self._may_pause and self._voice_at is not None:
                return self._voice_at + self._min_voice_s
            case State.PAUSED:
                latest = (self._paused_at or 0.0) + self.rules.decide_s
                if self._counts_as_words and self._voice_at is not None:
                    return min(latest, self._voice_at + self.rules.long_voice_s)
                return latest
            case State.CUT:
                waits = self._voice_at is not None and not self.rules.streaming
                return self._sign_at + (_LONG_TURN_S if waits else self.rules.settle_s)
            case State.IDLE | State.TALKING:
                pass
        return None

    # --- inside

    def _at(self, t: float) -> float:
        # Events of several sources may arrive a little out of order; time does not go back.
        self._now = max(self._now, t)
        return self._now

    def _outlasts(self, now: float) -> bool:
        """Whether the voice went on after our sound for longer than an echo can."""
        if self.state is not State.PAUSED or self._paused_at is None:
            return self._outlasted or self.rules.echo_tail_s <= 0
        until = now if self._voice_at is not None or self._ended_at is None else self._ended_at
        return until >= self._paused_at + self.rules.echo_tail_s

    @property
    def _min_voice_s(self) -> float:
        return self.rules.min_voice_s * float(_VOICE_GROWS**self._pauses)

    @property
    def _may_pause(self) -> bool:
        return (
            self._interruptible
            and self._voice_counts
            and not self._echo
            and self._pauses < self.rules.max_pauses
        )

    @property
    def _decided_to_go_on(self) -> bool:
        return self._verdict in {Overlap.BACKCHANNEL, Overlap.ECHO}

    @property
    def _counts_as_words(self) -> bool:
        known = self._decided_to_go_on or self._wordless or self._echo
        return not self.rules.streaming and not known

    def _long_voice(self, now: float) -> bool:
        return (
            self._counts_as_words
            and self._voice_at is not None
            and now >= self._voice_at + self.rules.long_voice_s
        )

    def _pause(self) -> Pause:
        self.state, self._paused_at, self._verdict = State.PAUSED, self._now, Overlap.NOTHING
        self._pauses += 1
        return Pause(at_s=self._now)

    def _resume(self, why: str) -> Resume:
        after_cut = self.state is State.CUT
        since = self._cut_at if after_cut else self._paused_at or 0.0
        self._outlasted = self._outlasts(self._now)
        self.state = State.TALKING
        self._voice_counts = False
        self.false_alarms += 1
        return Resume(at_s=self._now, paused_s=self._now - since, why=str(why), after_cut=after_cut)

    def _cut(self, words: str) -> Cut:
        self.state, self._cut_at, self._sign_at = State.CUT, self._now, self._now
        return Cut(at_s=self._now, pii_words=words)
