"""Media bugs: what listens in on a channel's frames beside whatever it executes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from esl_app.switchsim.clock import RATE
from esl_app.switchsim.speech import SpeechEvent, VoiceRecogniser
from esl_app.switchsim.wavefile import WavFile


class MediaBug(Protocol):
    """Gets each frame of both directions."""

    function: str
    target: str

    @property
    def listens(self) -> bool:
        """Whether a caller would say that somebody listens."""
        ...

    def frame(self, caller: bytes, agent: bytes) -> None: ...

    def close(self) -> None: ...


class Detection:
    """An open recogniser; `tell` passes its events on."""

    function = "detect_speech"
    listens = True

    def __init__(
        self, engine: str, recogniser: VoiceRecogniser, tell: Callable[[SpeechEvent], None]
    ) -> None:
        self.target = f"{engine}/(null)/(null)/(null)"
        self.recogniser = recogniser
        self._tell = tell

    def frame(self, caller: bytes, agent: bytes) -> None:
        del agent
        event = self.recogniser.feed(caller)
        if event is not None:
            self._tell(event)

    def close(self) -> None:
        self._tell(SpeechEvent(kind="closed"))


@dataclass(slots=True, kw_only=True)
class Patience:
    """How long a recording waits for a voice, and for more of it; 0 is for ever."""

    initial_ms: int = 0
    final_ms: int = 0
    threshold: int = 200
    _silent_ms: int = 0
    _spoken: bool = False

    def over(self, caller: bytes) -> str:
        """Take in 20 ms; why the recording is over, or nothing."""
        level = np.abs(np.frombuffer(caller, "<i2").astype(np.int32)).mean()
        if level >= self.threshold:
            self._spoken, self._silent_ms = True, 0
            return ""
        self._silent_ms += 20
        allowed = self.final_ms if self._spoken else self.initial_ms
        if not allowed or self._silent_ms < allowed:
            return ""
        return "success-silence" if self._spoken else "no-input-timeout"


class Recording:
    """A background recording: stereo (left the caller), mixed, or the caller alone.

    `over` is called when it ends by itself, by its limit or its patience; `cause` says why.

    Raises:
        OSError, ValueError: as `WavFile`.
    """

    function = "session_record"
    listens = False

    def __init__(
        self,
        path: str,
        *,
        stereo: bool,
        caller_only: bool,
        append: bool,
        limit_s: int,
        patience: Patience,
        over: Callable[[Recording], None],
    ) -> None:
        self.target = path
        self.masked = False
        self.paused = False
        self.cause = "success-maxtime"
        self._stereo = stereo and not caller_only
        self._caller_only = caller_only
        self._frames_left = limit_s * 50 if limit_s else -1
        self._patience = patience
        self._over = over
        channels = 2 if self._stereo else 1
        self._file = WavFile(Path(path), append=append, channels=channels).__enter__()

    @property
    def samples(self) -> int:
        """Samples a channel, of this recording."""
        return self._file.samples

    @property
    def ms(self) -> int:
        return self.samples * 1000 // RATE

    def frame(self, caller: bytes, agent: bytes) -> None:
        if self.paused:
            return
        sides = [np.frombuffer(side, "<i2") for side in (caller, agent)]
        if self._stereo:
            samples = np.stack(sides, axis=1)
        elif self._caller_only:
            samples = sides[0]
        else:
            mixed = sides[0].astype(np.int32) + sides[1]
            samples = np.clip(mixed, -32768, 32767).astype("<i2")
        self._file.write((samples * 0 if self.masked else samples).tobytes())
        self._frames_left -= 1
        if cause := self._patience.over(caller):
            self.cause = cause
        if cause or not self._frames_left:
            self._over(self)

    def close(self) -> None:
        self._file.__exit__(None, None, None)
