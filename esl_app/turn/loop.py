"""The turn loop as a pure state machine: what happened goes in, what to do next comes out.

Theory of operation. A conversation is a row of turns. Before each the caller is listened to, and
one of three things is the case:

    heard words   → the intent decides: a question is answered, a person or somebody who is named
                    is fetched, goodbye ends, "say that again" repeats the last answer; counts a
                    turn, resets the misses
    heard no words→ "sorry?"        ┐ misses in a row; at `max_misses` the conversation ends,
    heard nothing → "still there?"  ┘ silence and unclear sounds counted together

An answer that could not be made (a provider failed) says so once and goes on; the second failure in
a row hands over to a person. Who speaks, records and asks is elsewhere: no I/O, no clock here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from esl_app.turn.backchannel import only_sounds
from esl_app.turn.destinations import Lead, Leads
from esl_app.turn.intents import Intent, detect
from esl_app.turn.texts import Phrases, phrases


class Ending(StrEnum):
    """Why a conversation ended."""

    GOODBYE = "goodbye"
    HANDOFF = "handoff"
    NO_INPUT = "no_input"
    MAX_TURNS = "max_turns"
    TROUBLE = "trouble"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a tenant's row says about the course of a conversation."""

    language: str
    max_turns: int = 20
    max_misses: int = 3
    max_failures: int = 2
    handoff_enabled: bool = True
    handoff_keywords: Sequence[str] = ()
    farewell_keywords: Sequence[str] = ()
    leads: Leads = field(default_factory=Leads)
    still_there: str | None = None  # the row's `silence_fallback_prompt`
    not_heard: str | None = None  # the row's `fallback_message`

    @property
    def phrases(self) -> Phrases:
        return phrases(self.language)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Find and say the answer to `question`."""

    question: str
    intent: Intent = Intent.QUESTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Say `text`, then listen again."""

    text: str
    why: Literal["not_heard", "no_input", "repeat", "trouble", "which"]
    question: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The conversation is over."""

    ending: Ending
    question: str = ""
    lead: Lead | None = None


Step = Answer | Say | End


@dataclass(slots=True)
class TurnLoop:
    """Where one conversation stands. Values only, so that any worker can take it on."""

    rules: Rules
    turns: int = 0
    misses: int = 0
    failures: int = 0
    last_answer: str = field(default="")
    which: tuple[str, ...] = ()
    """The destinations among which the caller was asked to choose."""

    def heard(self, text: str) -> Step:
        """The caller's words; empty when the recogniser found none in the sound.

        A "hmm" is none: it is no question, and would get an answer to something never asked.
        """
        if only_sounds(text, language=self.rules.language):
            return self._missed(
                self.rules.not_heard or self.rules.phrases.not_heard, why="not_heard"
            )
        self.misses = 0
        self.turns += 1
        asked, self.which = self.which, ()
        if asked and (lead := self.rules.leads.among(text, asked)) is not None:
            return self._led(lead, text)
        return self._wanted(text)

    def _wanted(self, text: str) -> Step:
        """What these words ask for."""
        intent = detect(
            text,
            language=self.rules.language,
            handoff_keywords=self.rules.handoff_keywords,
            farewell_keywords=self.rules.farewell_keywords,
        )
        if intent is Intent.GOODBYE:
            return End(ending=Ending.GOODBYE, question=text)
        if intent is Intent.REPEAT and self.last_answer:
            return Say(text=self.last_answer, why="repeat", question=text)
        lead = self.rules.leads.of(text)
        if lead is not None:  # "somebody in sales" is sales
            return self._led(lead, text)
        if intent is Intent.HANDOFF and self.rules.handoff_enabled:
            return End(ending=Ending.HANDOFF, question=text)
        if self.turns > self.rules.max_turns:
            return End(ending=Ending.MAX_TURNS, question=text)
        return Answer(question=text)

    def _led(self, lead: Lead, text: str) -> Step:
        """To the one whom the words name, or ask which of several."""
        if len(lead.names) == 1:
            return End(ending=Ending.HANDOFF, question=text, lead=lead)
        self.which = lead.names
        phrases = self.rules.phrases
        names = f", {phrases.either} ".join([", ".join(lead.names[:-1]), lead.names[-1]])
        return Say(text=phrases.which.format(names=names), why="which", question=text)

    def goes_on(self) -> None:
        """The words heard last were not all of the turn: they come again, with the rest."""
        self.turns -= 1

    def silence(self) -> Step:
        """The caller said nothing in time."""
        return self._missed(
            self.rules.still_there or self.rules.phrases.still_there, why="no_input"
        )

    def answered(self, text: str) -> None:
        """The answer was made; `text` is what a "say that again" repeats."""
        self.failures = 0
        self.last_answer = text

    def failed(self) -> Step:
        """Recogniser, retrieval or model failed; nothing was answered."""
        self.failures += 1
        if self.failures >= self.rules.max_failures:
            return End(ending=Ending.TROUBLE)
        return Say(text=self.rules.phrases.trouble, why="trouble")

    def _missed(self, text: str, *, why: Literal["not_heard", "no_input"]) -> Step:
        self.misses += 1
        if self.misses >= self.rules.max_misses:
            return End(ending=Ending.NO_INPUT)
        return Say(text=text, why=why)
