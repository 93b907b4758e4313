"""Silero VAD as the detector of all legs of a worker: a small neural network, off the hub.

The pacer feeds all legs of a worker in one go. What windows that completes go through the network
together in one thread of their own: one hop off the hub for all of them (a hop costs more than the
network does for one), and no other work of the worker in front of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import gevent
import numpy as np
import structlog
from gevent.event import Event
from gevent.threadpool import ThreadPool

from esl_app.ears.gate import EnergyVad
from esl_app.ears.networks import Network, installed, no_memory
from esl_app.ears.vad import OnJudged, Vad
from esl_app.ears.windows import InOrder, Window, Windower
from esl_app.errors import trace_of
from providers.engine import EngineError

_MOST_AT_ONCE: Final = 64  # a few milliseconds of work: the next job is not kept waiting for long

log = structlog.get_logger()


@dataclass(slots=True)
class Counters:
    """Windows by what became of them, and jobs they were judged in."""

    silent: int = 0
    asked: int = 0
    overdue: int = 0
    jobs: int = 0


class SileroVad:
    """The network as the detector of all legs of a worker.

    Args:
        network: what judges.
        inline: judge on the spot, for sound that does not come in real time (tests, figures).
        patience_s: an answer later than this (in the leg's sound) is not waited for.
    """

    name = "silero"
    start_s = 0.03  # one window: the next one came 32 ms later, and stopped no false start

    def __init__(self, network: Network, *, inline: bool = False, patience_s: float = 0.06) -> None:
        self.network = network
        self.patience_s = patience_s
        self.delay_s = patience_s + 0.02
        self.counters = Counters()
        self._inline = inline
        self._failed = False
        self._waiting: list[tuple[_SileroStream, Window]] = []
        self._some = Event()
        self._pool: ThreadPool | None = None
        self._worker: gevent.Greenlet[[], None] | None = None

    def open(self, rate: int, on_judged: OnJudged) -> _SileroStream:
        if self._worker is None and not self._inline:  # here: a fork would keep neither of them
            self._pool = ThreadPool(1)
            self._worker = gevent.spawn(self._work)
        return _SileroStream(self, rate, on_judged)

    def ask(self, stream: _SileroStream, window: Window) -> None:
        """Have a window judged, soon."""
        if self._failed:
            window.probability = window.level
        elif self._inline:
            (window.probability,) = self._judge([(stream, window)])
        else:
            self._waiting.append((stream, window))
            self._some.set()

    def close(self) -> None:
        """Judge no more. Streams that are still open go by level."""
        self._failed = True
        if self._worker is not None and self._pool is not None:
            self._worker.kill()
            self._pool.kill()
            self._worker = self._pool = None

    def _work(self) -> None:
        assert self._pool is not None
        while True:
            self._some.wait()
            gevent.sleep(0)  # until the pacer has fed all legs, which takes one turn of the hub
            batch = [pair for pair in self._waiting[:_MOST_AT_ONCE] if not pair[1].overdue]
            del self._waiting[:_MOST_AT_ONCE]
            if not self._waiting:
                self._some.clear()
            if not batch:
                continue
            try:
                found = self._pool.apply(self._judge, (batch,))
            except Exception as error:  # noqa: BLE001
                # Whatever the runtime raises, it would raise again: calls go on by level.
                log.error("silero_failed", **trace_of(error))  # noqa: TRY400 - a trace holds sound
                self._failed = True
                found = [window.level for _, window in batch]
            for (_, window), probability in zip(batch, found, strict=True):
                window.probability = probability
            for stream in dict.fromkeys(stream for stream, _ in batch):
                stream.release()

    def _judge(self, batch: Sequence[tuple[_SileroStream, Window]]) -> list[float]:
        """In the pool's only thread: nobody else touches a stream's memory.

        A leg's second window needs the memory its first one leaves: it goes in a second run.
        """
        runs: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        windows_of: defaultdict[_SileroStream, int] = defaultdict(int)
        for number, (stream, _) in enumerate(batch):
            runs[windows_of[stream], stream.rate].append(number)
            windows_of[stream] += 1
        found = [0.0] * len(batch)
        for (_, rate), numbers in sorted(runs.items()):
            streams = [batch[number][0] for number in numbers]
            probabilities, memories = self.network.judge(
                [batch[number][1].sound for number in numbers],
                rate,
                np.stack([stream.memory for stream in streams]),
            )
            for row, (number, stream) in enumerate(zip(numbers, streams, strict=True)):
                found[number] = float(probabilities[row])
                stream.memory = memories[row]
        self.counters.asked += len(batch)
        self.counters.jobs += 1
        return found


class _SileroStream:
    def __init__(self, vad: SileroVad, rate: int, on_judged: OnJudged) -> None:
        self.rate = rate
        self.memory = no_memory()
        self._vad = vad
        self._windower = Windower(rate, guarded=rate not in vad.network.rates)
        self._order = InOrder(on_judged, vad.patience_s)
        self._closed = False

    def feed(self, frame: bytes, at_s: float) -> None:
        if self._closed or not frame:
            return
        for window in self._windower.feed(frame, at_s):
            self._order.add(window)
            if window.ask:
                self._vad.ask(self, window)
            else:
                self._vad.counters.silent += 1
        before = self._order.overdue
        self._order.release(at_s)
        self._vad.counters.overdue += self._order.overdue - before

    def release(self) -> None:
        """Answers have come."""
        try:
            self._order.release()
        except Exception as error:  # noqa: BLE001 - one leg's handler must not end the ears of all
            log.error("speech_event_handler_failed", **trace_of(error))  # noqa: TRY400

    def close(self) -> None:
        self._closed = True
        self._order.clear()


def best_vad() -> Vad:
    """Silero where it is installed, else the energy gate; the log says which and why."""
    try:
        network = installed()
    except EngineError as error:
        log.warning("vad_without_network", reason=str(error), vad=EnergyVad.name)
        return EnergyVad()
    log.info("vad_ready", vad=SileroVad.name, network=network.name)
    return SileroVad(network)
