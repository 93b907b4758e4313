"""One prompt in duplex: what the caller's voice over it does to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from esl_app.ears import Listener, SpeechEnded, SpeechEvent, SpeechStarted
from esl_app.journal import Journal
from esl_app.media.contract import Played, Recognise
from esl_app.media.duplex.player import Player
from esl_app.media.duplex.words import Words
from esl_app.turn.barge_in import Action, BargeIn, Cut, Pause, Resume

_EARLY_S: Final = 0.6  # of voice, longer than an "uh-huh"
_AGAIN_S: Final = 0.3
_BREATH_S: Final = 0.1  # so short a silence may yet be inside a word


class Speaking:
    """Looks at what has changed, and pauses, resumes or cuts the player.

    A recogniser that does not stream is asked while the voice goes on, and again when it has
    answered: "thank you" and a clearing of the throat are then not taken for a caller who wants the
    turn, only because they are long, and one who wants it has it sooner.
    """

    def __init__(
        self,
        *,
        listener: Listener,
        player: Player,
        barge_in: BargeIn,
        words: Words,
        recognise: Recognise,
        journal: Journal,
    ) -> None:
        self._listener = listener
        self._player = player
        self._barge_in = barge_in
        self._recognise = recognise
        self._journal = journal
        self._words = words
        self._seen = 0  # of the words' versions
        self._ask_at: float | None = None  # while a voice goes on
        self.cut = False
        self._stale = False  # what the listener holds was decided to be nothing for us

    @property
    def sent_s(self) -> float:
        """Seconds of the prompt that the caller has heard."""
        samples = sum(position.samples for position in self._player.positions())
        return samples / self._player.rate

    def due_at(self) -> float | None:
        """When to look again if nothing happens."""
        dues = [self._barge_in.due_at(), self._ask_at if self._may_ask else None]
        return min((due for due in dues if due is not None), default=None)

    def step(self, now: float, speech: Sequence[SpeechEvent]) -> Played | None:
        """Take in what the caller did; how the prompt ended, when it has."""
        if self._player.idle:
            return Played()
        for event in speech:
            if isinstance(event, SpeechStarted):
                self._ask_at = event.at_s + _EARLY_S
                self._obey(self._barge_in.voice_started(event.at_s, now=now))
            elif isinstance(event, SpeechEnded):
                self._ask_at = None
                self._obey(self._barge_in.voice_ended(event.at_s))
                self._ask_what_it_was()
        self._words.look(now)
        if self._words.version > self._seen:
            self._seen = self._words.version
            self._obey(self._barge_in.words(self._words.text, now))
        if self._may_ask and self._ask_at is not None and now >= self._ask_at:
            if self._listener.silence_s(now) < _BREATH_S:
                self._ask_what_it_was()
            self._ask_at = now + _AGAIN_S
        self._obey(self._barge_in.tick(now))
        self._forget_what_was_nothing()
        return Played(voice=True) if self.cut else None

    def close(self) -> None:
        self._words.go_on()

    @property
    def _may_ask(self) -> bool:
        asks = self._player.paused and not self._barge_in.rules.streaming
        return asks and not self._words.pending

    def _ask_what_it_was(self) -> None:
        if self._player.paused or self._stale:
            self._words.ask(self._recognise)
            self._seen = min(self._seen, self._words.version)

    def _forget_what_was_nothing(self) -> None:
        """A voice we went on over is forgotten once it has ended and has no words to come.

        Not before: until it ends the listener has to know that it is the same one (a television),
        and a "stop" that is recognised late still cuts, and is then what we listen to.
        """
        if self._stale and not self._listener.speaking and not self._words.pending:
            self._listener.forget()
            self._words.reset()
            self._stale = False

    def _obey(self, action: Action | None) -> None:
        match action:
            case Pause():
                self._player.pause()
            case Resume(paused_s=paused_s, why=why):
                self._stale = True
                self._player.resume()
                self._journal.add("resumed", why=why, paused_s=round(paused_s, 3))
            case Cut():
                self.cut, self._stale = True, False
                self._journal.add("interrupted", heard_s=round(self.sent_s, 3))
