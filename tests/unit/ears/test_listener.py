from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.ears import (
    EnergyVad,
    Listener,
    ListenerSettings,
    SpeechContinues,
    SpeechEnded,
    SpeechEvent,
    SpeechStarted,
)
from tests.unit.ears import sounds

pytestmark = pytest.mark.unit


def hear(listener: Listener, sound: bytes, start_s: float = 0.0) -> list[SpeechEvent]:
    found = [e for frame, at_s in sounds.frames(sound, start_s) for e in listener.feed(frame, at_s)]
    return [event for event in found if not isinstance(event, SpeechContinues)]


def counted(seconds: float, loud: bool) -> bytes:
    """Sound in which every sample says where it is (modulo 1000)."""
    count = np.arange(int(seconds * sounds.RATE)) % 1000
    return (count + 5000 if loud else count // 200).astype("<i2").tobytes()


def test_an_utterance_is_whole_with_a_little_before_and_after_it() -> None:
    listener = Listener(EnergyVad())
    sound = counted(1.0, loud=False) + counted(1.0, loud=True) + counted(1.0, loud=False)
    started, ended = hear(listener, sound)
    assert (started.at_s, ended.at_s) == pytest.approx((1.0, 2.0))
    taken = listener.take_utterance()
    assert taken is not None
    assert taken.pcm == sound[round(0.6 * 16000) : round(2.4 * 16000)]
    assert taken.rate == 8000


def test_nothing_said_is_no_utterance() -> None:
    listener = Listener(EnergyVad())
    assert hear(listener, sounds.silence(3)) == []
    assert listener.utterance() is None
    assert listener.take_utterance() is None
    assert listener.silence_s(3.0) == pytest.approx(3.0)


def test_a_pause_inside_an_utterance_stays_in_it() -> None:
    listener = Listener(EnergyVad())
    part = counted(0.5, loud=True) + counted(0.5, loud=False)
    found = hear(listener, part * 2)
    assert [type(event) for event in found] == [SpeechStarted, SpeechEnded] * 2
    taken = listener.take_utterance()
    assert taken is not None
    assert taken.pcm == (part * 2)[: round(1.9 * 16000)]


def test_an_utterance_can_be_looked_at_before_it_is_over() -> None:
    listener = Listener(EnergyVad())
    hear(listener, counted(0.5, loud=True))
    looked = listener.utterance()
    assert looked is not None
    assert looked.duration_s == pytest.approx(0.5)
    hear(listener, counted(0.5, loud=True), 0.5)
    later = listener.utterance()
    assert later is not None
    assert later.duration_s == pytest.approx(1.0)


def test_who_talks_on_after_the_cut_is_heard_again_and_nothing_twice() -> None:
    listener = Listener(EnergyVad())
    hear(listener, counted(1.0, loud=True))
    first = listener.take_utterance()
    again = hear(listener, counted(1.0, loud=True) + counted(1.0, loud=False), 1.0)
    second = listener.take_utterance()
    assert first is not None
    assert second is not None
    assert [type(event) for event in again] == [SpeechStarted, SpeechEnded]
    assert (first.duration_s, second.duration_s) == pytest.approx((1.0, 1.4))


def test_forgotten_speech_is_not_in_the_next_utterance() -> None:
    listener = Listener(EnergyVad())
    hear(listener, counted(1.0, loud=True) + counted(1.0, loud=False))
    listener.forget()
    assert listener.utterance() is None
    hear(listener, counted(0.5, loud=True) + counted(0.5, loud=False), 2.0)
    taken = listener.take_utterance()
    assert taken is not None
    assert taken.duration_s == pytest.approx(0.4 + 0.5 + 0.4)


def test_events_are_called_back_as_they_are_known() -> None:
    heard: list[SpeechEvent] = []
    listener = Listener(EnergyVad(), on_event=heard.append)
    assert hear(listener, counted(0.5, loud=True) + counted(0.5, loud=False)) == []
    assert isinstance(heard[0], SpeechStarted)
    assert isinstance(heard[-1], SpeechEnded)


def test_a_callback_may_take_the_utterance() -> None:
    taken: list[float] = []

    def take(event: SpeechEvent) -> None:
        if isinstance(event, SpeechEnded):
            utterance = listener.take_utterance()
            assert utterance is not None
            taken.append(utterance.duration_s)

    listener = Listener(EnergyVad(), on_event=take)
    hear(listener, (counted(0.5, loud=True) + counted(0.5, loud=False)) * 3)
    assert taken == pytest.approx([0.7, 1.0, 1.0])


def test_frames_that_were_lost_are_not_made_up() -> None:
    listener = Listener(EnergyVad())
    sound = counted(0.5, loud=False) + counted(0.5, loud=True)
    hear(listener, sound)
    hear(listener, counted(0.5, loud=True), 1.1)  # five frames never came
    taken = listener.take_utterance()
    assert taken is not None
    assert taken.duration_s == pytest.approx(0.4 + 1.0)


def test_speech_ends_by_the_clock_when_no_frame_comes() -> None:
    listener = Listener(EnergyVad())
    hear(listener, counted(0.5, loud=True))
    assert listener.speaking
    (ended,) = listener.tick(1.5)
    assert isinstance(ended, SpeechEnded)
    assert listener.silence_s(1.5) == pytest.approx(1.0)


def test_an_utterance_is_kept_for_as_long_as_it_is_listened_to() -> None:
    listener = Listener(EnergyVad(), settings=ListenerSettings(longest_s=1.0))
    listener.keep(4.0)
    hear(listener, sounds.silence(1.0) + counted(3.0, loud=True))
    taken = listener.utterance()
    assert taken is not None
    assert taken.duration_s > 2.5


def test_memory_is_bounded_in_silence_and_in_speech() -> None:
    settings = ListenerSettings(longest_s=2.0)
    listener = Listener(EnergyVad(), settings=settings)
    hear(listener, sounds.silence(30))
    assert len(listener._sound) <= 16000
    talk = counted(0.6, loud=True) + counted(0.1, loud=False)
    hear(listener, talk * 40, 30.0)
    taken = listener.utterance()
    assert taken is not None
    assert taken.duration_s == pytest.approx(2.0)
    assert len(listener._frames) <= 101
    hear(listener, sounds.silence(5), 58.0)
    assert not listener.has_utterance, "what nobody takes is let go"
    assert len(listener._sound) <= 16000


@pytest.mark.parametrize("name", sounds.spoken_names())
@pytest.mark.parametrize("rate", [8000])
def test_recordings_are_heard_whole(name: str, rate: int) -> None:
    listener = Listener(EnergyVad(), rate=rate)
    sound = sounds.mixed(
        sounds.silence(1) + sounds.speech(name) + sounds.silence(1), sounds.noise(1, -65)
    )
    found = hear(listener, sound)
    taken = listener.take_utterance()
    assert taken is not None
    assert found[0].at_s >= 0.95
    assert isinstance(found[-1], SpeechEnded)
    assert len(sounds.speech(name)) / 16000 * 0.6 < taken.duration_s


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 40)), max_size=25), st.integers(0, 30))
def test_no_sound_is_ever_in_two_utterances(parts: list[tuple[bool, int]], take_after: int) -> None:
    """Samples count up through the whole sound: what is taken counts up too."""
    listener = Listener(EnergyVad(), settings=ListenerSettings(longest_s=3.0))
    count = 0
    seen = -1
    for loud, frames in parts:
        for number in range(frames):
            count += 1
            sign = 8000 if loud else 0
            frame = np.full(160, sign, "<i2")
            frame[0], frame[1] = count % 100, count // 100
            listener.feed(frame.tobytes(), count * 0.02)
            if number == take_after and (taken := listener.take_utterance()):
                samples = np.frombuffer(taken.pcm, "<i2").reshape(-1, 160)
                numbers = [int(row[0]) + 100 * int(row[1]) for row in samples]
                assert numbers == list(range(numbers[0], numbers[-1] + 1))
                assert numbers[0] > seen
                seen = numbers[-1]
