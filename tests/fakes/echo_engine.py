"""An engine for tests of the worker processes: does as it is told, badly on request."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

from providers.engine import EngineError, serve


class EchoEngine:
    def __init__(self, options: dict[str, Any]) -> None:
        if "load_s" in options:
            time.sleep(options["load_s"])
        if "refuse" in options:
            raise EngineError(options["refuse"])
        if "die" in options:
            os.kill(os.getpid(), signal.SIGKILL)

    def handle(self, request: dict[str, Any], body: bytes) -> tuple[dict[str, Any], bytes]:
        match request["do"]:
            case "echo":
                return {"said": request["say"]}, body[::-1]
            case "facts":
                return {"pid": os.getpid(), "environment": sorted(os.environ)}, b""
            case "sleep":
                time.sleep(request["seconds"])
                return {"said": request.get("say", "")}, b""
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
            case "print":
                print("noise on standard output", flush=True)  # noqa: T201 - the point of it
                os.write(1, b"and more noise\n")
                return {"said": sys.stdin.read()}, b""
            case "raise":
                raise RuntimeError(request["say"])
            case "refuse":
                raise EngineError("no such thing", reason="bad_request")
        raise AssertionError(request)


if __name__ == "__main__":
    serve(EchoEngine)
