"""Whether a caller is told, or asked, that the call is recorded; before the recording begins.

`announce`: it is said, and that is all. `ask`: "yes" or key 1 agrees. Whoever says no, says nothing
or cannot be understood has not agreed; neither has one who could not hear the question because it
could not be spoken. The call goes on in any case.
"""

from __future__ import annotations

from typing import Final, Literal

from esl_app.conversation import Asker, Mouth
from esl_app.journal import Journal
from esl_app.turn import SayOrPress, phrases, primary
from esl_app.turn.prompt_kind import YES_NO
from providers.errors import ProviderError
from tenants.policy import Policy

Consent = Literal["announced", "given", "refused"]

_TRIES: Final = 2
_FIRST_S: Final = 6.0  # for the first word or key
_YES, _NO = "1", "2"
# Where both are named ("I do not agree"), nothing is: that is asked again.
_WORDS: Final[dict[str, dict[str, list[str]]]] = {
    "en": {
        _YES: ["yes", "yeah", "yep", "sure", "ok", "okay", "of course", "agree", "go ahead"],
        _NO: ["no", "nope", "not", "don't", "do not", "never", "refuse"],
    },
    "pt": {
        _YES: ["sim", "claro", "ok", "pode", "podem", "concordo", "aceito", "autorizo"],
        _NO: ["não", "nunca", "recuso", "negativo"],
    },
    "es": {
        _YES: ["sí", "claro", "vale", "ok", "acepto", "puede", "pueden", "de acuerdo"],
        _NO: ["no", "nunca", "rechazo"],
    },
}


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
    words = _WORDS.get(primary(language), _WORDS["en"])
    for _ in range(_TRIES):
        entry = SayOrPress(language=language, choices=words, terminators="")
        entered = asker.enter(question, entry, first_s=_FIRST_S, kind=YES_NO)
        if entered is not None and entered.whole:
            return "given" if entered.pii_keys == _YES else "refused"
    return "refused"
