"""Chat by OpenAI, or by any server that speaks its chat completions, streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import openai
from openai.types.chat import ChatCompletionChunk
from openai.types.chat.chat_completion_chunk import ChoiceDeltaToolCall

from providers.contracts import (
    ChatEnd,
    ChatRequest,
    LlmCapabilities,
    Message,
    TextDelta,
    ToolCall,
)
from providers.deadline import Deadline
from providers.errors import BadResponse
from providers.llm.citations import Citations, grounded
from providers.openai_client import OFFICIAL, OpenAiAccount, OpenAiHold
from providers.settings import parse
from providers.text import clean

_NAME = "openai"
# A token is about four characters. A server that ignores the limit is stopped well past it.
_MOST_CHARACTERS_PER_TOKEN = 12
_MOST_CALLS = 8
_MOST_ARGUMENTS = 16_000


class OpenAiChatConfig(OpenAiAccount):
    """`config` of the openai language model."""

    model: str = "gpt-4o-mini"
    # Newer models of the vendor know only the second name, other servers often only the first.
    limit_field: Literal["max_tokens", "max_completion_tokens"] | None = None
    # Reasoning models refuse a temperature; a few servers refuse to report usage.
    send_temperature: bool = True
    report_usage: bool = True


@dataclass(slots=True)
class _Call:
    """A call of a tool, which comes in pieces."""

    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class _Progress:
    """What a stream has brought so far."""

    citations: Citations
    most: int
    characters: int = 0
    finish_reason: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    said: bool = field(default=False)
    calls: dict[int, _Call] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        return self.characters > self.most

    def take(self, chunk: ChatCompletionChunk) -> str:
        """The text to say of one chunk."""
        if chunk.usage is not None:
            self.prompt_tokens = int(chunk.usage.prompt_tokens)
            self.completion_tokens = int(chunk.usage.completion_tokens)
        if not chunk.choices:
            return ""
        choice = chunk.choices[0]
        if choice.finish_reason is not None:
            self.finish_reason = str(choice.finish_reason)
        for part in choice.delta.tool_calls or ():
            self._take_call(part)
        content = choice.delta.content
        if not content:
            return ""
        self.characters += len(content)
        return self.show(self.citations.feed(clean(content)))

    def _take_call(self, part: ChoiceDeltaToolCall) -> None:
        call = self.calls.setdefault(part.index, _Call())
        call.id = call.id or part.id or ""
        if part.function is not None:
            call.name += part.function.name or ""
            call.arguments += part.function.arguments or ""
        if len(self.calls) > _MOST_CALLS or len(call.arguments) > _MOST_ARGUMENTS:
            raise BadResponse("endless calls of tools", provider=_NAME)

    def whole_calls(self) -> list[ToolCall]:
        """The calls, once the answer has ended.

        Raises:
            BadResponse: one is not whole: half a call is never made.
        """
        if self.calls and self.finish_reason not in ("tool_calls", "stop"):
            raise BadResponse("the answer broke off in a call of a tool", provider=_NAME)
        for call in self.calls.values():
            try:
                whole = isinstance(json.loads(call.arguments or "{}"), dict)
            except (ValueError, RecursionError):
                whole = False
            if not (whole and call.id and call.name):
                raise BadResponse("a call of a tool is not whole", provider=_NAME)
        return [
            ToolCall(id=call.id, name=call.name, arguments=call.arguments or "{}")
            for _, call in sorted(self.calls.items())
        ]

    def show(self, text: str) -> str:
        self.said = self.said or bool(text.strip())
        return text

    def end(self) -> ChatEnd:
        return ChatEnd(
            finish_reason="length" if self.full else self.finish_reason or "stop",
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            sources=self.citations.ids,
        )


class OpenAiChat:
    """`LanguageModel` over chat completions."""

    name = _NAME
    capabilities = LlmCapabilities(streaming=True, tools=True, grounded=False)

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._settings = parse(OpenAiChatConfig, config, provider=_NAME)
        self._hold = OpenAiHold(self._settings, provider=_NAME)

    def stream(
        self, request: ChatRequest, *, deadline: Deadline
    ) -> Iterator[TextDelta | ToolCall | ChatEnd]:
        """Text as it comes, calls of tools, the end with usage and the ids of cited sources."""
        progress = _Progress(
            citations=Citations(request.sources),
            most=request.max_tokens * _MOST_CHARACTERS_PER_TOKEN,
        )
        with self._hold.asking(deadline) as timeout:
            chunks = self._ask(request, timeout)
        try:
            while not progress.full:
                with self._hold.asking(deadline):
                    chunk = next(chunks, None)
                    text = progress.take(chunk) if chunk is not None else ""
                if chunk is None:
                    break
                if text:
                    yield TextDelta(text=text)
        finally:
            chunks.close()
        if progress.finish_reason is None and not progress.full:
            raise BadResponse("the answer broke off", provider=_NAME)
        if held := progress.show(progress.citations.end().rstrip()):
            yield TextDelta(text=held)
        calls = progress.whole_calls()
        yield from calls
        if not progress.said and not calls:
            raise BadResponse("an answer without text", provider=_NAME)
        yield progress.end()

    def close(self) -> None:
        self._hold.close()

    def _ask(
        self, request: ChatRequest, timeout: openai.Timeout
    ) -> openai.Stream[ChatCompletionChunk]:
        settings = self._settings
        limit = settings.limit_field or (
            "max_completion_tokens" if settings.base_url == OFFICIAL else "max_tokens"
        )
        options: dict[str, Any] = {limit: request.max_tokens}
        if settings.send_temperature:
            options["temperature"] = request.temperature
        if settings.report_usage:
            options["stream_options"] = {"include_usage": True}
        if request.tools:
            options["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": dict(tool.parameters),
                    },
                }
                for tool in request.tools
            ]
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": grounded(request.instructions, request.sources)},
            *map(_message, request.messages),
        ]
        create: Any = self._hold.sdk.chat.completions.create
        chunks: openai.Stream[ChatCompletionChunk] = create(
            model=settings.model, messages=messages, stream=True, timeout=timeout, **options
        )
        return chunks


def _message(message: Message) -> dict[str, Any]:
    sent: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.calls:
        sent["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.calls
        ]
    if message.role == "tool":
        sent["tool_call_id"] = message.call_id
    return sent
