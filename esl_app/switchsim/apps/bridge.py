"""`bridge`: connecting the caller with an endpoint of the stand-in's directory."""

from __future__ import annotations

import re
import uuid as uuid_module

from esl_app.switchsim import causes
from esl_app.switchsim.dialplan import Answers, Endpoint, Refuses
from esl_app.switchsim.session import Session

_DEFAULT_TIMEOUT_S = 60
_DIALSTATUS = {"USER_BUSY": "BUSY", "NO_ANSWER": "NOANSWER"}


def bridge(session: Session, argument: str) -> None:
    """Try the dial strings in turn; talk to the first that answers."""
    channel = session.channel
    cause = channel.get("originate_failed_cause") or "SUBSCRIBER_ABSENT"
    for dial_string in (part for part in argument.split("|") if part):
        cause = _call(session, dial_string, argument)
        if cause == "SUCCESS" or not session.ready:
            return
    channel.set("originate_disposition", cause)
    channel.set("originate_failed_cause", cause)
    channel.set("DIALSTATUS", _DIALSTATUS.get(cause, cause))
    if argument and not channel.true("continue_on_fail"):
        session.hang_up(causes.known(cause), by="switch")


def _call(session: Session, dial_string: str, argument: str) -> str:
    """One endpoint; "SUCCESS" or the cause of its failure."""
    timeout_s = _timeout_s(dial_string, argument)
    name = re.sub(r"[\[{][^\]}]*[\]}]", "", dial_string)
    endpoint = session.directory.endpoint(name)
    if not isinstance(endpoint, Answers):
        ringing_s = endpoint.after_s if isinstance(endpoint, Refuses) else timeout_s
        _pass(session, ringing_s)
        return _refusal(endpoint)
    _pass(session, endpoint.ring_s)
    if not session.ready:
        return "ORIGINATOR_CANCEL"
    session.answer()
    _talk(session, endpoint)
    return "SUCCESS"


def _refusal(endpoint: Endpoint) -> str:
    return endpoint.cause if isinstance(endpoint, Refuses) else "ALLOTTED_TIMEOUT"


def _talk(session: Session, endpoint: Answers) -> None:
    channel = session.channel
    other = str(uuid_module.uuid4())
    channel.set("originate_disposition", "SUCCESS")
    channel.set("DIALSTATUS", "SUCCESS")
    channel.set("bridge_uuid", other)
    legs = [("Bridge-A-Unique-ID", channel.uuid), ("Bridge-B-Unique-ID", other)]
    session.broken = False
    session.emit("CHANNEL_BRIDGE", legs)
    _pass(session, endpoint.talk_s)
    channel.set("bridge_hangup_cause", causes.NORMAL)
    channel.set("last_bridge_hangup_cause", causes.NORMAL)
    session.emit("CHANNEL_UNBRIDGE", legs)
    if channel.up and channel.true("hangup_after_bridge"):
        session.hang_up(causes.NORMAL, by="switch")


def _pass(session: Session, seconds: float) -> None:
    for _ in range(session.frames_of(seconds)):
        session.tick()
        while session.take_digit() is not None:
            pass
        if not session.ready or session.broken:
            session.broken = False
            return


def _timeout_s(dial_string: str, argument: str) -> float:
    leg = re.search(r"leg_timeout=(\d+)", dial_string)
    whole = re.search(r"originate_timeout=(\d+)", argument)
    found = [int(match[1]) for match in (leg, whole) if match]
    return min(found, default=_DEFAULT_TIMEOUT_S)


APPLICATIONS = {"bridge": bridge}
