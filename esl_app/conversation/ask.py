"""One question of a flow's own, answered by words or keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from esl_app.conversation.ears import Ears, Understood
from esl_app.conversation.mouth import Mouth
from esl_app.conversation.speech import Speech, Spoken
from esl_app.journal import Journal, Turn
from esl_app.turn import Entry, Kind, Rules, SayOrPress, only_sounds, yes_no
from esl_app.turn.numerals import numerals
from esl_app.turn.prompt_kind import PromptKind
from providers.errors import ProviderError

_YES_KEYS: Final = {"1": True, "2": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the caller answered: words or keys; false when neither came.

    `digits` are those of the number in it, pressed or said. Where a yes or a no was asked for,
    `yes` is which of them it was; None for neither.

    >>> bool(Reply()), str(Reply(text="Tuesday")), str(Reply(keys="0134"))
    (False, 'Tuesday', '0134')
    """

    text: str = ""
    keys: str = ""
    digits: str = ""
    yes: bool | None = None

    def __bool__(self) -> bool:
        return bool(self.text or self.keys)

    def __str__(self) -> str:
        return self.text or self.keys


class Asker:
    """Asks, listens and, where nothing came, asks again.

    Args:
        finish: takes a turn that is over.
    """

    def __init__(
        self,
        *,
        ears: Ears,
        mouth: Mouth,
        journal: Journal,
        rules: Rules,
        finish: Callable[[Turn], None],
    ) -> None:
        self._ears = ears
        self._mouth = mouth
        self._journal = journal
        self._rules = rules
        self._finish = finish

    def ask(self, prompt: str, *, kind: PromptKind, tries: int | None = None) -> Reply:
        """Have `prompt` answered; an empty reply after so many silences, by default the row's.

        Raises:
            Hangup: the caller is gone.
        """
        turn = self._journal.turn()
        reply, text = Reply(), prompt
        try:
            for _ in range(tries or self._rules.max_misses):
                understood, turn.prompt = self._exchange(text, turn, kind)
                reply = self._reply(understood, kind)
                turn.keys = reply.keys
                if reply:
                    break
                text = self._again(prompt, understood)
        finally:
            turn.question = reply.text
            self._finish(turn)
        return reply

    def enter(
        self, prompt: str, entry: SayOrPress, *, first_s: float, kind: PromptKind
    ) -> Entry | None:
        """Have something entered, by keys or by voice; it is not written down.

        Raises:
            Hangup: the caller is gone.
        """
        turn = self._journal.turn()
        try:
            with self._mouth.speech(prompt) as speech:
                while True:
                    spoken = self._speak(speech)
                    turn.question = ""
                    entered = self._entered(entry, turn, first_s=first_s, kind=kind)
                    if entered or not spoken.interrupted or not self._ears.settled(turn.question):
                        return entered
        finally:
            self._journal.turns.remove(turn)

    def _exchange(self, text: str, turn: Turn, kind: PromptKind) -> tuple[Understood, str]:
        """Say `text` and listen; what came, and what was heard of the text."""
        with self._mouth.speech(text) as speech:
            while True:
                spoken = self._speak(speech)
                try:
                    understood = self._ears.hear(turn, kind=kind, settles=spoken.interrupted)
                except ProviderError as error:
                    self._trouble("stt", error, turn)
                    understood = Understood()
                nothing = not understood.digits and spoken.interrupted
                if not nothing or not self._ears.settled(understood.text):
                    return understood, speech.text

    def _entered(
        self, entry: SayOrPress, turn: Turn, *, first_s: float, kind: PromptKind
    ) -> Entry | None:
        try:
            return self._ears.enter(entry, turn, first_s=first_s, kind=kind)
        except ProviderError as error:
            self._trouble("stt", error, turn)
            return None

    def _speak(self, speech: Speech) -> Spoken:
        try:
            return speech.speak()
        except ProviderError as error:
            # Heard as silence; what the caller says all the same is worth listening to.
            self._journal.add("trouble", stage="tts", error=str(error))
            return Spoken(text=speech.text)

    def _reply(self, understood: Understood, kind: PromptKind) -> Reply:
        asked = kind.kind is Kind.YES_NO
        if keys := understood.digits:
            return Reply(keys=keys, digits=keys, yes=_YES_KEYS.get(keys) if asked else None)
        language = self._rules.language
        if only_sounds(understood.text, language=language):
            return Reply()
        digits = numerals(understood.text, language=language).all
        yes = yes_no(understood.text, language=language) if asked else None
        return Reply(text=understood.text, digits=digits, yes=yes)

    def _again(self, prompt: str, understood: Understood) -> str:
        if understood.silent:
            return f"{self._rules.phrases.not_answered} {prompt}"
        return self._rules.not_heard or self._rules.phrases.not_heard

    def _trouble(self, stage: str, error: ProviderError, turn: Turn) -> None:
        turn.trouble = f"{stage}: {type(error).__name__}"
        self._journal.add("trouble", stage=stage, error=str(error))
