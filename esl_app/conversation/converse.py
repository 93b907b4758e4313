"""Drive the turn loop: listen, understand, answer, say, until there is a reason to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from esl_app.conversation.brain import Brain
from esl_app.conversation.ears import Ears
from esl_app.conversation.mouth import Mouth
from esl_app.journal import Journal, Turn
from esl_app.turn import Answer, End, Ending, Intent, Say, Step, TurnLoop, asked_for
from esl_app.turn.prompt_kind import OPEN, PromptKind
from providers.errors import ProviderError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Why a conversation returned.

    `digits` is set when the caller pressed a key: the flow decides what it means.
    """

    ending: Ending | None = None
    digits: str = ""
    turns: int = 0

    @property
    def handoff(self) -> bool:
        """The caller is to be connected with a person."""
        return self.ending in {Ending.HANDOFF, Ending.MAX_TURNS, Ending.TROUBLE}


@dataclass(slots=True)
class Conversation:
    """One call's conversation; `run` may be called again and goes on where it was.

    `on_turn` sees each finished turn: it is written down and shared from there.
    """

    loop: TurnLoop
    ears: Ears
    brain: Brain
    mouth: Mouth
    journal: Journal
    on_turn: Callable[[Turn], None] = field(default=lambda _: None)
    _kind: PromptKind = OPEN
    """Of the answer that what we said last asks for."""

    def run(self) -> Outcome:
        """Talk until the caller says goodbye, wants a person, presses a key or goes quiet.

        Raises:
            Hangup: the caller is gone; what was said so far is in the journal.
        """
        self._asked()
        while True:
            turn = self.journal.turn()
            try:
                ended = self._turn(turn)
            finally:
                if turn.question or turn.trouble:
                    self.on_turn(turn)
                else:
                    self.journal.turns.remove(turn)
            if ended is not None:
                return ended

    def _turn(self, turn: Turn) -> Outcome | None:
        try:
            understood = self.ears.hear(turn, kind=self._kind)
        except ProviderError as error:
            return self._do(self._failure("stt", error, turn), turn)
        if understood.digits:
            return Outcome(digits=understood.digits, turns=self.loop.turns)
        step = self.loop.silence() if understood.silent else self.loop.heard(understood.text)
        return self._do(step, turn)

    def _do(self, step: Step, turn: Turn) -> Outcome | None:
        match step:
            case End(ending=ending):
                turn.intent = str(ending) if turn.question else ""
                self.journal.add("conversation_ended", ending=str(ending), turns=self.loop.turns)
                return Outcome(ending=ending, turns=self.loop.turns)
            case Say(text=text, why=why):
                turn.intent = Intent.REPEAT if why == "repeat" else turn.intent
                turn.answer = text if turn.question else ""
                self._say(text, turn)
                if why == "repeat":
                    self._asked()  # otherwise what was asked before stays asked
                return None
            case Answer(question=question, intent=intent):
                turn.intent = intent
                return self._answer(question, turn)

    def _answer(self, question: str, turn: Turn) -> Outcome | None:
        try:
            spoken = self.mouth.say(self.brain.answer(question, turn), turn=turn)
        except ProviderError as error:
            # What was said of the answer before it broke off stays said, and counts.
            self.brain.remember(question, turn.answer)
            return self._do(self._failure("answer", error, turn), turn)
        self.brain.remember(question, spoken.text)
        self.loop.answered(spoken.text)
        turn.answer = spoken.text
        self._asked()
        self._answered(turn)
        return None

    def _asked(self) -> None:
        self._kind = asked_for(self.mouth.said, language=self.loop.rules.language)

    def _say(self, text: str, turn: Turn) -> None:
        try:
            self.mouth.say(text, turn=turn if turn.question else None)
        except ProviderError as error:
            # A fixed phrase that cannot be spoken is not worth ending the call for: the caller
            # hears nothing and is listened to again.
            self._note("tts", error, turn)

    def _failure(self, stage: str, error: ProviderError, turn: Turn) -> Step:
        self._note(stage, error, turn)
        return self.loop.failed()

    def _note(self, stage: str, error: ProviderError, turn: Turn) -> None:
        turn.trouble = f"{stage}: {type(error).__name__}"
        log.warning("stage_failed", stage=stage, error=str(error))
        self.journal.add("trouble", stage=stage, error=str(error))

    def _answered(self, turn: Turn) -> None:
        facts: dict[str, Any] = {
            f"{stage}_ms": turn.ms(stage) for stage in ("stt", "retrieval", "llm", "tts")
        }
        self.journal.add(
            "answered",
            turn=turn.number,
            pii_question=turn.question,
            pii_answer=turn.answer,
            sources=[source.title for source in turn.sources],
            endpoint_ms=turn.endpoint_ms,
            first_audio_ms=turn.first_audio_ms,
            **facts,
        )
