"""Answering, ending, moving and waiting."""

from __future__ import annotations

import re

from esl_app.switchsim import causes
from esl_app.switchsim.clock import FRAME_S
from esl_app.switchsim.session import Session


def answer(session: Session, _argument: str) -> None:
    session.answer()


def pre_answer(session: Session, _argument: str) -> None:
    session.early_media()


def hangup(session: Session, argument: str) -> None:
    session.hang_up(causes.known(argument.strip() or causes.NORMAL), by="controller")


def respond(session: Session, argument: str) -> None:
    """A SIP answer of one's own: `respond 503 Service Unavailable`."""
    code = re.match(r"\d{3}", argument)
    status = int(code[0]) if code else 488
    session.hang_up(causes.from_sip(status), by="controller", sip_status=status)


def transfer(session: Session, argument: str) -> None:
    words = argument.split()
    if words:
        session.transfer(words[0], words[2] if len(words) > 2 else "")


def sleep(session: Session, argument: str) -> None:
    digits = re.match(r"\d+", argument)
    for _ in range(int(int(digits[0]) / 1000 / FRAME_S) if digits else 0):
        session.tick()
        if not session.ready or session.broken:
            session.broken = False
            return


def break_(session: Session, _argument: str) -> None:
    session.broken = True


def park(session: Session, _argument: str) -> None:
    session.park(lambda: True)


def nothing(_session: Session, _argument: str) -> None:
    """Applications whose only effect is outside the call."""


APPLICATIONS = {
    "answer": answer,
    "break": break_,
    "hangup": hangup,
    "info": nothing,
    "log": nothing,
    "park": park,
    "pre_answer": pre_answer,
    "respond": respond,
    "sched_hangup": nothing,
    "sleep": sleep,
    "start_dtmf": nothing,
    "stop_dtmf": nothing,
    "transfer": transfer,
}
