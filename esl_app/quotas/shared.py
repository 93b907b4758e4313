"""Places, use and live legs in Redis: what all workers know together.

Every decision is one script, so that nothing can happen between a look and a change. Keys of a
tenant begin with its domain_uuid as hash tag: a cluster keeps them in one slot.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal
from importlib.resources import files
from typing import Any, Final, Literal, cast
from uuid import UUID

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import BlockingConnectionPool
from redis.retry import Retry

from esl_app.errors import ConfigError
from tenants.quotas import Periods, Used

WAIT_S: Final = 0.25  # a call waits once so long for a Redis that is away, then nobody does
LEASE_S: Final = 10.0
_CONNECTIONS: Final = 32
_KEEP_DAY_S: Final = 2 * 86400
_KEEP_MONTH_S: Final = 40 * 86400
_TENANTS: Final = "voice_ai:live_tenants"
_WORKERS: Final = "voice_ai:workers"
# Money is counted in billionths, as integers: exact to nine million in a script's numbers.
_NANO: Final = Decimal(10) ** 9

Verdict = Literal["new", "known", "full"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveLeg:
    """One call that is up, as `voice-ai legs` shows it. The caller's number comes masked."""

    leg_uuid: str
    domain: str
    caller: str
    secretary: str
    since: str  # ISO 8601, UTC
    state: str
    worker: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What a tenant has used in its day and its month, as all workers know it."""

    day: Used
    month: Used
    complete: bool = True
    """False when Redis has no account of what was before: it is new, or was emptied."""


class SharedQuotas:
    """The scripts, with one connection pool.

    Every method raises `redis.exceptions.RedisError` when Redis does not answer in `WAIT_S`.

    Raises:
        ConfigError: `url` is not one of a Redis.
    """

    def __init__(self, url: str, *, worker: str) -> None:
        self.worker = worker
        try:
            self.pool = BlockingConnectionPool.from_url(
                url,
                max_connections=_CONNECTIONS,
                timeout=WAIT_S,
                socket_timeout=WAIT_S,
                socket_connect_timeout=WAIT_S,
                retry=Retry(NoBackoff(), 1),  # a connection that the server closed while idle
                decode_responses=True,
            )
        except ValueError:  # its text quotes the URL, and with it the password
            raise ConfigError("redis_url: not a URL of the form redis://host:port/0") from None
        self._redis = Redis(connection_pool=self.pool)
        self._scripts = {
            name: self._redis.register_script(
                (files(__package__) / f"{name}.lua").read_text(encoding="utf-8")
            )
            for name in ("admit", "renew", "charge", "seed")
        }

    def admit(
        self, domain: UUID, periods: Periods, leg: LiveLeg, most: int | None
    ) -> tuple[Verdict, Tally]:
        """A place for a leg among the tenant's `most`, or none."""
        verdict, day, month = self._run(
            "admit",
            [*_places(domain), *_accounts(domain, periods)],
            [leg.leg_uuid, -1 if most is None else most, _ms(LEASE_S), _facts(leg)],
        )
        return cast(Verdict, verdict), _tally(day, month)

    def renew(self, domain: UUID, periods: Periods, legs: Iterable[LiveLeg]) -> Tally:
        """Keep the places of legs that are up."""
        pairs = [text for leg in legs for text in (leg.leg_uuid, _facts(leg))]
        keys = [*_places(domain), *_accounts(domain, periods)]
        return _tally(*self._run("renew", keys, [_ms(LEASE_S), *pairs]))

    def leave(self, domain: UUID, leg_uuid: str) -> None:
        """Give a place back."""
        legs, facts = _places(domain)
        with self._redis.pipeline() as pipe:
            pipe.zrem(legs, leg_uuid)
            pipe.hdel(facts, leg_uuid)
            pipe.execute()

    def charge(self, domain: UUID, periods: Periods, number: int, used: Used) -> Tally:
        """Add use to the tenant's account; once, however often it is sent under this number."""
        return _tally(
            *self._run(
                "charge",
                [*_accounts(domain, periods), f"{_prefix(domain)}:applied"],
                [self.worker, number, *_counts(used), _KEEP_DAY_S, _KEEP_MONTH_S, _KEEP_DAY_S],
            )
        )

    def seed(self, domain: UUID, periods: Periods, day: Used, month: Used) -> Tally:
        """Tell Redis what was used before it knew; once a day and month."""
        arguments = [*_counts(day), _KEEP_DAY_S, *_counts(month), _KEEP_MONTH_S]
        return _tally(*self._run("seed", _accounts(domain, periods), arguments))

    def beat(self, domains: Iterable[UUID]) -> int:
        """Say that this worker lives and whose calls it has; how many workers there are."""
        seconds, _ = self._redis.time()
        with self._redis.pipeline(transaction=False) as pipe:
            for key, names in ((_WORKERS, [self.worker]), (_TENANTS, [str(d) for d in domains])):
                pipe.zremrangebyscore(key, "-inf", seconds)
                if names:
                    pipe.zadd(key, dict.fromkeys(names, seconds + LEASE_S))
            pipe.zcard(_WORKERS)
            return int(pipe.execute()[-1])

    def legs(self) -> list[LiveLeg]:
        """All calls that are up, oldest first."""
        seconds, micros = self._redis.time()
        found = []
        for domain in cast(list[str], self._redis.zrange(_TENANTS, 0, -1)):
            places, facts = _places(UUID(domain))
            now_ms = seconds * 1000 + micros // 1000
            live = set(cast(list[str], self._redis.zrangebyscore(places, now_ms, "+inf")))
            texts = cast(dict[str, str], self._redis.hgetall(facts))
            found += [LiveLeg(**json.loads(text)) for key, text in texts.items() if key in live]
        return sorted(found, key=lambda leg: leg.since)

    def close(self) -> None:
        self._redis.close()
        self.pool.disconnect()

    def _run(self, name: str, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        return self._scripts[name](keys=list(keys), args=list(arguments))


def _prefix(domain: UUID) -> str:
    return f"voice_ai:{{{domain}}}"


def _places(domain: UUID) -> tuple[str, str]:
    return f"{_prefix(domain)}:legs", f"{_prefix(domain)}:facts"


def _accounts(domain: UUID, periods: Periods) -> tuple[str, str]:
    prefix = _prefix(domain)
    return f"{prefix}:day:{periods.day}", f"{prefix}:month:{periods.month}"


def _facts(leg: LiveLeg) -> str:
    return json.dumps(asdict(leg), separators=(",", ":"))


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _counts(used: Used) -> tuple[int, int, int]:
    nano = (used.cost * _NANO).quantize(Decimal(1), ROUND_HALF_UP)
    return used.tokens, used.characters, int(nano)


def _tally(day: Sequence[str | None], month: Sequence[str | None]) -> Tally:
    return Tally(_used(day), _used(month), complete=bool(day[3] and month[3]))


def _used(fields: Sequence[str | None]) -> Used:
    tokens, characters, nano = (int(text or 0) for text in fields[:3])
    return Used(tokens=tokens, characters=characters, cost=Decimal(nano) / _NANO)
