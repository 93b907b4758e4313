"""What a way of moving audio promises, whichever it is: file today, duplex and detect beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from esl_app.media.prompts import Prompt
from providers.contracts import Audio

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came from the caller after a prompt.

    `audio` is None when there was no speech; `digits` are keys pressed (they end the listening).
    `endpoint_ms` is how long after the last voiced frame we knew that it was the last.
    """

    audio: Audio | None = None
    digits: str = ""
    endpoint_ms: int = 0


class Media(Protocol):
    """Plays to a leg and listens to it. Every method raises `Hangup` when the caller is gone."""

    def prepare(self) -> None:
        """Make the leg ready; once, before anything else."""
        ...

    def play(self, prompt: Prompt, *, barge_in: bool = True) -> str | None:
        """Play to the end, or until a key is pressed when `barge_in`: that key, else None."""
        ...

    def unless_over(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises; ended at once when the call is over.

        For everything that waits for somebody else than the caller: providers, databases.
        """
        ...

    def listen(self, *, no_input_s: float, silence_s: float, longest_s: float) -> Heard:
        """One utterance: until `silence_s` of silence after speech, `longest_s`, or a key.

        Nothing said for `no_input_s` gives an empty `Heard`.
        """
        ...

    def gather(self, *, longest: int, terminators: str, first_s: float, between_s: float) -> str:
        """Keys pressed: up to `longest`, until a terminator (not included) or a pause.

        Keys pressed before it was asked for count (type-ahead).
        """
        ...
