"""The ears: listen to the leg, then have the words recognised."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from esl_app.journal import Journal, Span, Turn
from esl_app.media.contract import MOST_KEYS, Heard, Media
from esl_app.speech import clean
from esl_app.turn import Entry, NoInput, SayOrPress, only_sounds
from esl_app.turn.prompt_kind import OPEN, PromptKind
from providers.contracts import Audio, SpeechToText
from providers.deadline import Deadline

_TERMINATORS: Final = "#"
_BETWEEN_S: Final = 3.0  # between two keys of a number


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

    def hear(self, turn: Turn, *, kind: PromptKind = OPEN, settles: bool = False) -> Understood:
        """One utterance as text; its times and provider go to `turn`. A short noise is none.

        Args:
            turn: of the utterance.
            kind: of answer that was asked for: it decides how long a pause may be.
            settles: a noise is worth knowing of: what it cut goes on.

        Raises:
            ProviderError: there was speech, and the recogniser failed.
            Hangup: the caller is gone.
        """
        silence = NoInput(time.monotonic(), wait_s=self._no_input_s)
        while True:
            wait_s = max(0.0, silence.due_at() - time.monotonic())
            heard = self._listen(kind, no_input_s=wait_s)
            if heard.digits:
                keys = self._rest_of(heard.digits, kind)
                self._journal.add("pressed", pii_digits=keys)
                return Understood(digits=keys)
            audio = heard.audio
            if audio is None and heard.words is None:
                self._journal.add("silence")
                return Understood(silent=True)
            text = self._understood(heard, turn)
            short = audio is not None and silence.is_noise(audio.duration_s)
            if settles or not short or not only_sounds(text, language=self._language):
                turn.question = text
                return Understood(text=text)
            silence.noise(time.monotonic() - heard.endpoint_ms / 1000)

    def enter(
        self, entry: SayOrPress, turn: Turn, *, first_s: float, kind: PromptKind
    ) -> Entry | None:
        """What is entered by keys or by voice; None when nothing is that can be understood.

        Args:
            entry: what may be entered; keys that were pressed are in it already.
            turn: where the times of an utterance go.
            first_s: how long the first key or word is waited for.
            kind: of the words.

        Raises:
            ProviderError: there was speech, and the recogniser failed.
            Hangup: the caller is gone.
        """
        while True:
            due = entry.due_at()
            wait_s = first_s if due is None else max(0.0, due - time.monotonic())
            heard = self._listen(kind, no_input_s=wait_s, most_keys=1)
            now = time.monotonic()
            if heard.digits:
                done = next(filter(None, (entry.press(key, now) for key in heard.digits)), None)
            elif heard.audio is not None or heard.words is not None:
                done = entry.said(self._understood(heard, turn), now)
            else:
                done = entry.tick(now if due is None else max(now, due))
            if done is not None or (not heard.digits and entry.due_at() is None):
                return done

    def settled(self, text: str) -> bool:
        """What was heard after a voice had cut what we said; whether that is to go on."""
        return self._media.settled(text)

    def _listen(
        self, kind: PromptKind, *, no_input_s: float, most_keys: int | None = None
    ) -> Heard:
        return self._media.listen(
            no_input_s=no_input_s,
            silence_s=self._silence_s,
            longest_s=self._longest_s,
            recognise=self.words,
            kind=kind,
            most_keys=most_keys or (1 if kind.keyed else MOST_KEYS),
        )

    def _rest_of(self, key: str, kind: PromptKind) -> str:
        """All the keys of an answer, where it has more than those pressed already."""
        if not kind.keyed:
            return key
        longest = max(kind.lengths, default=MOST_KEYS)
        if longest == 1 or key in _TERMINATORS:
            return key
        return key + self._media.gather(
            longest=longest - 1,
            terminators=_TERMINATORS,
            first_s=_BETWEEN_S,
            between_s=_BETWEEN_S,
        )

    def _understood(self, heard: Heard, turn: Turn) -> str:
        """The words of what was heard; its times and provider go to `turn`."""
        if heard.audio is not None:  # without it, nobody knows when the last voiced frame was
            turn.endpoint_ms = heard.endpoint_ms
            turn.speech_ms = round(heard.audio.duration_s * 1000)
        turn.speech_ended_s = self._journal.now_s - heard.endpoint_ms / 1000
        turn.providers["stt"] = heard.recogniser or self._stt.name
        text = self._words_of(heard, turn)
        sure = {} if heard.confidence is None else {"confidence": round(heard.confidence, 3)}
        self._journal.add("heard", pii_text=text, turn=turn.number, **sure)
        return text

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
