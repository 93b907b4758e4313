"""Duplex calls whose recogniser gives words while the caller speaks."""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from esl_app.switchsim import HangUp, Speak, SpeakWhenQuiet, Switch, Wait
from tests.fakes.deepgram_server import KEY, DeepgramServer
from tests.fix_calls import AUDIO, Rig

pytestmark = pytest.mark.acceptance

PARKING = AUDIO / "parking.wav"
QUESTION = SpeakWhenQuiet(PARKING, quiet_s=1.5)
DUPLEX = {"media_mode": "duplex"}


def duplex() -> Switch:
    return Switch(speed=1.0)


@pytest.fixture
def deepgram(rig: Rig, deepgram_server: DeepgramServer) -> DeepgramServer:
    """A tenant whose recogniser is the stand-in of Deepgram."""
    rig.tenant(
        answers=["Yes.", "word " * 40, "Call us."],
        secretary=DUPLEX,
        providers={"stt": ("deepgram", {"api_key": KEY, "base_url": deepgram_server.base_url})},
    )
    return deepgram_server


def test_a_call_is_understood_while_it_is_spoken(rig: Rig, deepgram: DeepgramServer) -> None:
    deepgram.scripts = ["Is there parking near the clinic?", "Goodbye."]
    call = rig.call(QUESTION, QUESTION, switch=duplex())
    assert call.facts["ending"] == "goodbye"
    assert call.journal is not None
    turn = call.journal.turns[0]
    assert turn.question == "Is there parking near the clinic?"
    assert turn.providers["stt"] == "deepgram"
    assert turn.endpoint_ms is not None
    assert turn.endpoint_ms < 700
    assert {"type": "Finalize"} in deepgram.sessions[0].messages
    assert not deepgram.open
    assert "stream_lost" not in call.kinds()


def test_words_cut_an_answer_before_the_caller_pauses(rig: Rig, deepgram: DeepgramServer) -> None:
    deepgram.scripts = ["Hello?", "Is there parking?", "How do I cancel my visit?", "Goodbye."]
    cancel = Speak(AUDIO / "cancel.wav")
    call = rig.call(QUESTION, QUESTION, Wait(3.0), cancel, QUESTION, switch=duplex())
    assert call.kinds().count("interrupted") == 1
    assert "Call us." in call.said()
    assert call.facts["ending"] == "goodbye"


@pytest.mark.parametrize("fault", ["cut", "silence"])
def test_an_utterance_whose_stream_is_lost_is_recognised_whole(
    rig: Rig, deepgram: DeepgramServer, fault: Any
) -> None:
    # The second connection is the one that recognises the whole of the first utterance.
    deepgram.scripts = ["never told", "Is there parking near the clinic?", "Goodbye."]
    deepgram.faults.append(fault)
    call = rig.call(QUESTION, QUESTION, switch=duplex())
    assert call.kinds().count("stream_lost") == 1
    assert call.journal is not None
    assert [turn.question for turn in call.journal.turns] == [
        "Is there parking near the clinic?",
        "Goodbye.",
    ]
    assert not deepgram.open


def test_hanging_up_in_mid_sentence_closes_the_stream(rig: Rig, deepgram: DeepgramServer) -> None:
    deepgram.scripts = ["Is there parking near the clinic?"]
    call = rig.call(Wait(2.5), Speak(PARKING, wait=False), Wait(1.0), HangUp(), switch=duplex())
    assert call.facts["disposition"] == "hangup"
    assert deepgram.sessions
    with gevent.Timeout(3):
        while deepgram.open:
            gevent.sleep(0.02)
