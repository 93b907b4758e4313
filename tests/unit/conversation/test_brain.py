"""Answers that begin before the turn is confirmed, and the tools they use."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import gevent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esl_app.conversation import Brain, Budget
from esl_app.journal import Journal
from esl_app.tools import Tools, acts, reads
from esl_app.turn.guessing import same_words
from providers.contracts import (
    ChatEnd,
    ChatRequest,
    LanguageModel,
    LlmCapabilities,
    Source,
    TextDelta,
    ToolCall,
)
from providers.deadline import Deadline
from providers.errors import Unavailable
from providers.fake import FakeLlm
from tenants.models import Secretary

pytestmark = pytest.mark.unit


class Passages:
    """A retriever of one passage."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def search(
        self,
        domain_uuid: UUID,  # noqa: ARG002
        question: str,
        limit: int,  # noqa: ARG002
        deadline: Deadline,  # noqa: ARG002
        *,
        voice_secretary_uuid: UUID | None = None,  # noqa: ARG002
    ) -> Sequence[Source]:
        self.asked.append(question)
        return [Source(id="p1", title="Hours", text="We open at nine.", score=0.9)]


class Booking:
    """A model that books what the caller says, looking up the day first."""

    name = "booking"
    capabilities = LlmCapabilities(tools=True)

    def __init__(self) -> None:
        self.requests: list[ChatRequest] = []

    def stream(
        self, request: ChatRequest, *, deadline: Deadline
    ) -> Iterator[TextDelta | ToolCall | ChatEnd]:
        self.requests.append(request)
        del deadline
        wanted = next(m.content for m in reversed(request.messages) if m.role == "user")
        told = sum(message.role == "tool" for message in request.messages)
        before = sum(message.role == "user" for message in request.messages) - 1
        if told == 2 * before:
            yield ToolCall(id="r", name="look_up", arguments=json.dumps({"what": wanted}))
        elif told == 2 * before + 1:
            yield ToolCall(id="a", name="book", arguments=json.dumps({"what": wanted}))
        else:
            yield TextDelta(text="Done.")
        yield ChatEnd(finish_reason="stop", prompt_tokens=10, completion_tokens=2)

    def close(self) -> None: ...


class Case:
    def __init__(self, llm: LanguageModel, *, budget: int = 5) -> None:
        self.journal = Journal()
        self.turn = self.journal.turn()
        self.passages = Passages()
        self.budget = Budget(budget)
        self.looked_up: list[str] = []
        self.booked: list[str] = []
        self.brain = Brain(
            domain_uuid=uuid4(),
            secretary=Secretary(secretary_name="Ana"),
            llm=llm,
            retriever=self.passages,
            embedder_name="fake",
            journal=self.journal,
            retrieval_s=5,
            llm_s=5,
            tool_s=5,
            budget=self.budget,
        )

        @reads
        def look_up(what: str) -> str:
            """Look something up."""
            self.looked_up.append(what)
            return "free"

        @acts
        def book(what: str) -> str:
            """Book something."""
            self.booked.append(what)
            return "booked"

        self.brain.tools = Tools([look_up, book])

    def guess(self, text: str) -> None:
        self.brain.guess(text, self.turn)
        settle()

    def answer(self, text: str) -> str:
        found = "".join(self.brain.answer(text, self.turn))
        self.brain.drop(self.turn)
        return found


def settle() -> None:
    """Let every greenlet that can run do so."""
    for _ in range(8):
        gevent.sleep(0)


def test_a_guess_that_proves_right_is_the_answer() -> None:
    llm = FakeLlm({"script": ["We open at nine."]})
    case = Case(llm)
    case.guess("When do you open")
    assert case.answer("When do you open?") == "We open at nine."
    assert len(llm.calls) == 1
    assert case.passages.asked == ["When do you open"]
    assert case.turn.answer == "We open at nine."
    assert case.turn.sources
    assert {span.stage for span in case.turn.spans} == {"retrieval", "llm"}
    facts = case.turn.speculation.facts
    assert (facts["started"], facts["used"], facts["discarded"]) == (1, 1, 0)
    assert facts["saved_ms"] >= 0
    assert case.budget.running == 0


def test_a_guess_that_proves_wrong_is_thrown_away_and_counted() -> None:
    llm = FakeLlm({"script": ["Wrong.", "Right."]})
    case = Case(llm)
    case.guess("When do you")
    assert case.answer("When do you close?") == "Right."
    facts = case.turn.speculation.facts
    assert (facts["used"], facts["discarded"], facts["retrievals"]) == (0, 1, 1)
    assert facts["prompt_tokens"] > 0
    assert case.journal.last("guess_dropped") is not None
    assert case.turn.answer == "Right."
    assert case.brain.history == []
    assert case.budget.running == 0


def test_nothing_is_said_remembered_or_noted_before_the_turn_is_confirmed() -> None:
    case = Case(FakeLlm({"script": ["We open at nine."]}))
    case.guess("When do you open?")
    assert case.turn.answer == ""
    assert case.turn.spans == []
    assert case.brain.history == []
    assert case.journal.entries == []
    case.brain.drop(case.turn)


def test_the_same_words_are_begun_with_once_and_a_worker_has_a_bound() -> None:
    llm = FakeLlm({"script": ["One.", "Two."]})
    case = Case(llm, budget=0)
    case.guess("When?")
    assert not llm.calls
    assert case.turn.speculation.refused == 1
    assert case.answer("When?") == "One."
    case = Case(llm, budget=1)
    case.guess("When?")
    case.guess("when")
    assert case.turn.speculation.started == 1
    case.brain.drop(case.turn)


def test_a_guess_whose_model_failed_costs_the_turn_nothing() -> None:
    case = Case(FakeLlm({"script": ["fail:unavailable", "Right."]}))
    case.guess("When?")
    assert case.answer("When?") == "Right."
    case = Case(FakeLlm({"script": ["fail:unavailable"]}))
    with pytest.raises(Unavailable):
        case.answer("When?")


def test_a_dropped_guess_closes_the_models_stream() -> None:
    closed: list[int] = []

    class Slow(FakeLlm):
        def stream(
            self, request: ChatRequest, *, deadline: Deadline
        ) -> Iterator[TextDelta | ToolCall | ChatEnd]:
            try:
                yield from super().stream(request, deadline=deadline)
                gevent.sleep(deadline.remaining_s)
            finally:
                closed.append(1)

    case = Case(Slow({"script": ["Never ends"]}))
    case.guess("When?")
    assert not closed
    case.brain.drop(case.turn)
    settle()
    assert closed == [1]
    assert case.turn.speculation.completion_tokens > 0


def test_tools_are_used_in_a_confirmed_turn_and_remembered() -> None:
    llm = Booking()
    case = Case(llm)
    assert case.answer("Tuesday") == "Done."
    assert (case.looked_up, case.booked) == (["Tuesday"], ["Tuesday"])
    assert "only when a tool said so" in llm.requests[0].instructions
    assert case.turn.prompt_tokens == 30
    case.brain.remember("Tuesday", "Done.")
    assert [message.role for message in case.brain.history] == [
        "user", "assistant", "tool", "assistant", "tool", "assistant",
    ]  # fmt: skip
    assert case.answer("Wednesday") == "Done."
    assert case.booked == ["Tuesday", "Wednesday"]


def test_a_guess_looks_up_early_and_leaves_the_action_to_the_confirmed_turn() -> None:
    case = Case(Booking())
    case.guess("Tuesday")
    assert (case.looked_up, case.booked) == (["Tuesday"], [])
    assert case.answer("Tuesday.") == "Done."
    assert (case.looked_up, case.booked) == (["Tuesday"], ["Tuesday"])


def test_a_model_that_never_stops_calling_is_made_to_answer() -> None:
    class Stubborn(Booking):
        def stream(
            self, request: ChatRequest, *, deadline: Deadline
        ) -> Iterator[TextDelta | ToolCall | ChatEnd]:
            if request.tools:
                yield ToolCall(id="x", name="nothing", arguments="{}")
            else:
                yield TextDelta(text="All right.")
            yield ChatEnd(finish_reason="stop", prompt_tokens=deadline.at > 0, completion_tokens=1)

    case = Case(Stubborn())
    assert case.answer("Tuesday") == "All right."
    assert case.booked == []


TEXTS = st.sampled_from(["Tuesday", "tuesday.", "Tuesday at nine", "Tuesday at nine thirty", "No"])


@settings(deadline=None, max_examples=60)
@given(guesses=st.lists(TEXTS, max_size=4), said=st.one_of(st.none(), TEXTS))
def test_an_action_never_runs_for_words_that_were_not_confirmed(
    guesses: list[str], said: str | None
) -> None:
    case = Case(Booking())
    for text in guesses:
        case.guess(text)
        assert case.booked == []
    if said is None:  # the caller hung up, or wanted something else
        case.brain.drop(case.turn)
        settle()
        assert case.booked == []
    else:
        assert case.answer(said) == "Done."
        assert len(case.booked) == 1
        assert same_words(case.booked[0], said)
    ledger = case.turn.speculation
    assert ledger.started == ledger.used + ledger.discarded
    assert case.budget.running == 0
    assert ledger.facts == case.brain.ledger.facts


def test_half_a_call_in_the_history_is_never_sent() -> None:
    case = Case(Booking())
    for n in range(4):
        case.answer(f"day {n}")
        case.brain.remember(f"day {n}", "Done.")
    llm: Any = case.brain._llm
    first = llm.requests[-1].messages[0]
    assert first.role == "user"
