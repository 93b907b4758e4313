"""What an event costs: our codec beside greenswitch's, on the same bytes in the same run.

Three contestants read the same five headers of every event: its name, uuid, application and two
variables of the channel.

- *ours*: `Connection`, fed in pieces of 64 KiB as a socket gives them.
- *greenswitch, parser*: `ESLProtocol.receive_events` reading from memory; a sink in place of its
  queue takes the event at once. This is the parser and nothing else, better than it ever runs.
- *greenswitch*: the same with its own queue and the greenlet that calls handlers, as it is shipped;
  a handler of `*` reads the headers.

CPU time of the process, medians of rounds that take turns, so that a slow moment of the machine
hits all alike. Ratios are worth more than microseconds.
"""

from __future__ import annotations

import gc
import io
import json
import statistics
import tarfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

import gevent.event
from greenswitch.esl import ESLProtocol
from rich.table import Table

from esl_app.bench import BenchError
from esl_app.protocol import NEED_DATA, Connection, Event, Signal

Read = tuple[str | None, ...]
Take = Callable[[Read], object]
_PIECE: Final = 64 * 1024
# What switch_url_encode leaves alone besides letters, digits and "-._".
_NOT_ENCODED: Final = "/,()!*'$~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU microseconds an event: the median of the rounds and their span."""

    contestant: str
    median_us: float
    low_us: float
    high_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of one run."""

    stream: str
    events: int
    mean_bytes: float
    mean_headers: float
    rounds: int
    ours: Cost
    parser: Cost
    shipped: Cost

    @property
    def ratio(self) -> float:
        """How many times less CPU we need than greenswitch's parser alone."""
        return self.parser.median_us / self.ours.median_us

    @property
    def ratio_shipped(self) -> float:
        """How many times less CPU we need than greenswitch as it is shipped."""
        return self.shipped.median_us / self.ours.median_us


def synthetic_events(count: int = 2000) -> list[bytes]:
    """Events of one call through FusionPBX: 176 headers, 7.7 kB, as FreeSWITCH writes them."""
    template = _template()
    names = ("CHANNEL_EXECUTE", "CHANNEL_EXECUTE_COMPLETE")
    events = []
    for number in range(count):
        body = template.format(
            name=names[number % 2],
            uuid=UUID(int=0x5EED << 96),
            application_uuid=UUID(int=0xA99 << 96 | number // 2),
            stamp=1795346511649111 + number * 20_000,
            sequence=1000 + number,
        ).encode()
        head = b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(body)
        events.append(head + body)
    return events


def _template() -> str:
    lines = files(__package__).joinpath("event.txt").read_text("utf-8").splitlines()
    encoded = []
    for line in lines:
        name, _, value = line.partition(": ")
        value = quote(value.replace(r"\r\n", "\r\n"), safe=_NOT_ENCODED + "{}")
        encoded.append(f"{name}: {value}\n")
    return "".join([*encoded, "\n"])


def recorded_events(folder: Path) -> list[bytes]:
    """The plain events of recorded sessions: `*.tar.xz` with one JSON object a line (see there).

    Raises:
        BenchError: there are none, or an archive cannot be read.
    """
    events = []
    for archive in sorted(folder.glob("*.tar.xz")):
        try:
            events += _events_of(archive)
        except (OSError, EOFError, LookupError, TypeError, ValueError, tarfile.TarError) as error:
            raise BenchError(f"{archive}: not a recorded session: {error}") from error
    if not events:
        raise BenchError(f"{folder}: no recorded events (*.tar.xz) there")
    return events


def _events_of(archive: Path) -> list[bytes]:
    with tarfile.open(archive) as tar:
        files = (tar.extractfile(member) for member in tar)
        streams = [stream for file in files for stream in _streams(file or ())]
    return [e.raw for stream in streams for e in _packets(stream) if type(e) is Event]


def _streams(lines: Iterable[bytes]) -> Iterable[bytes]:
    streams: dict[int, list[str]] = {}
    for line in lines:
        record = json.loads(line)
        if record["dir"] == "fs" and "enc" not in record:
            streams.setdefault(record["conn"], []).append(record.get("data", ""))
    return ["".join(pieces).encode() for pieces in streams.values()]


def _packets(stream: bytes) -> Iterator[object]:
    connection = Connection()
    connection.receive_data(stream)
    while not isinstance(packet := connection.next_event(), Signal):
        yield packet


def run(
    events: Sequence[bytes] | None = None,
    *,
    stream: str = "synthetic",
    variables: tuple[str, str] = ("domain_uuid", "playback_ms"),
    rounds: int = 7,
) -> Report:
    """Measure; about five seconds for the synthetic stream.

    Raises:
        ValueError: the contestants did not read the same.
    """
    events = synthetic_events() if events is None else events
    data = b"".join(events)
    contestants = (_ours, _greenswitch_parser, _greenswitch_shipped)
    reads: list[list[Read]] = []
    for contestant in contestants:
        reads.append([])
        contestant(data, len(events), variables, reads[-1].append)
    if len(reads[0]) != len(events) or any(other != reads[0] for other in reads):
        raise ValueError("the parsers did not read the same values")
    seconds: dict[Any, list[float]] = {contestant: [] for contestant in contestants}
    forget = deque[Read](maxlen=1).append  # a handler that reads and moves on
    for number in range(rounds):
        gc.collect()
        for contestant in contestants[:: 1 if number % 2 else -1]:
            begin = time.process_time()
            contestant(data, len(events), variables, forget)
            seconds[contestant].append(time.process_time() - begin)
    ours, parser, shipped = (
        _cost(name, seconds[contestant], len(events))
        for name, contestant in zip(
            ("ours", "greenswitch, parser only", "greenswitch"), contestants, strict=True
        )
    )
    return Report(
        stream=stream,
        events=len(events),
        mean_bytes=len(data) / len(events),
        mean_headers=sum(event.count(b": ") - 2 for event in events) / len(events),
        rounds=rounds,
        ours=ours,
        parser=parser,
        shipped=shipped,
    )


def _cost(contestant: str, seconds: list[float], events: int) -> Cost:
    per_event = [second / events * 1e6 for second in seconds]
    return Cost(
        contestant=contestant,
        median_us=statistics.median(per_event),
        low_us=min(per_event),
        high_us=max(per_event),
    )


@lru_cache(maxsize=1)
def _pieces(data: bytes) -> list[bytes]:
    """The stream as a socket gives it; cut before the clock runs, since a socket would do that."""
    return [data[at : at + _PIECE] for at in range(0, len(data), _PIECE)]


def _ours(data: bytes, _: int, variables: tuple[str, str], take: Take) -> None:
    connection = Connection()
    one, two = variables
    for piece in _pieces(data):
        connection.receive_data(piece)
        while (event := connection.next_event()) is not NEED_DATA:
            if isinstance(event, Event):
                take(
                    (
                        event.name or None,
                        event.uuid or None,
                        event.application,
                        event.variable(one),
                        event.variable(two),
                    )
                )


def _read(event: Any, variables: tuple[str, str]) -> Read:
    get = event.headers.get
    one, two = variables
    return (
        get("Event-Name"),
        get("Unique-ID"),
        get("Application"),
        get("variable_" + one),
        get("variable_" + two),
    )


class _Sink:
    """Stands where greenswitch's queue stands, and reads an event at once."""

    def __init__(self, variables: tuple[str, str], take: Take) -> None:
        self._variables = variables
        self._take = take

    def put(self, event: Any) -> None:
        self._take(_read(event, self._variables))


def _greenswitch_parser(data: bytes, _: int, variables: tuple[str, str], take: Take) -> None:
    protocol = ESLProtocol()
    protocol.connected = True
    protocol.sock_file = io.BytesIO(data)
    protocol._esl_event_queue = _Sink(variables, take)  # noqa: SLF001
    protocol.receive_events()


class _Endless(io.BytesIO):
    """A socket's file on which nothing more comes: at its end greenswitch drops what is queued."""

    def __init__(self, data: bytes, over: gevent.event.Event) -> None:
        super().__init__(data)
        self._over = over

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        if not line:
            self._over.wait()
        return line


def _greenswitch_shipped(data: bytes, events: int, variables: tuple[str, str], take: Take) -> None:
    over = gevent.event.Event()
    left = events

    def handler(event: Any) -> None:
        nonlocal left
        take(_read(event, variables))
        left -= 1
        if not left:
            protocol._run = False  # noqa: SLF001
            over.set()

    protocol = ESLProtocol()
    protocol.connected = True
    protocol.sock_file = _Endless(data, over)
    protocol.register_handle("*", handler)
    protocol.start_event_handlers()
    gevent.joinall([protocol._receive_events_greenlet, protocol._process_events_greenlet])  # noqa: SLF001


def table(report: Report) -> Table:
    """The report as the command line shows it."""
    shown = Table(
        title=f"CPU an event, {report.stream} stream: {report.events} events of"
        f" {report.mean_bytes / 1000:.1f} kB and {report.mean_headers:.0f} headers,"
        f" {report.rounds} rounds",
    )
    shown.add_column("")
    for column in ("µs, median", "lowest", "highest", "times ours"):
        shown.add_column(column, justify="right")
    for cost in (report.ours, report.parser, report.shipped):
        shown.add_row(
            cost.contestant,
            f"{cost.median_us:.1f}",
            f"{cost.low_us:.1f}",
            f"{cost.high_us:.1f}",
            f"{cost.median_us / report.ours.median_us:.1f}",
        )
    return shown


def main(transcripts: Path | None = None) -> Report:
    """The run behind `voice-ai bench esl`: synthetic, or the recorded sessions of a folder."""
    if transcripts is None:
        return run()
    return run(
        recorded_events(transcripts),
        stream="recorded",
        variables=("call_uuid", "current_application"),
    )
