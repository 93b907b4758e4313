"""Keeps workers alive: starts them on one listening socket, replaces one that dies or freezes.

Theory of operation. The supervisor opens the listening socket and never accepts; the workers do. A
call that comes while nobody accepts waits in the socket's queue until somebody does. From its hub,
each worker writes a byte a second to the supervisor. When none has come for `FROZEN_S`, something
holds the hub (a flow that computes, a library that blocks) and no call of that worker is served: it
is asked for its stack, which goes to the log, killed, and replaced. Its sockets close with it, so
that FreeSWITCH brings its calls to whoever accepts next, and they go on from their last turn.

A machine that is busy is no reason to kill anybody. The time in which a worker wants the CPU and
does not get it does not count, nor does that in which the supervisor did not get it: it looks once
a second, and a look that took longer counts as one second (`standing`).

A worker whose supervisor is gone finds the other end closed, at once, and drains.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import gevent
import structlog
from gevent.event import Event
from gevent.socket import wait_read
from gevent.subprocess import Popen

log = structlog.get_logger()

BEAT_S: Final = 1.0
FROZEN_S: Final = 5.0
START_S: Final = 60.0  # to the first beat
_STACK_S: Final = 0.3  # for a frozen worker to write where it stands
_PAUSE_S: Final = 0.5  # before a worker that ended is replaced, doubled each time it does so again
_LONGEST_PAUSE_S: Final = 30.0
_STEADY_S: Final = 60.0  # up for so long, it counts as the first time


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has had of the CPU, and whether it wants more."""

    cpu_s: float
    """Of all its threads."""
    wanting: bool
    """Some thread computes, or waits for a CPU to do so."""

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """What proc(5) says now; None when it says nothing."""
        process = Path(f"/proc/{pid}")
        try:
            of_all = _fields(process / "stat")
            threads = [_fields(thread / "stat") for thread in (process / "task").iterdir()]
        except OSError:  # it has ended, or a thread of it just did
            return None
        ticks = int(of_all[11]) + int(of_all[12])
        return cls(ticks / os.sysconf("SC_CLK_TCK"), any(fields[0] == "R" for fields in threads))


def standing(before: Usage | None, after: Usage | None, *, look_s: float = BEAT_S) -> float:
    """Seconds of a look without a beat in which the worker itself stood still.

    >>> standing(Usage(7.0, wanting=False), Usage(7.0, wanting=False))  # waits for something
    1.0
    >>> standing(Usage(7.0, wanting=True), Usage(8.0, wanting=True))  # computes
    1.0
    >>> standing(Usage(7.0, wanting=True), Usage(7.25, wanting=True))  # gets a quarter of a CPU
    0.25
    """
    if before is None or after is None or not after.wanting:
        return look_s
    return min(look_s, after.cpu_s - before.cpu_s)


class Supervisor:
    """Runs `count` workers until `terminate`.

    Args:
        command: starts a worker; `--listen-fd` and `--pulse-fd` with their numbers are added.
    """

    def __init__(self, command: Sequence[str], *, count: int) -> None:
        self._command = command
        self._count = count
        self._listener: socket.socket | None = None
        self._children: set[Popen[bytes]] = set()
        self._ready = 0
        self._stop = Event()
        self._code = 0

    def run(self, listener: socket.socket) -> int:
        """Serve until told to stop, or a worker does not even start; the exit code."""
        self._listener = listener
        beat = gevent.spawn(_tell_systemd_that_we_live)
        try:
            slots = [gevent.spawn(self._keep) for _ in range(self._count)]
            gevent.joinall(slots, raise_error=True)
        finally:
            beat.kill()
            for child in self._children:
                child.kill()
        return self._code

    def terminate(self) -> None:
        """Accept no more and let calls end; again shortens how long that may take."""
        if not self._stop.is_set():
            notify("STOPPING=1")
        self._stop.set()
        if self._listener is not None:
            self._listener.close()
        for child in self._children:
            child.send_signal(signal.SIGTERM)

    def _keep(self) -> None:
        """One worker after the other."""
        pause_s = _PAUSE_S
        proven = False
        while not self._stop.is_set():
            began = time.monotonic()
            ready, code = self._live()
            proven = proven or ready
            if self._stop.is_set():
                self._code = self._code or (code if proven else 0)
            elif not proven:  # what stopped it would stop the next one: it has said what
                self._code = code or 1
                self.terminate()
            else:
                log.error("worker_ended", status=code)
                if time.monotonic() - began > _STEADY_S:
                    pause_s = _PAUSE_S
                self._stop.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _live(self) -> tuple[bool, int]:
        """Start a worker and watch it to its end: whether it ever served, and its exit code."""
        assert self._listener is not None
        pulse, theirs = socket.socketpair()
        try:
            child = Popen(
                [
                    *self._command,
                    *("--listen-fd", str(self._listener.fileno())),
                    *("--pulse-fd", str(theirs.fileno())),
                ],
                pass_fds=(self._listener.fileno(), theirs.fileno()),
                env={k: v for k, v in os.environ.items() if k != "NOTIFY_SOCKET"},
                start_new_session=True,  # Ctrl-C is for us; we hand it on
            )
        except OSError:
            pulse.close()
            raise
        finally:
            theirs.close()
        self._children.add(child)
        try:
            ready = self._watch(child, pulse.fileno())
            return ready, child.wait()
        finally:
            self._children.discard(child)
            pulse.close()

    def _watch(self, child: Popen[bytes], pulse: int) -> bool:
        """Wait until a worker has closed its end, ending it when its beats do not come."""
        ready = False
        stood_s = 0.0
        usage = Usage.of(child.pid)
        while True:
            try:
                wait_read(pulse, timeout=BEAT_S)
            except TimeoutError:
                before, usage = usage, Usage.of(child.pid)
                stood_s += standing(before, usage)
                if stood_s < (FROZEN_S if ready else START_S):
                    continue
                log.error("worker_frozen", pid=child.pid)  # noqa: TRY400 - its own stack says more
                child.send_signal(signal.SIGUSR2)
                gevent.sleep(_STACK_S)
                child.kill()
                return ready
            if not os.read(pulse, 4096):
                return ready
            stood_s = 0.0
            usage = Usage.of(child.pid)
            if not ready:
                ready = True
                self._ready += 1
                if self._ready == self._count:
                    notify("READY=1")


def beat(pulse: int, orphaned: Callable[[], None]) -> None:
    """The worker's side: say once a second that the hub turns, until the supervisor is gone."""
    os.set_blocking(pulse, False)
    while True:
        try:
            with suppress(BlockingIOError):  # it has not read for a day, and that is its affair
                os.write(pulse, b".")
        except OSError:
            orphaned()
            return
        with suppress(TimeoutError):
            wait_read(pulse, timeout=BEAT_S)  # all there is to read is its end


def notify(state: str) -> None:
    """Tell systemd, if it started us and wants to know (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.settimeout(BEAT_S)  # a queue of ten that nobody reads is not worth a wait
        try:
            link.connect("\0" + address[1:] if address.startswith("@") else address)
            link.send(state.encode())
        except OSError as error:
            log.warning("systemd_not_told", error=str(error))


def _fields(stat: Path) -> list[str]:
    """The fields of a stat file, proc(5), from the state on: a name may hold anything."""
    return stat.read_text().rpartition(")")[2].split()


def _tell_systemd_that_we_live() -> None:
    while True:
        notify("WATCHDOG=1")
        gevent.sleep(BEAT_S)
