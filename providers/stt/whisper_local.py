"""Whisper on this machine, without a network: CTranslate2 by faster-whisper, in its own process.

The default model is tiny.en, which hears English only: 1-5 % word errors on telephone speech, 0.4 s
of an idle core an utterance whatever its length (Whisper computes on 30 s windows), over a second
on a busy one. `model` may be a folder with any other CTranslate2 Whisper model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from providers.contracts import Audio, SttCapabilities, Transcript
from providers.deadline import Deadline
from providers.errors import BadRequest
from providers.settings import VendorConfig, parse
from providers.text import clean, primary
from providers.worker import EngineHold, EngineSpec

_NAME = "whisper_local"
_SHIPPED = "tiny.en"
_MAX_S = 120.0


class WhisperLocalConfig(VendorConfig):
    """`config` of whisper_local."""

    model: str = _SHIPPED
    processes: int = Field(default=1, ge=1, le=16)
    threads: int = Field(default=1, ge=1, le=16)
    beam_size: int = Field(default=1, ge=1, le=10)
    # Under this level there is nothing to hear, and recognising would cost a second.
    silence_dbfs: float = Field(default=-55.0, ge=-120.0, le=0.0)

    @field_validator("model")
    @classmethod
    def _known(cls, model: str) -> str:
        if model != _SHIPPED and not (Path(model) / "model.bin").is_file():
            raise ValueError(f"neither {_SHIPPED!r} nor a folder with a model.bin: {model!r}")
        return model


class WhisperLocal:
    """`SpeechToText` on this machine."""

    name = _NAME

    def __init__(self, config: Mapping[str, Any]) -> None:
        settings = parse(WhisperLocalConfig, config, provider=_NAME)
        self.capabilities = SttCapabilities(languages=_languages(settings.model))
        options = settings.model_dump(exclude={"processes"})
        self._engine = EngineHold(
            EngineSpec.of(
                _NAME, "providers.stt.whisper_engine", options, processes=settings.processes
            )
        )

    def warm_up(self, deadline: Deadline) -> None:
        self._engine.pool.warm_up(deadline)

    def transcribe(self, audio: Audio, *, language: str, deadline: Deadline) -> Transcript:
        """The words of one utterance; empty for silence and noise."""
        spoken = primary(language)
        if self.capabilities.languages and spoken not in self.capabilities.languages:
            raise BadRequest(
                f"this model does not hear {language!r} (it hears "
                f"{', '.join(self.capabilities.languages)}); configure another `model`",
                provider=_NAME,
            )
        if audio.duration_s > _MAX_S:
            raise BadRequest(
                f"{audio.duration_s:.0f} s of sound; at most {_MAX_S:.0f}", provider=_NAME
            )
        answer, _ = self._engine.pool.request(
            {"rate": audio.rate, "language": spoken}, audio.pcm, deadline=deadline
        )
        return Transcript(
            text=clean(answer["text"]).strip(), language=language, confidence=answer["confidence"]
        )

    def close(self) -> None:
        self._engine.close()


def _languages(model: str) -> tuple[str, ...]:
    """("en",) for an English model, () for a multilingual one.

    Their vocabularies differ in length: 51864 tokens against 51865 or more (openai/whisper,
    `is_multilingual` in model.py).
    """
    if model == _SHIPPED:
        return ("en",)
    folder = Path(model)
    try:
        if (folder / "vocabulary.json").is_file():
            tokens = len(json.loads((folder / "vocabulary.json").read_text("utf-8")))
        else:
            tokens = len((folder / "vocabulary.txt").read_text("utf-8").splitlines())
    except (OSError, ValueError):
        return ()  # loading the model will say what is wrong with it
    return ("en",) if tokens < 51865 else ()
