"""Ask what it is about and for a number to call back: words or keys, as the caller likes."""

from __future__ import annotations

from esl_app.flow import PHONE, YES_NO, Call, flow

TOPICS = {"1": "appointments", "2": "billing"}
WORDS = {"1": ["appointments", "appointment"], "2": ["billing", "invoice", "bill"]}
TRIES = 2


@flow
def callback(call: Call) -> None:
    call.answer()
    topic = call.menu(
        "For appointments press or say one, for billing press or say two.", TOPICS, words=WORDS
    )
    for _ in range(TRIES):
        number = call.ask("What is your phone number?", kind=PHONE).digits
        if not number:
            break
        right = call.ask(f"I have {' '.join(number)}. Press 1 if that is right.", kind=YES_NO)
        if right.yes:
            call.note("callback", topic=topic, pii_number=number)
            call.say("Thank you, we will call you back.", barge_in=False)
            return
    call.transfer()
    call.say(call.secretary.farewell, barge_in=False)
