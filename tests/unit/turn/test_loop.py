from __future__ import annotations

import pytest

from esl_app.turn import Answer, End, Ending, Rules, Say, TurnLoop

pytestmark = pytest.mark.unit


def loop(**rules: object) -> TurnLoop:
    return TurnLoop(Rules(language="en-US", **rules))  # type: ignore[arg-type]


def test_a_question_is_answered() -> None:
    assert loop().heard("When do you open?") == Answer(question="When do you open?")


def test_a_person_is_fetched_even_when_the_turns_are_used_up() -> None:
    state = loop(max_turns=1)
    state.heard("One?")
    assert state.heard("I want a person") == End(ending=Ending.HANDOFF, question="I want a person")


def test_the_turn_after_the_last_ends() -> None:
    state = loop(max_turns=2)
    assert isinstance(state.heard("One?"), Answer)
    assert isinstance(state.heard("Two?"), Answer)
    assert state.heard("Three?") == End(ending=Ending.MAX_TURNS, question="Three?")


def test_silence_and_unclear_sound_count_together() -> None:
    state = loop(max_misses=3, not_heard="Pardon me?")
    assert state.silence() == Say(text=state.rules.phrases.still_there, why="no_input")
    assert state.heard("  ") == Say(text="Pardon me?", why="not_heard")
    assert state.silence() == End(ending=Ending.NO_INPUT)


def test_words_forgive_misses() -> None:
    state = loop(max_misses=2)
    state.silence()
    state.heard("A question?")
    assert isinstance(state.silence(), Say)


def test_say_that_again_repeats_the_last_answer() -> None:
    state = loop()
    assert isinstance(state.heard("Can you repeat that?"), Answer), "nothing to repeat yet"
    state.answered("We open at nine.")
    step = state.heard("Can you repeat that?")
    assert isinstance(step, Say)
    assert (step.text, step.why) == ("We open at nine.", "repeat")


def test_one_failure_apologises_and_the_second_in_a_row_hands_over() -> None:
    state = loop()
    assert isinstance(state.failed(), Say)
    state.answered("Fine.")
    assert isinstance(state.failed(), Say)
    assert state.failed() == End(ending=Ending.TROUBLE)


def test_a_hum_is_not_answered() -> None:
    step = loop().heard("Hmm.")
    assert isinstance(step, Say)
    assert step.why == "not_heard"


def test_a_tenant_without_hand_off_has_the_wish_answered() -> None:
    assert loop(handoff_enabled=False).heard("I want a person") == Answer(
        question="I want a person"
    )
