"""One text on its way to the caller's ear, which can be gone on with after a false alarm."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol, Self

import gevent
from gevent.queue import Queue

from esl_app.greenlets import spawn
from esl_app.journal import Journal, Span, Turn
from esl_app.media.contract import Media, Played, Pressed, Spoke
from esl_app.media.prompts import Prompt
from esl_app.media.sound import TELEPHONE_RATE
from esl_app.turn.heard import Spoken as SpokenSentence
from esl_app.turn.heard import heard_text
from providers.errors import Timeout

_AHEAD: Final = 2  # sentences synthesised before they are needed
_FILLER_S: Final = 1.2  # from when we know what was said: then we say that we are at it


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What the caller heard, and the key or the voice that cut it short."""

    text: str
    digit: str | None = None
    interrupted: bool = False


class Voice(Protocol):
    """What a speech needs of the mouth that it comes out of."""

    filler: Prompt | None
    said: str

    @property
    def provider(self) -> str: ...

    def prompt(self, text: str) -> Prompt: ...

    def take_notice(self) -> Prompt | None: ...


class Speech:
    """A text, its sentences made one ahead of the other; close it when it is done with.

    Args:
        mouth: whose voice it is.
        texts: the sentences, as they come.
        turn: whose answer it is; its times are noted, and a filler bridges a long wait for it.
        barge_in: it may be cut short, `by_voice`: also by the caller's words.
        wait_s: how long the next sentence may take.
    """

    def __init__(
        self,
        mouth: Voice,
        texts: Iterable[str],
        *,
        media: Media,
        journal: Journal,
        turn: Turn | None,
        barge_in: bool,
        by_voice: bool,
        wait_s: float,
    ) -> None:
        self._mouth = mouth
        self._media = media
        self._journal = journal
        self._turn = turn
        self._barge_in = barge_in
        self._by_voice = by_voice
        self._wait_s = wait_s
        self._ready: Queue[tuple[str, Prompt] | Exception | None] = Queue(maxsize=_AHEAD)
        self._heard: list[str] = []  # sentences
        self._current: tuple[str, Prompt] | None = None  # the sentence a voice cut
        self._from_s = 0.0
        self._bridged = False
        self._maker = spawn(self._make, texts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Make no more of it; closes the text's iterator too, which cancels a model's request."""
        self._maker.kill()

    @property
    def text(self) -> str:
        """What the caller has heard of it, to the word, however it ended."""
        part = [_heard(*self._current, self._from_s)] if self._current else []
        return " ".join(filter(None, [*self._heard, *part]))

    def speak(self) -> Spoken:
        """Say it to its end, or until it is cut; said again, it goes on where a voice cut it.

        Raises:
            ProviderError: the text's maker or the synthesis failed; what came before was spoken.
            Hangup: the caller is gone.
        """
        try:
            self._announce()
            cut = self._bridge()
            while cut is None and self._next():
                cut = self._play()
        except Pressed as pressed:
            cut = Played(key=pressed.key)
        except Spoke:
            cut = Played(voice=True)
        except gevent.queue.Empty:
            raise Timeout("no sentence came in time", provider="tts") from None
        finally:
            self._mouth.said = self.text or self._mouth.said
        cut = cut or Played()
        return Spoken(text=self.text, digit=cut.key, interrupted=cut.voice)

    def _announce(self) -> None:
        if (notice := self._mouth.take_notice()) is not None:
            self._journal.add("notice", duration_s=notice.duration_s)
            self._media.play(notice, barge_in=False)

    def _bridge(self) -> Played | None:
        """Say that we are at it when the first sentence is late; how that was cut short, if so."""
        if self._turn is None or self._bridged:
            return None
        self._bridged = True
        try:
            self._wait(lambda: self._ready.peek(timeout=_FILLER_S))
        except gevent.queue.Empty:
            if self._mouth.filler is None:
                return None
            silent_s = self._journal.now_s - self._turn.speech_ended_s
            self._journal.add("filler", after_s=round(silent_s, 3))
            played = self._media.play(
                self._mouth.filler, barge_in=self._barge_in, by_voice=self._by_voice
            )
            return played if played.key or played.voice else None
        return None

    def _next(self) -> bool:
        """Have a sentence to play; False when there is none left."""
        if self._current is not None:
            return True
        self._wait(lambda: self._ready.peek(timeout=self._wait_s))
        item = self._ready.get_nowait()
        if isinstance(item, Exception):
            raise item
        if item is not None:
            sentence, prompt = self._current = item
            turn = self._turn
            if turn is not None and turn.first_audio_ms is None:
                turn.first_audio_ms = round((self._journal.now_s - turn.speech_ended_s) * 1000)
            self._journal.add(
                "said", pii_text=sentence, duration_s=prompt.duration_s, cached=prompt.cached
            )
        return item is not None

    def _play(self) -> Played | None:
        """Play the sentence, or the rest of it; how it was cut short, if so."""
        assert self._current is not None  # `_next` said so
        sentence, prompt = self._current
        try:
            played = self._media.play(
                prompt, barge_in=self._barge_in, by_voice=self._by_voice, from_s=self._from_s
            )
        finally:
            self._from_s = self._media.sent_s
        if played.key or played.voice:
            return played
        self._heard.append(sentence)
        self._current, self._from_s = None, 0.0
        return None

    def _wait(self, work: Callable[[], object]) -> None:
        """Wait for the makers of it, who are not worth waiting for when the caller does something.

        A key is an answer to what is being said, and to what is still being made; his words belong
        to the question that is being answered.
        """
        if not self._barge_in:
            self._media.unless_over(work)
        elif self._turn is None or not self._by_voice:
            self._media.unless_pressed(work)
        else:
            self._media.unless_spoken(work)

    def _make(self, texts: Iterable[str]) -> None:
        turn = self._turn
        try:
            for sentence in texts:
                began = self._journal.now_s
                prompt = self._mouth.prompt(sentence)
                if turn is not None:
                    turn.providers["tts"] = self._mouth.provider
                    turn.spans.append(Span(stage="tts", start_s=began, end_s=self._journal.now_s))
                self._ready.put((sentence, prompt))
        except Exception as error:  # noqa: BLE001 - whoever speaks raises it
            self._ready.put(error)
        else:
            self._ready.put(None)


def _heard(sentence: str, prompt: Prompt, heard_s: float) -> str:
    """The words of a sentence that were sent to the caller."""
    if heard_s >= prompt.duration_s:
        return sentence
    whole = SpokenSentence(text=sentence, samples=round(prompt.duration_s * TELEPHONE_RATE))
    return heard_text([whole], round(heard_s * TELEPHONE_RATE)).text
