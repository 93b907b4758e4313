from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.ears import (
    Judged,
    SpeechContinues,
    SpeechEnded,
    SpeechEvent,
    SpeechStarted,
    SpeechTracker,
    TrackerSettings,
)

pytestmark = pytest.mark.unit

FRAME_S = 0.02


def hear(tracker: SpeechTracker, probabilities: Iterable[float]) -> list[SpeechEvent]:
    return [
        event
        for number, probability in enumerate(probabilities, 1)
        for event in tracker.hear(
            Judged(at_s=round(number * FRAME_S, 2), span_s=FRAME_S, probability=probability)
        )
    ]


def borders(events: list[SpeechEvent]) -> list[SpeechEvent]:
    return [event for event in events if type(event) is not SpeechContinues]


def test_speech_starts_at_its_first_voice_and_ends_at_its_last() -> None:
    found = borders(hear(SpeechTracker(), [0.0] * 10 + [1.0] * 30 + [0.0] * 30))
    started, ended = found
    assert isinstance(started, SpeechStarted)
    assert isinstance(ended, SpeechEnded)
    assert (started.at_s, started.known_s) == pytest.approx((0.2, 0.28))
    assert (ended.at_s, ended.known_s) == pytest.approx((0.8, 1.0))
    assert ended.voiced_s == pytest.approx(0.6)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_click_is_not_speech(frames: int) -> None:
    assert hear(SpeechTracker(), [0.0] * 10 + [1.0] * frames + [0.0] * 50) == []


def test_clicks_far_apart_are_not_speech() -> None:
    click = [1.0] * 3 + [0.0] * 20
    assert hear(SpeechTracker(), click * 10) == []


def test_a_start_may_flicker() -> None:
    (started,) = hear(SpeechTracker(), [1.0, 0.0, 1.0, 0.0, 1.0, 1.0])
    assert isinstance(started, SpeechStarted)
    assert (started.at_s, started.known_s) == pytest.approx((0.0, 0.12))


def test_the_closure_of_a_consonant_ends_nothing() -> None:
    found = borders(hear(SpeechTracker(), [1.0] * 10 + [0.0] * 9 + [1.0] * 10))
    assert [type(event) for event in found] == [SpeechStarted]


def test_going_on_takes_less_certainty_than_starting() -> None:
    tracker = SpeechTracker()
    assert hear(tracker, [0.4] * 50) == []
    tracker = SpeechTracker()
    found = borders(hear(tracker, [0.9] * 5 + [0.4] * 50))
    assert [type(event) for event in found] == [SpeechStarted]
    assert tracker.speaking


def test_after_an_end_speech_starts_again() -> None:
    found = borders(hear(SpeechTracker(), ([1.0] * 20 + [0.0] * 20) * 2))
    assert [type(event) for event in found] == [SpeechStarted, SpeechEnded] * 2


def test_it_says_that_speech_goes_on() -> None:
    found = hear(SpeechTracker(), [1.0] * 50)
    going_on = [event for event in found if isinstance(event, SpeechContinues)]
    assert [round(event.voiced_s, 2) for event in going_on] == [0.28, 0.48, 0.68, 0.88]


def test_silence_is_counted_from_the_last_voice_even_before_an_end_is_sure() -> None:
    tracker = SpeechTracker()
    assert tracker.silence_s(5.0) == 0.0, "nothing was heard yet"
    hear(tracker, [1.0] * 10 + [0.0] * 5)
    assert tracker.speaking
    assert tracker.silence_s(0.3) == pytest.approx(0.1)
    assert tracker.silence_s(0.1) == 0.0, "a clock behind the frames is no negative silence"


def test_silence_without_speech_is_counted_from_the_first_frame() -> None:
    tracker = SpeechTracker()
    tracker.hear(Judged(at_s=7.02, span_s=FRAME_S, probability=0.0))
    assert tracker.silence_s(9.0) == pytest.approx(2.0)


def test_speech_ends_although_frames_stop_coming() -> None:
    tracker = SpeechTracker()
    hear(tracker, [1.0] * 10)
    assert tracker.tick(0.3) == []
    (ended,) = tracker.tick(0.5)
    assert isinstance(ended, SpeechEnded)
    assert ended.at_s == pytest.approx(0.2)
    assert tracker.tick(0.6) == []


def test_a_hole_in_the_frames_is_an_end_and_a_start() -> None:
    tracker = SpeechTracker(TrackerSettings(start_s=0.02))
    hear(tracker, [1.0] * 10)
    found = tracker.hear(Judged(at_s=3.0, span_s=FRAME_S, probability=1.0))
    assert [type(event) for event in found] == [SpeechEnded, SpeechStarted]


def test_what_was_judged_twice_or_too_late_counts_once() -> None:
    tracker = SpeechTracker(TrackerSettings(start_s=0.06))
    same = Judged(at_s=0.02, span_s=FRAME_S, probability=1.0)
    assert [tracker.hear(same) for _ in range(10)] == [[]] * 10


def test_who_is_still_speaking_after_forgetting_starts_anew() -> None:
    tracker = SpeechTracker()
    hear(tracker, [1.0] * 10)
    tracker.forget()
    assert not tracker.speaking
    judged = [Judged(at_s=0.2 + n * 0.02, span_s=0.02, probability=1.0) for n in range(1, 6)]
    found = [event for one in judged for event in tracker.hear(one)]
    assert [type(event) for event in found] == [SpeechStarted]


@given(st.lists(st.floats(0, 1), max_size=300))
def test_starts_and_ends_alternate_and_times_never_go_back(probabilities: list[float]) -> None:
    found = borders(hear(SpeechTracker(), [*probabilities, *[0.0] * 20]))
    assert [type(event) for event in found] == [SpeechStarted, SpeechEnded] * (len(found) // 2)
    times = [event.at_s for event in found]
    assert times == sorted(times)
    for started, ended in zip(found[::2], found[1::2], strict=True):
        assert isinstance(started, SpeechStarted)
        assert isinstance(ended, SpeechEnded)
        assert ended.voiced_s >= 0.08 - 1e-6
        assert started.known_s - started.at_s <= 0.25 + 1e-6
        assert ended.known_s - ended.at_s == pytest.approx(0.2, abs=1e-6)
