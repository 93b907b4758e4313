"""The ears: whether the caller speaks, since when, and what it sounded like.

`Listener` is one leg's; `EnergyVad` and `SileroVad` are detectors a worker's legs share, and
`best_vad` is the better of them that is installed.
"""

from __future__ import annotations

from esl_app.ears.gate import EnergyVad, Gate
from esl_app.ears.listener import Listener, ListenerSettings
from esl_app.ears.silero import SileroVad, best_vad
from esl_app.ears.tracker import (
    SpeechContinues,
    SpeechEnded,
    SpeechEvent,
    SpeechStarted,
    SpeechTracker,
    TrackerSettings,
)
from esl_app.ears.vad import Judged, Vad, VadStream

__all__ = [
    "EnergyVad",
    "Gate",
    "Judged",
    "Listener",
    "ListenerSettings",
    "SileroVad",
    "SpeechContinues",
    "SpeechEnded",
    "SpeechEvent",
    "SpeechStarted",
    "SpeechTracker",
    "TrackerSettings",
    "Vad",
    "VadStream",
    "best_vad",
]
