"""Where speech starts and stops, from what a detector says of each stretch of sound.

Theory of operation. Two states. *Quiet*: when `start_s` of voice lie within the last `window_s`,
speech has started, at the first of that voice. *Speaking*: less certainty is enough to go on
(`off` < `on`), and when there was no voice for `end_s`, speech has ended, at the last of the voice.
An end is a candidate: a short one, for others to weigh (`esl_app.turn`) with the silence so far.
Speech that goes on after it is a new start.

No clock and no sound in here: times come in as numbers, so a second takes no second to test.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TypeAlias

from esl_app.ears.nearness import Nearness
from esl_app.ears.vad import Judged

# Frames arrive every 20 ms by the sender's clock and a little off it by ours.
_SLACK_S = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted:
    """Speech began at `at_s`; we knew at `known_s`, both in the frames' time."""

    at_s: float
    known_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechContinues:
    """Still speaking at `at_s`; `voiced_s` of voice since the start."""

    at_s: float
    voiced_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechEnded:
    """The last voice was at `at_s`; we knew at `known_s`."""

    at_s: float
    known_s: float
    voiced_s: float


SpeechEvent: TypeAlias = SpeechStarted | SpeechContinues | SpeechEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerSettings:
    """When voice is speech.

    Attributes:
        on: a stretch this likely is voice.
        off: while speaking, this likely is enough.
        start_s: so much voice ...
        window_s: ... within so long is the start of speech.
        end_s: no voice for so long is an end; longer than the closure of a "p" or a "t".
        continues_s: how often to say that speech goes on.
    """

    on: float = 0.5
    off: float = 0.35
    start_s: float = 0.08
    window_s: float = 0.25
    end_s: float = 0.2
    continues_s: float = 0.2


class SpeechTracker:
    """One leg's speech.

    >>> tracker = SpeechTracker(TrackerSettings(start_s=0.04))
    >>> tracker.hear(Judged(at_s=0.02, span_s=0.02, probability=0.9))
    []
    >>> tracker.hear(Judged(at_s=0.04, span_s=0.02, probability=0.9))
    [SpeechStarted(at_s=0.0, known_s=0.04)]
    """

    def __init__(self, settings: TrackerSettings | None = None) -> None:
        self._settings = settings or TrackerSettings()
        self._voice: deque[tuple[float, float]] = deque()  # (start, end) of voice while quiet
        self._nearness = Nearness()
        self._speaking = False
        self._voiced_s = 0.0
        self._said_s = 0.0
        self._since_s: float | None = None  # when the silence began, or the listening
        self._last_s = float("-inf")

    @property
    def speaking(self) -> bool:
        return self._speaking

    @property
    def voiced_until_s(self) -> float | None:
        """When there was voice last; the start of listening before any; None before a frame."""
        return self._since_s

    def silence_s(self, now: float) -> float:
        """Seconds without voice, also while an end is not yet sure; since listening, if never."""
        return 0.0 if self._since_s is None else max(0.0, now - self._since_s)

    def hear(self, judged: Judged) -> list[SpeechEvent]:
        """What this stretch of sound changes. Stretches that are no later than others are late."""
        if judged.at_s <= self._last_s:
            return []
        events: list[SpeechEvent] = []
        started_s = judged.at_s - judged.span_s
        self._last_s = judged.at_s
        if self._since_s is None:
            self._since_s = started_s
        probability = judged.probability
        if not self._nearness.near(
            judged.level_db, judged.span_s, voiced=probability >= self._settings.on
        ):
            probability = 0.0
        voiced = probability >= (self._settings.off if self._speaking else self._settings.on)
        if self._speaking and voiced and not self._ending(started_s):
            self._since_s = judged.at_s
            self._voiced_s += judged.span_s
            if self._voiced_s - self._said_s >= self._settings.continues_s - _SLACK_S:
                self._said_s = self._voiced_s
                events.append(SpeechContinues(at_s=judged.at_s, voiced_s=self._voiced_s))
            return events
        if self._speaking:
            events += self.tick(started_s if voiced else judged.at_s)
        if not self._speaking:
            events += self._quiet(started_s, judged, voiced=probability >= self._settings.on)
        return events

    def tick(self, now: float) -> list[SpeechEvent]:
        """The end of speech when frames stop coming: call it when none came for a while."""
        if not self._speaking or not self._ending(now):
            return []
        assert self._since_s is not None
        self._speaking = False
        return [SpeechEnded(at_s=self._since_s, known_s=now, voiced_s=self._voiced_s)]

    def forget(self) -> None:
        """Be quiet: who is still speaking starts anew. The silence so far stays."""
        self._speaking = False
        self._voice.clear()

    def _ending(self, now: float) -> bool:
        return self.silence_s(now) >= self._settings.end_s - _SLACK_S

    def _quiet(self, started_s: float, judged: Judged, *, voiced: bool) -> list[SpeechEvent]:
        voice = self._voice
        while voice and voice[0][0] < judged.at_s - self._settings.window_s - _SLACK_S:
            voice.popleft()
        if not voiced:
            return []
        voice.append((started_s, judged.at_s))
        heard_s = sum(end - start for start, end in voice)
        if heard_s < self._settings.start_s - _SLACK_S:
            return []
        first_s = voice[0][0]
        voice.clear()
        self._speaking = True
        self._since_s = judged.at_s
        self._voiced_s = heard_s
        self._said_s = heard_s
        return [SpeechStarted(at_s=first_s, known_s=judged.at_s)]
