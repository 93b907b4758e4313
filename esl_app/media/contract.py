"""What a way of moving audio promises, whichever it is: duplex, file, detect."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from esl_app.media.prompts import Prompt
from esl_app.turn.prompt_kind import OPEN, PromptKind
from providers.contracts import Audio
from providers.errors import ProviderError

T = TypeVar("T")

Recognise = Callable[[Audio], str]
"""The words of an utterance; raises `ProviderError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """Words that were recognised while we listened, or the error of it; monotonic instants."""

    text: str
    error: ProviderError | None
    began: float
    ended: float | None
    """None when recognition was part of the listening: it has no time of its own."""


MOST_KEYS: Final = 64
"""As many as one answer may have."""


class Pressed(Exception):  # noqa: N818 - a key is no error
    """A key was pressed; it stays in the leg's buffer for whoever asks next."""

    def __init__(self, key: str) -> None:
        super().__init__("a key was pressed")
        self.key = key


class Spoke(Exception):  # noqa: N818 - a voice is no error
    """The caller says something; his words are the beginning of what is listened to next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How a prompt ended: sent whole, or cut by a key or by the caller's voice."""

    key: str | None = None
    voice: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came from the caller after a prompt.

    `audio` is None when there was no speech; `digits` are keys pressed (they end the listening).
    `endpoint_ms` is how long after the last voiced frame we knew that it was the last. `words` are
    there when the recogniser was run while we listened; in detect mode they come without audio,
    from `recogniser`, which may say how sure it is (0 to 1).
    """

    audio: Audio | None = None
    digits: str = ""
    endpoint_ms: int = 0
    words: Recognised | None = None
    recogniser: str = ""
    confidence: float | None = None


class Media(Protocol):
    """Plays to a leg and listens to it. Every method raises `Hangup` when the caller is gone."""

    def prepare(self) -> None:
        """Make the leg ready; once, before anything else."""
        ...

    def close(self) -> None:
        """Let go of everything; harmless when there is nothing."""
        ...

    @property
    def sent_s(self) -> float:
        """How far the caller has heard the prompt played last, also when the call ended in it."""
        ...

    def play(
        self,
        prompt: Prompt,
        *,
        barge_in: bool = True,
        by_voice: bool = True,
        from_s: float = 0.0,
    ) -> Played:
        """Play to the end, or until a key or the caller's words (not in file mode) cut it short.

        The key stays in the leg's buffer, and the words are the beginning of what is listened to
        next.

        Args:
            prompt: what to play.
            barge_in: it may be cut short.
            by_voice: also by the caller's words; where only keys are asked for they mean nothing.
            from_s: where to begin; file mode begins anew.
        """
        ...

    def settled(self, text: str) -> bool:
        """What was heard after a voice had cut a prompt; whether the prompt is to go on.

        It is when there was nothing in the sound that was meant for us.
        """
        ...

    def unheard(self) -> AbstractContextManager[None]:
        """Nothing the caller says is listened to, kept or passed on while the block runs."""
        ...

    def unless_over(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises; ended at once when the call is over.

        For everything that waits for somebody else than the caller: providers, databases.
        """
        ...

    def unless_pressed(self, work: Callable[[], T]) -> T:
        """The same, ended by a key, too.

        Raises:
            Pressed: a key waits to be taken.
        """
        ...

    def unless_spoken(self, work: Callable[[], T]) -> T:
        """The same, ended by the caller's words, too (not where nobody hears him meanwhile).

        It does not return while it is not known whether a voice has words. What `work` returned is
        then lost: let it only wait.

        Raises:
            Pressed: a key waits to be taken.
            Spoke: listen to him.
        """
        ...

    def listen(
        self,
        *,
        no_input_s: float,
        silence_s: float,
        longest_s: float,
        recognise: Recognise | None = None,
        kind: PromptKind = OPEN,
        most_keys: int = MOST_KEYS,
    ) -> Heard:
        """One utterance, at most `longest_s` of it, or the keys pressed, at most `most_keys`.

        File mode ends it after `silence_s` of silence. Duplex runs `recognise` at each pause and
        lets the words and the `kind` of answer decide how long a pause may be. In detect mode the
        switch's engine decides.
        Nothing said for `no_input_s` gives an empty `Heard`.
        """
        ...

    def gather(self, *, longest: int, terminators: str, first_s: float, between_s: float) -> str:
        """Keys pressed: up to `longest`, until a terminator (not included) or a pause.

        Keys pressed before it was asked for count (type-ahead).
        """
        ...
