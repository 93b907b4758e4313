"""One utterance in duplex: when it has ended, and its words by then."""

from __future__ import annotations

from collections.abc import Sequence

from gevent.event import Event as Flag

from esl_app.ears import Listener, SpeechEnded, SpeechEvent, SpeechStarted
from esl_app.media.contract import Heard, Recognise
from esl_app.media.duplex.words import Words
from esl_app.turn.endpointing import Endpointer


class Hearing:
    """Follows the caller's speech; runs the recogniser at each pause of it.

    Args:
        now: from here on silence counts.
        no_input_s: so long a silence before any speech is an answer too.
        since: when speech that is under way or over already started and ended (None: under way).
    """

    def __init__(
        self,
        *,
        listener: Listener,
        endpointer: Endpointer,
        recognise: Recognise | None,
        wake: Flag,
        now: float,
        no_input_s: float,
        since: tuple[float, float | None] | None,
    ) -> None:
        self._listener = listener
        self._endpointer = endpointer
        self._recognise = recognise
        self._wake = wake
        self._give_up_at = now + no_input_s
        self._words: Words | None = None
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
        return None if self._waits_for_words else due

    def step(self, now: float, speech: Sequence[SpeechEvent]) -> Heard | None:
        """Take in what the caller did; what was heard, when that is all."""
        for event in speech:
            if isinstance(event, SpeechStarted):
                self._endpointer.speech_started(event.at_s)
                self.close()
                self._words = None  # of half an utterance
            elif isinstance(event, SpeechEnded):
                self._paused(event.at_s)
        if self._words is not None and self._words.news:
            self._endpointer.partial(self._words.text, now)
        due = self._endpointer.due_at()
        if due is None:
            return Heard() if now >= self._give_up_at else None
        if now < due or self._waits_for_words:
            return None
        audio = self._listener.take_utterance()
        if audio is None:  # only the end of a noise that was forgotten
            return Heard()
        endpoint_ms = round(self._endpointer.endpoint_s(now) * 1000)
        return Heard(audio=audio, endpoint_ms=endpoint_ms, words=self._words)

    def close(self) -> None:
        if self._words is not None and not self._words.ready:
            self._words.close()

    @property
    def _waits_for_words(self) -> bool:
        return self._words is not None and not self._words.ready

    def _paused(self, at_s: float) -> None:
        self._endpointer.speech_ended(at_s)
        self.close()
        utterance = self._listener.utterance()
        self._words = None
        if self._recognise is not None and utterance is not None:
            self._words = Words(self._recognise, utterance, self._wake)
