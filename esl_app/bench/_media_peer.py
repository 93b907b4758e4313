"""FreeSWITCH's end of N legs' audio for `voice-ai bench media`: plain sockets in their own process.

Reads `open <port>` lines, answers each by sending a frame to that port every 20 ms and keeping when
the kernel received what came back; at `report` it writes one JSON line and ends. Told of a WAV file
(its only argument), callers say it every `_TURN_S`, each from another moment on; else they are
silent.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import struct
import sys
import time
import wave
from typing import Any

_FRAME_S = 0.02
_FRAME = bytes(320)
_TURN_S = 6.0
# From Linux's headers; Python's socket module does not name it.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")


class _Leg:
    def __init__(self, port: int, says: list[bytes], phase: int) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.connect(("127.0.0.1", port))
        self.sock.setblocking(False)
        self.sent_s: list[float] = []
        self._says = says
        self._phase = phase
        self.arrivals_s: list[float] = []

    def send(self) -> None:
        try:
            self.sock.send(self._says[(len(self.sent_s) + self._phase) % len(self._says)])
            self.sent_s.append(time.time())
        except OSError:
            return  # nobody there any more

    def receive(self) -> None:
        while True:
            try:
                _, ancillary, _, _ = self.sock.recvmsg(2048, 64)
            except OSError:
                return
            for _, kind, data in ancillary:
                if kind == _SO_TIMESTAMPNS:
                    seconds, nanoseconds = _TIMESPEC.unpack(data[:16])
                    self.arrivals_s.append(seconds + nanoseconds / 1e9)


def main() -> None:
    """Serve until told to report, or until the other end is gone."""
    legs: list[_Leg] = []
    says = _turn(sys.argv[1]) if len(sys.argv) > 1 else [_FRAME]
    selector = selectors.DefaultSelector()
    control = sys.stdin.fileno()
    selector.register(control, selectors.EVENT_READ)
    lines = b""
    due = time.monotonic()
    while True:
        for key, _ in selector.select(max(0.0, due - time.monotonic())):
            if key.data is not None:
                key.data.receive()
                continue
            data = os.read(control, 65536)
            if not data:
                return
            *whole, lines = (lines + data).split(b"\n")
            for line in whole:
                if line == b"report":
                    print(json.dumps([_told(leg) for leg in legs]), flush=True)  # noqa: T201
                    return
                leg = _Leg(int(line.removeprefix(b"open ")), says, phase=7 * len(legs))
                legs.append(leg)
                selector.register(leg.sock, selectors.EVENT_READ, leg)
        now = time.monotonic()
        if now >= due:
            due = max(due + _FRAME_S, now - _FRAME_S)
            for leg in legs:
                leg.send()


def _turn(path: str) -> list[bytes]:
    """Frames of a recording (8 kHz, 16 bit), then of silence."""
    with wave.open(path) as reader:
        pcm = reader.readframes(reader.getnframes())
    frames = [pcm[at : at + 320] for at in range(0, len(pcm) - 319, 320)]
    return frames + [_FRAME] * (round(_TURN_S / _FRAME_S) - len(frames))


def _told(leg: _Leg) -> dict[str, Any]:
    return {"sent_s": leg.sent_s, "arrivals_s": leg.arrivals_s}


if __name__ == "__main__":
    main()
