"""What a worker process shares between its calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from esl_app.backlog import Backlog
from esl_app.config import Settings
from esl_app.conversation import Budget
from esl_app.ears import Vad
from esl_app.engines import EnginePool
from esl_app.flow_runner import FlowLoader
from esl_app.journal import Entry, Journal
from esl_app.leg import Leg
from esl_app.media.duplex import Pacer
from esl_app.media.prompts import PromptCache
from esl_app.quotas import Quotas
from esl_app.recording import Recordings
from esl_app.stores import Stores

Observer = Callable[[Leg, Entry], None]
"""Sees what happens in every call, as it happens."""

OnCall = Callable[[Leg, Journal, dict[str, object]], None]
"""Told of every call when it is over: what happened, and its facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Made once by the controller."""

    settings: Settings
    stores: Stores
    engines: EnginePool
    pacer: Pacer
    vad: Vad
    prompts: PromptCache
    budget: Budget
    recordings: Recordings
    flows: FlowLoader
    observe: Observer | None
    on_call: OnCall | None
    quotas: Quotas
    backlog: Backlog
