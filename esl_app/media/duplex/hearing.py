"""One utterance in duplex: when it has ended, and its words by then."""

from __future__ import annotations

from collections.abc import Sequence

from esl_app.ears import Listener, SpeechEnded, SpeechEvent, SpeechStarted
from esl_app.media.contract import Heard, Recognise
from esl_app.media.duplex.words import Words
from esl_app.turn.endpointing import Endpointer


class Hearing:
    """Follows the caller's speech; asks for his words at each pause of it.

    Args:
        words: of what the listener holds; they may grow while the caller speaks.
        now: from here on silence counts.
        no_input_s: so long a silence before any speech is an answer too.
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
        since: tuple[float, float | None] | None,
    ) -> None:
        self._listener = listener
        self._endpointer = endpointer
        self._recognise = recognise
        self._give_up_at = now + no_input_s
        self._words = words
        self._seen = 0  # of the words' versions
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
        return None if self._words.pending else due

    def step(self, now: float, speech: Sequence[SpeechEvent]) -> Heard | None:
        """Take in what the caller did; what was heard, when that is all."""
        for event in speech:
            if isinstance(event, SpeechStarted):
                self._endpointer.speech_started(event.at_s)
                self._seen = min(self._seen, self._words.version)
            elif isinstance(event, SpeechEnded):
                self._paused(event.at_s)
        self._words.look(now)
        if self._words.version > self._seen:
            self._seen = self._words.version
            self._endpointer.partial(self._words.text, now)
        due = self._endpointer.due_at()
        if due is None:
            return Heard() if now >= self._give_up_at else None
        if now < due or self._words.pending:
            return None
        audio, words = self._listener.take_utterance(), self._words.known
        self._words.reset()
        if audio is None:  # only the end of a noise that was forgotten
            return Heard()
        endpoint_ms = round(self._endpointer.endpoint_s(now) * 1000)
        return Heard(audio=audio, endpoint_ms=endpoint_ms, words=words)

    def _paused(self, at_s: float) -> None:
        self._endpointer.speech_ended(at_s)
        if self._recognise is not None:
            self._words.ask(self._recognise)
            self._seen = min(self._seen, self._words.version)
