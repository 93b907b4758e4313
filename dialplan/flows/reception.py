"""Greet, answer questions from the tenant's documents, connect with a person when asked."""

from __future__ import annotations

from esl_app.flow import Call, flow


@flow
def reception(call: Call) -> None:
    call.answer()
    if not call.resumed:
        call.say(call.secretary.greeting if call.is_open() else call.secretary.outside_hours)
    while True:
        outcome = call.converse()
        if outcome.digits and not outcome.digits.startswith("0"):  # only 0 means something here
            continue
        if not outcome.handoff and not outcome.digits:
            break
        stayed = call.transfer(outcome.destination)
        if outcome.ending != "handoff" or not stayed.goes_on:
            break
    call.say(call.secretary.farewell, barge_in=False)
