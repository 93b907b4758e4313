"""Before the answer: whose account a call goes on, and how one is sent away that gets no place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import structlog

from esl_app.conversation import Mouth
from esl_app.errors import EslError
from esl_app.leg import Leg
from esl_app.protocol import commands
from esl_app.quotas.admission import Account, Quotas
from esl_app.quotas.meter import QuotaReached
from esl_app.quotas.shared import LiveLeg
from esl_app.quotas.windows import masked
from esl_app.speech import sentences
from esl_app.turn import phrases
from providers.contracts import Audio, TextToSpeech
from providers.deadline import Deadline
from providers.errors import ProviderError
from tenants.models import Tenant
from tenants.quotas import Limit, PriceList

log = structlog.get_logger()

BUSY_VOICE_S: Final = 2.0  # to make the prompt, the first time
_COMMAND_S: Final = 5.0
_MONEY: Final = frozenset({"tokens_day", "characters_day", "spend_day", "spend_month"})


def account_of(tenant: Tenant) -> Account:
    """What the tenant's rows say about quotas and prices."""
    return Account(
        domain_uuid=tenant.domain.domain_uuid,
        quota=tenant.quota,
        prices=PriceList(tenant.prices, tenant.quota.currency),
        time_zone=tenant.domain.time_zone,
    )


def live_leg(leg: Leg, tenant: Tenant, quotas: Quotas) -> LiveLeg:
    """A leg as `voice-ai legs` shows it."""
    return LiveLeg(
        leg_uuid=leg.uuid,
        domain=tenant.domain.domain_name,
        caller=masked(leg.caller_id_number or ""),
        secretary=tenant.secretary.secretary_name,
        since=datetime.now(UTC).isoformat(timespec="seconds"),
        state="ringing",
        worker=quotas.worker,
    )


def refuse(leg: Leg, tenant: Tenant, limit: Limit, mouth: Mouth) -> None:
    """End a call that is not answered: after the busy prompt, or at once, by the tenant's cause.

    The prompt is early media: a call that is refused is not charged to its caller.
    """
    quota = tenant.quota
    log.warning("call_over_quota", limit=limit)
    try:
        if quota.busy_action == "prompt":
            _say(leg, quota.busy_message or phrases(tenant.secretary.language).busy, tenant, mouth)
        leg.hangup(quota.busy_cause)
    except EslError as error:  # hung up meanwhile, or gone
        log.info("refusal_unheard", error=str(error))


def _say(leg: Leg, text: str, tenant: Tenant, mouth: Mouth) -> None:
    try:
        prompts = [mouth.prompt(part) for part in sentences([text], tenant.secretary.language)]
    except ProviderError as error:
        log.warning("no_busy_prompt", error=str(error))
        return
    leg.execute(commands.pre_answer(), Deadline.after(_COMMAND_S))
    for prompt in prompts:
        leg.playback(prompt.path, Deadline.after(prompt.duration_s + _COMMAND_S))


def voice_for(limit: Limit, tts: TextToSpeech) -> TextToSpeech:
    """The voice a call may be refused in: what was made before, when there is no money to make it.

    What it is asked for when the prompt is not there yet is not sent.
    """
    return _Spent(tts, limit) if limit in _MONEY else tts


class _Spent:
    def __init__(self, inner: TextToSpeech, limit: Limit) -> None:
        self.name, self.capabilities = inner.name, inner.capabilities
        self._limit = limit

    def synthesize(
        self,
        text: str,  # noqa: ARG002 - nothing is
        *,
        language: str,  # noqa: ARG002
        deadline: Deadline,  # noqa: ARG002
        voice: str | None = None,  # noqa: ARG002
        speed: float = 1.0,  # noqa: ARG002
    ) -> Audio:
        raise QuotaReached(self._limit, provider=self.name)

    def close(self) -> None:
        """Nothing is its own."""
