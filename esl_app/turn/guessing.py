"""When words are likely enough the whole turn to begin with its answer: a pure policy.

Theory of operation. What is known of the words may lack the last ones: a recogniser trails the
voice. So a guess wants words that it has settled, or that look complete at a pause, or that have
not changed for a while; and never words that look unfinished.

    caller      words complete              unsure
    pauses      at once                     settled: at once, else unchanged for `stable_s`
    speaks      unchanged for `stable_s`    never

A guess is begun once for the same words, and a few times in a turn at most: each one that fails
costs a retrieval and a request.

Nothing said here confirms anything: whoever begins an answer compares the words when the turn is
over (`same_words`).
"""

from __future__ import annotations

from dataclasses import dataclass

from esl_app.turn.completeness import Completeness

_EDGES = ".,;:!?¿¡…\"'“”‘’()[]–—-"


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessRules:
    """How soon and how often.

    Attributes:
        stable_s: words that have not changed for so long are likely to stay.
        most: guesses a turn.
    """

    stable_s: float = 0.25
    most: int = 3


def normalised(text: str) -> str:
    """The words without case and the signs around them: what a recogniser adds late.

    >>> normalised("Is there parking, near the clinic?")
    'is there parking near the clinic'
    >>> normalised("It is 5.50.")
    'it is 5.50'
    """
    words = (word.strip(_EDGES) for word in text.casefold().split())
    return " ".join(word for word in words if word)


def same_words(one: str, other: str) -> bool:
    """Whether an answer to the one is an answer to the other."""
    return normalised(one) == normalised(other)


class Guessing:
    """One turn's guesses.

    >>> turn = Guessing(GuessRules())
    >>> turn.words("Is there parking?", Completeness.COMPLETE, 1.0)
    >>> turn.due_at()
    1.25
    >>> turn.paused(1.1)
    >>> turn.take(1.1)
    'Is there parking?'
    >>> turn.due_at()
    """

    def __init__(self, rules: GuessRules) -> None:
        self._rules = rules
        self._text = ""
        self._looks = Completeness.UNSURE
        self._changed_at = 0.0
        self._settled = False
        self._paused_at: float | None = None
        self._begun = 0
        self._last = ""

    def words(self, text: str, looks: Completeness, t: float, *, settled: bool = False) -> None:
        """All words of the turn, as they are known at `t`; `settled`: up to the pause."""
        if not same_words(text, self._text):
            self._changed_at = t
        self._text, self._looks, self._settled = text, looks, settled

    def paused(self, t: float) -> None:
        """The caller makes no sound since a moment."""
        self._paused_at = t

    def went_on(self) -> None:
        """He goes on."""
        self._paused_at = None

    def due_at(self) -> float | None:
        """When to begin if nothing changes; None: not with these words."""
        words = normalised(self._text)
        if not words or words == self._last or self._begun >= self._rules.most:
            return None
        complete = self._looks is Completeness.COMPLETE
        if self._looks is Completeness.UNFINISHED or (self._paused_at is None and not complete):
            return None
        if self._paused_at is not None and (complete or self._settled):
            return max(self._paused_at, self._changed_at)
        return self._changed_at + self._rules.stable_s

    def take(self, now: float) -> str | None:
        """The words to begin with, when that is due; each once."""
        due = self.due_at()
        if due is None or now < due:
            return None
        self._begun += 1
        self._last = normalised(self._text)
        return self._text
