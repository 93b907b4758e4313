"""The engine's side of a worker process: what `providers.worker` starts.

An engine module ends with `serve(load)`, where `load(options)` returns the engine. It runs without
gevent, one request after the other. Its standard input is a socket to the adapter; nothing else of
the parent is inherited, and whatever a library prints cannot get between the frames.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

from providers.frames import Decoder, encode

_PR_SET_PDEATHSIG = 1  # linux/prctl.h

Reason = Literal["unavailable", "bad_request", "bad_response"]


class EngineError(Exception):
    """The engine cannot do it. The message reaches the log: no caller's words, no secrets."""

    def __init__(self, message: str, *, reason: Reason = "unavailable") -> None:
        super().__init__(message)
        self.reason = reason


class Engine(Protocol):
    """What a worker process runs."""

    def handle(self, request: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        """The answer's header and body.

        Raises:
            EngineError: the request cannot be answered; the next one may.
        """
        ...


def serve(load: Callable[[dict[str, Any]], Engine]) -> None:
    """Load the engine, then answer requests until the parent closes the socket or dies."""
    parent, options = int(sys.argv[1]), json.loads(sys.argv[2])
    _die_with(parent)
    link = _take_stdin()
    try:
        engine = load(options)
    except Exception as error:  # noqa: BLE001 - the outermost edge: the parent tells the operator
        link.sendall(encode(_failure(error)))
        return
    link.sendall(encode({"ready": True}))
    decoder = Decoder()
    while data := link.recv(1 << 16):
        decoder.feed(data)
        while (frame := decoder.next()) is not None:
            header, body = frame
            link.sendall(_answer(engine, header, body))


def _answer(engine: Engine, header: dict[str, Any], body: bytes) -> bytes:
    number = header.pop("number")
    try:
        answer, sound = engine.handle(header, body)
        return encode({**answer, "number": number}, sound)
    except Exception as error:  # noqa: BLE001 - the outermost edge: one bad request ends nothing
        return encode({**_failure(error), "number": number})


def _failure(error: Exception) -> dict[str, Any]:
    if isinstance(error, EngineError):
        return {"failed": error.reason, "message": str(error)}
    # A foreign exception's text may hold what a caller said: its name and place are enough.
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    if isinstance(error, ImportError) and error.name:
        return {"failed": "unavailable", "message": f"the package {error.name!r} is not installed"}
    return {"failed": "unavailable", "message": f"{type(error).__name__}{place}"}


def _die_with(parent: int) -> None:
    """Leave with the parent, however it ends; the end of the socket covers an idle engine only."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before we could ask
        sys.exit(1)


def _take_stdin() -> socket.socket:
    link = socket.socket(fileno=os.dup(0))
    link.setblocking(True)  # gevent made its description non-blocking
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    return link


def package_file(package: str, path: str) -> Path:
    """A file inside an installed package, without importing it.

    Raises:
        EngineError: the package or the file is not there.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EngineError(f"the package {package!r} is not installed")
    found = Path(spec.submodule_search_locations[0]) / path
    if not found.exists():
        raise EngineError(f"the package {package!r} holds no {path}")
    return found


def check(folder: Path, sums: Mapping[str, str]) -> None:
    """Compare files with the sha256 they had when they were tried out.

    The weights come in packages by single authors: a new upload under an old name must not load.

    Raises:
        EngineError: a file is missing or another one.
    """
    for name, expected in sums.items():
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            raise EngineError(f"{name} is missing in {folder}") from None
        if found != expected:
            raise EngineError(f"{name} in {folder} is not the file we know (sha256 {found[:12]}…)")
