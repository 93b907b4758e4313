"""What the caller is about to hear: clips in a row, cut into frames. Pure.

It is asked for one frame every 20 ms and knows, to the sample, how much of each clip has been
handed out: that is what a barge-in leaves of an answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

SAMPLE_BYTES: Final = 2
# Clips that are over and still told of by `positions`; an answer has a few dozen sentences.
_REMEMBERED: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How much of a clip has been sent; `total` counts what has been given so far."""

    clip_id: str
    samples: int
    total: int

    @property
    def whole(self) -> bool:
        return self.samples == self.total


class _Clip:
    __slots__ = ("clip_id", "complete", "pieces", "sent", "total")

    def __init__(self, clip_id: str) -> None:
        self.clip_id = clip_id
        self.pieces: deque[memoryview] = deque()
        self.sent = self.total = 0  # bytes
        self.complete = False

    @property
    def left(self) -> int:
        return self.total - self.sent

    def position(self) -> Position:
        return Position(
            clip_id=self.clip_id,
            samples=self.sent // SAMPLE_BYTES,
            total=self.total // SAMPLE_BYTES,
        )


class Player:
    """Turns clips of signed 16-bit mono PCM into frames; silence when there is nothing to play.

    Clips follow each other without a gap. One that is still being made may be given in pieces
    (`complete=False`); when the next piece is late there is silence, and nothing is lost.

    >>> player = Player(8000)
    >>> player.enqueue("greeting", bytes(2 * 400))
    >>> [len(player.next_frame()) for _ in range(2)]
    [320, 320]
    >>> player.cut()
    (Position(clip_id='greeting', samples=320, total=400),)
    """

    def __init__(
        self, rate: int, frame_ms: int = 20, *, on_idle: Callable[[], None] | None = None
    ) -> None:
        samples, rest = divmod(rate * frame_ms, 1000)
        if samples <= 0 or rest:
            raise ValueError(f"no whole number of samples in {frame_ms} ms at {rate} Hz")
        self.rate = rate
        self.frame_bytes = samples * SAMPLE_BYTES
        self.silence = bytes(self.frame_bytes)
        self.on_idle = on_idle
        """Called by `next_frame` after the frame that ended the last clip; must not wait."""
        self.paused = False
        self.starved_frames = 0
        """Frames of silence because an incomplete clip's next piece was late."""
        self._clips: deque[_Clip] = deque()
        self._over: deque[_Clip] = deque(maxlen=_REMEMBERED)

    # -- what to play -------------------------------------------------------------------------

    def enqueue(self, clip_id: str, pcm: bytes, *, complete: bool = True) -> None:
        """Play `pcm` after what is queued; more of the last clip when it has the same id.

        Raises:
            ValueError: half a sample.
        """
        if len(pcm) % SAMPLE_BYTES:
            raise ValueError(f"{len(pcm)} bytes are no whole number of samples")
        last = self._clips[-1] if self._clips else None
        if last is None or last.clip_id != clip_id or last.complete:
            if last is not None:
                last.complete = True  # nothing can be added to it any more
            last = _Clip(clip_id)
            self._clips.append(last)
        if pcm:
            last.pieces.append(memoryview(pcm))
            last.total += len(pcm)
        last.complete = complete

    def finish(self, clip_id: str) -> None:
        """Say that a clip given in pieces is complete."""
        for clip in self._clips:
            if clip.clip_id == clip_id:
                clip.complete = True

    def pause(self) -> None:
        """Send silence and stay where we are."""
        self.paused = True

    def resume(self) -> None:
        """Go on with the sample after the last one sent."""
        self.paused = False

    def cut(self) -> tuple[Position, ...]:
        """Stop and forget everything; how far each clip since the last `cut` had come."""
        positions = self.positions()
        self._clips.clear()
        self._over.clear()
        self.paused = False
        return positions

    # -- how far it is ------------------------------------------------------------------------

    def positions(self) -> tuple[Position, ...]:
        """Each clip since the last `cut`, in playing order, over or not."""
        return tuple(clip.position() for clip in (*self._over, *self._clips))

    @property
    def idle(self) -> bool:
        """Nothing left to play, and no clip that waits for its next piece."""
        return not self._clips

    @property
    def playing(self) -> bool:
        """Whether the next frame will hold sound of a clip."""
        return not self.paused and self._ready()

    @property
    def left_s(self) -> float:
        """Seconds of sound that are queued."""
        return sum(clip.left for clip in self._clips) / SAMPLE_BYTES / self.rate

    # -- frames -------------------------------------------------------------------------------

    def next_frame(self) -> bytes:
        """The next 20 ms."""
        if not self._clips or self.paused:
            return self.silence
        if not self._ready():
            self.starved_frames += 1
            return self.silence
        frame = self._take()
        if not self._clips and self.on_idle is not None:
            self.on_idle()
        return frame

    def _ready(self) -> bool:
        """Enough for a frame, or the end of what is complete.

        A frame is not begun with the rest of an incomplete clip: the pause would come in the
        middle of a sound, and padding would be a sample that nobody spoke.
        """
        available = 0
        for clip in self._clips:
            available += clip.left
            if available >= self.frame_bytes:
                return True
            if not clip.complete:
                return False
        return bool(self._clips)

    def _take(self) -> bytes:
        first = self._clips[0]
        if first.pieces and len(first.pieces[0]) > self.frame_bytes:  # nearly always
            piece = first.pieces[0]
            first.pieces[0] = piece[self.frame_bytes :]
            first.sent += self.frame_bytes
            return piece[: self.frame_bytes].tobytes()
        parts: list[memoryview] = []
        wanted = self.frame_bytes
        while self._clips:
            clip = self._clips[0]
            while wanted and clip.pieces:
                piece = clip.pieces.popleft()
                part = piece[:wanted]
                if len(part) < len(piece):
                    clip.pieces.appendleft(piece[wanted:])
                parts.append(part)
                clip.sent += len(part)
                wanted -= len(part)
            if clip.left or not clip.complete:
                break
            self._over.append(self._clips.popleft())
            if not wanted:
                # A clip that ends with the frame is over now, as are empty ones behind it.
                continue
        return b"".join(parts).ljust(self.frame_bytes, b"\0")
