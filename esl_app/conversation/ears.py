"""The ears: listen to the leg, then have the words recognised."""

from __future__ import annotations

from dataclasses import dataclass

from esl_app.journal import Journal, Turn
from esl_app.media.contract import Media
from esl_app.turn import clean
from providers.contracts import Audio, SpeechToText, Transcript
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

    def hear(self, turn: Turn) -> Understood:
        """One utterance as text; its times and provider go to `turn`.

        Raises:
            ProviderError: there was speech, and the recogniser failed.
            Hangup: the caller is gone.
        """
        heard = self._media.listen(
            no_input_s=self._no_input_s, silence_s=self._silence_s, longest_s=self._longest_s
        )
        if heard.digits:
            self._journal.add("pressed", pii_digits=heard.digits)
            return Understood(digits=heard.digits)
        audio = heard.audio
        if audio is None:
            self._journal.add("silence")
            return Understood(silent=True)
        turn.endpoint_ms = heard.endpoint_ms
        turn.speech_ended_s = self._journal.now_s - heard.endpoint_ms / 1000
        turn.speech_ms = round(audio.duration_s * 1000)
        turn.providers["stt"] = self._stt.name
        with self._journal.span(turn, "stt"):
            transcript = self._media.unless_over(lambda: self._transcribe(audio))
        turn.question = clean(transcript.text).strip()
        self._journal.add("heard", pii_text=turn.question, turn=turn.number)
        return Understood(text=turn.question)

    def _transcribe(self, audio: Audio) -> Transcript:
        deadline = Deadline.after(self._stt_s)
        return self._stt.transcribe(audio, language=self._language, deadline=deadline)
