"""One answer of a model, with the tools it uses on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from esl_app.speech import clean
from esl_app.tools import ActionTool, ReadTool
from providers.contracts import ChatEnd, ChatRequest, LanguageModel, Message, TextDelta, ToolCall
from providers.deadline import Deadline

MOST_ROUNDS: Final = 4
"""Requests of an answer; the last is made without tools, so that it is an answer."""

_UNKNOWN: Final = '{"error": "the caller interrupted; it may have been done or not"}'
_NO_SUCH_TOOL: Final = '{"error": "there is no such tool"}'

T = TypeVar("T", ReadTool, ReadTool | ActionTool)


@dataclass(slots=True, kw_only=True)
class Answering:
    """Where an answer stands.

    `pieces` goes as far as the tools that it is given allow: a call of another one is `held`, and
    a later `pieces` with that tool goes on from there.
    """

    llm: LanguageModel
    request: ChatRequest
    llm_s: float
    exchange: list[Message] = field(default_factory=list)
    """Calls of tools and what came of them."""
    held: tuple[ToolCall, ...] = ()
    said: str = ""
    rounds: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cited: set[str] = field(default_factory=set)
    pending_characters: int = 0
    """Sent and received in the request under way, whose usage is not known yet."""

    def pieces(self, tools: Mapping[str, T], run: Callable[[T, ToolCall], str]) -> Iterator[str]:
        """The text as it comes; `run` is called for each call of one of `tools`.

        Raises:
            ProviderError: the model failed.
        """
        offered = {tool.name for tool in self.request.tools}
        while True:
            if any(call.name in offered and call.name not in tools for call in self.held):
                return
            if self.held:
                self._use(tools, run)
            yield from self._round()
            if not self.held:
                return

    def _use(self, tools: Mapping[str, T], run: Callable[[T, ToolCall], str]) -> None:
        calls, self.held = self.held, ()
        asked = Message(role="assistant", content=self.said, calls=calls)
        results: dict[str, str] = {call.id: _UNKNOWN for call in calls}
        try:
            for call in calls:
                tool = tools.get(call.name)
                results[call.id] = run(tool, call) if tool is not None else _NO_SUCH_TOOL
        finally:  # also when the caller interrupts: the model has to know that it asked
            self.exchange += [
                asked,
                *(
                    Message(role="tool", content=told, call_id=call_id)
                    for call_id, told in results.items()
                ),
            ]

    def _round(self) -> Iterator[str]:
        self.rounds += 1
        request = replace(
            self.request,
            messages=[*self.request.messages, *self.exchange],
            tools=self.request.tools if self.rounds < MOST_ROUNDS else (),
        )
        self.said = ""
        self.pending_characters = _characters(request)
        calls: list[ToolCall] = []
        stream = self.llm.stream(request, deadline=Deadline.after(self.llm_s))
        try:
            for item in stream:
                match item:
                    case TextDelta(text=text):
                        piece = clean(text)
                        self.said += piece
                        self.pending_characters += len(piece)
                        yield piece
                    case ToolCall():
                        calls.append(item)
                    case ChatEnd():
                        self.prompt_tokens += item.prompt_tokens
                        self.completion_tokens += item.completion_tokens
                        self.cited |= set(item.sources)
                        self.pending_characters = 0
        finally:
            close = getattr(stream, "close", None)
            if close is not None:
                close()  # ends the request of one that nobody listens to any more
        if request.tools:
            self.held = tuple(calls)


def _characters(request: ChatRequest) -> int:
    return (
        len(request.instructions)
        + sum(len(message.content) for message in request.messages)
        + sum(len(source.text) for source in request.sources)
    )
