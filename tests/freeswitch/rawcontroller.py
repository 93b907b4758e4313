"""A controller of a few lines on bare sockets: the yardstick for the rig and for the dialplan.

It knows nothing of the product. What it shows is FreeSWITCH's behaviour, so a failing test of the
product beside a passing one here points at the product.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import unquote

_TIMEOUT_S = 20.0


class LegClosedError(Exception):
    """FreeSWITCH closed the connection."""


Event = dict[str, str]


class RawLeg:
    """One connection of the `socket` application."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(_TIMEOUT_S)
        self.variables: Event = {}
        self.events: list[tuple[float, Event]] = []
        self.replies: list[str] = []
        self._socket = connection
        self._buffer = b""

    @property
    def uuid(self) -> str:
        return self.variables["Unique-ID"]

    def variable(self, name: str) -> str:
        return self.variables.get(f"variable_{name}", "")

    def connect(self) -> RawLeg:
        """First command of all; its reply has no length and is url-encoded, unlike the others."""
        self._socket.sendall(b"connect\n\n")
        head = self._until(b"\n\n")
        self.variables = _headers(head, encoded=True)
        return self

    def command(self, text: str, body: str = "") -> str:
        """Send, wait for the reply, keep the events that come in between."""
        data = body.encode()
        extra = f"\ncontent-type: text/plain\ncontent-length: {len(data)}" if data else ""
        self._socket.sendall(f"{text}{extra}\n\n".encode() + data)
        before = len(self.replies)
        while len(self.replies) == before:
            self._read_one()
        return self.replies[-1]

    def start(self, app: str, argument: str = "", *, uuid_: str = "") -> str:
        """Queue an application; its own id comes back, to wait for."""
        mark = uuid_ or str(uuid.uuid4())
        text = f"sendmsg\ncall-command: execute\nexecute-app-name: {app}\nEvent-UUID: {mark}"
        reply = self.command(text, argument)
        assert reply.startswith("+OK"), reply
        return mark

    def wait(self, mark: str, name: str = "CHANNEL_EXECUTE_COMPLETE") -> Event:
        return self.wait_event(
            lambda e: e.get("Event-Name") == name and e.get("Application-UUID") == mark
        )

    def execute(self, app: str, argument: str = "") -> Event:
        """Run an application to its end; needs `myevents`."""
        return self.wait(self.start(app, argument))

    def wait_event(self, wanted: Callable[[Event], bool], timeout_s: float = _TIMEOUT_S) -> Event:
        """The first such event, also among those that came already."""
        deadline, seen = time.monotonic() + timeout_s, 0
        while True:
            for _, event in self.events[seen:]:
                if wanted(event):
                    return event
            seen = len(self.events)
            if time.monotonic() > deadline:
                raise TimeoutError("no such event")
            self._read_one()

    def wait_closed(self, timeout_s: float = _TIMEOUT_S) -> None:
        """Say nothing until FreeSWITCH closes; TimeoutError if it does not."""
        self._socket.settimeout(timeout_s)
        with contextlib.suppress(LegClosedError):
            while True:
                self._read_one()

    def close(self) -> None:
        """End the connection in order; the leg is FreeSWITCH's again."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def crash(self) -> None:
        """What the kernel does for a killed controller: the connection is reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._socket.close()

    def _read_one(self) -> None:
        head = self._until(b"\n\n")
        outer = _headers(head, encoded=False)
        if not outer:
            return  # the empty line after the reply to connect
        body = self._exactly(int(outer.get("Content-Length", "0")))
        if outer.get("Content-Type") == "text/event-plain":
            inner = body.partition(b"\n\n")[0]
            self.events.append((time.monotonic(), _headers(inner, encoded=True)))
        elif "Reply-Text" in outer:
            self.replies.append(outer["Reply-Text"])

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._buffer:
            self._receive()
        head, _, self._buffer = self._buffer.partition(mark)
        return head

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._receive()
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return body

    def _receive(self) -> None:
        try:
            data = self._socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise LegClosedError
        self._buffer += data


def _headers(block: bytes, *, encoded: bool) -> Event:
    found: Event = {}
    for line in block.decode(errors="surrogateescape").split("\n"):
        name, colon, value = line.partition(": ")
        if colon:
            found.setdefault(name, unquote(value) if encoded else value)
    return found


class RawController:
    """Listens on `address` and runs `script` for each leg, each in a thread of its own."""

    def __init__(self, address: tuple[str, int], script: Callable[[RawLeg], None]) -> None:
        self.legs: list[RawLeg] = []
        self.errors: list[BaseException] = []
        self._script = script
        self._threads: list[threading.Thread] = []
        self._connections: list[socket.socket] = []
        self._arrived = threading.Condition()
        self._closed = threading.Event()
        self._listener = socket.create_server(address)
        self._listener.settimeout(0.2)
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        if kind is None and self.errors:
            raise self.errors[0]

    def wait_legs(self, count: int, timeout_s: float = 10.0) -> list[RawLeg]:
        deadline = time.monotonic() + timeout_s
        with self._arrived:
            while len(self.legs) < count:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{len(self.legs)} of {count} legs after {timeout_s} s")
                self._arrived.wait(left)
            return list(self.legs)

    def join(self, timeout_s: float = _TIMEOUT_S) -> None:
        """Until all scripts have ended; the first error of one is raised here."""
        for thread in list(self._threads):
            thread.join(timeout_s)
        if self.errors:
            raise self.errors.pop(0)

    def close(self) -> None:
        """Stop listening, then break every connection as a crash would."""
        self._closed.set()
        self._acceptor.join(2.0)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(2.0)
        for connection in self._connections:
            connection.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                continue
            leg = RawLeg(connection)
            self._connections.append(connection)
            thread = threading.Thread(target=self._run, args=(leg,), daemon=True)
            self._threads.append(thread)
            with self._arrived:
                self.legs.append(leg)
                self._arrived.notify_all()
            thread.start()

    def _run(self, leg: RawLeg) -> None:
        try:
            self._script(leg)
        except (LegClosedError, BrokenPipeError, ConnectionResetError):
            return
        except Exception as error:  # noqa: BLE001  # it belongs to the test, which gets it by join()
            if not self._closed.is_set():
                self.errors.append(error)
