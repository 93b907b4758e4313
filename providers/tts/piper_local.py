"""Piper on this machine, without a network, in a process of its own.

piper-tts is GPL-3, so it is an optional extra and only ever runs as a separate program. The default
voice is joe (US English, 22.05 kHz); `model` may be the .onnx file of any other Piper voice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from providers.contracts import Audio, TtsCapabilities
from providers.deadline import Deadline
from providers.errors import BadRequest, ConfigError
from providers.settings import VendorConfig, parse
from providers.text import clean, primary, speakable
from providers.worker import EngineHold, EngineSpec

_NAME = "piper_local"
_SHIPPED = "en_US-joe-medium"
_SHIPPED_RATE = 22_050
_MAX_CHARACTERS = 4000


class PiperLocalConfig(VendorConfig):
    """`config` of piper_local."""

    model: str = _SHIPPED
    processes: int = Field(default=1, ge=1, le=16)
    threads: int = Field(default=1, ge=1, le=16)
    volume: float = Field(default=1.0, gt=0.0, le=1.0)

    @field_validator("model")
    @classmethod
    def _known(cls, model: str) -> str:
        if model != _SHIPPED and not (Path(model).is_file() and Path(f"{model}.json").is_file()):
            raise ValueError(f"neither {_SHIPPED!r} nor an .onnx file with a .json: {model!r}")
        return model


class PiperLocal:
    """`TextToSpeech` on this machine."""

    name = _NAME

    def __init__(self, config: Mapping[str, Any]) -> None:
        settings = parse(PiperLocalConfig, config, provider=_NAME)
        language, self._rate = _voice(settings.model)
        self.capabilities = TtsCapabilities(
            languages=(language,), voices=(Path(settings.model).stem,), rates=(self._rate,)
        )
        options = settings.model_dump(exclude={"processes"})
        self._engine = EngineHold(
            EngineSpec.of(
                _NAME, "providers.tts.piper_engine", options, processes=settings.processes
            )
        )

    def warm_up(self, deadline: Deadline) -> None:
        self._engine.pool.warm_up(deadline)

    def synthesize(
        self,
        text: str,
        *,
        language: str,
        deadline: Deadline,
        voice: str | None = None,
        speed: float = 1.0,
    ) -> Audio:
        """One sentence or a few as sound; `speed` is held between 0.5 and 2."""
        if primary(language) not in self.capabilities.languages:
            raise BadRequest(
                f"this voice does not speak {language!r} (it speaks "
                f"{', '.join(self.capabilities.languages)}); configure another `model`",
                provider=_NAME,
            )
        if voice is not None and voice not in self.capabilities.voices:
            raise BadRequest(
                f"no voice {voice!r} (there is {', '.join(self.capabilities.voices)})",
                provider=_NAME,
            )
        if len(text) > _MAX_CHARACTERS:
            raise BadRequest(f"{len(text)} characters; at most {_MAX_CHARACTERS}", provider=_NAME)
        if not speakable(text):
            return Audio(pcm=b"", rate=self._rate)
        answer, pcm = self._engine.pool.request(
            {"text": clean(text), "speed": min(2.0, max(0.5, speed))}, deadline=deadline
        )
        return Audio(pcm=pcm, rate=answer["rate"])

    def close(self) -> None:
        self._engine.close()


def _voice(model: str) -> tuple[str, int]:
    """Language and rate of a voice."""
    if model == _SHIPPED:
        return "en", _SHIPPED_RATE
    try:
        card = json.loads(Path(f"{model}.json").read_text("utf-8"))
        language = card.get("language", {}).get("code") or card["espeak"]["voice"]
        return primary(language), int(card["audio"]["sample_rate"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(f"{model}.json does not describe a Piper voice", provider=_NAME) from None
