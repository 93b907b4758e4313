"""Whom the supervisor ends, and whom it leaves alone; workers here are scripts of a few lines."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import gevent
import pytest
import structlog
from gevent.event import Event as Flag

from esl_app import supervisor
from esl_app.supervisor import Supervisor, Usage, beat

pytestmark = pytest.mark.integration

LIMIT_S = 2.0  # instead of FROZEN_S
WORKER = """
import os, signal, sys, time
pulse = int(sys.argv[sys.argv.index("--pulse-fd") + 1])
signal.signal(signal.SIGUSR2, lambda *_: None)
os.write(pulse, b".")
"""
BEATS = WORKER + "while True: time.sleep(0.2); os.write(pulse, b'.')"
WAITS = WORKER + "time.sleep(600)"
COMPUTES = WORKER + "while True: pass"
# Writes down the longest time between two beats, for each of which it needs 0.7 s of a CPU.
STARVES = (
    WORKER
    + """
os.sched_setaffinity(0, {int(sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
try:  # sessions share a CPU before their processes do, sched(7)
    with open("/proc/self/autogroup", "w") as file: file.write("19")
except OSError:
    pass
last, longest = time.monotonic(), 0.0
while True:
    enough = time.process_time() + 0.7
    while time.process_time() < enough: pass
    os.write(pulse, b".")
    now = time.monotonic()
    last, longest = now, max(longest, now - last)
    with open(sys.argv[2], "w") as file: file.write(str(longest))
"""
)
# A supervisor in a process of its own: of the script, with the limit.
SUPERVISOR = """
import esl_app.patched
import signal, socket, sys
import gevent
from esl_app import supervisor
supervisor.FROZEN_S = float(sys.argv[2])
watching = supervisor.Supervisor([sys.executable, "-c", sys.argv[1]], count=1)
gevent.signal_handler(signal.SIGTERM, watching.terminate)
watching.run(socket.create_server(("127.0.0.1", 0)))
"""


@pytest.fixture(autouse=True)
def sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FROZEN_S", LIMIT_S)


@contextmanager
def supervised(script: str, *arguments: str) -> Iterator[Callable[[], int]]:
    """A supervisor with one worker; gives what tells the worker's process id, 0: none now."""
    watching = Supervisor([sys.executable, "-c", script, *arguments], count=1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = gevent.spawn(watching.run, listener)

        def worker() -> int:
            return next((child.pid for child in watching._children), 0)

        try:
            until(lambda: watching._ready)
            yield worker
        finally:
            watching.terminate()
            until(running.ready)


def until(holds: Callable[[], object], *, within_s: float = 30.0) -> None:
    with gevent.Timeout(within_s):
        while not holds():
            gevent.sleep(0.05)


@pytest.mark.parametrize("script", [WAITS, COMPUTES], ids=["waits", "computes"])
def test_a_worker_that_stands_still_is_replaced(script: str) -> None:
    with structlog.testing.capture_logs() as logs, supervised(script) as worker:
        first = worker()
        until(lambda: worker() not in {0, first})
    assert "worker_frozen" in [entry["event"] for entry in logs]


def test_a_worker_that_waits_for_a_cpu_is_left_alone(tmp_path: Path) -> None:
    """On one CPU with somebody who always comes first, it takes far too long to its next beat."""
    longest = tmp_path / "longest"
    cpu = max(os.sched_getaffinity(0))
    rival = f"import os\nos.sched_setaffinity(0, {{{cpu}}})\nwhile True: pass"
    with supervised(STARVES, str(cpu), str(longest)) as worker:
        first = worker()
        with subprocess.Popen([sys.executable, "-c", rival]) as busy:
            gevent.sleep(LIMIT_S + 3.0)
            busy.kill()
        until(longest.exists)
        assert worker() == first
    if float(longest.read_text()) < LIMIT_S + 1.0:
        pytest.skip("this kernel gives an idle process as much as any other")


def test_a_supervisor_that_was_stopped_itself_ends_nobody() -> None:
    """It wakes from a wait that is over, although the beats are there."""
    with subprocess.Popen([sys.executable, "-c", SUPERVISOR, BEATS, str(LIMIT_S)]) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        try:
            until(children.read_text)
            first = children.read_text()
            gevent.sleep(1.0)
            process.send_signal(signal.SIGSTOP)
            gevent.sleep(LIMIT_S + 1.0)
            process.send_signal(signal.SIGCONT)
            gevent.sleep(1.0)
            assert children.read_text() == first
        finally:
            process.terminate()


def test_a_worker_knows_at_once_that_its_supervisor_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor, "BEAT_S", 600.0)
    theirs, ours = socket.socketpair()
    gone = Flag()
    beating = gevent.spawn(beat, ours.fileno(), gone.set)
    with theirs, ours:
        assert theirs.recv(10) == b"."
        theirs.close()
        assert gone.wait(10.0)
        beating.join()


def test_what_a_process_uses_is_read_from_proc() -> None:
    before, began = Usage.of(os.getpid()), time.process_time()
    while time.process_time() < began + 0.2:
        pass
    after = Usage.of(os.getpid())
    assert before is not None
    assert after is not None
    assert after.wanting
    assert after.cpu_s - before.cpu_s == pytest.approx(0.2, abs=0.1)
    assert Usage.of(2**22 + 1) is None, "more than the kernel gives"
