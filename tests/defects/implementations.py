"""Stock greenswitch and ours behind one face, so that one probe runs on both."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import gevent

from esl_app.leg import Leg
from esl_app.protocol import Event, commands
from esl_app.server import ListenSettings, Server
from providers.deadline import Deadline

LONG_S = 30.0  # longer than any probe may last: whoever waits this long hangs


class Seen(Protocol):
    """An event as a handler sees it."""

    def get(self, header: str) -> str | None: ...

    @property
    def body(self) -> bytes | None: ...


class Session(Protocol):
    raw: Any

    def connect(self) -> object: ...
    def execute(self, app: str, argument: str = "", *, timeout_s: float = LONG_S) -> str | None: ...
    def start(self, app: str, argument: str = "") -> None: ...
    def command(self, text: str) -> None: ...
    def header(self, name: str) -> str | None: ...
    def on(self, event_name: str, callback: Callable[[Seen], object]) -> None: ...
    def close(self) -> None: ...


class Running(Protocol):
    port: int

    def stop(self, drain_s: float) -> None: ...

    @property
    def count(self) -> int: ...


class Implementation(Protocol):
    name: str

    def session(self, sock: socket.socket) -> Session: ...
    def serve(
        self,
        handler: Callable[[Session], object],
        *,
        limit: int = 50,
        connect_s: float = 5.0,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> Running: ...


# Ours.


def _execute(app: str, argument: str) -> commands.Execute:
    match app:
        case "answer":
            return commands.answer()
        case "sleep":
            return commands.sleep(int(argument or "1000"))
        case _:
            assert app == "playback"
            return commands.playback(argument or "/tmp/prompt.wav")


class OurEvent:
    def __init__(self, event: Event) -> None:
        self._event = event

    def get(self, header: str) -> str | None:
        return self._event.get(header)

    @property
    def body(self) -> bytes:
        return self._event.body


class OurSession:
    def __init__(self, leg: Leg) -> None:
        self.raw = leg

    def connect(self) -> object:
        return self.raw.connect(Deadline.after(LONG_S))

    def execute(self, app: str, argument: str = "", *, timeout_s: float = LONG_S) -> str | None:
        done: Event = self.raw.execute(_execute(app, argument), Deadline.after(timeout_s))
        return done.response

    def start(self, app: str, argument: str = "") -> None:
        self.raw.start(_execute(app, argument))

    def command(self, text: str) -> None:
        self.raw.send(f"{text}\n\n".encode(), Deadline.after(LONG_S))

    def header(self, name: str) -> str | None:
        return self.raw.channel.get(name)

    def on(self, event_name: str, callback: Callable[[Seen], object]) -> None:
        self.raw.on(event_name, lambda event: callback(OurEvent(event)))

    def close(self) -> None:
        self.raw.close()
        self.raw.settle(Deadline.after(1))


class OurServer:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.port = server.port

    def stop(self, drain_s: float) -> None:
        self.server.stop(drain_s)

    @property
    def count(self) -> int:
        return self.server.connection_count


class Ours:
    name = "ours"

    def session(self, sock: socket.socket) -> Session:
        return OurSession(Leg(sock))

    def serve(
        self,
        handler: Callable[[Session], object],
        *,
        limit: int = 50,
        connect_s: float = 5.0,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> Running:
        settings = ListenSettings(host=host, port=port, max_legs=limit, connect_s=connect_s)
        server = Server(settings, lambda leg: handler(OurSession(leg)))
        server.start()
        return OurServer(server)


# Stock.


class StockEvent:
    def __init__(self, event: Any) -> None:
        self._event = event

    def get(self, header: str) -> str | None:
        return self._event.headers.get(header)  # type: ignore[no-any-return]

    @property
    def body(self) -> bytes | None:
        data = getattr(self._event, "data", None)
        return None if data is None else str(data).encode()


class StockSession:
    def __init__(self, raw: Any) -> None:
        self.raw = raw

    def connect(self) -> object:
        found = self.raw.connect()
        self.raw.myevents()
        return found

    def execute(self, app: str, argument: str = "", *, timeout_s: float = LONG_S) -> str | None:
        done = self.raw.call_command(
            app, argument or "/tmp/prompt.wav", block=True, response_timeout=timeout_s
        )
        return done.headers.get("Application-Response")  # type: ignore[no-any-return]

    def start(self, app: str, argument: str = "") -> None:
        self.raw.call_command(app, argument)

    def command(self, text: str) -> None:
        self.raw.send(text)

    def header(self, name: str) -> str | None:
        return self.raw.session_data.get(name)  # type: ignore[no-any-return]

    def on(self, event_name: str, callback: Callable[[Seen], object]) -> None:
        def handler(event: Any) -> None:
            callback(StockEvent(event))

        self.raw.register_handle(event_name, handler)

    def close(self) -> None:
        self.raw.stop()


class StockServer:
    def __init__(self, server: Any, listening: gevent.Greenlet[[], None]) -> None:
        self._server = server
        self._listening = listening
        self.port: int = server.server.getsockname()[1]

    def stop(self, drain_s: float) -> None:
        """As its README says: a flag, then the listening greenlet ends when all calls have."""
        del drain_s  # there is no such thing
        self._server.stop()
        self._listening.join()

    @property
    def count(self) -> int:
        return self._server.connection_count  # type: ignore[no-any-return]


class _Application:
    def __init__(self, handler: Callable[[Session], object], raw: Any) -> None:
        self._handler = handler
        self._raw = raw

    def run(self) -> None:
        self._raw.myevents()
        self._handler(StockSession(self._raw))


class Stock:
    name = "stock"

    def session(self, sock: socket.socket) -> Session:
        from greenswitch.esl import OutboundSession

        return StockSession(OutboundSession(("127.0.0.1", 1), sock))

    def serve(
        self,
        handler: Callable[[Session], object],
        *,
        limit: int = 50,
        connect_s: float = 5.0,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> Running:
        from greenswitch.esl import OutboundESLServer

        del connect_s  # there is no such thing
        server = OutboundESLServer(
            bind_address=host,
            # It takes a bound port of 0 for failure (esl.py:577), so one is chosen for it.
            bind_port=port or free_port(host),
            application=lambda raw: _Application(handler, raw),
            max_connections=limit,
        )
        listening = gevent.spawn(server.listen)
        while not server._running:
            gevent.sleep(0.005)
            if listening.ready():
                listening.get()
                raise RuntimeError("it did not listen")
        return StockServer(server, listening)


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as sock:
        sock.bind((host, 0))
        return int(sock.getsockname()[1])


IMPLEMENTATIONS: dict[str, Implementation] = {"ours": Ours(), "stock": Stock()}

REPOSITORY = Path(__file__).parents[2]
