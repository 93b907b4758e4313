"""`bridge`: connecting the caller with an endpoint of the stand-in's directory."""

from __future__ import annotations

from collections.abc import Callable

from esl_app.switchsim import causes
from esl_app.switchsim.dialplan import Answers, Refuses
from esl_app.switchsim.legs import DialString
from esl_app.switchsim.session import Session

_DIALSTATUS = {"USER_BUSY": "BUSY", "NO_ANSWER": "NOANSWER"}


def bridge(session: Session, argument: str) -> None:
    """Try the dial strings in turn; talk to the first that answers."""
    channel = session.channel
    cause = channel.get("originate_failed_cause") or "SUBSCRIBER_ABSENT"
    for text in (part for part in argument.split("|") if part):
        cause = _call(session, DialString.parse(text, common=argument))
        if cause == "SUCCESS" or not session.ready:
            return
    channel.set("originate_disposition", cause)
    channel.set("originate_failed_cause", cause)
    channel.set("DIALSTATUS", _DIALSTATUS.get(cause, cause))
    if argument and not channel.true("continue_on_fail"):
        session.hang_up(causes.known(cause), by="switch")


def _call(session: Session, dialled: DialString) -> str:
    """One endpoint; "SUCCESS" or the cause of its failure."""
    endpoint = session.directory.endpoint(dialled.endpoint)
    if isinstance(endpoint, Refuses):
        _pass(session, endpoint.after_s)
        return endpoint.cause
    if not isinstance(endpoint, Answers):
        _pass(session, dialled.timeout_s)
        return "ALLOTTED_TIMEOUT"
    _pass(session, endpoint.ring_s)
    if not session.ready:
        return causes.CANCELLED
    session.answer()
    _talk(session, dialled, endpoint)
    return "SUCCESS"


def _talk(session: Session, dialled: DialString, endpoint: Answers) -> None:
    channel = session.channel
    other = dialled.leg()
    session.directory.legs[other.uuid] = other
    channel.set("originate_disposition", "SUCCESS")
    channel.set("DIALSTATUS", "SUCCESS")
    channel.set("bridge_uuid", other.uuid)
    legs = [
        ("Bridge-A-Unique-ID", channel.uuid),
        ("Bridge-B-Unique-ID", other.uuid),
        ("Other-Leg-Unique-ID", other.uuid),
    ]
    session.broken = False
    session.emit("CHANNEL_BRIDGE", legs)
    _pass(session, endpoint.talk_s, while_=lambda: other.up)
    other.up = False
    del session.directory.legs[other.uuid]
    channel.set("bridge_hangup_cause", causes.NORMAL)
    channel.set("last_bridge_hangup_cause", causes.NORMAL)
    session.emit("CHANNEL_UNBRIDGE", legs)
    if session.ready and channel.true("hangup_after_bridge"):
        session.hang_up(causes.NORMAL, by="switch")


def _pass(session: Session, seconds: float, *, while_: Callable[[], bool] = lambda: True) -> None:
    for _ in range(session.frames_of(seconds)):
        session.tick()
        while session.take_digit() is not None:
            pass
        if not (session.ready and while_()) or session.broken:
            session.broken = False
            return


APPLICATIONS = {"bridge": bridge}
