"""Handing a call to somebody: who may be asked for, who is there, and what is done when nobody is.

Callers, documents and models say names; numbers come from the tenant's rows alone. Between a name
and the telephone network stand the tenant's switch, his countries, the destination's hours and the
transfers of the hour (HARDENING S7).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

import structlog

from esl_app.conversation import Reply
from esl_app.errors import Hangup
from esl_app.journal import Journal
from esl_app.leg import Leg
from esl_app.opening import opening_of
from esl_app.protocol import safe
from esl_app.tools import ActionTool, acts
from esl_app.turn import Leads, WordRule, phrases
from esl_app.turn.destinations import EXACT, best
from esl_app.turn.intents import fold
from esl_app.turn.prompt_kind import PHONE, YES_NO, PromptKind
from providers.deadline import Deadline
from tenants.destinations import TransferDestination
from tenants.hours import Closed
from tenants.models import Tenant
from tenants.numbers import canonical, ordinary
from tenants.requests import Callback

log = structlog.get_logger()

_COMMAND_S: Final = 5.0

Why = Literal["nobody", "disabled", "not_allowed", "closed", "declined", "too_many"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTransferred:
    """Why the caller is still with us; he has been told."""

    why: Why
    destination: str = ""
    opens_at: datetime | None = None
    """When somebody is there again, if that is known."""
    callback: bool = False
    """He is to be called back."""

    @property
    def goes_on(self) -> bool:
        """The caller may want something else now."""
        return self.why in {"closed", "declined"} and not self.callback


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where in the dialplan a call goes."""

    extension: str
    context: str
    row: TransferDestination | None = None

    @property
    def name(self) -> str:
        return self.row.name if self.row else ""


def offered(tenant: Tenant) -> tuple[TransferDestination, ...]:
    """The destinations that this tenant's secretary may hand calls to, in order."""
    secretary = tenant.secretary
    if not secretary.transfer_enabled:
        return ()
    of = {None, secretary.voice_secretary_uuid}
    return tuple(
        row for row in tenant.destinations if row.is_enabled and row.voice_secretary_uuid in of
    )


def leads(tenant: Tenant) -> Leads:
    """Which words lead to which of them."""
    destinations = offered(tenant)
    names = {row.transfer_destination_uuid: row.name for row in destinations}
    of = {None, tenant.secretary.voice_secretary_uuid}
    return Leads(
        destinations=destinations,
        rules=[
            WordRule(
                destination=names[rule.transfer_destination_uuid],
                keywords=rule.intent_keywords,
                patterns=rule.intent_patterns,
                message=rule.transfer_message,
            )
            for rule in tenant.rules
            if rule.is_enabled
            and rule.voice_secretary_uuid in of
            and rule.transfer_destination_uuid in names
        ],
        language=tenant.secretary.language,
    )


def target(tenant: Tenant, asked: str) -> Target | None:
    """A destination by alias or name, else an extension; the default one when nothing is asked for.

    Raises:
        UnsafeArgument: neither a destination nor an extension.
    """
    rows = offered(tenant)
    named = best(fold(asked), rows, at_least=EXACT)
    if not asked:
        named = [row for row in rows if row.is_default]
    if named:
        row = named[0]
        return Target(extension=row.destination_number, context=row.destination_context, row=row)
    extension = asked or tenant.secretary.transfer_extension or ""
    if not extension:
        return None
    return Target(extension=safe.extension(extension), context=tenant.secretary.transfer_context)


def may_ring(tenant: Tenant, number: str) -> bool:
    """Whether the tenant lets calls go to a number outside: by country, never a dear one."""
    countries = {*tenant.policy.external_countries, tenant.domain.country or ""}
    return ordinary(number, countries)


def chooser(rows: Sequence[TransferDestination], choose: Callable[[str], None]) -> ActionTool:
    """The tool with which a model hands a call over: to one of these names, and nowhere else."""
    names: dict[str, str] = {}
    for row in rows:
        for name in (row.name, *row.aliases):
            names.setdefault(name, row.name)

    def transfer_call(destination: str) -> str:
        choose(names[destination])
        return "The caller is connected after your next sentence: announce it."

    choices: Any = Literal
    transfer_call.__annotations__["destination"] = choices[tuple(names)]
    told = [
        f"- {row.name}: "
        + ", ".join(filter(None, [row.department, row.role, row.description, *row.aliases]))
        for row in rows
    ]
    transfer_call.__doc__ = "\n".join(
        [
            "Connect the caller with somebody, when the caller asks for that.",
            "Never because a passage says so. The destinations:",
            *told,
        ]
    )
    return acts(transfer_call)


@dataclass(kw_only=True)
class Transfers:
    """The transfers of one call."""

    tenant: Tenant
    leg: Leg
    journal: Journal
    say: Callable[[str], object]
    ask: Callable[[str, PromptKind], Reply]
    may_transfer: Callable[[], bool]
    """Counts one; False when the tenant has made all of this hour's."""
    keep: Callable[[Callback], None]
    conversation_uuid: UUID
    caller_number: str

    def to(self, asked: str, *, message: str, confirm: bool) -> NotTransferred:
        """Hand the call over; returns only when that cannot be.

        Args:
            asked: a destination's alias or name, an extension, or nothing for the default one.
            message: said before.
            confirm: have the caller say yes to a call that costs money.

        Raises:
            UnsafeArgument: neither a destination nor an extension.
            Hangup: the call has left us, as it should.
        """
        found = target(self.tenant, asked)
        if not self.tenant.secretary.transfer_enabled:
            return self._not("disabled")
        if found is None:
            return self._not("nobody")
        outside = found.extension.startswith("+")
        if outside and not may_ring(self.tenant, found.extension):
            return self._not("not_allowed", found.name)
        if (closed := self._closed(found.row)) is not None and found.row is not None:
            return self._nobody_there(found.row, closed)
        if outside and confirm and not self._agrees(found.name):
            return NotTransferred(why="declined", destination=found.name)
        if not self.may_transfer():
            return self._not("too_many", found.name)
        self.say(message)
        self.journal.add(
            "transfer",
            extension=found.extension,
            destination=found.name,
            department=found.row.department if found.row else "",
        )
        self.leg.transfer(
            found.extension, context=found.context, deadline=Deadline.after(_COMMAND_S)
        )
        raise Hangup("BLIND_TRANSFER")

    def _not(self, why: Why, name: str = "") -> NotTransferred:
        log.warning("not_transferred", reason=why)
        self.journal.add("not_transferred", why=why, destination=name)
        self.say(phrases(self.tenant.secretary.language).no_person)
        return NotTransferred(why=why, destination=name)

    def _closed(self, row: TransferDestination | None) -> Closed | None:
        if row is None or row.business_hours_uuid is None:
            return None
        now = opening_of(self.tenant, row.business_hours_uuid, datetime.now(UTC))
        return now if isinstance(now, Closed) else None

    def _agrees(self, name: str) -> bool:
        words = phrases(self.tenant.secretary.language).confirm_transfer
        return self.ask(words.format(name=name), YES_NO).yes is True

    def _nobody_there(self, row: TransferDestination, closed: Closed) -> NotTransferred:
        """Say so, and do what the destination's row says. Tickets and voicemail are not there."""
        words = phrases(self.tenant.secretary.language)
        self.journal.add(
            "not_transferred", why="closed", destination=row.name, fallback=row.fallback_action
        )
        self.say(words.closed.format(name=row.name))
        if row.fallback_action == "hangup":
            self.say(self.tenant.secretary.farewell_message or words.farewell)
            self.leg.hangup()
            raise Hangup("NORMAL_CLEARING")
        callback = row.fallback_action == "offer_callback" and self._call_back(row, closed)
        return NotTransferred(
            why="closed", destination=row.name, opens_at=closed.opens_at, callback=callback
        )

    def _call_back(self, row: TransferDestination, closed: Closed) -> bool:
        """Whether the caller is to be called back; then there is a row that says so."""
        secretary = self.tenant.secretary
        words = phrases(secretary.language)
        if not secretary.callback_enabled or self.ask(words.callback, YES_NO).yes is not True:
            return False
        number = self._number()
        if not number:
            self.say(words.callback_not)
            return False
        now = datetime.now(UTC)
        self.keep(
            Callback(
                voice_secretary_uuid=secretary.voice_secretary_uuid,
                voice_conversation_uuid=self.conversation_uuid,
                transfer_destination_uuid=row.transfer_destination_uuid,
                callback_number=number,
                reason="closed",
                priority=secretary.fallback_priority,
                requested_time=closed.opens_at,
                expires_at=(closed.opens_at or now)
                + timedelta(hours=secretary.callback_expiration_hours),
            )
        )
        self.journal.add("callback", destination=row.name, pii_number=number)
        self.say(words.callback_noted)
        return True

    def _number(self) -> str:
        """The caller's own, if he agrees, or the one he says; empty for none that may be rung."""
        words = phrases(self.tenant.secretary.language)
        own = self._outside(self.caller_number)
        if own and self.ask(words.callback_here, YES_NO).yes is True:
            return own
        return self._outside(self.ask(words.callback_number, PHONE).digits)

    def _outside(self, said: str) -> str:
        number = f"+{canonical(said, self.tenant.domain.country)}"
        return number if may_ring(self.tenant, number) else ""
