"""What a voice detector promises: frames in, one judgement for each stretch of sound.

A detector serves every leg of a worker; each leg opens a stream of its own, which holds the state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

SAMPLE_BYTES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How likely it is that somebody spoke from `at_s - span_s` to `at_s`.

    `at_s` is the time of the frame the stretch ends in, however late the judgement comes. Whichever
    the detector, 0.5 is as likely as not. `level_db` is its loudest frame, dB below full scale.
    """

    at_s: float
    span_s: float
    probability: float
    level_db: float = 0.0


OnJudged = Callable[[Judged], None]


class VadStream(Protocol):
    """One leg's sound through a detector."""

    def feed(self, frame: bytes, at_s: float) -> None:
        """Take a frame whose last sample came at `at_s`; judgements go to `on_judged` in order.

        They may come later than the frame, never more than `Vad.delay_s` of sound later.
        """
        ...

    def close(self) -> None:
        """Judge no more; nothing is called back afterwards."""
        ...


class Vad(Protocol):
    """A voice detector.

    Attributes:
        name: for logs and reports.
        start_s: how much voice is speech: the surer a detector, the less it needs.
        delay_s: the most sound a judgement may lag behind.
    """

    @property
    def name(self) -> str: ...

    @property
    def start_s(self) -> float: ...

    @property
    def delay_s(self) -> float: ...

    def open(self, rate: int, on_judged: OnJudged) -> VadStream:
        """A stream for s16le mono sound at `rate` samples a second."""
        ...
