"""Engines that compute run in processes of their own; this is the adapter's side.

Recognition, synthesis and embedding take seconds of CPU in native code. In a process they leave the
hub alone, can be ended at a deadline (a thread cannot), may crash without taking calls with them,
and keep GPL code apart. Two cores carry one or two at once: the number of processes is the bound,
the rest wait their turn, and past `max_waiting` they are refused.

Theory of operation. A process is started at first use or by `warm_up`, and loads at its own pace:
a caller's deadline ends the caller's wait, never the loading. One request is under way per process.
 - deadline passed: the process is killed and a new one starts loading;
 - process died: `Unavailable`, and the next use starts a new one;
 - waiting greenlet killed (the caller hung up): the process goes on, and its late answer is
   recognised by its number and dropped;
 - loading failed: `Unavailable` at once for a while, so that each turn does not pay for it again.

The kernel ends the process with the *thread* that started it (PR_SET_PDEATHSIG), so adapters belong
to a thread that lives as long as they do: the main one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gevent
import structlog
from gevent import socket
from gevent.event import AsyncResult, Event
from gevent.subprocess import Popen, TimeoutExpired

from providers.deadline import Deadline
from providers.errors import BadRequest, BadResponse, ProviderError, Timeout, Unavailable
from providers.frames import Decoder, FrameError, encode
from providers.shared import Shared

log = structlog.get_logger()

# What a native engine needs of the environment; keys of accounts are not for it.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_LOAD_S = 120.0
_RETRY_LOAD_S = 10.0
_REAP_S = 5.0
_LEAVING_S = 0.2  # a process that closed its socket is gone in a moment, and its status tells why


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSpec:
    """Which engine, and how many processes of it. Equal specs share their processes."""

    provider: str
    module: str
    options: str  # JSON, so that the spec can be a key
    processes: int = 1
    max_waiting: int = 32

    @classmethod
    def of(
        cls,
        provider: str,
        module: str,
        options: Mapping[str, Any],
        *,
        processes: int = 1,
        max_waiting: int = 32,
    ) -> EngineSpec:
        return cls(
            provider=provider,
            module=module,
            options=json.dumps(dict(options), sort_keys=True),
            processes=processes,
            max_waiting=max_waiting,
        )


@dataclass(slots=True)
class _Process:
    """One engine process; used by one greenlet at a time."""

    spec: EngineSpec
    _child: Popen[bytes] | None = None
    _link: socket.socket | None = None
    _decoder: Decoder = field(default_factory=Decoder)
    _ready: Event = field(default_factory=Event)
    _loader: gevent.Greenlet[[], None] | None = None
    _failure: str | None = None
    _retry_at: float = 0.0
    _number: int = 0
    _usual_s: float = 0.0
    _closed: bool = False

    def load(self) -> None:
        """Begin to load, unless it is loaded or loading, or has just failed to."""
        if self._closed or self._loader is not None or self._ready.is_set():
            return
        if self._failure is not None and time.monotonic() < self._retry_at:
            return
        self._failure = None
        self._loader = gevent.spawn(self._load)

    def wait_ready(self, deadline: Deadline) -> None:
        self.load()
        loader = self._loader
        if loader is not None:
            loader.join(timeout=deadline.remaining_s)
        if self._failure is not None:
            raise Unavailable(self._failure, provider=self.spec.provider)
        if not self._ready.is_set():
            if self._closed:
                raise Unavailable("closed", provider=self.spec.provider)
            raise Timeout("the engine is still loading", provider=self.spec.provider)

    def request(
        self, header: Mapping[str, Any], body: bytes, deadline: Deadline
    ) -> tuple[dict[str, Any], bytes]:
        self.wait_ready(deadline)
        if deadline.remaining_s <= self._usual_s / 2:
            # Late starters would be killed half-way, and the loading of a new process would make
            # all who wait late as well.
            raise Timeout("too little time is left to begin", provider=self.spec.provider)
        self._number += 1
        began = time.monotonic()
        answer = self._exchange({**header, "number": self._number}, body, deadline)
        taken = time.monotonic() - began
        self._usual_s = taken if not self._usual_s else 0.8 * self._usual_s + 0.2 * taken
        return answer

    def close(self) -> None:
        self._closed = True
        self._end()
        if self._loader is not None:
            self._loader.kill()

    def _exchange(
        self, header: dict[str, Any], body: bytes, deadline: Deadline
    ) -> tuple[dict[str, Any], bytes]:
        try:
            self._send(encode(header, body), deadline)
            while True:
                answer, sound = self._receive(deadline)
                if answer.pop("number", None) == self._number:
                    break
        except TimeoutError:
            self._replace()
            raise Timeout("no answer by the deadline", provider=self.spec.provider) from None
        except OSError:
            reason = self._end(grace_s=_LEAVING_S)
            raise Unavailable(
                f"the engine's process died ({reason})", provider=self.spec.provider
            ) from None
        except FrameError as error:
            self._replace()
            raise BadResponse(f"from the engine: {error}", provider=self.spec.provider) from None
        _raise_failure(answer, self.spec.provider)
        return answer, sound

    def _send(self, data: bytes, deadline: Deadline) -> None:
        assert self._link is not None
        self._link.settimeout(max(deadline.remaining_s, 0.001))
        sent = False
        try:
            self._link.sendall(data)
            sent = True
        finally:
            if not sent:  # half a frame would garble the next one, whoever interrupted us
                self._replace()

    def _receive(self, deadline: Deadline) -> tuple[dict[str, Any], bytes]:
        while (frame := self._decoder.next()) is None:
            if self._link is None:
                raise ConnectionResetError
            self._link.settimeout(max(deadline.remaining_s, 0.001))
            data = self._link.recv(1 << 16)
            if not data:
                raise ConnectionResetError
            self._decoder.feed(data)
        return frame

    def _load(self) -> None:
        began = time.monotonic()
        try:
            self._start()
            answer, _ = self._receive(Deadline.after(_LOAD_S))
            _raise_failure(answer, self.spec.provider)
        except TimeoutError:
            self._failed("it took too long")
        except (OSError, FrameError):
            self._failed(self._end(grace_s=_LEAVING_S))
        except ProviderError as error:
            self._failed(str(error).removeprefix(f"{self.spec.provider}: "))
        else:
            self._ready.set()
            log.info(
                "engine_loaded",
                provider=self.spec.provider,
                load_s=round(time.monotonic() - began, 2),
            )
        finally:
            self._loader = None

    def _failed(self, reason: str) -> None:
        self._failure = f"the engine does not load: {reason}"
        self._retry_at = time.monotonic() + _RETRY_LOAD_S
        self._end()
        log.error("engine_failed_to_load", provider=self.spec.provider, reason=reason)

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        try:
            self._child = Popen(
                [
                    sys.executable,
                    "-P",  # nothing is imported from wherever we happen to run
                    "-m",
                    self.spec.module,
                    str(os.getpid()),
                    self.spec.options,
                ],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self._link = ours
        self._decoder = Decoder()

    def _replace(self) -> None:
        self._end()
        self.load()

    def _end(self, grace_s: float = 0.0) -> str:
        """End the process, killing it after `grace_s`; returns how it ended."""
        self._ready.clear()
        link, child, self._link, self._child = self._link, self._child, None, None
        if link is not None:
            link.close()
        if child is None:
            return "not running"
        if grace_s:
            with suppress(TimeoutExpired):
                child.wait(timeout=grace_s)
        if child.poll() is None:
            child.kill()
        try:
            code = child.wait(timeout=_REAP_S)
        except TimeoutExpired:  # stuck in the kernel; it cannot come back to us
            return "killed"
        return f"signal {-code}" if code < 0 else f"status {code}"


class WorkerPool:
    """The processes of one engine."""

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._all = [_Process(spec) for _ in range(spec.processes)]
        self._idle = list(self._all)
        # First come, first served. gevent's semaphore is not: whoever releases it and asks again
        # gets it again, and a long document would keep every caller's question waiting.
        self._queue: deque[AsyncResult[_Process]] = deque()

    def warm_up(self, deadline: Deadline) -> None:
        """Load every process."""
        for process in self._all:
            process.load()
        for process in self._all:
            process.wait_ready(deadline)

    def request(
        self, header: Mapping[str, Any], body: bytes = b"", *, deadline: Deadline
    ) -> tuple[dict[str, Any], bytes]:
        """One answer of the engine: header and body.

        Raises:
            Timeout: no answer, or not even a turn, by the deadline.
            Unavailable: the engine does not load, died, or too many wait already.
            BadRequest, BadResponse: as the engine says.
        """
        process = self._take(deadline)
        try:
            return process.request(header, body, deadline)
        finally:
            self._give(process)

    def close(self) -> None:
        for process in self._all:
            process.close()

    def _take(self, deadline: Deadline) -> _Process:
        """A process for oneself, in turn."""
        if self._idle:
            return self._idle.pop()
        if len(self._queue) >= self._spec.max_waiting:
            raise Unavailable(
                f"{len(self._queue)} requests wait already", provider=self._spec.provider
            )
        ticket: AsyncResult[_Process] = AsyncResult()
        self._queue.append(ticket)
        try:
            ticket.wait(timeout=deadline.remaining_s)
        except BaseException:  # the caller hung up, perhaps just as its turn came
            if ticket.value is not None:
                self._give(ticket.value)
            else:
                self._queue.remove(ticket)
            raise
        if ticket.value is not None:
            return ticket.value
        self._queue.remove(ticket)
        raise Timeout("no turn by the deadline", provider=self._spec.provider)

    def _give(self, process: _Process) -> None:
        if self._queue:
            self._queue.popleft().set(process)
        else:
            self._idle.append(process)


_pools: Shared[WorkerPool] = Shared()


class EngineHold:
    """An adapter's share in a pool; `close` ends the processes when the last share is gone."""

    def __init__(self, spec: EngineSpec) -> None:
        self._spec = spec
        self._pool: WorkerPool | None = _pools.hold(spec, lambda: WorkerPool(spec))

    @property
    def pool(self) -> WorkerPool:
        if self._pool is None:
            raise Unavailable("closed", provider=self._spec.provider)
        return self._pool

    def close(self) -> None:
        if self._pool is not None:
            self._pool = None
            _pools.release(self._spec)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    root = str(Path(__file__).parent.parent)
    return {
        **kept,
        "PYTHONPATH": root,
        "HF_HUB_OFFLINE": "1",  # a model that is not here is an error, not a download
        "OMP_NUM_THREADS": "1",
    }


def _raise_failure(answer: Mapping[str, Any], provider: str) -> None:
    kinds: dict[str, type[ProviderError]] = {
        "bad_request": BadRequest,
        "bad_response": BadResponse,
        "unavailable": Unavailable,
    }
    if "failed" in answer:
        kind = kinds.get(str(answer["failed"]), Unavailable)
        raise kind(str(answer.get("message", "")), provider=provider)
