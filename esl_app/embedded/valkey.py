"""A Redis-compatible server (Valkey) in a folder of ours, over a unix socket with a password."""

from __future__ import annotations

import os
import signal
import socket
import urllib.parse
from pathlib import Path

from esl_app.embedded import _binaries, _process
from esl_app.embedded._process import EmbeddedError
from esl_app.embedded._server import EmbeddedServer

_SOCKET = "valkey.sock"
_START_S = 10.0


class EmbeddedValkey(EmbeddedServer):
    """One Valkey server for one folder, owned by this process.

    Args:
        data_dir: Created when missing.
        persist: Keep an append-only file there, so that live state survives a restart.
    """

    name = "Valkey"
    stop_steps = ((signal.SIGTERM, 5.0),)

    def __init__(self, data_dir: Path, *, persist: bool = False) -> None:
        super().__init__(data_dir)
        self._persist = persist

    @property
    def url(self) -> str:
        """For `redis.Redis.from_url`."""
        if self._socket_dir is None:
            raise EmbeddedError(f"{self.data_dir}: not started")
        password = _process.kept_secret(self.data_dir / "password")
        return _url(password, self._socket_dir / _SOCKET)

    def stop(self) -> None:
        """Stop the server, within seconds, and give the folder free; again is harmless."""
        if self._lock.is_ours:
            (self.data_dir / "socket").unlink(missing_ok=True)  # where it listens no more
        super().stop()

    @property
    def _home(self) -> Path:
        return self.data_dir

    def running_url(self, *, within_s: float = 10.0) -> str | None:
        """The URL when another process of ours runs the server in this folder, else None."""
        return _process.wait_for(
            self._url_now, while_true=lambda: self._lock.taken_elsewhere, within_s=within_s
        )

    def _url_now(self) -> str | None:
        try:
            password = (self.data_dir / "password").read_text("ascii").strip()
            path = Path((self.data_dir / "socket").read_text())
        except OSError:
            return None
        return _url(password, path) if _answers(path, password) else None

    def _start(self) -> None:
        program = _binaries.valkey_server()
        password = _process.kept_secret(self.data_dir / "password")
        # Valkey has no objection to root, and as ourselves it can use a folder shut to others.
        owner = _process.Owner(uid=os.geteuid(), gid=os.getegid())
        socket_dir = _process.socket_folder(self.data_dir, _SOCKET, owner)
        self._socket_dir = socket_dir
        path = socket_dir / _SOCKET
        path.unlink(missing_ok=True)
        (self.data_dir / "socket").write_text(str(path))
        config_path = self.data_dir / "valkey.conf"
        config_path.unlink(missing_ok=True)
        fd = os.open(config_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "w") as file:
            # In a file, not in the arguments: any user can read those with ps.
            file.write(self._config(path, password))
        self._run(
            [program, config_path],
            owner=owner,
            parent_death=signal.SIGTERM,
            is_ready=lambda _: _answers(path, password),
            within_s=_START_S,
        )

    def _config(self, path: Path, password: str) -> str:
        lines = [
            "port 0",
            f"unixsocket {_quoted(path)}",
            "unixsocketperm 700",
            f"requirepass {password}",
            f"dir {_quoted(self.data_dir)}",
            'save ""',
            f"appendonly {'yes' if self._persist else 'no'}",
            "daemonize no",
            "maxmemory 128mb",
            # Full means an error to the writer, not another tenant's live state thrown out.
            "maxmemory-policy noeviction",
        ]
        return "\n".join(lines) + "\n"


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _answers(path: Path, password: str) -> bool:
    """Whether the server answers a PING; it refuses while it loads its file."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(1.0)
            s.connect(str(path))
            s.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2:
                piece = s.recv(256)
                if not piece:
                    break
                answer += piece
    except OSError:
        return False
    return answer == b"+OK\r\n+PONG\r\n"


def _url(password: str, path: Path) -> str:
    return f"unix://:{password}@{urllib.parse.quote(str(path))}?db=0"
