"""The switch's side of one event socket, scripted byte by byte.

Not a FreeSWITCH (that is `esl_app.switchsim`): it says what a test tells it to, also what no
FreeSWITCH would say.
"""

from __future__ import annotations

import contextlib
import socket
import time
import uuid as uuids
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import quote

import gevent

from esl_app.leg import Leg
from providers.deadline import Deadline

WAIT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command we received."""

    line: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def app(self) -> str:
        return self.headers.get("execute-app-name", "")

    @property
    def event_uuid(self) -> str:
        return self.headers.get("event-uuid", "")

    @property
    def argument(self) -> str:
        return self.body.decode() or self.headers.get("execute-app-arg", "")


def encoded(headers: Mapping[str, str]) -> bytes:
    return b"".join(
        f"{name}: {quote(value, safe=' ,/()[]@+.:;-_')}\n".encode()
        for name, value in headers.items()
    )


def event_bytes(name: str, headers: Mapping[str, str]) -> bytes:
    inner = encoded({"Event-Name": name, **headers}) + b"\n"
    return b"Content-Length: %d\nContent-Type: text/event-plain\n\n%s" % (len(inner), inner)


NOTICE = (
    b"Content-Type: text/disconnect-notice\nControlled-Session-UUID: %s\n"
    b"Content-Disposition: disconnect\nContent-Length: 67\n\n"
    b"Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
)


class Peer:
    """What stands where FreeSWITCH stands."""

    def __init__(self, sock: socket.socket, *, uuid: str | None = None) -> None:
        self.sock = sock
        self.sock.settimeout(WAIT_S)
        self.uuid = uuid or str(uuids.uuid4())
        self.received = b""
        """Everything we got."""
        self._buffer = b""

    @classmethod
    def to(cls, port: int, *, host: str = "127.0.0.1", source: str | None = None) -> Peer:
        address = None if source is None else (source, 0)
        sock = socket.create_connection((host, port), WAIT_S, source_address=address)
        # As FreeSWITCH does (mod_event_socket.c:477).
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(sock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.sock.close()

    # Hearing.

    def command(self) -> Command:
        """The next command.

        Raises:
            EOFError: the controller closed instead.
        """
        while b"\n\n" not in self._buffer:
            self._more()
        block, _, self._buffer = self._buffer.partition(b"\n\n")
        first, *rest = block.decode().split("\n")
        headers = {}
        for line in rest:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            self._more()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return Command(line=first, headers=headers, body=body)

    def until_eof(self) -> bytes:
        """Everything up to the controller's end of the connection."""
        try:
            while True:
                self._more()
        except EOFError:
            return self._buffer

    def _more(self) -> None:
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            raise EOFError
        self.received += data
        self._buffer += data

    # Saying.

    def say(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reply(self, text: str = "+OK") -> None:
        self.say(f"Content-Type: command/reply\nReply-Text: {text}\n\n".encode())

    def channel_data(self, extra: bytes = b"", **variables: str) -> bytes:
        headers = {
            "Event-Name": "CHANNEL_DATA",
            "Channel-State": "CS_EXECUTE",
            "Unique-ID": self.uuid,
            "Answer-State": "ringing",
            "Caller-Caller-ID-Number": "1000",
            "Caller-Destination-Number": "5551234567",
            **{f"variable_{name}": value for name, value in variables.items()},
        }
        return (
            encoded(headers)
            + extra
            + b"Content-Type: command/reply\nReply-Text: %2BOK%0A\n"
            + b"Socket-Mode: async\nControl: single-channel\n\n"
        )

    def event(self, name: str, **headers: str) -> None:
        self.say(self.event_data(name, **headers))

    def event_data(self, name: str, **headers: str) -> bytes:
        """An event of this channel; `_` in a header's name stands for `-`, not in a variable's."""
        named = {
            key if key.startswith("variable_") else key.replace("_", "-"): value
            for key, value in headers.items()
        }
        return event_bytes(name, {"Unique-ID": self.uuid, "Answer-State": "answered", **named})

    def began(self, command: Command) -> None:
        self.event("CHANNEL_EXECUTE", Application=command.app, Application_UUID=command.event_uuid)

    def completion(self, command: Command, response: str = "_none_", **headers: str) -> bytes:
        return self.event_data(
            "CHANNEL_EXECUTE_COMPLETE",
            Application=command.app,
            Application_UUID=command.event_uuid,
            Application_Response=response,
            variable_current_application=command.app,
            **headers,
        )

    def complete(self, command: Command, response: str = "_none_", **headers: str) -> None:
        self.say(self.completion(command, response, **headers))

    def hangup_data(self, cause: str = "NORMAL_CLEARING") -> bytes:
        return self.event_data("CHANNEL_HANGUP", Hangup_Cause=cause, Answer_State="hangup")

    def notice(self) -> bytes:
        return NOTICE % self.uuid.encode()

    def close(self) -> None:
        self.sock.close()

    # A whole, well-behaved part of a call.

    def accept(self, **variables: str) -> None:
        """Answer `connect` and `myevents`."""
        assert self.command().line == "connect"
        self.say(self.channel_data(b"", **variables))
        assert self.command().line == "myevents"
        self.reply("+OK Events Enabled")

    def execute(self, app: str, response: str = "_none_") -> Command:
        """Let one application run to its end at once."""
        command = self.command()
        assert command.app == app, command
        self.reply()
        self.began(command)
        self.complete(command, response)
        return command

    def let_hang_up(self) -> str:
        """Obey the controller's hang-up, as FreeSWITCH does without linger; the cause."""
        command = self.command()
        assert command.headers.get("call-command") == "hangup", command
        cause = command.headers["hangup-cause"]
        self.reply()
        self.say(self.hangup_data(cause) + self.notice())
        self.close()
        return cause


@contextlib.contextmanager
def pair() -> Iterator[tuple[socket.socket, Peer]]:
    """A TCP connection: the accepted end, and the switch at the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = Peer.to(listener.getsockname()[1])
        accepted, _ = listener.accept()
    with peer, accepted:
        yield accepted, peer


@contextlib.contextmanager
def connected(**variables: str) -> Iterator[tuple[Leg, Peer]]:
    """A connected leg and the switch at its other end."""
    with pair() as (sock, peer):
        leg = Leg(sock)
        switch = gevent.spawn(peer.accept, **variables)
        leg.connect(Deadline.after(WAIT_S))
        switch.get()
        yield leg, peer
        leg.close()
        leg.settle(Deadline.after(0.1))


def clean_call(port: int) -> float:
    """One call to the `answer, then hang up` handler; how long it took to be answered."""
    began = time.monotonic()
    with Peer.to(port) as peer:
        peer.accept()
        peer.execute("answer")
        answered = time.monotonic() - began
        assert peer.let_hang_up() == "NORMAL_CLEARING"
    return answered
