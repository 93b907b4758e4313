"""A stand-in for OpenAI's HTTP interface: real sockets, real HTTP, faults on demand."""

# ruff: noqa: ARG002 - every fault is called alike

from __future__ import annotations

import io
import json
import math
import socket
import struct
import wave
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, Literal

import gevent
from gevent.pywsgi import WSGIHandler, WSGIServer

KEY = "sk-test-CANARY-key-0123456789"

Fault = Literal[
    "rate_limited",
    "server_error",
    "wrong_key",
    "silence",
    "drip",
    "cut",
    "invalid_json",
    "html",
    "endless",
    "deep_json",
    "redirect",
    "error_event",
    "refused_input",
    "empty",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request as it came over the wire."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found

    def part(self, name: str) -> bytes:
        """One part of a multipart body."""
        head = f"Content-Type: {self.headers['CONTENT_TYPE']}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + self.body)
        for part in message.iter_parts():
            if part.get_param("name", header="content-disposition") == name:
                found = part.get_payload(decode=True)
                assert isinstance(found, bytes)
                return found
        raise AssertionError(f"no part {name}")


class _Handler(WSGIHandler):
    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        environ["fake.cut"] = self._cut
        return environ

    def _cut(self) -> None:
        self.close_connection = True
        self.socket.shutdown(socket.SHUT_RDWR)


Start = Callable[[str, list[tuple[str, str]]], Any]


@dataclass
class OpenAiServer:
    """Answers like the vendor; `faults` are used up first, one a request."""

    delay_s: float = 0.0
    pieces: list[str] = field(default_factory=lambda: ["We open ", "at eight [", "1]."])
    # Calls of tools to answer with instead, one list a request; in pieces that split the arguments.
    calls: deque[list[tuple[str, str]]] = field(default_factory=deque)
    transcript: str = "Is there parking near the clinic?"
    dimensions: int = 1536
    # Between two pieces of a chat answer.
    gap_s: float = 0.0
    faults: deque[Fault] = field(default_factory=deque)
    # Types and bodies to answer with instead, one a request.
    replies: deque[tuple[str, bytes]] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    # Answers that were read to their end.
    chats_read: int = 0

    def __post_init__(self) -> None:
        self._server = WSGIServer(
            ("127.0.0.1", 0), self._app, handler_class=_Handler, log=None, error_log=None
        )
        self._server.start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def stop(self) -> None:
        self._server.stop(timeout=1)

    def _app(self, environ: dict[str, Any], start: Start) -> Iterator[bytes]:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            yield from self._answer(environ, start)
        finally:
            self.open -= 1

    def _answer(self, environ: dict[str, Any], start: Start) -> Iterator[bytes]:
        seen = Seen(
            path=environ["PATH_INFO"],
            headers={key: value for key, value in environ.items() if isinstance(value, str)},
            body=environ["wsgi.input"].read(),
        )
        self.seen.append(seen)
        if self.delay_s:
            gevent.sleep(self.delay_s)
        fault = self.faults.popleft() if self.faults else None
        if fault is None and seen.headers.get("HTTP_AUTHORIZATION") != f"Bearer {KEY}":
            fault = "wrong_key"
        if fault is not None:
            yield from getattr(self, f"_{fault}")(seen, environ, start)
            return
        kind, body = self._right(seen)
        start("200 OK", [("Content-Type", kind)])
        yield from body

    def _right(self, seen: Seen) -> tuple[str, Iterator[bytes]]:
        if self.replies:
            kind, whole = self.replies.popleft()
            return kind, iter([whole])
        if seen.path == "/v1/chat/completions":
            return "text/event-stream", self._chat(seen)
        if seen.path == "/v1/audio/speech":
            return "audio/pcm", self._speech(seen)
        if seen.path == "/v1/audio/transcriptions":
            with wave.open(io.BytesIO(seen.part("file"))) as sound:
                assert sound.getnframes() > 0
            return "application/json", iter([json.dumps({"text": self.transcript}).encode()])
        assert seen.path == "/v1/embeddings", seen.path
        return "application/json", iter([self._vectors(seen)])

    def _chat(self, seen: Seen) -> Iterator[bytes]:
        assert seen.json["stream"] is True
        if self.calls:
            yield from _called(self.calls.popleft())
            return
        for place, piece in enumerate(self.pieces):
            if place and self.gap_s:
                gevent.sleep(self.gap_s)
            yield event({"choices": [{"index": 0, "delta": {"content": piece}}]})
        yield event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if seen.json.get("stream_options", {}).get("include_usage"):
            usage = {"prompt_tokens": 21, "completion_tokens": 7, "total_tokens": 28}
            yield event({"choices": [], "usage": usage})
        yield b"data: [DONE]\n\n"
        self.chats_read += 1

    def _speech(self, seen: Seen) -> Iterator[bytes]:
        assert seen.json["response_format"] == "pcm"
        count = 1200 * len(seen.json["input"])
        samples = (round(8000 * math.sin(2 * math.pi * 440 * n / 24000)) for n in range(count))
        sound = b"".join(struct.pack("<h", sample) for sample in samples)
        for start in range(0, len(sound), 9999):  # pieces that split samples
            yield sound[start : start + 9999]

    def _vectors(self, seen: Seen) -> bytes:
        size = seen.json.get("dimensions", self.dimensions)
        data = [
            {"object": "embedding", "index": index, "embedding": [1.0 + index, *[2.0] * (size - 1)]}
            for index in range(len(seen.json["input"]))
        ]
        return json.dumps({"object": "list", "data": data[::-1], "model": "m"}).encode()

    # Faults. Each may quote the key and the request, as real servers do.

    def _rate_limited(self, seen: Seen, environ: Any, start: Start) -> Iterator[bytes]:
        yield error(start, "429 Too Many", seen, "rate_limit_exceeded", [("Retry-After", "7")])

    def _server_error(self, seen: Seen, environ: Any, start: Start) -> Iterator[bytes]:
        yield error(start, "500 Internal Server Error", seen, "server_error")

    def _wrong_key(self, seen: Seen, environ: Any, start: Start) -> Iterator[bytes]:
        yield error(start, "401 Unauthorized", seen, "invalid_api_key")

    def _refused_input(self, seen: Seen, environ: Any, start: Start) -> Iterator[bytes]:
        yield error(start, "400 Bad Request", seen, "invalid value: " + KEY)

    def _redirect(self, seen: Seen, environ: Any, start: Start) -> Iterator[bytes]:
        start("302 Found", [("Location", f"{self.base_url}/elsewhere"), ("Content-Length", "0")])
        yield b""

    def _silence(self, seen: Seen, environ: Any, start: Start) -> Iterator[bytes]:
        gevent.sleep(30)
        start("200 OK", [])
        yield b""

    def _drip(self, seen: Seen, environ: Any, start: Start) -> Iterator[bytes]:
        kind, body = self._right(seen)
        start("200 OK", [("Content-Type", kind)])
        for piece in body:
            for byte in piece:
                yield bytes([byte])
                gevent.sleep(1)

    def _cut(self, seen: Seen, environ: Any, start: Start) -> Iterator[bytes]:
        kind, body = self._right(seen)
        start("200 OK", [("Content-Type", kind)])
        whole = b"".join(body)
        yield whole[: len(whole) // 2]
        environ["fake.cut"]()

    def _invalid_json(self, seen: Seen, environ: Any, start: Start) -> Iterator[bytes]:
        streamed = seen.path.endswith("completions")
        start(
            "200 OK",
            [("Content-Type", "text/event-stream" if streamed else "application/json")],
        )
        yield b'data: {"choices": [{"delta"\n\n' if streamed else b'{"text": "half'

    def _deep_json(self, seen: Seen, environ: Any, start: Start) -> Iterator[bytes]:
        streamed = seen.path.endswith("completions")
        start(
            "200 OK",
            [("Content-Type", "text/event-stream" if streamed else "application/json")],
        )
        deep = b"[" * 100_000
        yield b"data: " + deep + b"\n\n" if streamed else deep

    def _html(self, seen: Seen, environ: Any, start: Start) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        yield b"<!doctype html><title>Portal</title><p>Please sign in.</p>" + seen.body[:200]

    def _empty(self, seen: Seen, environ: Any, start: Start) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", self._right(seen)[0])])
        yield b""

    def _error_event(self, seen: Seen, environ: Any, start: Start) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "text/event-stream")])
        yield event({"choices": [{"index": 0, "delta": {"content": "We "}}]})
        yield event({"error": {"message": f"overloaded {KEY}", "type": "server_error"}})

    def _endless(self, seen: Seen, environ: Any, start: Start) -> Iterator[bytes]:
        if seen.path.endswith("completions"):
            start("200 OK", [("Content-Type", "text/event-stream")])
            piece = event({"choices": [{"index": 0, "delta": {"content": "word " * 20}}]})
        elif seen.path.endswith("speech"):
            start("200 OK", [("Content-Type", "audio/pcm")])
            piece = bytes(1 << 16)
        else:
            start("200 OK", [("Content-Type", "application/json")])
            piece = b" " * (1 << 16)
        while True:
            yield piece
            gevent.sleep(0)


def _called(calls: list[tuple[str, str]]) -> Iterator[bytes]:
    for index, (name, arguments) in enumerate(calls):
        first = {"index": index, "id": f"call_{index}", "type": "function"}
        yield _call({**first, "function": {"name": name, "arguments": ""}})
        for begin in range(0, len(arguments), 5):
            piece = {"arguments": arguments[begin : begin + 5]}
            yield _call({"index": index, "function": piece})
    yield event({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    yield b"data: [DONE]\n\n"


def _call(part: dict[str, Any]) -> bytes:
    return event({"choices": [{"index": 0, "delta": {"tool_calls": [part]}}]})


def event(data: dict[str, Any]) -> bytes:
    """One server-sent event of a chat answer."""
    whole = {"id": "c1", "object": "chat.completion.chunk", "created": 0, "model": "m", **data}
    return f"data: {json.dumps(whole if 'error' not in data else data)}\n\n".encode()


def error(
    start: Start, status: str, seen: Seen, code: str, extra: list[tuple[str, str]] | None = None
) -> bytes:
    """An error as the vendor writes them, quoting what it should not."""
    quoted = f"{KEY} {seen.body[:300]!r}"
    body = json.dumps({"error": {"message": quoted, "type": code, "code": code}}).encode()
    start(status, [("Content-Type", "application/json"), *(extra or [])])
    return body
