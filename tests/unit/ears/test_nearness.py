from __future__ import annotations

import pytest

from esl_app.ears import Judged, SpeechEnded, SpeechEvent, SpeechStarted, SpeechTracker
from esl_app.ears.nearness import FAINTEST_DB, Nearness

pytestmark = pytest.mark.unit


def hear(nearness: Nearness, level_db: float, seconds: float, *, voiced: bool = True) -> list[bool]:
    return [nearness.near(level_db, 0.02, voiced=voiced) for _ in range(round(seconds / 0.02))]


def test_the_first_voice_is_near_however_faint() -> None:
    assert all(hear(Nearness(), -50, 5))


def test_a_voice_far_below_the_callers_is_not_the_callers() -> None:
    nearness = Nearness()
    hear(nearness, -25, 2)
    found = hear(nearness, -45, 2)
    assert all(found[:5]), "a loud frame speaks for its neighbours"
    assert not any(found[10:])


def test_a_softer_word_is_still_the_callers() -> None:
    nearness = Nearness()
    hear(nearness, -25, 2)
    assert all(hear(nearness, -38, 2))


def test_the_caller_is_louder_than_who_was_heard_first() -> None:
    nearness = Nearness()
    hear(nearness, -48, 3)
    assert all(hear(nearness, -25, 1.2))
    assert nearness.loud_db == pytest.approx(-25, abs=1.5)


def test_a_click_makes_nobody_faint() -> None:
    nearness = Nearness()
    hear(nearness, -30, 1)
    hear(nearness, 0, 0.02, voiced=False)
    assert all(hear(nearness, -35, 1))


def test_after_a_shout_plain_words_are_heard() -> None:
    nearness = Nearness()
    hear(nearness, -30, 1)
    hear(nearness, -5, 0.1)
    assert all(hear(nearness, -35, 1))
    hear(nearness, 0, 3)
    assert all(hear(nearness, FAINTEST_DB + 1, 5)), "never deaf to what is loud enough to be him"


def test_who_goes_on_talking_faintly_is_heard_in_the_end() -> None:
    nearness = Nearness()
    hear(nearness, -25, 3)
    found = hear(nearness, -50, 15)
    assert not found[25]
    assert found[-1]


def test_it_forgets_within_minutes() -> None:
    nearness = Nearness()
    hear(nearness, -20, 2)
    assert not hear(nearness, -45, 1)[-1]
    hear(nearness, -80, 60, voiced=False)
    assert hear(nearness, -45, 0.1)[-1]


def test_an_utterance_ends_although_the_television_goes_on() -> None:
    tracker = SpeechTracker()
    events: list[SpeechEvent] = []
    for number in range(1, 301):
        level_db = -25.0 if number <= 100 else -50.0
        judged = Judged(at_s=number * 0.02, span_s=0.02, probability=0.9, level_db=level_db)
        events += tracker.hear(judged)
    assert isinstance(events[0], SpeechStarted)
    assert isinstance(events[-1], SpeechEnded)
    assert events[-1].at_s == pytest.approx(2.12, abs=0.05)
    assert tracker.silence_s(6.0) > 3.5
