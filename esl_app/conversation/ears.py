"""The ears: listen to the leg, then have the words recognised."""

from __future__ import annotations

from dataclasses import dataclass

from esl_app.journal import Journal, Span, Turn
from esl_app.media.contract import Heard, Media
from esl_app.speech import clean
from esl_app.turn.prompt_kind import OPEN, PromptKind
from providers.contracts import Audio, SpeechToText
from providers.deadline import Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What the caller did: words (maybe none in the sound), keys, or neither (`silent`)."""

    text: str = ""
    digits: str = ""
    silent: bool = False


class Ears:
    """Hears one call's utterances as text.

    Args:
        silence_s: silence after speech that ends an utterance.
        longest_s: an utterance is cut there.
        no_input_s: how long a caller may say nothing before we ask again.
    """

    def __init__(
        self,
        *,
        media: Media,
        stt: SpeechToText,
        journal: Journal,
        language: str,
        silence_s: float,
        longest_s: float,
        no_input_s: float,
        stt_s: float,
    ) -> None:
        self._media = media
        self._stt = stt
        self._journal = journal
        self._language = language
        self._silence_s = silence_s
        self._longest_s = longest_s
        self._no_input_s = no_input_s
        self._stt_s = stt_s

    def hear(self, turn: Turn, *, kind: PromptKind = OPEN) -> Understood:
        """One utterance as text; its times and provider go to `turn`.

        Args:
            turn: of the utterance.
            kind: of answer that was asked for: it decides how long a pause may be.

        Raises:
            ProviderError: there was speech, and the recogniser failed.
            Hangup: the caller is gone.
        """
        heard = self._media.listen(
            no_input_s=self._no_input_s,
            silence_s=self._silence_s,
            longest_s=self._longest_s,
            recognise=self.words,
            kind=kind,
        )
        if heard.digits:
            self._journal.add("pressed", pii_digits=heard.digits)
            return Understood(digits=heard.digits)
        audio = heard.audio
        if audio is None and heard.words is None:
            self._journal.add("silence")
            return Understood(silent=True)
        if audio is not None:  # without it, nobody knows when the last voiced frame was
            turn.endpoint_ms = heard.endpoint_ms
            turn.speech_ms = round(audio.duration_s * 1000)
        turn.speech_ended_s = self._journal.now_s - heard.endpoint_ms / 1000
        turn.providers["stt"] = heard.recogniser or self._stt.name
        turn.question = self._words_of(heard, turn)
        sure = {} if heard.confidence is None else {"confidence": round(heard.confidence, 3)}
        self._journal.add("heard", pii_text=turn.question, turn=turn.number, **sure)
        return Understood(text=turn.question)

    def words(self, audio: Audio) -> str:
        """The words of an utterance.

        Raises:
            ProviderError: the recogniser failed.
        """
        deadline = Deadline.after(self._stt_s)
        transcript = self._stt.transcribe(audio, language=self._language, deadline=deadline)
        return clean(transcript.text).strip()

    def _words_of(self, heard: Heard, turn: Turn) -> str:
        known, audio = heard.words, heard.audio
        if known is None:
            assert audio is not None
            with self._journal.span(turn, "stt"):
                return self._media.unless_over(lambda: self.words(audio))
        if known.ended is not None:
            turn.spans.append(
                Span(
                    stage="stt",
                    start_s=self._journal.at_s(known.began),
                    end_s=self._journal.at_s(known.ended),
                )
            )
        if known.error is not None:
            raise known.error
        return clean(known.text).strip()
