"""What a tenant may use, kept over all workers: places, calls a minute, use and money."""

from __future__ import annotations

from esl_app.quotas.admission import Account, Place, Quotas
from esl_app.quotas.shared import LiveLeg, SharedQuotas
from esl_app.quotas.windows import masked

__all__ = ["Account", "LiveLeg", "Place", "Quotas", "SharedQuotas", "masked"]
