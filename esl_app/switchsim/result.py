"""What is left of a call: who ended it, what was heard, what happened when."""

from __future__ import annotations

import wave
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from esl_app.switchsim.clock import RATE
from esl_app.switchsim.unicast import UnicastStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that happened at `at_s` of the call's audio.

    Kinds: `attempt` `connected` `refused` `lost` (the controller), `command`, `execute`,
    `complete`, `answered`, `caller`, `digit`, `transfer`, `stranded`, `dialplan`, `hangup`,
    `unsupported`, `fault`.
    """

    kind: str
    at_s: float
    what: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """A call that is over."""

    uuid: str
    hangup_cause: str
    ended_by: str  # "caller", "controller", "switch" (failures, the dialplan's own end)
    answered: bool
    sip_status: int  # what the caller's phone saw: 200, or the refusal of an unanswered call
    answered_at_s: float | None  # in audio time, like every moment
    duration_s: float
    real_s: float
    caller_audio: bytes  # s16 at 8 kHz; both timelines start at the INVITE and are equally long
    agent_audio: bytes
    moments: tuple[Moment, ...]
    variables: Mapping[str, str]
    transferred_to: str | None  # the last extension the call was sent to
    fell_back: bool  # the dialplan went on because no controller was left
    attempts: int  # controllers the dialplan connected to
    script_finished: bool
    caller_gave_up: bool
    unicast: UnicastStatistics = field(default_factory=UnicastStatistics)

    def applications(self) -> list[str]:
        """Names of the applications in the order they began."""
        return [moment.what for moment in self.moments if moment.kind == "execute"]

    def of(self, kind: str) -> list[Moment]:
        return [moment for moment in self.moments if moment.kind == kind]

    def write_wav(self, path: Path) -> None:
        """Both sides as stereo: caller left, agent right."""
        sides = [np.frombuffer(side, "<i2") for side in (self.caller_audio, self.agent_audio)]
        with wave.open(str(path), "wb") as writer:
            writer.setnchannels(2)
            writer.setsampwidth(2)
            writer.setframerate(RATE)
            writer.writeframes(np.stack(sides, axis=1).tobytes())
