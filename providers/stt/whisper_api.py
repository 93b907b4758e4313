"""Recognition by OpenAI, or by any server that speaks its transcription endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from providers.contracts import Audio, SttCapabilities, Transcript
from providers.deadline import Deadline
from providers.errors import BadRequest, BadResponse
from providers.openai_client import OpenAiAccount, OpenAiHold
from providers.settings import parse
from providers.sound import level_dbfs, samples, to_wav
from providers.text import clean, primary

_NAME = "whisper_api"
_MAX_S = 300.0
_SHORTEST_S = 0.1  # the endpoint refuses less
_MAX_CHARACTERS = 20_000


class WhisperApiConfig(OpenAiAccount):
    """`config` of whisper_api."""

    model: str = "whisper-1"
    # Names and terms that callers use, to help the model spell them.
    prompt: str | None = None
    # Under this level nothing is sent: it would cost money and come back as invented words.
    silence_dbfs: float = Field(default=-55.0, ge=-120.0, le=0.0)


class WhisperApi:
    """`SpeechToText` over the transcription endpoint."""

    name = _NAME
    capabilities = SttCapabilities()

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._settings = parse(WhisperApiConfig, config, provider=_NAME)
        self._hold = OpenAiHold(self._settings, provider=_NAME)

    def transcribe(self, audio: Audio, *, language: str, deadline: Deadline) -> Transcript:
        """The words of one utterance; empty for silence."""
        settings = self._settings
        if audio.duration_s > _MAX_S:
            raise BadRequest(
                f"{audio.duration_s:.0f} s of sound; at most {_MAX_S:.0f}", provider=_NAME
            )
        if audio.duration_s < _SHORTEST_S or level_dbfs(samples(audio)) < settings.silence_dbfs:
            return Transcript(text="", language=language)
        options: dict[str, Any] = {}
        if settings.prompt is not None:
            options["prompt"] = settings.prompt
        with self._hold.asking(deadline) as timeout:
            answer = self._hold.sdk.audio.transcriptions.create(
                model=settings.model,
                file=("utterance.wav", to_wav(audio), "audio/wav"),
                language=primary(language),
                response_format="json",
                temperature=0.0,
                timeout=timeout,
                **options,
            )
            text = answer.text
        if not isinstance(text, str) or len(text) > _MAX_CHARACTERS:
            raise BadResponse("no transcript, or an endless one", provider=_NAME)
        return Transcript(text=clean(text).strip(), language=language)

    def close(self) -> None:
        self._hold.close()
