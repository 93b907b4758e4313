from __future__ import annotations

import pytest

from esl_app.switchsim import Action, Answers, Refuses, controlled
from esl_app.switchsim.dialplan import OPERATOR, Directory
from esl_app.switchsim.legs import DialString

pytestmark = pytest.mark.unit


def test_entry_extension_as_the_product_has_it() -> None:
    plan = controlled(hosts="a:1|b:2", standby="b:2", fallback=[Action("hangup")])
    assert list(plan) == [
        Action("set", "socket_resume=true"),
        Action("set", "voice_ai_attempt=1"),
        Action("socket", "a:1|b:2 async"),
        Action("set", "voice_ai_attempt=2"),
        Action("socket", "b:2 async"),
        Action("hangup"),
    ]


def test_without_resume_standby_and_fallback() -> None:
    plan = controlled(hosts="a:1", resume=False, full=True)
    assert list(plan) == [Action("set", "voice_ai_attempt=1"), Action("socket", "a:1 async full")]


def test_whom_a_transfer_or_a_bridge_reaches() -> None:
    directory = Directory(
        extensions={"1": [Action("hangup")]}, endpoints={"sofia/gw/2": Answers(talk_s=3)}
    )
    assert directory.extension("1") == [Action("hangup")]
    assert directory.extension("2") == OPERATOR
    assert directory.endpoint("sofia/gw/2") == Answers(talk_s=3)
    assert directory.endpoint("user/nobody") == Refuses(cause="SUBSCRIBER_ABSENT", after_s=0)
    assert directory.endpoint("bogus/x") == Refuses(cause="CHAN_NOT_IMPLEMENTED", after_s=0)


def test_dial_strings_are_taken_apart() -> None:
    whole = "{originate_timeout=8,origination_uuid=b-1}[leg_timeout=2]sofia/gw/1|user/2"
    first, second = (DialString.parse(part, common=whole) for part in whole.split("|"))
    assert (first.endpoint, first.timeout_s, first.leg().uuid) == ("sofia/gw/1", 2, "b-1")
    assert (second.endpoint, second.timeout_s) == ("user/2", 8)
    assert DialString.parse("user/3").timeout_s == 60
