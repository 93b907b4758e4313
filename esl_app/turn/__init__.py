"""The pure core of a conversation: what to do next, given what happened."""

from __future__ import annotations

from esl_app.turn.asking import asked_for
from esl_app.turn.backchannel import Overlap, only_sounds, overlap
from esl_app.turn.barge_in import Action, BargeIn, BargeInRules, Cut, Pause, Resume
from esl_app.turn.completeness import Completeness, completeness
from esl_app.turn.destinations import Lead, Leads, WordRule
from esl_app.turn.endpointing import Endpointer
from esl_app.turn.heard import HeardText, Spoken, heard_of, heard_text
from esl_app.turn.intents import Intent, detect
from esl_app.turn.loop import Answer, End, Ending, Rules, Say, Step, TurnLoop
from esl_app.turn.patience import CallClock, CallLimits, NoInput, Over, Warn
from esl_app.turn.pauses import Pauses
from esl_app.turn.prompt_kind import Kind, PromptKind
from esl_app.turn.say_or_press import Entry, SayOrPress
from esl_app.turn.texts import Phrases, phrases, primary
from esl_app.turn.yes_no import yes_no

__all__ = [
    "Action",
    "Answer",
    "BargeIn",
    "BargeInRules",
    "CallClock",
    "CallLimits",
    "Completeness",
    "Cut",
    "End",
    "Ending",
    "Endpointer",
    "Entry",
    "HeardText",
    "Intent",
    "Kind",
    "Lead",
    "Leads",
    "NoInput",
    "Over",
    "Overlap",
    "Pause",
    "Pauses",
    "Phrases",
    "PromptKind",
    "Resume",
    "Rules",
    "Say",
    "SayOrPress",
    "Spoken",
    "Step",
    "TurnLoop",
    "Warn",
    "WordRule",
    "asked_for",
    "completeness",
    "detect",
    "heard_of",
    "heard_text",
    "only_sounds",
    "overlap",
    "phrases",
    "primary",
    "yes_no",
]
