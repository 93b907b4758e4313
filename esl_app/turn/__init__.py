"""The pure core of a conversation: what to do next, given what happened."""

from __future__ import annotations

from esl_app.turn.completeness import Completeness, completeness
from esl_app.turn.endpointing import Endpointer
from esl_app.turn.intents import Intent, detect
from esl_app.turn.loop import Answer, End, Ending, Rules, Say, Step, TurnLoop
from esl_app.turn.pauses import Pauses
from esl_app.turn.prompt_kind import Kind, PromptKind
from esl_app.turn.sentences import clean, sentences
from esl_app.turn.texts import Phrases, phrases, primary

__all__ = [
    "Answer",
    "Completeness",
    "End",
    "Ending",
    "Endpointer",
    "Intent",
    "Kind",
    "Pauses",
    "Phrases",
    "PromptKind",
    "Rules",
    "Say",
    "Step",
    "TurnLoop",
    "clean",
    "completeness",
    "detect",
    "phrases",
    "primary",
    "sentences",
]
