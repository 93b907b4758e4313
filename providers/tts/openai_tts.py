"""Speech by OpenAI, or by any server that speaks its speech endpoint: raw 24 kHz samples."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from providers.contracts import Audio, TtsCapabilities
from providers.deadline import Deadline
from providers.errors import BadRequest, BadResponse
from providers.openai_client import OpenAiAccount, OpenAiHold
from providers.settings import parse
from providers.sound import from_wav
from providers.text import clean, speakable

_NAME = "openai_tts"
_MAX_CHARACTERS = 4096  # the endpoint's own limit
# Beginnings of sound files: played as samples they would be a burst of noise.
_FILES = (b"ID3", b"OggS", b"fLaC")
_MP3_FRAME = re.compile(rb"\xff[\xf2\xf3\xfa\xfb]")  # a sample could begin so: the type decides
_TEXT = re.compile(rb"[\t\n\r\x20-\x7e]{24}")  # so even and so loud no sound begins


class OpenAiTtsConfig(OpenAiAccount):
    """`config` of openai_tts."""

    model: str = "tts-1"
    voice: str = "nova"
    # How to speak, for models that take it.
    instructions: str | None = None
    rate: int = Field(default=24_000, ge=8_000, le=48_000)


class OpenAiTts:
    """`TextToSpeech` over the speech endpoint."""

    name = _NAME

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._settings = parse(OpenAiTtsConfig, config, provider=_NAME)
        self._hold = OpenAiHold(self._settings, provider=_NAME)
        self.capabilities = TtsCapabilities(rates=(self._settings.rate,))

    def synthesize(
        self,
        text: str,
        *,
        language: str,  # noqa: ARG002 - the model hears the language from the text
        deadline: Deadline,
        voice: str | None = None,
        speed: float = 1.0,
    ) -> Audio:
        """One sentence or a few as sound; `speed` is held between 0.25 and 4."""
        settings = self._settings
        if len(text) > _MAX_CHARACTERS:
            raise BadRequest(f"{len(text)} characters; at most {_MAX_CHARACTERS}", provider=_NAME)
        if not speakable(text):
            return Audio(pcm=b"", rate=settings.rate)
        options: dict[str, Any] = {}
        if settings.instructions is not None:
            options["instructions"] = settings.instructions
        if speed != 1.0:
            options["speed"] = min(4.0, max(0.25, speed))
        with (
            self._hold.asking(deadline) as timeout,
            self._hold.sdk.audio.speech.with_streaming_response.create(
                model=settings.model,
                voice=voice or settings.voice,
                input=clean(text),
                response_format="pcm",
                timeout=timeout,
                **options,
            ) as response,
        ):
            kind = response.headers.get("content-type", "")
            if kind.startswith(("text/", "application/json")):
                raise BadResponse(f"{kind.partition(';')[0]} instead of sound", provider=_NAME)
            return self._samples(kind, b"".join(response.iter_bytes()))

    def close(self) -> None:
        self._hold.close()

    def _samples(self, kind: str, data: bytes) -> Audio:
        if data.startswith(b"RIFF"):  # some servers send WAV whatever they are asked for
            try:
                return from_wav(data)
            except ValueError as error:
                raise BadResponse(str(error), provider=_NAME) from None
        mp3 = kind.startswith("audio/mp") and _MP3_FRAME.match(data)
        if data.startswith(_FILES) or mp3 or _TEXT.match(data):
            raise BadResponse("something else instead of samples", provider=_NAME)
        if not data or len(data) % 2:
            raise BadResponse(f"{len(data)} bytes are no 16-bit samples", provider=_NAME)
        return Audio(pcm=data, rate=self._settings.rate)
