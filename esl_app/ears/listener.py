"""One leg's ears: frames in, speech events and whole utterances out.

The sound is kept from a little before speech starts (`pre_roll_s`: what a detector needs to be
sure, and a soft first consonant) until it is taken. While nobody speaks only that little is kept,
and never more than `longest_s`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from esl_app.ears.tracker import (
    SpeechEvent,
    SpeechStarted,
    SpeechTracker,
    TrackerSettings,
)
from esl_app.ears.vad import SAMPLE_BYTES, Judged, Vad
from providers.contracts import Audio

OnEvent = Callable[[SpeechEvent], None]
_SLACK_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSettings:
    """How one leg is listened to.

    Attributes:
        pre_roll_s: sound kept from before the first voice.
        tail_s: sound kept after the last one.
        longest_s: the most sound kept, until `keep` is called; of a longer utterance, the last.
        tracker: when voice is speech; None: as sure as the detector wants it.
    """

    pre_roll_s: float = 0.4
    tail_s: float = 0.4
    longest_s: float = 60.0
    tracker: TrackerSettings | None = None


class Listener:
    """Listens to one leg.

    Args:
        vad: the worker's detector.
        rate: of the leg, samples a second.
        on_event: called with each event as soon as it is known, on the hub: it must not wait.
            Without it, `feed` and `tick` return the events known since they were last called.

    >>> from esl_app.ears import EnergyVad
    >>> listener = Listener(EnergyVad(), rate=8000)
    >>> for number in range(1, 51):
    ...     events = listener.feed(bytes(320), at_s=number * 0.02)
    >>> listener.speaking, round(listener.silence_s(1.0), 3)
    (False, 1.0)
    """

    def __init__(
        self,
        vad: Vad,
        *,
        rate: int = 8000,
        on_event: OnEvent | None = None,
        settings: ListenerSettings | None = None,
    ) -> None:
        self._settings = settings or ListenerSettings()
        self._rate = rate
        self._longest_s = self._settings.longest_s
        self._on_event = on_event
        tracking = self._settings.tracker or TrackerSettings(start_s=vad.start_s)
        self._tracker = SpeechTracker(tracking)
        # Enough to reach back from when a start is known to before it began.
        self._idle_s = self._settings.pre_roll_s + tracking.window_s + vad.delay_s + _SLACK_S
        self._sound = bytearray()
        self._first = 0  # bytes that were dropped before `_sound`
        self._frames: deque[tuple[float, int]] = deque()  # (at_s, byte it ends at)
        self._began: int | None = None  # the byte the utterance starts at, pre-roll included
        self._known: list[SpeechEvent] = []
        self._stream = vad.open(rate, self._judged)

    @property
    def speaking(self) -> bool:
        return self._tracker.speaking

    @property
    def has_utterance(self) -> bool:
        """Whether speech was heard that nobody has taken."""
        return self._began is not None

    def silence_s(self, now: float) -> float:
        """Seconds since there was voice; since the first frame, if there never was."""
        return self._tracker.silence_s(now)

    def keep(self, longest_s: float) -> None:
        """Keep the sound of an utterance of up to `longest_s`, with what is around it."""
        self._longest_s = longest_s + self._settings.pre_roll_s + self._settings.tail_s

    def feed(self, frame: bytes, at_s: float) -> list[SpeechEvent]:
        """Take a frame whose last sample came at `at_s`."""
        self._sound += frame
        self._frames.append((at_s, self._first + len(self._sound)))
        self._stream.feed(frame, at_s)
        self._trim()
        return self._take_events()

    def tick(self, now: float) -> list[SpeechEvent]:
        """End speech when frames have stopped coming; only needed then."""
        self._tell(self._tracker.tick(now))
        return self._take_events()

    def utterance(self) -> Audio | None:
        """What was said so far, with what came before and after it; None when nothing was."""
        if self._began is None:
            return None
        return Audio(
            pcm=bytes(self._sound[self._began - self._first : self._end()]), rate=self._rate
        )

    def take_utterance(self) -> Audio | None:
        """The same, and forget it. No sound is in two utterances."""
        audio = self.utterance()
        if audio is not None:
            self._drop(self._end())
            self._began = None
            self._tracker.forget()
            self._trim()
        return audio

    def forget(self) -> None:
        """Drop what was said (the agent's own echo, words spoken over a goodbye)."""
        self._began = None
        self._tracker.forget()
        self._trim()

    def close(self) -> None:
        """Listen no more; what was heard can still be taken."""
        self._stream.close()

    def _judged(self, judged: Judged) -> None:
        self._tell(self._tracker.hear(judged))

    def _tell(self, events: list[SpeechEvent]) -> None:
        for event in events:
            if type(event) is SpeechStarted and self._began is None:
                self._began = self._byte_at(event.at_s - self._settings.pre_roll_s)
            if self._on_event is None:
                self._known.append(event)
            else:
                self._on_event(event)

    def _take_events(self) -> list[SpeechEvent]:
        known, self._known = self._known, []
        return known

    def _byte_at(self, at_s: float) -> int:
        """The byte that came at a time; the border of what is kept when that is outside it."""
        found = 0
        for frame_s, end in reversed(self._frames):
            if frame_s <= at_s:
                found = max(found, end)  # a lost frame's time is nowhere in the sound
                break
            found = end - round((frame_s - at_s) * self._rate) * SAMPLE_BYTES
        return max(found, self._first)

    def _end(self) -> int:
        """Where the utterance ends in `_sound`: now, or a tail after the last voice."""
        ended_s = self._tracker.voiced_until_s
        if self._tracker.speaking or ended_s is None:
            return len(self._sound)
        return self._byte_at(ended_s + self._settings.tail_s) - self._first

    def _trim(self) -> None:
        keep_s = self._longest_s if self._began is not None else self._idle_s
        surplus = len(self._sound) - round(keep_s * self._rate) * SAMPLE_BYTES
        if surplus > 0:
            self._drop(surplus)
            if self._began is not None:
                self._began = max(self._began, self._first)
                if self._end() <= self._began - self._first:
                    self._began = None  # nobody took it for so long that only silence is left

    def _drop(self, count: int) -> None:
        del self._sound[:count]
        self._first += count
        while self._frames and self._frames[0][1] <= self._first:
            self._frames.popleft()
