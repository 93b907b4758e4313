"""A FreeSWITCH of its own for the tests: written, started, asked, stopped."""

from __future__ import annotations

import os
import random
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.freeswitch.config import Settings, freeswitch_xml

_START_S = 30.0
_STOP_S = 15.0
# Each is an option of FreeSWITCH; the second half is not used, but would be the installed ones.
_FOLDERS = [
    *("conf", "log", "run", "db", "temp", "sounds"),
    *("recordings", "storage", "cache", "certs", "scripts", "htdocs", "grammar"),
]
_RTP_PORTS = 400


def free_port(kind: socket.SocketKind) -> int:
    """A port nobody has now; somebody may take it before we do, which the start then reports."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class SwitchFailedError(RuntimeError):
    """FreeSWITCH did not come up; the message has the end of its log."""


class EslRefusedError(RuntimeError):
    """The inbound event socket did not let us in, or refused a command."""


class EslClient:
    """The inbound event socket, as far as tests ask FreeSWITCH things from outside of a call."""

    def __init__(self, port: int, login: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10.0)
        self._file = self._socket.makefile("rb")
        try:
            self._packet()
            reply, _ = self.command(login)
        except BaseException:
            self.close()
            raise
        if not reply.startswith("+OK"):
            self.close()
            raise EslRefusedError(reply)

    def api(self, command: str) -> str:
        reply, body = self.command(f"api {command}")
        return body or reply

    def command(self, text: str) -> tuple[str, str]:
        """The Reply-Text and the body of the answer."""
        self._socket.sendall(text.encode() + b"\n\n")
        headers, body = self._packet()
        return headers.get("Reply-Text", ""), body

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def _packet(self) -> tuple[dict[str, str], str]:
        headers: dict[str, str] = {}
        while line := self._file.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            headers[name] = value
        if not headers:
            raise EslRefusedError("closed")
        return headers, self._file.read(int(headers.get("Content-Length", 0))).decode()


class FreeSwitch:
    """Runs in `folder` with everything of its own: ports, database, logs, sounds.

    Settings default to free ports; `primary` and `standby` are where its dialplan looks for a
    controller.
    """

    def __init__(
        self,
        binary: Path,
        folder: Path,
        *,
        settings: Settings | None = None,
        secrets_given: bool = True,
    ) -> None:
        self.folder = folder
        self.settings = settings or default_settings(folder)
        self.password = secrets.token_hex(16)
        self.control_password = secrets.token_hex(16)
        self.token = secrets.token_hex(16)
        self._binary = binary
        self._secrets_given = secrets_given
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def sip(self) -> tuple[str, int]:
        """Where a `Phone` sends its calls."""
        return ("127.0.0.1", self.settings.sip_port)

    @property
    def primary(self) -> tuple[str, int]:
        """Where the dialplan expects the controller."""
        return _address(self.settings.primary)

    @property
    def standby(self) -> tuple[str, int]:
        return _address(self.settings.standby)

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def log(self) -> str:
        path = self.folder / "log" / "freeswitch.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> Self:
        for name in _FOLDERS:
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "conf" / "freeswitch.xml").write_text(freeswitch_xml(self.settings))
        command = [str(self._binary), "-nf", "-nc", "-nonat", "-nonatmap", "-nocal", "-np"]
        for name in _FOLDERS:
            command += [f"-{name}", str(self.folder / name)]
        # Should the tests be killed, FreeSWITCH ends too and does not keep its ports.
        if setpriv := shutil.which("setpriv"):
            command = [setpriv, "--pdeathsig", "TERM", *command]
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith(("VOICE_AI_", "FREESWITCH_"))
        }
        if self._secrets_given:
            environment |= {
                "FREESWITCH_ESL_LISTEN_IP": "127.0.0.1",
                "FREESWITCH_ESL_PASSWORD": self.password,
                "FREESWITCH_CONTROL_PASSWORD": self.control_password,
                "FREESWITCH_VOICE_AI_TOKEN": self.token,
            }
        with (self.folder / "log" / "stdout.txt").open("wb") as output:
            self._process = subprocess.Popen(
                command,
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def begin_stop(self) -> None:
        """SIGTERM. It takes FreeSWITCH some seconds, in which others may be told as well."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to our own child when that does not do."""
        if self._process is None:
            return
        self.begin_stop()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_STOP_S)

    def kill(self) -> None:
        """SIGKILL: a crash, as legs see it."""
        assert self._process is not None, "not started"
        self._process.kill()
        self._process.wait(_STOP_S)

    def connect(self, login: str | None = None) -> EslClient:
        return EslClient(self.settings.esl_port, login or f"auth {self.password}")

    def api(self, command: str) -> str:
        """The answer of one api command over the inbound event socket."""
        client = self.connect()
        try:
            return client.api(command)
        finally:
            client.close()

    def channels(self) -> int:
        """How many channels are up."""
        return int(self.api("show channels count").split()[0])

    def wait_idle(self, timeout_s: float = 10.0) -> None:
        """Until no channel is up: what a test leaves behind the next one would find."""
        deadline = time.monotonic() + timeout_s
        while up := self.channels():
            if time.monotonic() > deadline:
                raise AssertionError(f"{up} channels still up: {self.api('show channels')}")
            time.sleep(0.1)

    def _ready(self) -> bool:
        if not self._secrets_given:
            return "FreeSWITCH Started" in self.log
        try:
            return "BIND-URL" in self.api("sofia status profile rig")
        except (OSError, EslRefusedError):
            return False

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            if self._ready():
                return
            time.sleep(0.1)
        output = (self.folder / "log" / "stdout.txt").read_text(errors="replace")
        raise SwitchFailedError(
            f"FreeSWITCH did not get ready:\n{output[-2000:]}\n{self.log[-4000:]}"
        )


def default_settings(folder: Path, **changes: object) -> Settings:
    """Free ports, an apology in `folder`/sounds/sorry.wav, and whatever else is asked for."""
    first = random.randrange(20000, 31000, 2)
    values: dict[str, object] = {
        "sip_port": free_port(socket.SOCK_DGRAM),
        "esl_port": free_port(socket.SOCK_STREAM),
        "rtp_first": first,
        "rtp_last": first + _RTP_PORTS,
        "primary": f"127.0.0.1:{free_port(socket.SOCK_STREAM)}",
        "standby": f"127.0.0.1:{free_port(socket.SOCK_STREAM)}",
        "sorry": folder / "sounds" / "sorry.wav",
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)
