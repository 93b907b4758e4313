"""Greet, answer questions from the tenant's documents, connect with a person when asked."""

from __future__ import annotations

from esl_app.flow import Call, flow


@flow
def reception(call: Call) -> None:
    call.answer()
    if not call.resumed:
        call.say(call.secretary.greeting if call.is_open() else call.secretary.outside_hours)
    outcome = call.converse()
    while outcome.digits and not outcome.digits.startswith("0"):  # only 0 means something here
        outcome = call.converse()
    if outcome.handoff or outcome.digits:
        call.transfer()
    call.say(call.secretary.farewell, barge_in=False)
