"""The recorded event-socket sessions of `tests/transcripts`, as values.

>>> load("a1_basic").stream(1, "app")[:9]
b'connect\\n\\n'
"""

from __future__ import annotations

import base64
import json
import lzma
import tarfile
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path, PurePath
from typing import Literal

ARCHIVE = Path(__file__).parent / "transcripts" / "wire.tar.xz"

Direction = Literal["fs", "app", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One recv or send, or a remark.

    `fs` is FreeSWITCH to us, `app` is us to FreeSWITCH; a `note` was not on the wire: what the
    caller did or what was observed, in `data` as UTF-8. `event` is how a side ended the connection
    (`eof`, `close`, `RST close`, `shutdown WR`, `error …`), with empty `data`. A note's `conn`
    is 0.
    """

    t: float
    direction: Direction
    conn: int
    data: bytes
    event: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """One recorded scenario, in the order it happened."""

    name: str
    lines: tuple[Line, ...]

    @property
    def connections(self) -> tuple[int, ...]:
        """The TCP connections by number; they are counted over the whole recording."""
        return tuple(sorted({line.conn for line in self.lines if line.conn}))

    def pieces(self, conn: int, direction: Direction) -> tuple[bytes, ...]:
        """What one side sent, cut as the reader got it."""
        return tuple(
            line.data
            for line in self.lines
            if line.conn == conn and line.direction == direction and line.data
        )

    def stream(self, conn: int, direction: Direction) -> bytes:
        """What one side sent."""
        return b"".join(self.pieces(conn, direction))


@lru_cache(maxsize=1)
def _archive() -> dict[str, bytes]:
    with tarfile.open(fileobj=BytesIO(lzma.decompress(ARCHIVE.read_bytes()))) as tar:
        return {
            PurePath(member.name).stem: file.read()
            for member in tar
            if (file := tar.extractfile(member)) is not None
        }


def names() -> tuple[str, ...]:
    """The names of all scenarios."""
    return tuple(sorted(_archive()))


@lru_cache(maxsize=256)
def load(name: str) -> Transcript:
    """One scenario by name."""
    lines = tuple(_line(text) for text in _archive()[name].splitlines())
    return Transcript(name=name, lines=lines)


def load_all() -> tuple[Transcript, ...]:
    """Every scenario."""
    return tuple(load(name) for name in names())


def _line(text: bytes) -> Line:
    record = json.loads(text)
    data: str = record.get("data", "")
    encoded = record.get("enc") == "base64"
    return Line(
        t=record["t"],
        direction=record["dir"],
        conn=record.get("conn", 0),
        data=base64.b64decode(data) if encoded else data.encode(),
        event=record.get("event"),
    )
