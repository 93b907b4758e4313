"""A stand-in for Deepgram's live interface: real sockets, real WebSocket, faults on demand.

Words come as they would: one more for each `word_s` of voice in the audio received, told
`delay_s` later as interim results; Finalize, CloseStream and a silence make them final.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import gevent
import numpy as np
from gevent.queue import Queue
from gevent.server import StreamServer
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

KEY = "dg-test-CANARY-key-0123456789"
VOICE_LEVEL = 300.0

Fault = Literal[
    "wrong_key",
    "rate_limited",
    "server_error",
    "bad_request",
    "no_handshake",
    "no_websocket",
    "silence",
    "cut",
    "invalid_json",
    "deep_json",
    "wrong_shape",
    "error_message",
    "closed_1008",
    "closed_1011",
    "endless_message",
]
_REJECTED: dict[str, int] = {
    "wrong_key": 401,
    "rate_limited": 429,
    "server_error": 500,
    "bad_request": 400,
}


@dataclass
class Session:
    """One connection as the server saw it."""

    query: dict[str, list[str]]
    headers: dict[str, str]
    audio: bytearray = field(default_factory=bytearray)
    messages: list[dict[str, Any]] = field(default_factory=list)
    open: bool = True


@dataclass
class DeepgramServer:
    """Hears `scripts` one after the other, the last again and again; `faults` are used up first."""

    scripts: list[str] = field(default_factory=lambda: ["Is there parking near the clinic?"])
    word_s: float = 0.25
    delay_s: float = 0.05
    faults: deque[Fault] = field(default_factory=deque)
    cut_after_s: float = 0.5
    """Of audio received; the faults in the stream come then."""
    sessions: list[Session] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()

    @property
    def base_url(self) -> str:
        return f"ws://127.0.0.1:{self._server.server_port}/v1/listen"

    @property
    def open(self) -> int:
        return sum(session.open for session in self.sessions)

    def stop(self) -> None:
        self._server.stop(timeout=1)

    def _serve(self, line: Any, _: Any) -> None:
        fault = self.faults.popleft() if self.faults else None
        if fault == "no_handshake":
            gevent.sleep(30)
            return
        if fault == "no_websocket":
            line.recv(1 << 16)
            line.sendall(b"\x00\xff garbage, no HTTP\r\n\r\n" * 9)
            return
        protocol = WSConnection(ConnectionType.SERVER)
        request = self._request(line, protocol)
        session = Session(
            query=parse_qs(urlsplit(request.target).query),
            headers={
                name.decode().lower(): value.decode() for name, value in request.extra_headers
            },
        )
        self.sessions.append(session)
        script = self.scripts[min(len(self.sessions), len(self.scripts)) - 1]
        if fault is None and session.headers.get("authorization") != f"Token {KEY}":
            fault = "wrong_key"
        try:
            if fault in _REJECTED:
                told = json.dumps({"err_code": "X", "err_msg": f"not with {KEY}"}).encode()
                line.sendall(
                    protocol.send(RejectConnection(status_code=_REJECTED[fault], has_body=True))
                    + protocol.send(RejectData(data=told))
                )
            else:
                line.sendall(protocol.send(AcceptConnection()))
                _Talk(self, session, line, protocol, script.split(), fault).run()
        except (OSError, ProtocolError):
            pass  # the client has gone
        finally:
            session.open = False
            line.close()

    def _request(self, line: Any, protocol: WSConnection) -> Request:
        while True:
            protocol.receive_data(line.recv(1 << 16))
            for event in protocol.events():
                assert isinstance(event, Request)
                return event


class _Talk:
    """One stream of audio."""

    def __init__(
        self,
        server: DeepgramServer,
        session: Session,
        line: Any,
        protocol: WSConnection,
        words: list[str],
        fault: Fault | None,
    ) -> None:
        self._server = server
        self._session = session
        self._line = line
        self._protocol = protocol
        self._words = words
        self._fault = fault
        self._rate = int(session.query["sample_rate"][0])
        self._voiced_s = 0.0
        self._final_words = 0
        self._final_s = 0.0
        self._told = 0
        self._telling: Queue[tuple[float, Any]] = Queue()

    def run(self) -> None:
        teller = gevent.spawn(self._tell_in_time)
        try:
            self._listen_to_the_end()
        finally:
            teller.kill()

    def _listen_to_the_end(self) -> None:
        while True:
            data = self._line.recv(1 << 16)
            if not data:
                return
            self._protocol.receive_data(data)
            for event in self._protocol.events():
                if not self._take(event):
                    return

    @property
    def _heard_s(self) -> float:
        return len(self._session.audio) / 2 / self._rate

    def _take(self, event: Event) -> bool:
        match event:
            case BytesMessage(data=pcm):
                self._session.audio += pcm
                self._listen(bytes(pcm))
                return self._healthy()
            case TextMessage(data=text):
                return self._control(json.loads(text))
            case Ping():
                self._line.sendall(self._protocol.send(event.response()))
            case CloseConnection():
                self._line.sendall(self._protocol.send(event.response()))
                return False
            case _:
                pass
        return True

    def _listen(self, pcm: bytes) -> None:
        for first in range(0, len(pcm), self._rate // 50 * 2):
            piece = np.frombuffer(pcm[first : first + self._rate // 50 * 2], "<i2")
            if piece.size and float(np.sqrt(np.mean(piece.astype(float) ** 2))) > VOICE_LEVEL:
                self._voiced_s += piece.size / self._rate
        known = min(len(self._words), int(self._voiced_s / self._server.word_s))
        if known > max(self._told, self._final_words):
            self._told = known
            self._results(self._words[self._final_words : known], final=False)

    def _control(self, message: dict[str, Any]) -> bool:
        self._session.messages.append(message)
        if self._fault == "silence":
            return True
        if message["type"] in ("Finalize", "CloseStream"):
            rest = self._words[self._final_words :] if self._voiced_s else []
            asked = message["type"] == "Finalize"
            if rest or asked:
                self._results(rest, final=True, from_finalize=asked)
            self._final_words, self._final_s = len(self._words), self._heard_s
        if message["type"] == "CloseStream":
            self._later({"type": "Metadata", "duration": self._heard_s, "channels": 1})
            self._later(CloseConnection(code=1000))
        return True

    def _results(self, words: list[str], *, final: bool, from_finalize: bool = False) -> None:
        data = {
            "type": "Results",
            "channel_index": [0, 1],
            "start": self._final_s,
            "duration": self._heard_s - self._final_s,
            "is_final": final,
            "speech_final": final,
            "from_finalize": from_finalize,
            "channel": {"alternatives": [{"transcript": " ".join(words), "confidence": 0.98}]},
        }
        if self._fault == "silence":
            return
        self._later(data)

    def _later(self, data: Any) -> None:
        self._telling.put((time.monotonic() + self._server.delay_s, data))

    def _tell_in_time(self) -> None:
        with contextlib.suppress(OSError, ProtocolError):  # the client may have gone
            while True:
                due, data = self._telling.get()
                gevent.sleep(max(0.0, due - time.monotonic()))
                event = data if isinstance(data, Event) else TextMessage(data=json.dumps(data))
                self._line.sendall(self._protocol.send(event))

    def _healthy(self) -> bool:
        """Go on; False when the fault of this stream has come."""
        if self._fault in (None, "silence") or self._heard_s < self._server.cut_after_s:
            return True
        line, send = self._line, self._protocol.send
        match self._fault:
            case "invalid_json":
                line.sendall(send(TextMessage(data='{"type": "Results", "chan')))
            case "deep_json":
                line.sendall(send(TextMessage(data="[" * 100_000)))
            case "wrong_shape":
                line.sendall(send(TextMessage(data='{"type": "Results", "channel": []}')))
            case "error_message":
                told = {"type": "Error", "description": f"{KEY}", "message": "", "variant": "X"}
                line.sendall(send(TextMessage(data=json.dumps(told))))
            case "closed_1008":
                line.sendall(send(CloseConnection(code=1008, reason="DATA-0000")))
            case "closed_1011":
                line.sendall(send(CloseConnection(code=1011, reason="NET-0000")))
            case "endless_message":
                piece = TextMessage(data="x" * 60_000, message_finished=False)
                for _ in range(40):
                    line.sendall(send(piece))
            case _:  # cut
                return False
        gevent.sleep(0.5)
        return False
