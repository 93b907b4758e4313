"""A WebSocket client's edge: one socket, no thread, our errors; wsproto does the protocol.

One greenlet may receive while others send. Every wait ends at the deadline of its caller (a
`gevent.Timeout` around it) or when another greenlet closes the socket.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from gevent.lock import RLock
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

from providers.deadline import Deadline
from providers.errors import BadResponse, Timeout, Unavailable, of_status

MAX_MESSAGE: Final = 1 << 20
_READ: Final = 1 << 16
_CONNECT_S: Final = 5.0
_GOODBYE_S: Final = 0.5


class WebSocket:
    """An open connection; made by `connect`."""

    def __init__(self, line: socket.socket, *, provider: str) -> None:
        self._line = line
        self._provider = provider
        self._protocol = WSConnection(ConnectionType.CLIENT)
        self._sending = RLock()
        self._parts: list[str] = []
        self._size = 0
        self.close_code: int | None = None
        """Why the server closed, once `receive` has returned None."""

    def send(self, message: str | bytes) -> None:
        """Send a message, text or binary.

        Raises:
            Unavailable: the connection is gone.
        """
        self._put(
            TextMessage(data=message) if isinstance(message, str) else BytesMessage(data=message)
        )

    def receive(self) -> str | None:
        """The next text message; None when the server has closed. Binary ones are passed over.

        Raises:
            Unavailable: the connection was cut.
            BadResponse: what came is no WebSocket, or longer than `MAX_MESSAGE`.
        """
        while True:
            for event in self._protocol.events():
                match event:
                    case TextMessage(data=data, message_finished=finished):
                        self._size += len(data)
                        if self._size > MAX_MESSAGE:
                            raise BadResponse("an endless message", provider=self._provider)
                        self._parts.append(data)
                        if finished:
                            whole = "".join(self._parts)
                            self._parts, self._size = [], 0
                            return whole
                    case Ping():
                        self._put(event.response())
                    case CloseConnection(code=code):
                        self.close_code = int(code)
                        return None
                    case _:
                        pass
            self._read()

    def close(self) -> None:
        """Say goodbye, without waiting for an answer; again is harmless."""
        try:
            self._line.settimeout(_GOODBYE_S)
            self._put(CloseConnection(code=1000))
        except Unavailable:
            pass  # it has gone already
        finally:
            self.cut()

    def cut(self) -> None:
        """End it at once; whoever waits in `receive` sees the connection end."""
        try:
            self._line.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        finally:
            self._line.close()

    def shake_hands(self, host: str, target: str, headers: Mapping[str, str]) -> None:
        """Turn the connection into a WebSocket; `connect` does it."""
        extra = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._put(Request(host=host, target=target, extra_headers=extra))
        while True:
            for event in self._protocol.events():
                if isinstance(event, AcceptConnection):
                    return
                if isinstance(event, RejectConnection):
                    raise of_status(
                        event.status_code,
                        f"HTTP {event.status_code} instead of a WebSocket",
                        provider=self._provider,
                    )
            self._read()

    def _put(self, event: Event) -> None:
        try:
            with self._sending:  # halves of two messages must not mix
                self._line.sendall(self._protocol.send(event))
        except (OSError, ProtocolError) as error:
            raise Unavailable(
                f"the connection is gone ({type(error).__name__})", provider=self._provider
            ) from None

    def _read(self) -> None:
        try:
            data = self._line.recv(_READ)
        except TimeoutError:
            raise Timeout("no answer in time", provider=self._provider) from None
        except OSError as error:
            raise Unavailable(
                f"the connection was cut ({type(error).__name__})", provider=self._provider
            ) from None
        if not data:
            raise Unavailable("the connection was cut", provider=self._provider)
        try:
            self._protocol.receive_data(data)
        except ProtocolError:
            raise BadResponse("what came is no WebSocket", provider=self._provider) from None


def connect(
    url: str, *, headers: Mapping[str, str], deadline: Deadline, provider: str
) -> WebSocket:
    """Open a connection to a ws: or wss: URL.

    Raises:
        ProviderError: refused, unreachable, rejected by the server's HTTP status, no WebSocket.
    """
    parts = urlsplit(url)
    assert parts.hostname is not None  # the adapter's config was checked
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    timeout_s = max(0.001, min(deadline.remaining_s, _CONNECT_S))
    try:
        line = _dial(parts.hostname, parts.port, secure=parts.scheme == "wss", timeout_s=timeout_s)
    except TimeoutError:
        raise Timeout("no connection in time", provider=provider) from None
    except OSError as error:
        raise Unavailable(f"no connection ({type(error).__name__})", provider=provider) from None
    opened = WebSocket(line, provider=provider)
    try:
        opened.shake_hands(parts.netloc, target, headers)
    except BaseException:
        opened.cut()
        raise
    line.settimeout(None)  # from here on the caller's deadline ends waits
    return opened


def _dial(host: str, port: int | None, *, secure: bool, timeout_s: float) -> socket.socket:
    line = socket.create_connection((host, port or (443 if secure else 80)), timeout=timeout_s)
    try:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if secure:
            return ssl.create_default_context().wrap_socket(line, server_hostname=host)
    except BaseException:
        line.close()
        raise
    return line
