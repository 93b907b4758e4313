"""The tenants of a worker's calls, kept in memory and told by PostgreSQL when they change.

Theory of operation. An entry holds a tenant's rows and whether they are known to be current. They
are while the connection that listens has stood since before they were read and nobody has said
since that they changed. Anything else (a change, a connection that broke, one that has only just
been made) leaves the entry in place but no longer current: the next call reads the rows anew, and
is served with the old ones, marked as such, when PostgreSQL does not answer. After a failure nobody
asks for a second, so that many calls do not wait for the same dead server one after the other.

A call of a tenant that is not in memory yet would be refused without an answer. So it waits longer
for one than calls that go on: its caller hears it ring.
"""

from __future__ import annotations

import random
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

import gevent
import psycopg
import structlog
from gevent.lock import BoundedSemaphore

from tenants import _connection, routing, sql
from tenants.db import Database
from tenants.errors import DatabaseUnavailable, TenantError, UnknownTenant
from tenants.limits import EVERYBODY
from tenants.models import Tenant
from tenants.routing import Called, Rows

log = structlog.get_logger()

_SQL = sql.load("tenants")
MOST: Final = 2000  # tenants kept; beyond, those unused for longest go
_NEW_S: Final = 1.5  # for a connection, where there is nothing to go by
_AWAY_S: Final = 1.0  # how long nobody asks a server that has just not answered
_PROBE_S: Final = 5.0  # a quiet connection is asked whether it is still there
_ANSWER_S: Final = 2.0
_BACK_OFF_S: Final = (0.2, 5.0)


@dataclass(slots=True)
class _Entry:
    rows: Rows
    read_s: float
    current: bool


class Directory:
    """Whose call it is, from memory where that is current.

    Args:
        db: The application's database.
        country: How numbers without a country are read while the tenant is not known yet.
        most: Tenants kept.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        db: Database,
        *,
        country: str | None = None,
        most: int = MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._country = country
        self._most = most
        self._clock = clock
        self._entries: OrderedDict[UUID, _Entry] = OrderedDict()
        self._names: dict[str, UUID] = {}
        self._numbers: dict[str, UUID] = {}
        self._locks: WeakValueDictionary[UUID, BoundedSemaphore] = WeakValueDictionary()
        self._listening = False
        self._changes = 0
        self._failures = 0
        self._away_until = 0.0
        self._listener: gevent.Greenlet[[], None] | None = None

    def start(self) -> None:
        """Listen for changes. Without it every call reads its rows, and the last ones are kept."""
        if self._listener is None:
            self._listener = gevent.spawn(self._listen)

    def close(self) -> None:
        """Listen no more; again is harmless."""
        if self._listener is not None:
            self._listener.kill()
            self._listener = None
        self._doubt_all()

    @property
    def listening(self) -> bool:
        """Whether changes are heard of at the moment."""
        return self._listening

    def resolve(
        self,
        *,
        domain_uuid: str | UUID | None = None,
        domain_name: str | None = None,
        destination_number: str | None = None,
    ) -> Tenant:
        """As `routing.resolve`; a tenant seen before is served also while PostgreSQL is away.

        Raises:
            UnknownTenant: Says which lookup failed and why.
            DatabaseUnavailable: Nobody could be asked, and the tenant is not in memory.
        """
        called = Called.of(
            domain_uuid=domain_uuid,
            domain_name=domain_name,
            destination_number=destination_number,
            country=self._country,
        )
        known = self._find(called)
        if not self._is_certain(called, known):
            try:
                with self._asking(known is not None, self._failures) as wait_s:
                    known = called.find(self._db, wait_s=wait_s)
            except DatabaseUnavailable:
                if known is None:
                    raise
        if known is None:
            raise UnknownTenant(called.lookup, called.value)
        entry, stale = self._entry(known, called)
        tenant = routing.choose_tenant(entry.rows, called)
        if not stale:
            return tenant
        age_s = round(self._clock() - entry.read_s)
        log.warning("tenant_stale", tenant=str(known), seconds=age_s)
        warning = f"rows are from {age_s} s ago: PostgreSQL does not answer"
        return tenant.model_copy(update={"warnings": (*tenant.warnings, warning)})

    def _find(self, called: Called) -> UUID | None:
        """The domain as far as memory knows it, current or not."""
        match called.lookup:
            case "domain_uuid":
                return called.uuid
            case "domain_name":
                return self._names.get(called.value.strip().lower())
            case "destination_number":
                return next((self._numbers[n] for n in called.numbers if n in self._numbers), None)

    def _is_certain(self, called: Called, known: UUID | None) -> bool:
        """Whether the database would say the same."""
        if known is None or not self._is_current(known):
            return False
        # A number's second form counts where nobody has the first, which memory cannot tell.
        return called.lookup != "destination_number" or called.numbers[0] in self._numbers

    def _is_current(self, domain_uuid: UUID) -> bool:
        entry = self._entries.get(domain_uuid)
        return entry is not None and entry.current

    def _entry(self, domain_uuid: UUID, called: Called) -> tuple[_Entry, bool]:
        """The tenant's rows, and whether they are old because nobody answers."""
        if self._is_current(domain_uuid):
            self._entries.move_to_end(domain_uuid)
            return self._entries[domain_uuid], False
        # One call reads, the others of the same tenant wait for it.
        lock = self._locks.setdefault(domain_uuid, BoundedSemaphore(1))
        failures = self._failures
        with lock:
            if self._is_current(domain_uuid):
                return self._entries[domain_uuid], False
            changes = self._changes
            listening = self._listening
            try:
                with self._asking(domain_uuid in self._entries, failures) as wait_s:
                    rows = routing.read(self._db, domain_uuid, wait_s=wait_s)
            except DatabaseUnavailable:
                if (old := self._entries.get(domain_uuid)) is None:
                    raise
                return old, True
            if rows is None:
                self._forget(domain_uuid)
                raise UnknownTenant(called.lookup, called.value)
            # A change that came while we read may not be in what we read.
            current = listening and self._listening and changes == self._changes
            return self._keep(_Entry(rows=rows, read_s=self._clock(), current=current)), False

    def _keep(self, entry: _Entry) -> _Entry:
        domain_uuid = entry.rows.domain.domain_uuid
        self._forget(domain_uuid)
        self._entries[domain_uuid] = entry
        self._names[entry.rows.domain.domain_name] = domain_uuid
        for did in entry.rows.dids:
            if did.is_enabled:
                self._numbers[did.destination_number] = domain_uuid
        while len(self._entries) > self._most:
            self._forget(next(iter(self._entries)))
        return entry

    def _forget(self, domain_uuid: UUID) -> None:
        if (entry := self._entries.pop(domain_uuid, None)) is None:
            return
        name = entry.rows.domain.domain_name
        if self._names.get(name) == domain_uuid:
            del self._names[name]
        for did in entry.rows.dids:
            if self._numbers.get(did.destination_number) == domain_uuid:
                del self._numbers[did.destination_number]

    @contextmanager
    def _asking(self, has_old: bool, failures: int) -> Iterator[float | None]:
        """Around every question to PostgreSQL: one that has just not answered is left alone.

        Whoever has nothing old to go by asks all the same, and longer; gives how long. But not who
        has waited for another who then got no answer: `failures` are those before.
        """
        if failures != self._failures or (has_old and self._clock() < self._away_until):
            raise DatabaseUnavailable("PostgreSQL: did not answer a moment ago")
        try:
            yield None if has_old else _NEW_S
        except DatabaseUnavailable:
            self._failures += 1
            self._away_until = self._clock() + _AWAY_S
            raise

    # What changes elsewhere.

    def _doubt(self, domain_uuid: UUID) -> None:
        self._changes += 1
        if (entry := self._entries.get(domain_uuid)) is not None:
            entry.current = False

    def _doubt_all(self) -> None:
        self._changes += 1
        for entry in self._entries.values():
            entry.current = False

    def _listen(self) -> None:
        pause, longest = _BACK_OFF_S
        while True:
            began = self._clock()
            try:
                self._hear()
            except (TenantError, psycopg.Error, gevent.Timeout) as error:
                if self._listening:
                    log.warning("changes_unheard", error=type(error).__name__)
            finally:
                self._listening = False
                self._doubt_all()
            if self._clock() - began > longest:
                pause = _BACK_OFF_S[0]
            gevent.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret
            pause = min(pause * 2, longest)

    def _hear(self) -> None:
        """Listen on one connection until it breaks."""
        with _connection.connect(
            self._db.url, autocommit=True, keepalives_idle=5, tcp_user_timeout=5000
        ) as connection:
            with gevent.Timeout(_ANSWER_S):
                connection.execute(_SQL["listen"])
            # What was read before this instant may have changed without our hearing of it.
            self._doubt_all()
            self._listening = True
            self._away_until = 0.0
            while True:
                for change in connection.notifies(timeout=_PROBE_S):
                    self._changed(change.payload)
                with gevent.Timeout(_ANSWER_S):
                    connection.execute(_SQL["still_there"])

    def _changed(self, payload: str) -> None:
        try:
            domain_uuid = UUID(payload)
        except ValueError:
            domain_uuid = EVERYBODY
        if domain_uuid == EVERYBODY:
            self._doubt_all()
        else:
            self._doubt(domain_uuid)
