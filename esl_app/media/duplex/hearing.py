"""One utterance in duplex: when it has ended, and its words by then."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from esl_app.ears import Listener, SpeechEnded, SpeechEvent, SpeechStarted
from esl_app.media.contract import Heard, Recognise
from esl_app.media.duplex.words import Words
from esl_app.turn.endpointing import Endpointer
from esl_app.turn.guessing import Guessing, GuessRules


class Hearing:
    """Follows the caller's speech; asks for his words at each pause of it.

    Args:
        words: of what the listener holds; they may grow while the caller speaks.
        now: from here on silence counts.
        no_input_s: so long a silence before any speech is an answer too.
        guessing: when words are likely enough the whole turn to tell them `on_likely`.
        since: when speech that is under way or over already started and ended (None: under way).
    """

    def __init__(
        self,
        *,
        listener: Listener,
        endpointer: Endpointer,
        words: Words,
        recognise: Recognise | None,
        now: float,
        no_input_s: float,
        guessing: Guessing | None = None,
        on_likely: Callable[[str], None] | None = None,
        since: tuple[float, float | None] | None,
    ) -> None:
        self._listener = listener
        self._endpointer = endpointer
        self._recognise = recognise
        self._give_up_at = now + no_input_s
        self._words = words
        self._seen = 0  # of the words' versions
        self._guessing = guessing or Guessing(GuessRules())
        self._on_likely = on_likely
        if since is not None:
            started_s, ended_s = since
            endpointer.speech_started(started_s)
            if ended_s is not None:
                self._paused(ended_s)

    def due_at(self) -> float | None:
        """When to look again if nothing happens; None while only words are waited for."""
        due = self._endpointer.due_at()
        if due is None:
            return self._give_up_at
        ends = [None if self._words.pending else due, self._guessing.due_at()]
        return min((end for end in ends if end is not None), default=None)

    def step(self, now: float, speech: Sequence[SpeechEvent]) -> Heard | None:
        """Take in what the caller did; what was heard, when that is all."""
        for event in speech:
            if isinstance(event, SpeechStarted):
                self._endpointer.speech_started(event.at_s)
                self._guessing.went_on()
                self._seen = min(self._seen, self._words.version)
            elif isinstance(event, SpeechEnded):
                self._paused(event.at_s)
        self._words.look(now)
        if self._words.version > self._seen:
            self._seen = self._words.version
            self._endpointer.partial(self._words.text, now)
            self._guessing.words(
                self._words.text, self._endpointer.looks, now, settled=self._words.settled
            )
        due = self._endpointer.due_at()
        if due is None:
            return Heard() if now >= self._give_up_at else None
        if now < due or self._words.pending:
            self._guess(now)
            return None
        audio, words = self._listener.take_utterance(), self._words.known
        self._words.reset()
        if audio is None:  # only the end of a noise that was forgotten
            return Heard()
        endpoint_ms = round(self._endpointer.endpoint_s(now) * 1000)
        return Heard(audio=audio, endpoint_ms=endpoint_ms, words=words)

    def _paused(self, at_s: float) -> None:
        self._endpointer.speech_ended(at_s)
        self._guessing.paused(at_s)
        if self._recognise is not None:
            self._words.ask(self._recognise)
            self._seen = min(self._seen, self._words.version)

    def _guess(self, now: float) -> None:
        words = self._guessing.take(now)
        if words is not None and self._on_likely is not None:
            self._on_likely(words)
