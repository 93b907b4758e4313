"""Run probes, each in a process of its own: `python -m tests.defects.run stock|ours [name ...]`.

Prints one JSON object: how each probe ended. Children are forked from a process that has imported
everything and not started gevent's hub; one that has not ended in time is killed.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time

from tests.defects.implementations import IMPLEMENTATIONS
from tests.defects.probes import PROBES, Probe

AT_ONCE = 8
HANGS_S = 2.5
"""A probe that is not over by then hangs; the longest sound one takes 1.3 s."""
FROZEN_S = 6.0
"""A child whose hub cannot even raise a time-out is frozen."""


def main(implementation: str, names: list[str], output: int) -> None:
    chosen = [entry for entry in PROBES if not names or entry.name in names]
    results: dict[str, str] = {}
    waiting = list(chosen)
    running: dict[int, tuple[Probe, int, float]] = {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            entry = waiting.pop(0)
            pid, verdict = _spawn(implementation, entry)
            running[pid] = (entry, verdict, time.monotonic())
        for pid, (entry, verdict, began) in list(running.items()):
            done, _ = os.waitpid(pid, os.WNOHANG)
            if not done and time.monotonic() - began < FROZEN_S:
                continue
            if not done:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            readable = select.select([verdict], [], [], 0)[0]
            text = os.read(verdict, 2000).decode() if readable else ""
            os.close(verdict)
            results[entry.name] = text or ("died" if done else "frozen")
            del running[pid]
        time.sleep(0.01)
    os.write(output, json.dumps(results).encode())


def _spawn(implementation: str, entry: Probe) -> tuple[int, int]:
    readable, writable = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writable)
        return pid, readable
    try:
        os.write(writable, _verdict(implementation, entry).encode()[:2000])
    finally:
        os._exit(0)


def _verdict(implementation: str, entry: Probe) -> str:
    from gevent import monkey

    monkey.patch_all()
    import gevent

    limit = gevent.Timeout(HANGS_S)
    try:
        with limit:
            entry.run(IMPLEMENTATIONS[implementation])
    except gevent.Timeout as error:
        return "hangs" if error is limit else f"raises: {error!r}"
    except AssertionError as error:
        return f"wrong: {error}"
    except BaseException as error:  # noqa: BLE001 - that is what is to be told
        return f"raises: {error!r}"
    return "passes"


if __name__ == "__main__":
    devnull = os.open(os.devnull, os.O_WRONLY)
    stdout = os.dup(1)
    for descriptor in (1, 2):  # stock writes 650 000 lines in two seconds when it spins
        os.dup2(devnull, descriptor)
    main(sys.argv[1], sys.argv[2:], stdout)
