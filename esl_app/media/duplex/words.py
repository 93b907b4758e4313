"""Words of the utterance that a leg's listener holds, known while the caller may still go on.

Two ways to them. Where the recogniser streams, the sound goes to it from the first voice on, its
words grow in `text`, and at a pause it is asked to settle them. Where it does not, each pause
starts it on what was said so far. A stream that is lost costs nothing of the utterance: the sound
is in the listener, and goes the second way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import gevent
import structlog
from gevent.event import Event as Flag

from esl_app.ears import Listener
from esl_app.errors import trace_of
from esl_app.greenlets import spawn
from esl_app.media.contract import Recognise, Recognised
from providers.contracts import Audio, SpeechStream
from providers.errors import BadResponse, ProviderError, Timeout

log = structlog.get_logger()

OpenStream = Callable[[int], SpeechStream]
"""A stream at a rate; returns at once; raises `ProviderError`."""

_ANSWER_S: Final = 1.0  # a stream that does not settle its words in that time is lost


class Words:
    """One leg's words; sets `wake` when there is news.

    Args:
        listener: holds the sound.
        rate: of the leg.
        open_stream: None where the recogniser does not stream.
        on_lost: told why a stream was given up.
    """

    def __init__(
        self,
        listener: Listener,
        *,
        rate: int,
        wake: Flag,
        open_stream: OpenStream | None,
        on_lost: Callable[[ProviderError], None],
    ) -> None:
        self.text = ""
        self.version = 0
        """Grows with each news of this utterance, also when the text stays as it was."""
        self.settled = False
        """Whether the text is known as far as the pause."""
        self._listener = listener
        self._rate = rate
        self._wake = wake
        self._open_stream = open_stream
        self._on_lost = on_lost
        self._stream: SpeechStream | None = None
        self._lost = False
        self._reader: gevent.Greenlet[..., None] | None = None
        self._run: gevent.Greenlet[..., None] | None = None
        self._recognise: Recognise | None = None  # what was asked at the pause
        self._error: ProviderError | None = None
        self._began = 0.0
        self._ended: float | None = None

    # -- the sound ------------------------------------------------------------------------------

    def begin(self) -> None:
        """Speech started: in a new utterance, or again in the one under way."""
        self.go_on()
        if self._open_stream is None or self._stream is not None or self._lost:
            return
        utterance = self._listener.utterance()
        if utterance is None:
            return
        try:
            stream = self._open_stream(self._rate)
        except ProviderError as error:
            self._lose(error)
            return
        self._stream = stream
        stream.feed(utterance.pcm)
        self._reader = spawn(self._read, stream)

    def feed(self, frame: bytes) -> None:
        """The next frame of the leg; before the listener gets it."""
        if self._stream is not None:
            self._stream.feed(frame)

    def follow(self) -> None:
        """Forget the words of an utterance that the listener has forgotten."""
        if (self._stream is not None or self.version) and not self._listener.has_utterance:
            self.reset()

    def reset(self) -> None:
        """The utterance is taken or forgotten."""
        self._drop_stream()
        self.go_on()
        self.text, self.version, self._lost = "", 0, False

    # -- the words ------------------------------------------------------------------------------

    def ask(self, recognise: Recognise) -> None:
        """The caller pauses: what did he say?"""
        self.go_on()
        utterance = self._listener.utterance()
        if utterance is None:
            return
        self._recognise, self._began = recognise, time.monotonic()
        if self._stream is not None:
            self._stream.flush()
        else:
            self._run = spawn(self._recognise_now, recognise, utterance)

    def go_on(self) -> None:
        """The pause was none: what was asked is of half an utterance."""
        if self._run is not None:
            self._run.kill(block=False)
        self.settled = False
        if self._stream is None:
            self.text, self.version = "", 0
        self._run = self._recognise = self._error = self._ended = None

    def look(self, now: float) -> None:
        """Give a stream up that does not answer."""
        if self._stream is not None and self.pending and now >= self._began + _ANSWER_S:
            self._lose(Timeout("no words at a pause", provider="stream"))

    @property
    def pending(self) -> bool:
        """Whether what was asked at the pause is not known yet."""
        return self._recognise is not None and self._ended is None

    @property
    def known(self) -> Recognised | None:
        """What was asked at the pause, once it is known."""
        if self._recognise is None or self._ended is None:
            return None
        return Recognised(text=self.text, error=self._error, began=self._began, ended=self._ended)

    # -- inside ---------------------------------------------------------------------------------

    def _read(self, stream: SpeechStream) -> None:
        try:
            for hearing in stream.hearings():
                if self._stream is not stream:
                    return  # the utterance has been taken meanwhile
                self.text, self.settled = hearing.text, hearing.settled
                self.version += 1
                if hearing.settled and self.pending:
                    self._ended = time.monotonic()
                self._wake.set()
        except ProviderError as error:
            if self._stream is stream:
                self._lose(error)
        except Exception as error:  # noqa: BLE001 - a greenlet's edge; whoever listens must not wait
            log.error("recogniser_failed", **trace_of(error))  # noqa: TRY400
            if self._stream is stream:
                self._lose(BadResponse("the recogniser failed", provider="stt"))

    def _lose(self, error: ProviderError) -> None:
        """Go on without the stream: what it was asked, the recogniser is asked at once."""
        self._lost = True
        self._drop_stream()
        self._on_lost(error)
        if self.pending and self._recognise is not None:
            self.ask(self._recognise)
        self._wake.set()

    def _drop_stream(self) -> None:
        stream, self._stream = self._stream, None
        reader, self._reader = self._reader, None
        if stream is not None:
            stream.close()
        if reader is not None and reader is not gevent.getcurrent():
            reader.kill(block=False)

    def _recognise_now(self, recognise: Recognise, audio: Audio) -> None:
        text = ""
        failure: ProviderError | None = None
        try:
            text = recognise(audio)
        except ProviderError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - a greenlet's edge; whoever listens must not wait
            log.error("recogniser_failed", **trace_of(error))  # noqa: TRY400
            failure = BadResponse("the recogniser failed", provider="stt")
        if self._run is gevent.getcurrent():  # nobody has gone on meanwhile
            self.text, self._error, self.settled = text, failure, True
            self.version += failure is None
            self._ended = time.monotonic()
            self._wake.set()
