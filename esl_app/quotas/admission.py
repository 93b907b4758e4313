"""Who gets a place, and what is counted meanwhile: one worker's side of the tenants' quotas.

Theory of operation. Redis decides (`shared`); a greenlet of this worker renews the leases of its
legs every few seconds and sends what was used, so that a worker that dies gives its places back
within a lease. When Redis does not answer, that is said once, and until it does again this worker
decides alone, and conservatively: of places and calls a minute each worker has its share of the
tenant's limit; use is counted here and sent later; who was known to have spent his money, or spends
it here, is refused. The same greenlet asks for Redis twice a second, and then first brings back
what it knows: its legs, and the use that was not sent.
"""

from __future__ import annotations

import math
import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import gevent
import structlog
from gevent.event import Event as Flag
from redis.exceptions import RedisError

from esl_app.greenlets import spawn
from esl_app.quotas.shared import LiveLeg, SharedQuotas, Tally
from esl_app.quotas.windows import Windows
from tenants.errors import TenantError
from tenants.limits import Quota
from tenants.quotas import Limit, Periods, PriceList, Used, over_period

log = structlog.get_logger()

RENEW_S: Final = 2.0
_PROBE_S: Final = 0.5  # while Redis is away
_CLOSE_S: Final = 1.0

History = Callable[[UUID, Periods], tuple[Used, Used]]
"""What a tenant has used in a day and a month, from the database. Raises `TenantError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose quota: what a tenant's rows say."""

    domain_uuid: UUID
    quota: Quota
    prices: PriceList
    time_zone: str = "UTC"

    def periods(self, now: datetime) -> Periods:
        return Periods.at(now, self.time_zone)


class Place:
    """A leg's place among its tenant's; given back by `leave`."""

    def __init__(self, quotas: Quotas, account: Account, leg: LiveLeg) -> None:
        self._quotas = quotas
        self.account = account
        self.leg = leg

    def state(self, state: str) -> None:
        """What the call is at, for `voice-ai legs`; seen there at the next renewal."""
        self.leg = replace(self.leg, state=state)

    def use(self, used: Used) -> None:
        """Put use on the tenant's account."""
        self._quotas.use(self.account, used)

    def limit(self) -> Limit | None:
        """Which limit of its day or month the tenant has reached."""
        return self._quotas.limit(self.account)

    def may_transfer(self) -> bool:
        """Count a transfer; False when the tenant has made all of this hour's."""
        return self._quotas.may_transfer(self.account)

    def leave(self) -> None:
        """Give the place back; again is harmless."""
        self._quotas.leave(self)

    def hand_over(self) -> None:
        """Keep the place for whoever goes on with the leg; nobody does: a lease ends."""
        self._quotas.forget(self)


class Quotas:
    """The quotas of all tenants, for one worker.

    Args:
        url: the Redis that all workers share.
        history: asked for what a tenant has used when Redis has no account of it.
        now: the wall clock (days and months are its).
    """

    def __init__(
        self,
        url: str,
        *,
        history: History | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.worker = f"{socket.gethostname()}:{os.getpid()}"
        # Unlike a pid, never used twice: charges are told apart by it.
        self.shared = SharedQuotas(url, worker=f"{self.worker}:{secrets.token_hex(4)}")
        self._history = history
        self._now = now
        self._windows = Windows.in_redis(self.shared.pool)
        self._own_windows: Windows | None = None
        self._places: dict[UUID, dict[str, Place]] = {}
        self._known: dict[UUID, tuple[Periods, Tally]] = {}
        self._due: dict[tuple[UUID, Periods], Used] = {}
        self._sending: tuple[int, UUID, Periods, Used] | None = None
        self._number = 0
        self._workers = 1
        self._away = False
        self._wake = Flag()
        self._renew_at = 0.0
        self._heart: gevent.Greenlet[..., None] | None = None
        self._seeding: set[tuple[UUID, str]] = set()

    @property
    def away(self) -> bool:
        """Redis does not answer: this worker decides alone."""
        return self._away

    def start(self) -> None:
        """Begin to renew and to send."""
        self._heart = spawn(self._beat)

    def close(self) -> None:
        """Send what is due, for a moment, and close the connections."""
        if self._heart is not None:
            self._heart.kill()
            self._heart = None
        try:
            with gevent.Timeout(_CLOSE_S):
                self._send()
        except (RedisError, gevent.Timeout) as error:
            log.warning("use_not_sent", error=type(error).__name__)
        self.shared.close()

    # Before the answer.

    def admit(self, account: Account, leg: LiveLeg, caller: str) -> Place | Limit:
        """A place for a leg that is not answered yet, or the limit that refuses it."""
        if (limit := self.limit(account)) is not None:
            return limit
        place = Place(self, account, leg)
        if not self._away:
            try:
                limit = self._ask(account, leg, caller)
            except RedisError as error:
                self._gone(error)
        if self._away:
            limit = self._decide(account, leg, caller)
        if limit is not None:
            return limit
        if account.domain_uuid not in self._places:
            self._renew_at = 0.0  # its tenant is to be among the live ones now
            self._wake.set()
        self._places.setdefault(account.domain_uuid, {})[leg.leg_uuid] = place
        return place

    def _ask(self, account: Account, leg: LiveLeg, caller: str) -> Limit | None:
        """What all workers know together."""
        domain, periods = account.domain_uuid, account.periods(self._now())
        verdict, tally = self.shared.admit(domain, periods, leg, account.quota.concurrent_legs)
        self._learn(domain, periods, tally)
        if verdict == "full":
            return "concurrent_legs"
        limit = self.limit(account)
        if limit is None and verdict == "new":  # a standby goes on: that is no new call
            limit = _in_window(self._windows, account, caller, share=1)
        if limit is not None:
            self.shared.leave(domain, leg.leg_uuid)
        return limit

    def _decide(self, account: Account, leg: LiveLeg, caller: str) -> Limit | None:
        """What this worker can tell alone."""
        here = self._places.get(account.domain_uuid, {})
        most = account.quota.concurrent_legs
        if (
            most is not None
            and leg.leg_uuid not in here
            and len(here) >= _share(most, self._workers)
        ):
            return "concurrent_legs"
        return _in_window(self._alone(), account, caller, share=self._workers)

    # While it is up.

    def use(self, account: Account, used: Used) -> None:
        """Put use on a tenant's account: here at once, in Redis as soon as it can be."""
        if used == Used():
            return
        key = (account.domain_uuid, account.periods(self._now()))
        self._due[key] = self._due.get(key, Used()) + used
        self._wake.set()

    def limit(self, account: Account) -> Limit | None:
        """Which limit of its day or month a tenant has reached, as far as is known here."""
        domain, periods = account.domain_uuid, account.periods(self._now())
        day = month = Used()
        if (known := self._known.get(domain)) is not None:
            before, tally = known
            day = tally.day if before.day == periods.day else day
            month = tally.month if before.month == periods.month else month
        unsent = [(key, used) for key, used in self._due.items()]
        if self._sending is not None:
            _, of, at, used = self._sending
            unsent.append(((of, at), used))
        for (of, at), used in unsent:
            if of == domain:
                day = day + used if at.day == periods.day else day
                month = month + used if at.month == periods.month else month
        return over_period(account.quota, day, month)

    def may_transfer(self, account: Account) -> bool:
        """Count a transfer of a tenant; False when it has made all of this hour's."""
        most = account.quota.transfers_per_hour
        if most is None:
            return True
        if not self._away:
            try:
                return self._windows.transfer(account.domain_uuid, most)
            except RedisError as error:
                self._gone(error)
        share = _share(most, self._workers)
        return self._alone().transfer(account.domain_uuid, share)

    def _alone(self) -> Windows:
        if self._own_windows is None:
            self._own_windows = Windows.in_memory()
        return self._own_windows

    def leave(self, place: Place) -> None:
        """Give a place back; again is harmless."""
        if not self.forget(place) or self._away:
            return  # its lease ends
        try:
            self.shared.leave(place.account.domain_uuid, place.leg.leg_uuid)
        except RedisError as error:
            self._gone(error)

    def forget(self, place: Place) -> bool:
        """Renew a place no more; False when it was not renewed."""
        domain = place.account.domain_uuid
        here = self._places.get(domain, {})
        if here.get(place.leg.leg_uuid) is not place:
            return False
        del here[place.leg.leg_uuid]
        if not here:
            del self._places[domain]
        return True

    # The greenlet.

    def _beat(self) -> None:
        while True:
            try:
                self._send()
                if self._away or time.monotonic() >= self._renew_at:
                    self._renew_at = time.monotonic() + RENEW_S
                    self._renew()
            except RedisError as error:
                self._gone(error)
                gevent.sleep(_PROBE_S)
                continue
            if self._away:
                self._away = False
                self._own_windows = None
                log.info("quotas_shared_again")
            self._wake.wait(max(0.0, self._renew_at - time.monotonic()))
            self._wake.clear()

    def _renew(self) -> None:
        self._workers = max(1, self.shared.beat(self._places))
        for domain, here in list(self._places.items()):
            places = list(here.values())
            if not places:
                continue
            periods = places[0].account.periods(self._now())
            tally = self.shared.renew(domain, periods, [place.leg for place in places])
            self._learn(domain, periods, tally)
            for place in places:  # who left while that was under way
                if self._places.get(domain, {}).get(place.leg.leg_uuid) is not place:
                    self.shared.leave(domain, place.leg.leg_uuid)

    def _send(self) -> None:
        while self._sending is not None or self._due:
            if self._sending is None:
                (domain, periods), used = self._due.popitem()
                self._number += 1
                self._sending = (self._number, domain, periods, used)
            number, domain, periods, used = self._sending
            tally = self.shared.charge(domain, periods, number, used)
            self._sending = None
            self._learn(domain, periods, tally)

    def _learn(self, domain: UUID, periods: Periods, tally: Tally) -> None:
        self._known[domain] = (periods, tally)
        key = (domain, periods.day)
        if not tally.complete and self._history is not None and key not in self._seeding:
            self._seeding.add(key)
            spawn(self._seed, domain, periods)

    def _seed(self, domain: UUID, periods: Periods) -> None:
        """Tell Redis what the database knows: it is a new day, or Redis has lost its memory."""
        assert self._history is not None
        try:
            day, month = self._history(domain, periods)
            self._known[domain] = (periods, self.shared.seed(domain, periods, day, month))
        except (TenantError, RedisError) as error:
            log.warning("use_not_counted_yet", error=type(error).__name__)
        finally:
            self._seeding.discard((domain, periods.day))

    def _gone(self, error: RedisError) -> None:
        if not self._away:
            self._away = True
            log.error("quotas_alone", error=type(error).__name__)
            self._wake.set()


def _in_window(windows: Windows, account: Account, caller: str, *, share: int) -> Limit | None:
    """Count a call; which limit of calls a minute it breaks.

    The caller's comes first: who rings too often shall not use up the tenant's.
    """
    domain, quota = account.domain_uuid, account.quota
    each, all_of_them = quota.calls_per_minute_per_caller, quota.calls_per_minute
    if each is not None and not windows.call_of(domain, caller, _share(each, share)):
        return "calls_per_minute_per_caller"
    if all_of_them is not None and not windows.call(domain, _share(all_of_them, share)):
        return "calls_per_minute"
    return None


def _share(most: int, workers: int) -> int:
    return math.ceil(most / workers)
