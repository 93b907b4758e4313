"""The person on the phone: what they say, press and do, frame by frame. Pure.

A caller is asked once a frame (20 ms of audio) what they do, and told what they hear. A script is a
list of steps; each step is a small generator that yields what the caller does and receives what the
caller hears.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from esl_app.switchsim.channel import Digit
from esl_app.switchsim.clock import FRAME_BYTES, FRAME_S
from esl_app.switchsim.sounds import read_samples

SILENCE = bytes(FRAME_BYTES)
# Below this the agent counts as silent (telephone-line hiss and dither stay well under it).
_QUIET_PEAK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the caller hears and feels during one frame."""

    agent: bytes
    listening: bool  # the other side records or gathers now
    answered: bool
    audio_s: float

    @property
    def quiet(self) -> bool:
        return self.agent is SILENCE or not (
            np.abs(np.frombuffer(self.agent, "<i2").astype(np.int32)).max(initial=0) > _QUIET_PEAK
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What the caller does during one frame."""

    frame: bytes = SILENCE
    digit: Digit | None = None  # a key just let go
    hang_up: bool = False
    note: str = ""  # for whoever watches: "speaks question.wav", "presses", ...


class CallerSide(Protocol):
    """Anything that can be on the phone."""

    number: str

    def act(self, heard: Heard) -> Act:
        """What happens in the frame that begins now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Do:
    """What a step does in a frame; `speak` starts a sound that goes on by itself."""

    digit: Digit | None = None
    hang_up: bool = False
    speak: bytes = b""
    note: str = ""


_Step = Generator[_Do, Heard, None]


class Step(Protocol):
    """One thing a caller does, or waits for."""

    def run(self, mouth: Mouth) -> _Step:
        """Yield once for each frame the step lasts."""
        ...


class Mouth:
    """The sound that is being spoken.

    `unanswered` from when the caller speaks until the agent does something about it: makes a sound,
    or stops listening.
    """

    def __init__(self) -> None:
        self._left = memoryview(b"")
        self.unanswered = False

    def say(self, pcm: bytes) -> None:
        self._left = memoryview(pcm)
        self.unanswered = True

    def notice(self, heard: Heard) -> None:
        """Take in what the agent does while the caller is silent."""
        if not self.busy and not (heard.listening and heard.quiet):
            self.unanswered = False

    @property
    def busy(self) -> bool:
        return len(self._left) > 0

    def frame(self) -> bytes:
        if not self._left:
            return SILENCE
        frame = bytes(self._left[:FRAME_BYTES])
        self._left = self._left[FRAME_BYTES:]
        return frame.ljust(FRAME_BYTES, b"\0")


@dataclass(frozen=True, slots=True)
class Speak:
    """Says a WAV file now, whatever the agent does (talking over it is a barge-in)."""

    path: Path | str
    wait: bool = True  # False: the next step begins while the caller is still speaking
    pcm: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the file at once, so that a wrong path fails where the script is written."""
        object.__setattr__(self, "pcm", read_samples(Path(self.path)).tobytes())

    def run(self, mouth: Mouth) -> _Step:
        yield _Do(speak=self.pcm, note=f"speaks {Path(self.path).name}")
        while self.wait and mouth.busy:
            yield _Do()


@dataclass(frozen=True, slots=True)
class Wait:
    """Does nothing for a while."""

    seconds: float

    def run(self, mouth: Mouth) -> _Step:  # noqa: ARG002 - the shape of every step
        for _ in range(round(self.seconds / FRAME_S)):
            yield _Do()


@dataclass(frozen=True, slots=True)
class WhenQuiet:
    """Waits until the agent has been silent for `quiet_s` while it listens.

    In file mode the agent is silent between sentences and while it thinks, too; only a running
    `record` or gather means that it is the caller's turn. After the caller's own words the agent
    goes on listening for a while: that is not their turn again, so it counts only once the agent
    has done something. `listening=False` takes any silence.
    """

    quiet_s: float = 0.6
    listening: bool = True

    def run(self, mouth: Mouth) -> _Step:
        frames = 0
        while frames * FRAME_S < self.quiet_s:
            heard = yield _Do()
            turn = heard.listening and not mouth.unanswered
            ready = heard.quiet and (turn or not self.listening)
            frames = frames + 1 if ready else 0


@dataclass(frozen=True, slots=True)
class SpeakWhenQuiet:
    """Says a WAV file once the agent has stopped and listens."""

    path: Path | str
    quiet_s: float = 0.6
    speech: Speak = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the file at once."""
        object.__setattr__(self, "speech", Speak(self.path))

    def run(self, mouth: Mouth) -> _Step:
        yield from WhenQuiet(self.quiet_s).run(mouth)
        yield from self.speech.run(mouth)


@dataclass(frozen=True, slots=True)
class Press:
    """Presses keys: each held for `key_ms`, the event comes when it is let go."""

    digits: str
    key_ms: int = 120
    gap_ms: int = 100

    def run(self, mouth: Mouth) -> _Step:
        for key in self.digits:
            yield from Wait(self.key_ms / 1000 - FRAME_S).run(mouth)
            yield _Do(digit=Digit(key=key, samples=self.key_ms * 8), note="presses a key")
            yield from Wait(self.gap_ms / 1000).run(mouth)


@dataclass(frozen=True, slots=True)
class HangUp:
    """Puts the phone down: BYE, or CANCEL if nobody has answered."""

    def run(self, mouth: Mouth) -> _Step:  # noqa: ARG002
        yield _Do(hang_up=True, note="hangs up")


@dataclass(frozen=True, slots=True)
class Cancel:
    """Gives up `after_s` seconds from dialling unless somebody has answered by then."""

    after_s: float

    def run(self, mouth: Mouth) -> _Step:  # noqa: ARG002
        heard = yield _Do()
        while not heard.answered:
            if heard.audio_s >= self.after_s:
                yield _Do(hang_up=True, note="gives up ringing")
                return
            heard = yield _Do()


class Caller:
    """A caller who follows a script, and leaves when nothing happens for too long.

    >>> caller = Caller([Wait(0.04), Press("1"), HangUp()])
    >>> heard = Heard(agent=SILENCE, listening=False, answered=True, audio_s=0.0)
    >>> [caller.act(heard).hang_up for _ in range(14)].index(True)
    13

    Args:
        steps: what to do, from the answer on (a leading `Cancel` begins at once).
        number: the caller's number.
        patience_s: seconds of audio without sound from the agent, and without anything done, after
            which the caller hangs up.
    """

    def __init__(
        self, steps: Sequence[Step] = (), *, number: str = "1000", patience_s: float = 60.0
    ) -> None:
        self.number = number
        self.patience_s = patience_s
        self.finished = False
        self.gave_up = False
        self._steps: deque[Step] = deque(steps)
        self._step: _Step | None = None
        self._mouth = Mouth()
        self._idle_frames = 0

    def act(self, heard: Heard) -> Act:
        """The next frame of the script."""
        self._mouth.notice(heard)
        do = self._next(heard)
        if do.speak:
            self._mouth.say(do.speak)
        busy = self._mouth.busy
        frame = self._mouth.frame()
        if do.note or busy or not heard.quiet:
            self._idle_frames = 0
        else:
            self._idle_frames += 1
            if self._idle_frames * FRAME_S >= self.patience_s:
                self.gave_up = True
                return Act(hang_up=True, note="loses patience")
        return Act(frame=frame, digit=do.digit, hang_up=do.hang_up, note=do.note)

    def _next(self, heard: Heard) -> _Do:
        while True:
            if self._step is None:
                if not self._steps:
                    self.finished = True
                    return _Do()
                if not heard.answered and not isinstance(self._steps[0], Cancel):
                    return _Do()
                self._step = self._steps.popleft().run(self._mouth)
                sent: Heard | None = None
            else:
                sent = heard
            try:
                return self._step.send(sent) if sent is not None else next(self._step)
            except StopIteration:
                self._step = None


class LiveCaller:
    """A caller driven from outside while the call runs: a terminal, a replay, a test.

    Keys and speech run side by side; nothing waits for the answer.
    """

    def __init__(self, *, number: str = "1000") -> None:
        self.number = number
        self._mouth = Mouth()
        self._keys: deque[tuple[str, int, int]] = deque()
        self._keypad: _Step | None = None
        self._hang_up = False

    def speak(self, pcm: bytes) -> None:
        """Say s16 8 kHz samples, instead of what is being said."""
        self._mouth.say(pcm)

    def press(self, digits: str, *, key_ms: int = 120, gap_ms: int = 100) -> None:
        self._keys.append((digits, key_ms, gap_ms))

    def hang_up(self) -> None:
        self._hang_up = True

    def act(self, heard: Heard) -> Act:
        """What was asked for since the last frame."""
        if self._hang_up:
            return Act(hang_up=True, note="hangs up")
        if self._keypad is None and self._keys:
            digits, key_ms, gap_ms = self._keys.popleft()
            self._keypad = Press(digits, key_ms, gap_ms).run(self._mouth)
            next(self._keypad)
        do = _Do()
        if self._keypad is not None:
            try:
                do = self._keypad.send(heard)
            except StopIteration:
                self._keypad = None
        return Act(frame=self._mouth.frame(), digit=do.digit, note=do.note)
