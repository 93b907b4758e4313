"""What a caller hears: frames with their times of arrival, and questions one asks about them."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass

from tests.freeswitch import g711
from tests.freeswitch.codecs import TELEPHONE, Codec
from tests.freeswitch.rtp import Packet

# Above the comfort noise of a parked leg and room noise at -50 dBFS, well below quiet speech.
SOUND_RMS = 150.0

_LATE_S = 0.06  # a telephone's jitter buffer hides less than this; more is a gap one hears


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    at: float
    sequence: int
    pcm: bytes
    rms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spurt:
    """A stretch of sound; instants of `time.monotonic`."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


class NothingHeardError(AssertionError):
    """The far end made no sound, or never stopped, in the time given."""


class Heard:
    def __init__(self, sound_rms: float = SOUND_RMS, *, codec: Codec = TELEPHONE) -> None:
        self.codec = codec
        self.sound_rms = sound_rms
        self._frame_s = codec.frame_ms / 1000
        self._frames: list[Frame] = []
        self._changed = threading.Condition()

    def add(self, packet: Packet, at: float) -> None:
        pcm = self.codec.decode(packet.payload)
        frame = Frame(at=at, sequence=packet.sequence, pcm=pcm, rms=g711.rms(pcm))
        with self._changed:
            self._frames.append(frame)
            self._changed.notify_all()

    def frames(self, since: float = 0.0, until: float = float("inf")) -> list[Frame]:
        with self._changed:
            return [frame for frame in self._frames if since <= frame.at < until]

    def spurts(self, since: float = 0.0, *, gap_ms: int = 300) -> list[Spurt]:
        """Stretches of sound from `since` on; silence shorter than `gap_ms` joins them."""
        found: list[Spurt] = []
        for frame in self.frames(since):
            if frame.rms < self.sound_rms:
                continue
            end = frame.at + self._frame_s
            if found and frame.at - found[-1].end < gap_ms / 1000:
                found[-1] = Spurt(start=found[-1].start, end=end)
            else:
                found.append(Spurt(start=frame.at, end=end))
        return found

    def wait_for_sound(self, *, since: float, timeout_s: float) -> float:
        """The instant of the first sound from `since` on."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            seen = len(self._frames)
            for frame in self._frames:
                if frame.at >= since and frame.rms >= self.sound_rms:
                    return frame.at
            while (left := deadline - time.monotonic()) > 0:
                self._changed.wait(min(left, 0.5))
                for frame in self._frames[seen:]:
                    if frame.at >= since and frame.rms >= self.sound_rms:
                        return frame.at
                seen = len(self._frames)
        raise NothingHeardError(f"no sound within {timeout_s} s")

    def wait_for_silence(self, *, quiet_ms: int, timeout_s: float, since: float = 0.0) -> float:
        """Return once there was no sound for `quiet_ms`: the instant the last one ended.

        No packets at all count as silence, as they do for an ear. The silence begins at `since` at
        the earliest, which is now if it is not given.
        """
        deadline = time.monotonic() + timeout_s
        began = since or time.monotonic()
        while True:
            with self._changed:
                loud = (f.at for f in reversed(self._frames) if f.rms >= self.sound_rms)
                last = next(loud, 0.0)
            ended = max(last + self._frame_s, began)
            now = time.monotonic()
            if now - ended >= quiet_ms / 1000:
                return ended
            if now >= deadline:
                raise NothingHeardError(f"never silent for {quiet_ms} ms within {timeout_s} s")
            time.sleep(min(0.02, max(0.001, ended + quiet_ms / 1000 - now)))

    def pcm(self, since: float | None = None, until: float | None = None) -> bytes:
        """The sound as it came out of the receiver: silence where nothing arrived in time."""
        frames = self.frames(since or 0.0, until or float("inf"))
        if not frames:
            return b""
        origin = frames[0].at if since is None else since
        out = bytearray()
        for frame in frames:
            played_s = len(out) / (2 * self.codec.rate)
            late_s = frame.at - origin - played_s
            if late_s > _LATE_S:
                out += bytes(2 * self.codec.samples * int(late_s / self._frame_s))
            out += frame.pcm
        return bytes(out)

    def worst_gap_s(self, since: float, until: float) -> float:
        """The longest time between two packets."""
        times = [frame.at for frame in self.frames(since, until)]
        return max((b - a for a, b in itertools.pairwise(times)), default=0.0)
