from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.ears import Judged
from esl_app.ears.windows import InOrder, Window, Windower
from tests.unit.ears import sounds

pytestmark = pytest.mark.unit


def cut(sound: bytes, rate: int = 8000, *, guarded: bool = False) -> list[Window]:
    windower = Windower(rate, guarded=guarded)
    size = rate // 50 * 2
    return [
        window
        for number in range(len(sound) // size)
        for window in windower.feed(
            sound[number * size : (number + 1) * size], round((number + 1) * 0.02, 2)
        )
    ]


def test_windows_follow_one_another_each_with_a_little_of_the_one_before() -> None:
    sound = np.arange(8000, dtype="<i2").tobytes()
    windows = cut(sound)
    assert len(windows) == 31
    assert {len(window.sound) for window in windows} == {2 * 288}
    assert windows[0].sound[:64] == bytes(64)
    assert b"".join(window.sound[64:] for window in windows) == sound[: 31 * 512]
    assert all(b.sound[:64] == a.sound[-64:] for a, b in pairwise(windows))


def test_a_window_has_the_time_of_its_own_end() -> None:
    assert [window.at_s for window in cut(bytes(16000))[:3]] == pytest.approx([0.032, 0.064, 0.096])


@pytest.mark.parametrize(
    ("rate", "guarded", "samples"),
    [(8000, False, 288), (8000, True, 320), (16_000, False, 576), (48_000, True, 1920)],
)
def test_sizes(rate: int, guarded: bool, samples: int) -> None:
    windows = cut(bytes(rate * 2), rate, guarded=guarded)
    assert {len(window.sound) for window in windows} == {2 * samples}


def test_silence_is_not_asked_about() -> None:
    assert [w.probability for w in cut(sounds.silence(1))] == [0.0] * 31


def test_speech_is_asked_about_and_a_moment_after_it() -> None:
    windows = cut(sounds.silence(1) + sounds.noise(1, -20) + sounds.silence(1))
    asked = [window.at_s for window in windows if window.ask]
    assert asked[0] == pytest.approx(1.024)
    assert asked[-1] == pytest.approx(2.2, abs=0.04)
    assert len(asked) == round((asked[-1] - asked[0]) / 0.032) + 1


def window(at_s: float, probability: float | None) -> Window:
    return Window(
        at_s=at_s, sound=b"", level=0.25, level_db=-20.0, ask=True, probability=probability
    )


def test_an_answer_waits_for_the_one_before_it() -> None:
    found: list[Judged] = []
    order = InOrder(found.append, 0.06)
    first, second = window(0.1, None), window(0.132, 0.9)
    order.add(first)
    order.add(second)
    order.release(0.14)
    assert found == []
    first.probability = 0.8
    order.release()
    assert [(j.at_s, j.probability) for j in found] == [(0.1, 0.8), (0.132, 0.9)]


def test_an_answer_that_does_not_come_is_replaced_by_the_level() -> None:
    found: list[Judged] = []
    order = InOrder(found.append, 0.06)
    late = window(0.1, None)
    order.add(late)
    order.release(0.159)
    assert found == []
    order.release(0.16)
    assert [(j.at_s, j.probability) for j in found] == [(0.1, 0.25)]
    assert late.overdue
    assert order.overdue == 1


@given(st.permutations(range(12)), st.integers(0, 12))
def test_whatever_order_answers_come_in_judgements_come_in_the_sounds(
    order_of_answers: list[int], answered: int
) -> None:
    found: list[Judged] = []
    order = InOrder(found.append, 0.06)
    windows = [window(number * 0.032, None) for number in range(12)]
    for one in windows:
        order.add(one)
    for number in order_of_answers[:answered]:
        windows[number].probability = 1.0
        order.release()
    order.release(10.0)
    assert [judged.at_s for judged in found] == [one.at_s for one in windows]
    assert order.overdue == 12 - answered
