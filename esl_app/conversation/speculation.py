"""An answer begun before the caller's turn is confirmed: taken over when he did say that.

Else it is dropped, its request cancelled.

It never speaks, never writes to history, archive or journal, and never changes anything: of the
tools only `ReadTool`s can be given to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import gevent
import structlog
from gevent.queue import Queue

from esl_app.conversation.answering import Answering
from esl_app.errors import trace_of
from esl_app.greenlets import spawn
from esl_app.ledger import Ledger, estimated_tokens
from esl_app.tools import ReadTool, read
from providers.contracts import Source, ToolCall
from providers.errors import BadResponse, ProviderError
from tenants.errors import TenantError

log = structlog.get_logger()

_AHEAD: Final = 256  # pieces of an answer that nobody reads yet; then the model has to wait


@dataclass(slots=True)
class Budget:
    """How many guesses a worker may have under way."""

    most: int
    running: int = 0

    def take(self) -> bool:
        """Whether one more may begin; `give_back` when it is over."""
        if self.running >= self.most:
            return False
        self.running += 1
        return True

    def give_back(self) -> None:
        self.running -= 1


@dataclass(slots=True, kw_only=True)
class Guess:
    """One answer begun early; `begin` it at once.

    Args:
        question: the words it answers.
        search: finds passages.
        ask: makes the answer of them.
        reads: the tools it may use.
        tool_s: how long one run of a tool may take.
    """

    question: str
    search: Callable[[], Sequence[Source]]
    ask: Callable[[Sequence[Source]], Answering]
    reads: Mapping[str, ReadTool]
    tool_s: float
    budget: Budget
    began: float = 0.0
    retrieved: float | None = None
    first: float | None = None
    sources: Sequence[Source] = ()
    retrieval_error: ProviderError | TenantError | None = None
    answering: Answering | None = None
    reads_run: int = 0
    _pieces: Queue[str | ProviderError | None] = field(default_factory=lambda: Queue(_AHEAD))
    _runner: gevent.Greenlet[..., None] | None = None
    _holds: bool = False
    _failed: bool = False

    def begin(self) -> bool:
        """Start; False when the worker has enough of them."""
        if not self.budget.take():
            return False
        self._holds = True
        self.began = time.monotonic()
        self._runner = spawn(self._run)
        return True

    @property
    def failed(self) -> bool:
        """Whether the model failed before its first words: then it is asked anew."""
        return self.first is None and self._failed

    def pieces(self) -> Iterator[str]:
        """The answer, for the confirmed turn.

        Raises:
            ProviderError: the model failed.
        """
        self._let_go()
        try:
            while (item := self._pieces.get()) is not None:
                if isinstance(item, ProviderError):
                    raise item
                yield item
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Stop, the request too; again is harmless."""
        self._let_go()
        if self._runner is not None:
            self._runner.kill(block=False)

    def saved_ms(self, now: float) -> int:
        """How much sooner the first words come than if it began now."""
        return round((min(now, self.first or now) - self.began) * 1000)

    def cost(self) -> Ledger:
        """What throwing it away cost."""
        ledger = Ledger(discarded=1, reads=self.reads_run)
        ledger.retrievals = int(self.retrieved is not None)
        if (answering := self.answering) is not None:
            ledger.completion_tokens = answering.completion_tokens
            ledger.prompt_tokens = answering.prompt_tokens
            if answering.pending_characters:
                said = len(answering.said)
                ledger.completion_tokens += estimated_tokens(said)
                ledger.prompt_tokens += estimated_tokens(answering.pending_characters - said)
        return ledger

    def _let_go(self) -> None:
        if self._holds:
            self._holds = False
            self.budget.give_back()

    def _run(self) -> None:
        try:
            self.sources = self._search()
            self.retrieved = time.monotonic()
            self.answering = self.ask(self.sources)
            for piece in self.answering.pieces(self.reads, self._read):
                self.first = self.first or time.monotonic()
                self._pieces.put(piece)
            self._pieces.put(None)
        except ProviderError as error:
            self._failed = True
            self._pieces.put(error)
        except Exception as error:  # noqa: BLE001 - a greenlet's edge; who takes it over must not wait
            log.error("guess_failed", **trace_of(error))  # noqa: TRY400
            self._failed = True
            self._pieces.put(BadResponse("the guess failed", provider="llm"))
        finally:
            self._let_go()

    def _search(self) -> Sequence[Source]:
        try:
            return self.search()
        except (ProviderError, TenantError) as error:
            self.retrieval_error = error  # told when it is taken over
            return ()

    def _read(self, tool: ReadTool, call: ToolCall) -> str:
        self.reads_run += 1
        return read(tool, call, seconds=self.tool_s)
