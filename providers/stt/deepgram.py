"""Recognition by Deepgram's live interface: words while they are spoken.

The protocol (developers.deepgram.com, "Live Audio"): a WebSocket whose URL names model, language
and the form of the audio; binary frames up; text frames of JSON both ways:

    we send     Finalize (settle what you have) · KeepAlive (within 10 s of silence) · CloseStream
    it sends    Results   words of `start` … `start + duration` seconds of the audio. `is_final`:
                          they will not change; a later one begins after them. `speech_final`: the
                          caller pauses. `from_finalize`: the answer to Finalize
                Error · and UtteranceEnd, SpeechStarted, Metadata, which tell us nothing new

Not every Finalize is answered: with nothing held back there is nothing to say. So what was flushed
is settled when final results reach as far as the audio that was flushed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import gevent
from gevent.queue import Empty, Full, Queue
from pydantic import Field, SecretStr, field_validator

from providers.contracts import Audio, Hearing, SttCapabilities, Transcript
from providers.deadline import Deadline
from providers.errors import BadRequest, BadResponse, ProviderError, Timeout, Unavailable
from providers.settings import VendorConfig, parse
from providers.text import clean
from providers.websocket import WebSocket, connect

_NAME: Final = "deepgram"
OFFICIAL: Final = "wss://api.deepgram.com/v1/listen"
_KEEP_ALIVE_S: Final = 4.0
_MAX_S: Final = 300.0
_PIECE_S: Final = 0.25
_MOST_WAITING: Final = 3000  # pieces: a minute of 20 ms frames
_MOST_CHARACTERS: Final = 20_000
_REACHES_S: Final = 0.05  # of audio: the last frame may not fill the recogniser's own
_ANSWERS_S: Final = 0.5  # an answer to a Finalize says less exactly how far it reaches

_FINALIZE: Final = json.dumps({"type": "Finalize"})
_KEEP_ALIVE: Final = json.dumps({"type": "KeepAlive"})
_CLOSE_STREAM: Final = json.dumps({"type": "CloseStream"})


class DeepgramConfig(VendorConfig):
    """`config` of deepgram."""

    api_key: SecretStr
    # An installation of the vendor's software of one's own.
    base_url: str = OFFICIAL
    model: str = "nova-3"
    # Overrides the secretary's language, for example "multi".
    language: str | None = None
    # Names and terms that callers use.
    keyterms: list[str] = Field(default_factory=list, max_length=100)
    # Numbers, dates and prices as figures, sentences with punctuation.
    smart_format: bool = True
    # Silence after which the vendor settles what it heard, without being asked.
    endpointing_ms: int = Field(default=300, ge=10, le=5000)

    @field_validator("api_key")
    @classmethod
    def _fits_a_header(cls, key: SecretStr) -> SecretStr:
        text = key.get_secret_value().strip()
        if not re.fullmatch(r"[\x21-\x7e]+", text):
            raise ValueError("empty, or with characters that no key has")
        return SecretStr(text)

    @field_validator("base_url")
    @classmethod
    def _is_a_websocket(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("ws", "wss") or not parts.hostname or parts.username or parts.query:
            raise ValueError("not a ws(s) URL without user name and query")
        return url


class _Words:
    """What the results add up to."""

    def __init__(self) -> None:
        self.final = ""
        self.interim = ""
        self.final_s = 0.0  # of the audio, by the end of the last final words

    @property
    def text(self) -> str:
        return f"{self.final} {self.interim}".strip()

    def take(self, results: Mapping[str, Any]) -> None:
        """Take a message of results.

        Raises:
            KeyError, TypeError, ValueError, IndexError: it is none.
        """
        said = clean(str(results["channel"]["alternatives"][0]["transcript"])).strip()
        until_s = float(results["start"]) + float(results["duration"])
        if results["is_final"]:
            self.final, self.interim = f"{self.final} {said}".strip(), ""
            self.final_s = max(self.final_s, until_s)
        else:
            self.interim = said


class DeepgramStream:
    """`SpeechStream`: one connection for one utterance."""

    def __init__(self, url: str, key: str, *, rate: int, deadline: Deadline) -> None:
        self._url = url
        self._key = key
        self._rate = rate
        self._deadline = deadline
        self._fed_s = 0.0
        self._flushed_s: float | None = None
        self._outgoing: Queue[str | bytes] = Queue(maxsize=_MOST_WAITING)
        # Unbounded, but what comes is told at the pace of speech, and all of it within a cap.
        self._known: Queue[Hearing | ProviderError | None] = Queue()
        self._runner = gevent.spawn(self._run)

    def feed(self, pcm: bytes) -> None:
        """The next sound; waits to be sent."""
        self._fed_s += len(pcm) / 2 / self._rate
        self._send(pcm)

    def flush(self) -> None:
        """Ask to settle what was fed."""
        self._flushed_s = self._fed_s
        self._send(_FINALIZE)

    def finish(self) -> None:
        """No sound comes any more: `hearings` ends when everything is told."""
        self._flushed_s = self._fed_s
        self._send(_CLOSE_STREAM)

    def hearings(self) -> Iterator[Hearing]:
        """What is known, whenever that changes."""
        while (item := self._known.get()) is not None:
            if isinstance(item, ProviderError):
                raise item
            yield item

    def close(self) -> None:
        """Drop the connection."""
        self._runner.kill(block=False)
        self._known.put(None)

    def _send(self, message: str | bytes) -> None:
        try:
            self._outgoing.put_nowait(message)
        except Full:
            self._runner.kill(block=False)
            self._known.put(Timeout("a minute of sound waits to be sent", provider=_NAME))

    def _run(self) -> None:
        whole = gevent.Timeout.start_new(max(self._deadline.remaining_s, 0.001))
        try:
            self._converse()
            self._known.put(None)
        except ProviderError as error:
            self._known.put(error)
        except gevent.Timeout as expired:
            if expired is not whole:
                raise
            self._known.put(Timeout("no end by the deadline", provider=_NAME))
        finally:
            whole.close()

    def _converse(self) -> None:
        line = connect(
            self._url,
            headers={"Authorization": f"Token {self._key}"},
            deadline=self._deadline,
            provider=_NAME,
        )
        sender = gevent.spawn(self._pass_on, line)
        try:
            words = _Words()
            while (message := line.receive()) is not None:
                if (heard := self._heard(message, words)) is not None:
                    self._known.put(heard)
            if line.close_code not in (1000, 1005):
                raise _of_close(line.close_code or 0)
        finally:
            sender.kill(block=False)
            line.close()

    def _pass_on(self, line: WebSocket) -> None:
        try:
            while True:
                try:
                    message = self._outgoing.get(timeout=_KEEP_ALIVE_S)
                except Empty:
                    message = _KEEP_ALIVE
                line.send(message)
        except Unavailable:
            line.cut()  # whoever receives tells it

    def _heard(self, message: str, words: _Words) -> Hearing | None:
        """What a message tells us that we did not know."""
        before = words.text
        asked = False
        try:
            data = json.loads(message)
            match data["type"]:
                case "Results":
                    words.take(data)
                    asked = bool(data.get("from_finalize"))
                case "Error":
                    raise BadRequest("an error in the answer", provider=_NAME)
                case _:
                    return None
        except (KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
            raise BadResponse(
                f"a message is not of the form we know ({type(error).__name__})", provider=_NAME
            ) from None
        if len(words.text) > _MOST_CHARACTERS:
            raise BadResponse("an endless transcript", provider=_NAME)
        reaches_s = words.final_s + (_ANSWERS_S if asked else _REACHES_S)
        settled = self._flushed_s is not None and reaches_s >= self._flushed_s
        if words.text == before and not settled:
            return None
        return Hearing(text=words.text, settled=settled)


class Deepgram:
    """`StreamingSpeechToText`."""

    name = _NAME
    capabilities = SttCapabilities(streaming=True)

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._settings = parse(DeepgramConfig, config, provider=_NAME)
        self._closed = False

    def open(self, *, rate: int, language: str, deadline: Deadline) -> DeepgramStream:
        """A stream of s16le at `rate`; the connection is made meanwhile."""
        if self._closed:
            raise Unavailable("closed", provider=_NAME)
        settings = self._settings
        query: list[tuple[str, str]] = [
            ("model", settings.model),
            ("language", settings.language or language),
            ("encoding", "linear16"),
            ("sample_rate", str(rate)),
            ("channels", "1"),
            ("interim_results", "true"),
            ("smart_format", "true" if settings.smart_format else "false"),
            ("endpointing", str(settings.endpointing_ms)),
            *(("keyterm", term) for term in settings.keyterms),
        ]
        return DeepgramStream(
            f"{settings.base_url}?{urlencode(query)}",
            settings.api_key.get_secret_value(),
            rate=rate,
            deadline=deadline,
        )

    def transcribe(self, audio: Audio, *, language: str, deadline: Deadline) -> Transcript:
        """The words of one utterance, over the same interface, as fast as it takes the sound."""
        if audio.duration_s > _MAX_S:
            raise BadRequest(
                f"{audio.duration_s:.0f} s of sound; at most {_MAX_S:.0f}", provider=_NAME
            )
        if not audio.pcm:
            return Transcript(text="", language=language)
        stream = self.open(rate=audio.rate, language=language, deadline=deadline)
        try:
            size = 2 * round(audio.rate * _PIECE_S)
            for first in range(0, len(audio.pcm), size):
                stream.feed(audio.pcm[first : first + size])
            stream.finish()
            text = ""
            for heard in stream.hearings():
                text = heard.text
        finally:
            stream.close()
        return Transcript(text=text, language=language)

    def close(self) -> None:
        self._closed = True


def _of_close(code: int) -> ProviderError:
    """1008: audio it cannot decode (DATA-0000); 1011: its own trouble, or no audio (NET-000x)."""
    message = f"the stream was closed ({code})"
    if code == 1008:
        return BadRequest(message, provider=_NAME)
    return Unavailable(message, provider=_NAME)
