"""The mouth: text in sentences → prompts → the caller's ear, the next sentence made meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import gevent
import structlog
from gevent.queue import Queue

from esl_app.greenlets import spawn
from esl_app.journal import Journal, Span, Turn
from esl_app.media.contract import Media, Played
from esl_app.media.prompts import Prompt, PromptCache, PromptKey
from esl_app.media.sound import TELEPHONE_RATE
from esl_app.speech import sentences, spoken
from esl_app.turn import phrases
from esl_app.turn.heard import Spoken as SpokenSentence
from esl_app.turn.heard import heard_text
from providers.contracts import TextToSpeech
from providers.deadline import Deadline
from providers.errors import ProviderError, Timeout

log = structlog.get_logger()

_AHEAD: Final = 2  # sentences synthesised before they are needed
_END: Final = None
_FIRST_WORDS: Final = 6
_FILLER_S: Final = 1.2  # from when we know what was said: then we say that we are at it


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What the caller heard, and the key or the voice that cut it short."""

    text: str
    digit: str | None = None
    interrupted: bool = False


class Mouth:
    """Speaks one call's texts in the secretary's voice.

    Args:
        voice_name: the vendor's voice id; None is the vendor's default.
        tts_s: how long one sentence may take to synthesise.
        llm_s: how long the next piece of the text may be waited for.
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
        llm_s: float,
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
        self._llm_s = llm_s
        self._filler: Prompt | None = None
        self.said = ""
        """What the caller heard last, fillers apart: what he answers to."""

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

    def say(
        self, text: str | Iterable[str], *, turn: Turn | None = None, barge_in: bool = True
    ) -> Spoken:
        """Speak a text, or the pieces of one as they come.

        A digit ends it when `barge_in`; the digit stays in the leg's buffer for whoever asks next.

        Raises:
            ProviderError: the text's maker or the synthesis failed; what came before was spoken.
            Hangup: the caller is gone.
        """
        ready: Queue[tuple[str, Prompt] | Exception | None] = Queue(maxsize=_AHEAD)
        pieces = [text] if isinstance(text, str) else text
        # An answer may begin with its first clause: its sound is made while the rest is coming.
        texts = sentences(pieces, self._language, first_words=_FIRST_WORDS if turn else None)
        maker = spawn(self._make, texts, ready, turn)
        heard: list[str] = []
        self.said = ""
        wait_s = self._llm_s + self._tts_s
        try:
            if turn is not None and (cut := self._bridge(ready, turn, barge_in=barge_in)):
                return Spoken(text="", digit=cut.key, interrupted=cut.voice)
            while True:
                item = self._media.unless_over(lambda: ready.get(timeout=wait_s))
                if item is _END:
                    return Spoken(text=" ".join(heard))
                if isinstance(item, Exception):
                    raise item
                sentence, prompt = item
                if turn is not None and turn.first_audio_ms is None:
                    turn.first_audio_ms = round((self._journal.now_s - turn.speech_ended_s) * 1000)
                self._journal.add(
                    "said", pii_text=sentence, duration_s=prompt.duration_s, cached=prompt.cached
                )
                played = self._media.play(prompt, barge_in=barge_in)
                heard.append(_heard(sentence, prompt, played))
                self.said = " ".join(filter(None, heard))
                if played.key or played.voice:
                    return Spoken(text=self.said, digit=played.key, interrupted=played.voice)
        except gevent.queue.Empty:
            raise Timeout("no sentence came in time", provider=self._tts.name) from None
        finally:
            maker.kill()  # closes the text's iterator too, which cancels the model's request

    def warm(self) -> None:
        """Make the filler, so that it is there when it is needed."""
        try:
            self._filler = self.prompt(phrases(self._language).filler)
        except ProviderError as error:
            log.info("no_filler", error=str(error))

    def _bridge(
        self, ready: Queue[tuple[str, Prompt] | Exception | None], turn: Turn, *, barge_in: bool
    ) -> Played | None:
        """Say that we are at it when the first sentence is late; how that was cut short, if so."""
        try:
            self._media.unless_over(lambda: ready.peek(timeout=_FILLER_S))
        except gevent.queue.Empty:
            if self._filler is None:
                return None
            silent_s = self._journal.now_s - turn.speech_ended_s
            self._journal.add("filler", after_s=round(silent_s, 3))
            played = self._media.play(self._filler, barge_in=barge_in)
            return played if played.key or played.voice else None
        return None

    def _make(
        self,
        texts: Iterable[str],
        ready: Queue[tuple[str, Prompt] | Exception | None],
        turn: Turn | None,
    ) -> None:
        try:
            for sentence in texts:
                began = self._journal.now_s
                prompt = self.prompt(sentence)
                if turn is not None:
                    turn.providers["tts"] = self._tts.name
                    turn.spans.append(Span(stage="tts", start_s=began, end_s=self._journal.now_s))
                ready.put((sentence, prompt))
        except Exception as error:  # noqa: BLE001 - whoever speaks raises it
            ready.put(error)
        else:
            ready.put(_END)


def _heard(sentence: str, prompt: Prompt, played: Played) -> str:
    """The words of a sentence that were sent to the caller."""
    if played.heard_s >= prompt.duration_s:
        return sentence
    whole = SpokenSentence(text=sentence, samples=round(prompt.duration_s * TELEPHONE_RATE))
    return heard_text([whole], round(played.heard_s * TELEPHONE_RATE)).text
