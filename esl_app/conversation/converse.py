"""Drive the turn loop: listen, understand, answer, say, until there is a reason to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from esl_app.conversation.brain import Brain
from esl_app.conversation.ears import Ears, Understood
from esl_app.conversation.mouth import Mouth
from esl_app.conversation.speech import Speech
from esl_app.journal import Journal, Turn
from esl_app.turn import Answer, End, Ending, Intent, Lead, Say, Step, TurnLoop, asked_for
from esl_app.turn.prompt_kind import OPEN, PromptKind
from providers.errors import ProviderError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Why a conversation returned.

    `digits` is set when the caller pressed a key: the flow decides what it means. `destination` is
    the name of the one whom the caller is to be connected with, where words or the model led there;
    `call.transfer(outcome.destination)` takes it, also when it is empty.
    """

    ending: Ending | None = None
    digits: str = ""
    turns: int = 0
    destination: str = ""
    transfer_message: str = ""
    """What the rule that led there has said, in place of the secretary's."""
    model_chose: bool = False

    @property
    def handoff(self) -> bool:
        """The caller is to be connected with a person."""
        return self.ending in {Ending.HANDOFF, Ending.MAX_TURNS, Ending.TROUBLE}


@dataclass(slots=True, kw_only=True)
class _Saying:
    """Something we began to say; until it is settled it may yet be gone on with."""

    speech: Speech
    turn: Turn
    question: str = ""  # that it answers; a fixed phrase answers none
    asks: bool = True  # what kind of answer is awaited can be read off it
    before: str = ""  # what was heard of the answer that this apologises for

    @property
    def unheard(self) -> bool:
        """An answer, and nothing of it was heard yet."""
        return bool(self.question) and not self.speech.text


@dataclass(slots=True)
class Conversation:
    """One call's conversation; `run` may be called again and goes on where it was.

    What a voice cut is kept until it is known what the voice said: when that was nothing, it goes
    on where it stopped; words before anything of an answer was heard belong to its question, which
    is asked anew. What is remembered and written down of an answer is what the caller heard of it,
    also when it broke off or he hung up in the middle.

    `on_turn` sees each finished turn: it is written down and shared from there. `limit` names the
    limit that ends the conversation, once one is reached.
    """

    loop: TurnLoop
    ears: Ears
    brain: Brain
    mouth: Mouth
    journal: Journal
    on_turn: Callable[[Turn], None] = field(default=lambda _: None)
    limit: Callable[[], str | None] = field(default=lambda: None)
    speculate: bool = True
    chosen: str = ""
    """The destination that the model chose: it ends the conversation, once its answer is said."""
    _listening: Turn | None = None
    _kind: PromptKind = OPEN
    """Of the answer that what we said last asks for."""
    _saying: _Saying | None = None
    """The last; it finishes its turn."""
    _cut: _Saying | None = None

    def run(self) -> Outcome:
        """Talk until the caller says goodbye, wants a person, presses a key or goes quiet.

        Raises:
            Hangup: the caller is gone; what was said so far is in the journal.
        """
        self._kind, self.chosen = self._asked(), ""
        while True:
            if (limit := self.limit()) is not None:
                return self._over(limit)
            turn = self.journal.turn()
            try:
                ended = self._turn(turn)
            finally:
                self.brain.drop(turn)  # what was begun and not asked for
                if self._saying is None or self._saying.turn is not turn:
                    self.finish(turn)
            if ended is None and self.chosen and self._cut is None:
                ended = self._hand_over(Lead(names=(self.chosen,)), model_chose=True)
            if ended is not None:
                return ended

    def finish(self, turn: Turn) -> None:
        """Hand a turn on; one in which nothing happened is forgotten."""
        if turn.question or turn.keys or turn.trouble:
            self.on_turn(turn)
        else:
            self.journal.turns.remove(turn)

    # -- listening ------------------------------------------------------------------------------

    def _turn(self, turn: Turn) -> Outcome | None:
        cut, self._cut = self._cut, None
        understood, failed, goes_on = Understood(), None, False
        try:
            # While it is open what was heard of the last answer, the history is not known.
            self._listening = turn if cut is None else None
            understood = self.ears.hear(turn, kind=self._kind, settles=cut is not None)
            if cut is not None and not understood.digits:
                goes_on = self.ears.settled(understood.text)
                if not goes_on and cut.unheard and understood.text:
                    understood = replace(understood, text=self._join(cut, turn))
                    cut = None
        except ProviderError as error:
            failed = error
        finally:
            self._listening = None
            if cut is not None and not goes_on:
                self._settle(cut)
        if cut is not None and goes_on:
            turn.question = ""
            return self._speak(cut)
        if failed is not None:
            return self._do(self._failure("stt", failed, turn), turn)
        return self._understood(understood, turn)

    def _join(self, cut: _Saying, turn: Turn) -> str:
        """The question was not over when its answer was begun: what is it with `turn`'s words?"""
        cut.speech.close()
        self.brain.take_back(cut.question)
        self.loop.goes_on()
        self.journal.turns.remove(cut.turn)
        turn.follows(cut.turn)
        self.journal.add("went_on", turn=turn.number)
        return turn.question

    def _understood(self, understood: Understood, turn: Turn) -> Outcome | None:
        digits = understood.digits
        if self._kind.keyed and len(digits) > 1:  # the number asked for; one key is a command
            turn.question = digits
            return self._do(self.loop.heard(digits), turn)
        if digits:
            return Outcome(digits=digits, turns=self.loop.turns)
        if (limit := self.limit()) is not None:
            return self._over(limit)
        if not understood.silent:
            self.chosen = ""  # he spoke into its announcement: what he wants now counts
        step = self.loop.silence() if understood.silent else self.loop.heard(understood.text)
        return self._do(step, turn)

    def guess(self, text: str) -> None:
        """The caller's turn is likely to be these words: begin with the answer, if it is one."""
        turn = self._listening
        if not self.speculate or turn is None:
            return
        if isinstance(replace(self.loop).heard(text), Answer):
            self.brain.guess(text, turn)

    # -- doing ----------------------------------------------------------------------------------

    def _do(self, step: Step, turn: Turn) -> Outcome | None:
        match step:
            case End(ending=ending, lead=lead):
                turn.intent = str(ending) if turn.question else ""
                if lead is not None:
                    return self._hand_over(lead)
                self.journal.add("conversation_ended", ending=str(ending), turns=self.loop.turns)
                return Outcome(ending=ending, turns=self.loop.turns)
            case Say(text=text, why=why):
                turn.intent = {"repeat": Intent.REPEAT, "which": Intent.HANDOFF}.get(
                    why, turn.intent
                )
                speech = self.mouth.speech(text, turn=turn if turn.question else None)
                # But for a repetition, what was asked before stays asked.
                asks, before = why == "repeat", turn.answer
                return self._speak(_Saying(speech=speech, turn=turn, asks=asks, before=before))
            case Answer(question=question, intent=intent):
                turn.intent = intent
                speech = self.mouth.speech(self.brain.answer(question, turn), turn=turn)
                return self._speak(_Saying(speech=speech, turn=turn, question=question))

    def _hand_over(self, lead: Lead, *, model_chose: bool = False) -> Outcome:
        self.chosen = ""
        (name,) = lead.names
        ending, turns = Ending.HANDOFF, self.loop.turns
        self.journal.add("conversation_ended", ending=str(ending), turns=turns, destination=name)
        return Outcome(
            ending=ending,
            turns=turns,
            destination=name,
            transfer_message=lead.message,
            model_chose=model_chose,
        )

    def _speak(self, saying: _Saying) -> Outcome | None:
        """Say it, or the rest of it."""
        self._saying = saying
        failed, cut = None, False
        try:
            spoken = saying.speech.speak()
            cut = spoken.interrupted
            if spoken.digit is not None:
                self.chosen = ""  # what the caller pressed comes first
        except ProviderError as error:
            failed = error
        finally:
            if saying.asks:
                self._kind = self._asked()
            if failed is None and not cut:  # at its end, or the caller is gone
                self._settle(saying)
        if failed is not None:
            return self._broke_off(saying, failed)
        if cut:
            self._cut = saying
        return None

    def _settle(self, saying: _Saying) -> None:
        """It is over: what the caller heard of it counts."""
        self._heard(saying)
        if saying.question:
            if saying.turn.answer:
                self.loop.answered(saying.turn.answer)
            self._answered(saying.turn)
        self.finish(saying.turn)

    def _over(self, limit: str) -> Outcome:
        """End politely: what is said was made before, when there was something left to make it."""
        if self._cut is not None:
            cut, self._cut = self._cut, None
            self._settle(cut)
        self.journal.add("limit_reached", limit=limit)
        log.info("limit_reached", limit=limit)
        try:
            self.mouth.say(self.loop.rules.phrases.limit, barge_in=False)
        except ProviderError as error:
            self.journal.add("trouble", stage="tts", error=str(error))
        self.journal.add("conversation_ended", ending=str(Ending.LIMIT), turns=self.loop.turns)
        return Outcome(ending=Ending.LIMIT, turns=self.loop.turns)

    def _broke_off(self, saying: _Saying, error: ProviderError) -> Outcome | None:
        """Say that it could not be made; a fixed phrase is not worth ending the call for."""
        self._heard(saying)
        turn = saying.turn
        if not saying.question:
            self._note("tts", error, turn)
            self.finish(turn)
            return None
        step = self._failure("answer", error, turn)
        outcome = self._do(step, turn)
        if isinstance(step, End):  # else what is said of it finishes the turn
            self.finish(turn)
        return outcome

    def _heard(self, saying: _Saying) -> None:
        """Write down what was heard of it; nothing more is made."""
        saying.speech.close()
        turn = saying.turn
        if turn.question:
            turn.answer = " ".join(filter(None, [saying.before, saying.speech.text]))
        if saying.question:
            self.brain.remember(saying.question, turn.answer)

    def _asked(self) -> PromptKind:
        return asked_for(self.mouth.said, language=self.loop.rules.language)

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
