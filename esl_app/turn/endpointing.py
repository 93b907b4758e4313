"""Endpointing: when the caller has finished, as a pure state machine on instants and words.

Theory of operation. Everything comes in with its instant (monotonic seconds); nothing is measured
here. `due_at()` is the instant at which the turn ends if nothing more happens: ask again after each
call, end the turn when that instant has come.

    quiet ── speech_started ──▶ talking ── speech_ended ──▶ pausing ── due_at() ──▶ the turn ends
      ▲                            ▲                           │
      │ due: never (that is        └────── speech_started ─────┘ the pause is learned
      │ `NoInput`'s)

While pausing, due = end of speech + a wait that depends on how finished the words look:

    complete    "What are your hours?"      short: the answer's latency is mostly this wait
    unsure      "I would like to know"      middle
    unfinished  "my number is 555"          long: longer than people pause inside a number (1.2 s)
    blind       no words of this stretch    depends on the kind alone

Words arrive late. What arrived before the speech ended may lack the last ones, so it earns no wait
shorter than `_SETTLE_S`; what arrived before the speech began again tells nothing of it and can
only lengthen the wait. A late transcript may put `due_at()` into the past: the turn ends at once.

A turn ended too early is not lost: as long as nothing of the answer was heard, go on feeding the
same endpointer. Speech that starts after `due_at()` continues the turn, its text grows, and the
pause is learned, so that the caller is cut less the longer he talks.

Never stuck. Once speech was heard `due_at()` is an instant, whatever comes: a voice that never
pauses ends after `longest_s`, and one that the recogniser finds no new words in (a television)
`_STALLED_S` after the last change of words that look complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from esl_app.turn.backchannel import only_sounds
from esl_app.turn.completeness import Completeness, completeness
from esl_app.turn.pauses import Pauses
from esl_app.turn.prompt_kind import Kind, PromptKind

_SETTLE_S: Final = 0.45  # streaming recognisers trail the voice by so much
_STALLED_S: Final = 4.0
_NUMBER_PAUSE_S: Final = 1.3  # people pause up to 1.2 s inside a number; plus a frame or two


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Seconds of silence that end a turn, by how finished the words look."""

    complete: float
    unsure: float
    unfinished: float
    blind: float


WAITS: Final[dict[Kind, Waits]] = {
    Kind.OPEN: Waits(complete=0.3, unsure=0.65, unfinished=1.6, blind=0.8),
    Kind.YES_NO: Waits(complete=0.25, unsure=0.5, unfinished=1.4, blind=0.5),
    Kind.DIGITS: Waits(complete=0.3, unsure=1.5, unfinished=1.8, blind=1.5),
    Kind.PHONE: Waits(complete=0.3, unsure=1.5, unfinished=1.8, blind=1.5),
    Kind.EMAIL: Waits(complete=0.4, unsure=1.5, unfinished=1.8, blind=1.5),
    Kind.SPELLED: Waits(complete=0.6, unsure=1.4, unfinished=1.8, blind=1.5),
    Kind.DATE: Waits(complete=0.35, unsure=1.3, unfinished=1.8, blind=1.3),
}
LONGEST_WAIT_S: Final = 3.0
"""No wait is longer, whatever was learned."""


class Endpointer:
    """Decides when one turn of the caller ends; make one for each turn.

    >>> from esl_app.turn.prompt_kind import OPEN
    >>> ear = Endpointer(OPEN, "en-US", Pauses())
    >>> ear.speech_started(10.0); ear.speech_ended(11.0)
    >>> ear.final("What are your hours?", 11.1)
    >>> ear.due_at()
    11.3
    """

    def __init__(
        self, kind: PromptKind, language: str, learned: Pauses, *, longest_s: float = 60.0
    ) -> None:
        self._kind = kind
        self._language = language
        self._learned = learned
        self.longest_s = longest_s
        self._began_at: float | None = None  # the turn
        self._started_at = 0.0  # the last stretch of speech
        self._ended_at: float | None = None
        self._finals: list[str] = []
        self._partial = ""
        self._text_at: float | None = None
        self._changed_at: float | None = None
        self._judged = ""
        self._streams = False
        self._looks = Completeness.UNSURE

    def speech_started(self, t: float) -> None:
        """Voice began at `t`. After the turn was taken for ended, too: the cut is learned from."""
        if self._began_at is None:
            self._began_at = t
        elif self._ended_at is None:
            return
        else:
            self._learned.learn(t - self._ended_at)
        self._started_at = t
        self._ended_at = None

    def speech_ended(self, t: float) -> None:
        """The last voice was at `t` (when it ended, not when that was noticed)."""
        if self._began_at is not None and self._ended_at is None:
            self._ended_at = max(t, self._started_at)

    def partial(self, text: str, t: float) -> None:
        """The words since the last final, as they are known now."""
        self._streams = True
        self._partial = text
        self._heard(t)

    def final(self, text: str, t: float) -> None:
        """Words that will not change any more; in place of the partial before."""
        if text.strip():
            self._finals.append(text.strip())
        self._partial = ""
        self._heard(t)

    def due_at(self) -> float | None:
        """When the turn ends if nothing more happens; None before any speech.

        Words without a voice (the detector missed a soft one) count as a voice when they came.
        """
        if self._began_at is None:
            return None
        latest = self._began_at + self.longest_s
        if self._ended_at is not None:
            return min(latest, self._ended_at + self._wait_s())
        if (
            self._streams
            and self._looks is Completeness.COMPLETE
            and self._changed_at is not None
            and self._changed_at >= self._started_at
        ):
            return min(latest, self._changed_at + _STALLED_S)
        return latest

    @property
    def text(self) -> str:
        """All words of the turn so far."""
        return " ".join([*self._finals, self._partial.strip()]).strip()

    @property
    def has_words(self) -> bool:
        """Whether there is something to answer: a cough has no words, a "hmm" has none either."""
        return not only_sounds(self.text, language=self._language)

    @property
    def looks(self) -> Completeness:
        """How finished the words look; a complete partial is worth starting to answer."""
        return self._looks

    def endpoint_s(self, now: float) -> float:
        """Silence since the caller's last voice: what this turn's end cost him."""
        return 0.0 if self._ended_at is None else max(0.0, now - self._ended_at)

    def _heard(self, t: float) -> None:
        text = self.text
        if self._began_at is None:
            if not text:
                return
            self._began_at = self._started_at = self._ended_at = t
        self._text_at = t
        if text != self._judged:
            self._judged, self._changed_at = text, t
            self._looks = completeness(text, self._kind, language=self._language)

    def _wait_s(self) -> float:
        waits = WAITS[self._kind.kind]
        patience = self._learned.patience
        blind = waits.blind * patience
        if self._text_at is None or not self.text:
            wait = blind
        else:
            wait = self._wait_for_words(waits, patience)
            if self._text_at < self._started_at:
                wait = max(wait, blind)
            elif self._ended_at is not None and self._text_at < self._ended_at:
                wait = max(wait, _SETTLE_S)
        if self._kind.kind not in {Kind.OPEN, Kind.YES_NO} and (
            not self.text or self._looks is not Completeness.COMPLETE
        ):
            wait = max(wait, _NUMBER_PAUSE_S)
        return min(wait, LONGEST_WAIT_S)

    def _wait_for_words(self, waits: Waits, patience: float) -> float:
        if self._looks is Completeness.COMPLETE:
            # Stays short for the quick and the slow alike, unless he does pause after sentences.
            return waits.complete * min(1.3, max(1.0, patience))
        if self._looks is Completeness.UNSURE:
            return waits.unsure * patience
        return waits.unfinished * max(1.0, patience)
