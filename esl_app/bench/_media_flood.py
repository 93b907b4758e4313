"""Somebody who sends datagrams to a port as fast as told: `<from ip> <port> <per second>`.

Plain sockets in a process of their own, for `voice-ai bench media --flood`. Ends with its stdin.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time

_FRAME = bytes(320)
_SLICE_S = 0.002


def main(source: str, port: int, rate: int) -> None:
    """Send until nobody holds our standard input any more."""
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((source, 0))
    began, sent = time.monotonic(), 0
    while True:
        due = int((time.monotonic() - began) * rate)
        for _ in range(due - sent):
            sock.sendto(_FRAME, ("127.0.0.1", port))
        sent = max(sent, due)
        time.sleep(_SLICE_S)


def _end_with_stdin() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
