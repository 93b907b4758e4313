"""A controller of a few lines on a plain socket: it shares no code with the product."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import unquote

import gevent

Packet = dict[str, str]
_DEADLINE_S = 10.0


class LineClosedError(Exception):
    """The other side has closed."""


class Line:
    """One accepted connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.settimeout(_DEADLINE_S)
        self._buffer = b""
        self.seen: list[Packet] = []

    def send(self, command: str) -> None:
        self.sock.sendall(f"{command}\n\n".encode())

    def execute(self, application: str, argument: str = "", **headers: str) -> Packet:
        """Send an execute and wait for its completion."""
        self.start(application, argument, **headers)
        return self.until("CHANNEL_EXECUTE_COMPLETE", application)

    def start(self, application: str, argument: str = "", **headers: str) -> None:
        more = "".join(f"\n{name.replace('_', '-')}: {value}" for name, value in headers.items())
        self.send(
            f"sendmsg\ncall-command: execute\nexecute-app-name: {application}\n"
            f"execute-app-arg: {argument}{more}"
        )

    def connect(self) -> Packet:
        """The first commands of every leg."""
        self.send("connect")
        data = self.next()
        self.send("myevents")
        return data

    def until(self, event: str, application: str = "") -> Packet:
        while True:
            packet = self.next()
            if packet.get("Event-Name") == event and application in (
                "",
                packet.get("Application", ""),
            ):
                return packet

    def drain(self) -> list[Packet]:
        """Everything up to the end of the connection."""
        rest = []
        while True:
            try:
                rest.append(self.next())
            except LineClosedError:
                return rest

    def next(self) -> Packet:
        """The next packet, head and body as one dict."""
        self._buffer = self._buffer.lstrip(b"\n")
        while b"\n\n" not in self._buffer:
            self._receive()
        head, _, self._buffer = self._buffer.partition(b"\n\n")
        packet = _parse(head)
        length = int(packet.get("Content-Length", "0"))
        while len(self._buffer) < length:
            self._receive()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        packet = {**packet, **_parse(body)}
        self.seen.append(packet)
        return packet

    def _receive(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise LineClosedError
        self._buffer += data


def _parse(lines: bytes) -> Packet:
    packet: Packet = {}
    for line in lines.decode("utf-8", "replace").split("\n"):
        name, separator, value = line.partition(": ")
        if separator:
            packet.setdefault(name, unquote(value))
    return packet


class Controller:
    """Listens; each connection runs `handler`, which closes it by returning."""

    def __init__(self, *handlers: Callable[[Line], None]) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.server.getsockname()[1])
        self.lines: list[Line] = []
        self.errors: list[BaseException] = []
        self._handlers = handlers
        self._running: list[gevent.Greenlet[..., None]] = []
        self._greenlet = gevent.spawn(self._accept)

    def _accept(self) -> None:
        while True:
            try:
                sock = self.server.accept()[0]
            except OSError:
                return
            line = Line(sock)
            handler = self._handlers[min(len(self.lines), len(self._handlers) - 1)]
            self.lines.append(line)
            self._running.append(gevent.spawn(self._handle, handler, line))

    def _handle(self, handler: Callable[[Line], None], line: Line) -> None:
        try:
            handler(line)
        except (LineClosedError, OSError) as error:
            self.errors.append(error)
        finally:
            line.sock.close()

    def close(self) -> None:
        """Stop listening; what runs comes to its end."""
        self.server.close()
        self._greenlet.kill()
        gevent.joinall(self._running, timeout=_DEADLINE_S)


@contextmanager
def controlling(*handlers: Callable[[Line], None]) -> Iterator[Controller]:
    """A controller for the length of a test; the last handler takes every further connection."""
    controller = Controller(*handlers)
    try:
        yield controller
    finally:
        controller.close()
