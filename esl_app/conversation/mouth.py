"""The mouth: text in sentences → prompts → the caller's ear, the next sentence made meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import gevent
import structlog

from esl_app.conversation.speech import Speech, Spoken
from esl_app.journal import Journal, Turn
from esl_app.media.contract import Media
from esl_app.media.prompts import Prompt, PromptCache, PromptKey
from esl_app.speech import sentences, spoken
from esl_app.turn import phrases
from providers.contracts import TextToSpeech
from providers.deadline import Deadline
from providers.errors import ProviderError, Timeout

log = structlog.get_logger()

_FIRST_WORDS: Final = 6


class Mouth:
    """Speaks one call's texts in the secretary's voice.

    Args:
        voice_name: the vendor's voice id; None is the vendor's default.
        tts_s: how long one sentence may take to synthesise.
        answer_s: how long the next piece of an answer may take to be found and written.
    """

    def __init__(
        self,
        *,
        media: Media,
        tts: TextToSpeech,
        fingerprint: str,
        prompts: PromptCache,
        journal: Journal,
        domain_uuid: UUID,
        language: str,
        voice_name: str | None,
        speed: float,
        tts_s: float,
        answer_s: float,
    ) -> None:
        self._media = media
        self._tts = tts
        self._fingerprint = fingerprint
        self._prompts = prompts
        self._journal = journal
        self._domain_uuid = domain_uuid
        self._language = language
        self._voice_name = voice_name
        self._speed = speed
        self._tts_s = tts_s
        self._answer_s = answer_s
        self.filler: Prompt | None = None
        """"One moment": what bridges a long wait, once it is made."""
        self._notice: Prompt | None = None
        self.said = ""
        """What the caller heard last, fillers apart: what he answers to."""

    @property
    def provider(self) -> str:
        """The vendor's name."""
        return self._tts.name

    def prompt(self, text: str) -> Prompt:
        """The sound of `text`, from the cache or made now.

        Raises:
            ProviderError: it could not be made.
        """
        deadline = Deadline.after(self._tts_s)
        key = PromptKey(
            domain_uuid=self._domain_uuid,
            provider=self._fingerprint,
            voice=self._voice_name,
            speed=self._speed,
            language=self._language,
            text=text,
        )
        try:
            return self._prompts.get(
                key,
                lambda: self._tts.synthesize(
                    spoken(text, self._language),
                    language=self._language,
                    voice=self._voice_name,
                    speed=self._speed,
                    deadline=deadline,
                ),
                wait_s=self._tts_s,
            )
        except gevent.Timeout:  # another leg is making the same prompt, and its turn is too long
            raise Timeout("another leg's synthesis is not over", provider=self._tts.name) from None

    def say(self, text: str, *, barge_in: bool = True, by_voice: bool = True) -> Spoken:
        """Speak a text to its end, or until it is cut short.

        A digit ends it when `barge_in`; the digit stays in the leg's buffer for whoever asks next.

        Raises:
            ProviderError: the synthesis failed; what came before was spoken.
            Hangup: the caller is gone.
        """
        with self.speech(text, barge_in=barge_in, by_voice=by_voice) as speech:
            return speech.speak()

    def speech(
        self,
        text: str | Iterable[str],
        *,
        turn: Turn | None = None,
        barge_in: bool = True,
        by_voice: bool = True,
    ) -> Speech:
        """A text, or the pieces of a turn's answer as they come, on its way to the caller.

        Nothing is heard before its `speak`, but its making begins.
        """
        pieces = [text] if isinstance(text, str) else text
        # An answer may begin with its first clause: its sound is made while the rest is coming.
        texts = sentences(pieces, self._language, first_words=_FIRST_WORDS if turn else None)
        return Speech(
            self,
            texts,
            media=self._media,
            journal=self._journal,
            turn=turn,
            barge_in=barge_in,
            by_voice=by_voice,
            wait_s=self._answer_s + self._tts_s,
        )

    def announce(self, text: str) -> None:
        """Have `text` said before whatever is said next: it waits for no turn of ours to begin."""
        try:
            self._notice = self.prompt(text)
        except ProviderError as error:
            log.info("no_notice", error=str(error))

    def take_notice(self) -> Prompt | None:
        """What is to be said first, once."""
        notice, self._notice = self._notice, None
        return notice

    def make(self, text: str) -> None:
        """Have a text's sound ready.

        Raises:
            ProviderError: it could not be made.
        """
        for sentence in sentences([text], self._language):
            self.prompt(sentence)

    def warm(self, *texts: str) -> None:
        """Make the filler, and other texts that are to be there when they are needed."""
        try:
            self.filler = self.prompt(phrases(self._language).filler)
            for text in texts:
                self.make(text)
        except ProviderError as error:
            log.info("not_made_beforehand", error=str(error))
