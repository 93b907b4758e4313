"""The journal: an append-only record of one call, in the order in which things happened.

Everything that tells about a call afterwards (terminal, `transcript.json`, `report.html`, the rows
in the database, the canonical log line) is read off it; nothing else keeps a second account.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from esl_app.ledger import Ledger
from providers.contracts import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that happened, `at_s` seconds after the call began."""

    at_s: float
    kind: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One stage of a turn, in seconds from the call's beginning."""

    stage: str
    start_s: float
    end_s: float

    @property
    def ms(self) -> int:
        return round((self.end_s - self.start_s) * 1000)


@dataclass(slots=True, kw_only=True)
class Turn:
    """What the caller said, what we answered, and what each stage took."""

    number: int
    prompt: str = field(default="", repr=False)  # what a flow asked, as far as it was heard
    question: str = field(default="", repr=False)  # the caller's words
    keys: str = field(default="", repr=False)  # pressed in their place
    answer: str = field(default="", repr=False)  # what the caller heard of it
    intent: str = ""
    speech_ended_s: float = 0.0  # when the caller's last voiced frame was, on the journal's clock
    speech_ms: int = 0
    endpoint_ms: int | None = None  # from there until we knew that it was the end
    first_audio_ms: int | None = None  # from there until the answer's first sound was started
    spans: list[Span] = field(default_factory=list)
    providers: dict[str, str] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    speculation: Ledger = field(default_factory=Ledger)
    characters: int = 0  # synthesised for it; what was kept from before is free
    cost: Decimal | None = None  # None: the tenant has no prices
    currency: str | None = None
    trouble: str = ""

    @property
    def shown(self) -> str:
        """What the caller said; of keys only how many, since they may be a secret."""
        return self.question or "•" * len(self.keys)

    def follows(self, begun: Turn) -> None:
        """Be one with a turn that was taken for over, and whose answer is thrown away."""
        self.number = begun.number
        self.question = f"{begun.question} {self.question}"
        self.speech_ms += begun.speech_ms
        self.characters += begun.characters
        self.speculation.add(begun.speculation)
        self.speculation.prompt_tokens += begun.prompt_tokens
        self.speculation.completion_tokens += begun.completion_tokens
        self.spans = [*begun.spans, *self.spans]

    def ms(self, stage: str) -> int | None:
        """Milliseconds of a stage's first span; None when the turn did not come to it.

        The first sentence is what the caller waits for; later ones are made while it is heard.
        """
        return next((span.ms for span in self.spans if span.stage == stage), None)


class Journal:
    """The record of one call; observers see each entry as it is made."""

    def __init__(
        self,
        *observers: Callable[[Entry], None],
        clock: Callable[[], float] = time.monotonic,
        turns_before: int = 0,
    ) -> None:
        self.entries: list[Entry] = []
        self.turns: list[Turn] = []
        self._observers = list(observers)
        self._clock = clock
        self._turns_before = turns_before  # of the same conversation, on another worker
        self._began = clock()

    @property
    def now_s(self) -> float:
        """Seconds since the call began."""
        return self._clock() - self._began

    def at_s(self, instant: float) -> float:
        """An instant of the journal's clock as seconds since the call began."""
        return instant - self._began

    def add(self, kind: str, **data: Any) -> None:
        """Append one entry. Keys under which a person's words travel begin with `pii_`."""
        entry = Entry(at_s=self.now_s, kind=kind, data=data)
        self.entries.append(entry)
        for observer in self._observers:
            observer(entry)

    def last(self, kind: str) -> Entry | None:
        """The last entry of a kind."""
        return next((entry for entry in reversed(self.entries) if entry.kind == kind), None)

    def turn(self) -> Turn:
        """Begin the next turn."""
        turn = Turn(number=self._turns_before + len(self.turns) + 1)
        self.turns.append(turn)
        return turn

    def redact(self, redact: Callable[[str], str]) -> None:
        """Change people's words for what may be kept of them; once the call is over."""
        for turn in self.turns:
            turn.prompt, turn.question = redact(turn.prompt), redact(turn.question)
            turn.answer, turn.keys = redact(turn.answer), redact(turn.keys)
        for entry in self.entries:
            for key, value in entry.data.items():
                if key.startswith("pii_") and isinstance(value, str):
                    entry.data[key] = redact(value)

    @contextmanager
    def span(self, turn: Turn, stage: str) -> Iterator[None]:
        """Time a stage of a turn; a stage that fails is timed too."""
        start_s = self.now_s
        try:
            yield
        finally:
            turn.spans.append(Span(stage=stage, start_s=start_s, end_s=self.now_s))
