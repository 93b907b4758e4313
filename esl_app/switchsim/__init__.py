"""A FreeSWITCH stand-in: speaks the outbound event socket, plays a caller, keeps what was heard.

It serves the file mode of the product (answer, playback, record, digits, transfer, bridge) as real
transcripts show it, at life's pace or faster, with faults where a test wants them; and the duplex
mode (`unicast`) over real datagrams, at life's pace always, since the channel is parked:

    switch = Switch(speed=10)
    caller = Caller([SpeakWhenQuiet("question.wav"), WhenQuiet(), HangUp()])
    result = switch.call(caller, host="127.0.0.1", port=8084, destination_number="5551234567")
    assert result.ended_by == "caller"
    result.write_wav(Path("call.wav"))

A `Caller` is good for one call. What FreeSWITCH does and this does not is listed, transcript by
transcript, in `tests/integration/switchsim/test_switchsim_replay.py`.
"""

from __future__ import annotations

from esl_app.switchsim.caller import (
    Act,
    Caller,
    CallerSide,
    Cancel,
    HangUp,
    Heard,
    LiveCaller,
    Press,
    Speak,
    SpeakWhenQuiet,
    Step,
    Wait,
    WhenQuiet,
)
from esl_app.switchsim.dialplan import Action, Answers, Refuses, Rings, controlled
from esl_app.switchsim.faults import (
    CloseAt,
    Delay,
    Duplicate,
    Garbage,
    Lose,
    Refuse,
    Reorder,
)
from esl_app.switchsim.result import CallResult, Moment
from esl_app.switchsim.switch import PlacedCall, Switch
from esl_app.switchsim.unicast import UnicastStatistics
from esl_app.switchsim.waiting import RealTime, Time

__all__ = [
    "Act",
    "Action",
    "Answers",
    "CallResult",
    "Caller",
    "CallerSide",
    "Cancel",
    "CloseAt",
    "Delay",
    "Duplicate",
    "Garbage",
    "HangUp",
    "Heard",
    "LiveCaller",
    "Lose",
    "Moment",
    "PlacedCall",
    "Press",
    "RealTime",
    "Refuse",
    "Refuses",
    "Reorder",
    "Rings",
    "Speak",
    "SpeakWhenQuiet",
    "Step",
    "Switch",
    "Time",
    "UnicastStatistics",
    "Wait",
    "WhenQuiet",
    "controlled",
]
