"""File mode: `playback` and `record` on files that FreeSWITCH and we both see.

Theory of operation. What is played is a WAV file; a key that may interrupt it makes us execute
`break` (without `full` and without a lock on the playback: 42 ms to silence, PROTOCOL.md). What is
said is recorded by `record`, which ends after whole seconds of silence. It ends so too while the
caller has not begun to speak; then it is started again until the no-input time is over, so that a
caller may think for longer than a pause between two words lasts. Times of silence are counted in
recorded audio, not on the clock.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, TypeVar

import structlog

from esl_app.errors import EslError, LegTimeout, TimeUp
from esl_app.greenlets import unless
from esl_app.leg import Leg
from esl_app.media import sound
from esl_app.media.contract import MOST_KEYS, Heard, Played, Pressed, Recognise
from esl_app.media.prompts import Prompt
from esl_app.media.spool import LegSpool
from esl_app.protocol import Event, commands
from esl_app.turn.prompt_kind import OPEN, PromptKind
from providers.contracts import Audio
from providers.deadline import Deadline

THRESHOLD: Final = 300  # mean amplitude, FreeSWITCH's measure, and root mean square, ours
MARGIN_S: Final = 0.2  # kept before and after the speech for the recogniser
log = structlog.get_logger()

T = TypeVar("T")

GRACE_S: Final = 10.0  # for FreeSWITCH over the length of what it plays or records


class FileMedia:
    """Plays files to a leg and records it.

    Args:
        leg: connected, with `playback_terminators=none`: keys are ours to act on.
        spool: where recordings go; each is deleted once it is read.
    """

    def __init__(self, leg: Leg, spool: LegSpool) -> None:
        self._leg = leg
        self._spool = spool
        self._interruptible = False
        self.sent_s = 0.0
        leg.on("DTMF", self._on_key)

    def prepare(self) -> None:
        """Have FreeSWITCH leave the keys to us; once, before anything is played."""
        self._leg.execute(
            commands.set_variable("playback_terminators", "none"), Deadline.after(GRACE_S)
        )

    def close(self) -> None:
        """Nothing is held: the spool is its owner's."""

    def play(
        self,
        prompt: Prompt,
        *,
        barge_in: bool = True,
        by_voice: bool = True,
        from_s: float = 0.0,
    ) -> Played:
        del by_voice, from_s  # nobody is heard while we speak, so no prompt has to go on
        self.sent_s = 0.0
        if barge_in and (key := self._leg.digits.pending[:1]):
            return Played(key=key)
        began, whole, pressed = time.monotonic(), False, ""
        try:
            with self._interrupted_by_keys(barge_in):
                playing = self._leg.start(commands.playback(str(prompt.path)))
                playing.wait(Deadline.after(prompt.duration_s + GRACE_S))
                cut = barge_in and not self._interruptible
            pressed = self._leg.digits.pending[:1] if barge_in else ""
            whole = not (cut or pressed)
        finally:
            heard_s = prompt.duration_s if whole else time.monotonic() - began
            self.sent_s = min(prompt.duration_s, heard_s)
        return Played(key=pressed or None)

    def settled(self, text: str) -> bool:
        del text
        return False  # no voice cuts a prompt

    def interrupt(self) -> bool:
        """Stop what plays or records; True if something was there that may be stopped."""
        if not self._interruptible:
            return False
        self._interruptible = False  # one break: a second would stop what is played next
        try:
            self._leg.start(commands.break_())
        except EslError:
            # The call is over, or FreeSWITCH does not answer: whoever plays learns of it too.
            return False
        return True

    def unheard(self) -> AbstractContextManager[None]:
        return nullcontext()  # nobody is heard but while `listen` records

    def unless_over(self, work: Callable[[], T]) -> T:
        return unless([self._leg.ended], self._leg.over, work)

    def unless_pressed(self, work: Callable[[], T]) -> T:
        ended = self._leg.ended
        return unless(
            [ended, self._leg.digits.pressed],
            lambda: self._leg.over() if ended.is_set() else Pressed(self._leg.digits.pending[:1]),
            work,
        )

    def unless_spoken(self, work: Callable[[], T]) -> T:
        return self.unless_pressed(work)

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
        del recognise, kind  # FreeSWITCH ends the recording, before anybody has heard it
        silent_s = 0.0
        while True:
            if keys := self._leg.digits.take(most_keys):
                return Heard(digits=keys)
            audio = self._record(silence_s=silence_s, longest_s=longest_s)
            if keys := self._leg.digits.take(most_keys):
                return Heard(digits=keys)
            span = sound.voiced_span(audio, threshold=THRESHOLD)
            if span is not None:
                return Heard(
                    audio=_cut(audio, *span),
                    endpoint_ms=round((audio.duration_s - span[1]) * 1000),
                )
            silent_s += max(audio.duration_s, 0.1)
            if silent_s >= no_input_s:
                return Heard()

    def gather(self, *, longest: int, terminators: str, first_s: float, between_s: float) -> str:
        keys = ""
        wait_s = first_s
        while len(keys) < longest:
            try:
                key = self._leg.digits.get(Deadline.after(wait_s))
            except LegTimeout:
                break
            if key in terminators:
                break
            keys += key
            wait_s = between_s
        return keys

    def _record(self, *, silence_s: float, longest_s: float) -> Audio:
        path = self._spool.path("utterance")
        command = commands.record(
            str(path),
            limit_s=math.ceil(longest_s),
            threshold=THRESHOLD,
            silence_s=max(1, math.ceil(silence_s)),
        )
        try:
            with self._interrupted_by_keys(True):
                self._leg.execute(command, Deadline.after(longest_s + GRACE_S))
            return sound.read_wav(path)
        except (OSError, ValueError) as error:
            # The disk is full, or FreeSWITCH may not write there: heard as silence, asked again.
            log.error("recording_unreadable", error=str(error))  # noqa: TRY400
            return Audio(pcm=b"", rate=sound.TELEPHONE_RATE)
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def _interrupted_by_keys(self, barge_in: bool) -> Iterator[None]:
        self._interruptible = barge_in
        try:
            yield
        except TimeUp:
            self._leg.start(commands.break_())  # something else is to be said now
            raise
        finally:
            self._interruptible = False

    def _on_key(self, _: Event) -> None:
        self.interrupt()


def _cut(audio: Audio, start_s: float, end_s: float) -> Audio:
    first = max(0, int((start_s - MARGIN_S) * audio.rate))
    last = int((end_s + MARGIN_S) * audio.rate)
    return Audio(pcm=audio.pcm[2 * first : 2 * last], rate=audio.rate)
