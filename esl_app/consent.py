"""Whether a caller is told, or asked, that the call is recorded; before the recording begins.

`announce`: it is said, and that is all. `ask`: "yes" or key 1 agrees, and question and answer are a
turn of the conversation like any other. Whoever says no, says nothing
or cannot be understood has not agreed; neither has one who could not hear the question because it
could not be spoken. The call goes on in any case.
"""

from __future__ import annotations

from typing import Final, Literal

from esl_app.conversation import Asker, Mouth
from esl_app.journal import Journal
from esl_app.turn import phrases
from esl_app.turn.prompt_kind import YES_NO
from providers.errors import ProviderError
from tenants.policy import Policy

Consent = Literal["announced", "given", "refused"]

_TRIES: Final = 2


def obtain(
    policy: Policy, *, language: str, asker: Asker, mouth: Mouth, journal: Journal
) -> Consent:
    """Tell or ask the caller, as the policy says; it is not `none`.

    Raises:
        Hangup: the caller is gone.
    """
    texts = phrases(language)
    try:
        if policy.consent == "announce":
            mouth.say(policy.consent_message or texts.recorded, barge_in=False)
            return "announced"
        question = policy.consent_message or texts.may_record
        mouth.make(question)
    except ProviderError as error:
        journal.add("trouble", stage="tts", error=str(error))
        return "refused"
    for _ in range(_TRIES):
        agrees = asker.ask(question, kind=YES_NO, tries=1).yes
        if agrees is not None:
            return "given" if agrees else "refused"
    return "refused"
