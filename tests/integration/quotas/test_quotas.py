"""Quotas over several workers, on a real Redis-compatible server that comes and goes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid4

import gevent
import pytest
import redis

from esl_app.embedded.valkey import EmbeddedValkey
from esl_app.quotas import Account, LiveLeg, Place, Quotas, shared
from tenants.limits import Quota
from tenants.quotas import Limit, Periods, PriceList, Used

pytestmark = pytest.mark.integration

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NO_WINDOWS: dict[str, Any] = {"calls_per_minute": None, "calls_per_minute_per_caller": None}


def _account(domain: UUID | None = None, *, zone: str = "UTC", **quota: Any) -> Account:
    row = Quota(**{**NO_WINDOWS, **quota})
    return Account(
        domain_uuid=domain or uuid4(),
        quota=row,
        prices=PriceList((), row.currency),
        time_zone=zone,
    )


def _leg(uuid: str = "", state: str = "ringing") -> LiveLeg:
    return LiveLeg(
        leg_uuid=uuid or str(uuid4()),
        domain="willow.example",
        caller="+491…78",
        secretary="Ana",
        since="2026-11-22T12:00:00+00:00",
        state=state,
        worker="w",
    )


def _admit(quotas: Quotas, account: Account, uuid: str = "", caller: str = "") -> Place | Limit:
    return quotas.admit(account, _leg(uuid), caller)


def _place(quotas: Quotas, account: Account, uuid: str = "") -> Place:
    place = _admit(quotas, account, uuid)
    assert isinstance(place, Place), place
    return place


def _eventually(what: Callable[[], bool], within_s: float = 5.0) -> float:
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < within_s
        gevent.sleep(0.01)
    return time.monotonic() - began


@pytest.fixture
def make_quotas() -> Iterator[Callable[..., Quotas]]:
    made: list[Quotas] = []

    def make(url: str, **options: Any) -> Quotas:
        quotas = Quotas(url, now=options.pop("now", lambda: NOON), **options)
        quotas.start()
        made.append(quotas)
        return quotas

    yield make
    for quotas in made:
        quotas.close()


class TestPlaces:
    def test_forty_at_once_over_three_workers_are_thirty(
        self, redis_url: str, make_quotas: Callable[..., Quotas]
    ) -> None:
        workers = [make_quotas(redis_url) for _ in range(3)]
        account = _account(concurrent_legs=30)
        arrivals = [gevent.spawn(_admit, workers[n % 3], account) for n in range(40)]
        gevent.joinall(arrivals, timeout=10, raise_error=True)
        answers = [arrival.value for arrival in arrivals]
        assert sum(isinstance(answer, Place) for answer in answers) == 30
        assert answers.count("concurrent_legs") == 10
        # Another tenant's calls go on, and a place that was given back is there again.
        _place(workers[0], _account(concurrent_legs=1))
        next(answer for answer in answers if isinstance(answer, Place)).leave()
        _place(workers[1], account)
        assert _admit(workers[2], account) == "concurrent_legs"

    def test_a_worker_that_died_gives_its_places_back(
        self,
        redis_url: str,
        make_quotas: Callable[..., Quotas],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(shared, "LEASE_S", 0.3)
        account = _account(concurrent_legs=1)
        dead = Quotas(redis_url, now=lambda: NOON)  # never started: nobody renews
        _place(dead, account)
        alive = make_quotas(redis_url)
        assert _admit(alive, account) == "concurrent_legs"
        gevent.sleep(0.35)
        _place(alive, account)
        dead.close()

    def test_a_standby_takes_a_leg_over_though_all_places_are_taken(
        self, redis_url: str, make_quotas: Callable[..., Quotas]
    ) -> None:
        account = _account(concurrent_legs=1, calls_per_minute=1)
        first, standby = make_quotas(redis_url), make_quotas(redis_url)
        _place(first, account, "11111111-1111-1111-1111-111111111111").hand_over()
        _place(standby, account, "11111111-1111-1111-1111-111111111111")
        assert _admit(standby, account) == "concurrent_legs"

    def test_nobody_may_call_a_tenant_whose_limit_is_none(
        self, redis_url: str, make_quotas: Callable[..., Quotas]
    ) -> None:
        quotas = make_quotas(redis_url)
        assert _admit(quotas, _account(concurrent_legs=0)) == "concurrent_legs"
        assert _admit(quotas, _account(calls_per_minute=0)) == "calls_per_minute"
        assert quotas.shared.legs() == []

    def test_live_legs_of_all_workers_are_listed(
        self, redis_url: str, make_quotas: Callable[..., Quotas]
    ) -> None:
        one, two = make_quotas(redis_url), make_quotas(redis_url)
        talking, gone = _place(one, _account()), _place(two, _account())
        _place(two, _account())
        talking.state("talking")
        _eventually(lambda: "talking" in {leg.state for leg in two.shared.legs()})
        gone.leave()
        _eventually(lambda: len(one.shared.legs()) == 2)
        assert {leg.caller for leg in one.shared.legs()} == {"+491…78"}

    def test_every_key_names_its_tenant(
        self,
        redis_url: str,
        redis_client: redis.Redis,
        make_quotas: Callable[..., Quotas],
    ) -> None:
        quotas = make_quotas(redis_url)
        account = _account(calls_per_minute=5, calls_per_minute_per_caller=5)
        place = quotas.admit(account, _leg(), "+4915112345678")
        assert isinstance(place, Place)
        place.use(Used(tokens=1))
        _eventually(lambda: len(redis_client.keys()) == 9)
        keys = {key.decode() for key in cast(list[bytes], redis_client.keys())}
        everybodys = {"voice_ai:live_tenants", "voice_ai:workers"}
        assert everybodys < keys
        for key in keys - everybodys:
            assert key.startswith("voice_ai:")
            assert f"{{{account.domain_uuid}}}" in key
            assert "4915112345678" not in key
            assert redis_client.ttl(key) > 0


class TestWindows:
    def test_a_caller_who_rings_too_often(
        self, redis_url: str, make_quotas: Callable[..., Quotas]
    ) -> None:
        one, two = make_quotas(redis_url), make_quotas(redis_url)
        account = _account(calls_per_minute_per_caller=2)
        for quotas in (one, two):
            assert isinstance(_admit(quotas, account, caller="+49 151 1234"), Place)
        assert _admit(one, account, caller="+491511234") == "calls_per_minute_per_caller"
        # Others ring on: another number, the same number at another tenant, nobody's number.
        assert isinstance(_admit(one, account, caller="+491511235"), Place)
        other = _account(calls_per_minute_per_caller=2)
        assert isinstance(_admit(one, other, caller="+491511234"), Place)
        for caller in ("anonymous", "", "0000000000") * 2:
            assert isinstance(_admit(one, account, caller=caller), Place)

    def test_a_refused_caller_does_not_use_up_the_tenants_minute(
        self, redis_url: str, make_quotas: Callable[..., Quotas]
    ) -> None:
        quotas = make_quotas(redis_url)
        account = _account(calls_per_minute_per_caller=1, calls_per_minute=2)
        assert isinstance(_admit(quotas, account, caller="111"), Place)
        for _ in range(3):
            assert _admit(quotas, account, caller="111") == "calls_per_minute_per_caller"
        assert isinstance(_admit(quotas, account, caller="222"), Place)
        assert _admit(quotas, account, caller="333") == "calls_per_minute"
        # Who is refused keeps no place.
        _eventually(lambda: len(quotas.shared.legs()) == 2)


class TestMoney:
    def test_use_is_known_to_all_workers_and_closes_the_tenant(
        self, redis_url: str, make_quotas: Callable[..., Quotas]
    ) -> None:
        one, two = make_quotas(redis_url), make_quotas(redis_url)
        account = _account(spend_day=Decimal("0.30"))
        first, second = _place(one, account), _place(two, account)
        for _ in range(3):
            first.use(Used(cost=Decimal("0.1")))
        assert first.limit() == "spend_day", "here at once"
        _eventually(lambda: second.limit() == "spend_day")
        third = make_quotas(redis_url)
        assert _admit(third, account) == "spend_day", "a worker that never heard of him"
        _eventually(lambda: len(third.shared.legs()) == 2)

    def test_a_charge_that_is_sent_twice_counts_once(self, redis_url: str) -> None:
        account = _account()
        periods = account.periods(NOON)
        quotas = shared.SharedQuotas(redis_url, worker="w")
        used = Used(tokens=7, characters=11, cost=Decimal("0.000000001"))
        for number in (1, 1, 2, 2, 1):
            tally = quotas.charge(account.domain_uuid, periods, number, used)
        assert tally.day == tally.month == Used(tokens=14, characters=22, cost=Decimal("2e-9"))
        quotas.close()

    def test_what_redis_does_not_know_is_asked_of_the_database_once(
        self, redis_url: str, make_quotas: Callable[..., Quotas]
    ) -> None:
        asked: list[Periods] = []

        def history(_: UUID, periods: Periods) -> tuple[Used, Used]:
            asked.append(periods)
            return Used(cost=Decimal(2)), Used(cost=Decimal(50))

        one = make_quotas(redis_url, history=history)
        account = _account(spend_month=Decimal(50))
        place = _place(one, account)
        _eventually(lambda: place.limit() == "spend_month")
        two = make_quotas(redis_url, history=history)
        assert _admit(two, account) == "spend_month"
        assert [periods.month for periods in asked] == ["2026-11"]

    def test_a_day_begins_at_the_tenants_midnight(
        self, redis_url: str, make_quotas: Callable[..., Quotas]
    ) -> None:
        clock = [datetime(2026, 11, 30, 22, 59, tzinfo=UTC)]
        quotas = make_quotas(redis_url, now=lambda: clock[0])
        berlin = _account(zone="Europe/Berlin", spend_day=Decimal(1))
        utc = _account(spend_day=Decimal(1), spend_month=Decimal(5))
        for account in (berlin, utc):
            _place(quotas, account).use(Used(cost=Decimal(1)))
            assert _admit(quotas, account) == "spend_day"
        clock[0] = datetime(2026, 11, 30, 23, 0, tzinfo=UTC)
        _place(quotas, berlin)
        assert _admit(quotas, utc) == "spend_day"
        clock[0] = datetime(2026, 12, 1, tzinfo=UTC)
        _place(quotas, utc)


class TestRedisAway:
    def test_stopped_and_started_under_calls(
        self, own_valkey: EmbeddedValkey, make_quotas: Callable[..., Quotas]
    ) -> None:
        one, two = make_quotas(own_valkey.url), make_quotas(own_valkey.url)
        account = _account(concurrent_legs=4, spend_day=Decimal(1))
        places = [_place(quotas, account) for quotas in (one, two)]
        _eventually(lambda: one._workers == two._workers == 2)
        url = own_valkey.url
        own_valkey.stop()
        # Each worker has its share of the four: two.
        began = time.monotonic()
        places += [_place(quotas, account) for quotas in (one, two)]
        assert time.monotonic() - began < 1.5, "nobody waits long for a Redis that is away"
        began = time.monotonic()
        assert _admit(one, account) == _admit(two, account) == "concurrent_legs"
        assert time.monotonic() - began < 0.05, "and the next not at all"
        assert one.away
        places[0].state("talking")
        places[0].use(Used(cost=Decimal("0.4")))
        places[1].use(Used(cost=Decimal("0.5")))
        assert places[0].limit() is None
        own_valkey.start()
        assert own_valkey.url == url
        took_s = _eventually(lambda: not one.away and not two.away)
        assert took_s < 2.0, f"recovered after {took_s:.2f} s"
        # The calls that are up are counted again, and so is what they used meanwhile.
        assert len(one.shared.legs()) == 4
        assert _admit(one, account) == "concurrent_legs"
        places[1].use(Used(cost=Decimal("0.1")))
        _eventually(lambda: places[0].limit() == "spend_day")

    def test_who_is_known_to_have_spent_his_money_is_refused_without_redis(
        self, own_valkey: EmbeddedValkey, make_quotas: Callable[..., Quotas]
    ) -> None:
        quotas = make_quotas(own_valkey.url)
        spent, frugal = _account(spend_day=Decimal(1)), _account(spend_day=Decimal(1))
        _place(quotas, spent).use(Used(cost=Decimal(1)))
        own_valkey.stop()
        assert _admit(quotas, spent) == "spend_day"
        place = _place(quotas, frugal)
        place.use(Used(cost=Decimal("0.99")))
        assert place.limit() is None
        place.use(Used(cost=Decimal("0.01")))
        assert place.limit() == _admit(quotas, frugal) == "spend_day"

    def test_calls_a_minute_without_redis(
        self, own_valkey: EmbeddedValkey, make_quotas: Callable[..., Quotas]
    ) -> None:
        quotas = make_quotas(own_valkey.url)
        own_valkey.stop()
        account = _account(calls_per_minute_per_caller=2)
        verdicts = [_admit(quotas, account, caller="111") for _ in range(3)]
        assert [isinstance(v, Place) for v in verdicts] == [True, True, False]
        assert verdicts[2] == "calls_per_minute_per_caller"

    def test_transfers_an_hour_are_counted_over_workers_and_by_each_without_redis(
        self, own_valkey: EmbeddedValkey, make_quotas: Callable[..., Quotas]
    ) -> None:
        one, two = make_quotas(own_valkey.url), make_quotas(own_valkey.url)
        account, free = _account(transfers_per_hour=3), _account(transfers_per_hour=None)
        other, none = _account(transfers_per_hour=1), _account(transfers_per_hour=0)
        assert [who.may_transfer(account) for who in (one, two, one, two)] == [True] * 3 + [False]
        assert one.may_transfer(other), "another tenant's are his own"
        assert not two.may_transfer(none)
        own_valkey.stop()
        assert [one.may_transfer(account) for _ in range(3)].count(True) in {2, 3}, "its share"
        assert not one.may_transfer(none)
        assert one.may_transfer(free)

    def test_a_frozen_redis_costs_one_call_a_moment(
        self, own_valkey: EmbeddedValkey, make_quotas: Callable[..., Quotas]
    ) -> None:
        quotas = make_quotas(own_valkey.url)
        account = _account()
        _place(quotas, account)
        process = own_valkey._process
        assert process is not None
        os.kill(process.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            _place(quotas, account)
            first_s = time.monotonic() - began
            began = time.monotonic()
            for _ in range(5):
                _place(quotas, account)
            others_s = time.monotonic() - began
        finally:
            os.kill(process.pid, signal.SIGCONT)
        assert first_s < 1.0
        assert others_s < 0.05
        assert _eventually(lambda: not quotas.away) < 2.0
        _eventually(lambda: len(quotas.shared.legs()) == 7)
