"""A stand-in for FreeSWITCH's `test` recogniser (mod_test.c): hears voice, says a given text. Pure.

Voice is energy (switch_vad.c): a frame whose mean amplitude is above `vad-thresh`. More than
`vad-voice-ms` of it in a row begins an utterance, more than `vad-silence-ms` without ends it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

_FRAME_MS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechEvent:
    """What DETECTED_SPEECH says: `begin-speaking`, a partial or a final result."""

    kind: str
    body: str = ""


@dataclass(slots=True, kw_only=True)
class VoiceRecogniser:
    """One engine that is open on a channel.

    `text` gives the words of the next utterance when a result is made.
    """

    text: Callable[[], str]
    grammar: str = ""
    voice_ms: int = 60
    silence_ms: int = 700
    threshold: int = 400
    no_input_ms: int = 5000
    speech_ms: int = 10_000
    timers_at_start: bool = True
    result: str | None = None
    confidence: float = 87.3
    partials: int = 0
    listening: bool = True
    _timers: bool = True
    _voiced_ms: int = 0
    _silent_ms: int = 0
    _talking: bool = False
    _waited_ms: int = 0
    _talked_ms: int = 0
    _pending: list[SpeechEvent] = field(default_factory=list)

    def load(self, grammar: str) -> None:
        """A grammar, with `{name=value,…}` in front."""
        found = re.fullmatch(r"(?:\{([^}]*)\})?(.*)", grammar, re.DOTALL)
        assert found is not None
        for pair in (found[1] or "").split(","):
            name, _, value = pair.partition("=")
            self._set(name.strip().lower(), value)
        self.grammar = found[2]

    def _set(self, name: str, value: str) -> None:
        number = int(value) if re.fullmatch(r"-?\d+", value) else 0
        if name == "no-input-timeout":
            self.no_input_ms = number
        elif name == "speech-timeout":
            self.speech_ms = number
        elif name == "start-input-timers":
            self.timers_at_start = self._timers = value == "true"
        elif name == "vad-voice-ms" and number > 0:
            self.voice_ms = number
        elif name == "vad-silence-ms" and number > 0:
            self.silence_ms = number
        elif name == "vad-thresh" and number > 0:
            self.threshold = number
        elif name == "result":
            self.result = value
        elif name == "partial" and value == "true":
            self.partials = 3

    def resume(self) -> None:
        """Listen anew; a `result` parameter counts once (mod_test.c, test_asr_reset)."""
        self.result = None
        self.listening = True
        self._talking = False
        self._voiced_ms = self._silent_ms = self._waited_ms = 0
        self._timers = self.timers_at_start
        self._pending.clear()

    def pause(self) -> None:
        self.listening = False
        self._pending.clear()

    def start_input_timers(self) -> None:
        if not self._timers:
            self._timers = True
            self._waited_ms = 0

    def feed(self, frame: bytes) -> SpeechEvent | None:
        """Hear 20 ms; at most one event comes of it, as of one round of FreeSWITCH's thread."""
        if self._pending:
            return self._pending.pop(0)
        if not self.listening:
            return None
        self._count(frame)
        if not self._talking and self._voiced_ms > self.voice_ms:
            self._talking = True
            self._talked_ms = 0
            return SpeechEvent(kind="begin-speaking")
        if self._talking:
            self._talked_ms += _FRAME_MS
            if self._silent_ms > self.silence_ms or 0 < self.speech_ms <= self._talked_ms:
                return self._finish(self._words())
        elif self._timers:
            self._waited_ms += _FRAME_MS
            if 0 <= self.no_input_ms <= self._waited_ms:
                empty = {"grammar": self.grammar, "text": "", "confidence": 0, "error": "no_input"}
                return self._finish(json.dumps(empty))
        return None

    def _count(self, frame: bytes) -> None:
        loud = np.abs(np.frombuffer(frame, "<i2").astype(np.int32)).mean() > self.threshold
        self._voiced_ms = self._voiced_ms + _FRAME_MS if loud else 0
        self._silent_ms = 0 if loud else self._silent_ms + _FRAME_MS

    def _words(self) -> str:
        text = self.result if self.result is not None else self.text()
        if text.startswith(("{", "<")):
            return text  # a whole result of another engine
        quoted = json.dumps(text, ensure_ascii=False)
        return (
            f'{{"grammar": "{self.grammar}", "text": {quoted}, "confidence": {self.confidence:f}}}'
        )

    def _finish(self, body: str) -> SpeechEvent:
        self.listening = self._talking = False
        partials, self.partials = self.partials, 0
        kinds = ["detected-partial-speech"] * partials + ["detected-speech"]
        self._pending = [SpeechEvent(kind=kind, body=body) for kind in kinds]
        return self._pending.pop(0)
