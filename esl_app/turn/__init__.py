"""The pure core of a conversation: what to do next, given what happened."""

from __future__ import annotations

from esl_app.turn.intents import Intent, detect
from esl_app.turn.loop import Answer, End, Ending, Rules, Say, Step, TurnLoop
from esl_app.turn.sentences import clean, sentences
from esl_app.turn.texts import Phrases, phrases, primary

__all__ = [
    "Answer",
    "End",
    "Ending",
    "Intent",
    "Phrases",
    "Rules",
    "Say",
    "Step",
    "TurnLoop",
    "clean",
    "detect",
    "phrases",
    "primary",
    "sentences",
]
