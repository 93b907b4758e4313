"""Asks for a card's number in secret, then says whether it was the right one."""

from __future__ import annotations

from esl_app.flow import Call, flow


@flow
def pay(call: Call) -> None:
    call.answer()
    call.say("Good morning.")
    card = call.gather("Key in your card.", longest=16, secret=True)
    # Its digits' sum tells the test that they came, and nobody what they were.
    call.say("word " * (1 if sum(map(int, card)) == 76 else 10))
    call.gather(first_s=3.0)
