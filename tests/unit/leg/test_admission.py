from __future__ import annotations

import time

import pytest

from esl_app._admission import Admission, Seat, networks
from esl_app.errors import ConfigError

pytestmark = pytest.mark.unit


def admission(*allow: str, max_legs: int = 3, per_peer: int = 3) -> Admission:
    return Admission(allow, max_legs=max_legs, max_legs_per_peer=per_peer)


def seated(where: Admission, host: str) -> Seat:
    seat = where.admit(host)
    assert isinstance(seat, Seat)
    return seat


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_let_in_without_a_list(host: str) -> None:
    seated(admission(), host)


@pytest.mark.parametrize("host", ["10.0.0.1", "::2", "::ffff:10.0.0.1", "fe80::1%eth0", "0.0.0.0"])
def test_others_are_not(host: str) -> None:
    where = admission()
    assert where.admit(host) == "refused_peer"
    assert not where.seats
    assert not where.by_peer


def test_a_list_is_the_whole_list() -> None:
    where = admission("10.1.0.0/16", "2001:db8::/32")
    seated(where, "10.1.2.3")
    seated(where, "2001:db8::7")
    assert where.admit("127.0.0.1") == "refused_peer"
    assert where.admit("10.2.0.1") == "refused_peer"


def test_the_total_and_the_share_of_one_peer() -> None:
    where = admission(max_legs=3, per_peer=2)
    first = seated(where, "127.0.0.1")
    seated(where, "127.0.0.1")
    assert where.admit("127.0.0.1") == "overloaded"
    assert where.admit("::ffff:127.0.0.1") == "overloaded"  # the same peer
    seated(where, "127.0.0.2")
    assert where.admit("127.0.0.3") == "overloaded"
    first.give_back()
    first.give_back()
    assert len(where.seats) == 2
    seated(where, "127.0.0.3")


def test_seats_given_back_leave_nothing() -> None:
    where = admission()
    for seat in [seated(where, f"127.0.0.{n}") for n in range(3)]:
        seat.give_back()
    assert not where.seats
    assert not where.by_peer


def test_the_oldest_silent_one_makes_room_once_it_had_its_time() -> None:
    where = admission(max_legs=2)
    first, second = seated(where, "127.0.0.1"), seated(where, "127.0.0.2")
    assert where.silent("127.0.0.3") is None  # too fresh
    second.taken_at = first.taken_at = time.monotonic() - 1
    assert where.silent("127.0.0.3") is first
    first.silent = False
    assert where.silent("127.0.0.3") is second


def test_a_peer_over_its_share_can_push_out_only_its_own() -> None:
    where = admission(max_legs=9, per_peer=1)
    other, own = seated(where, "127.0.0.1"), seated(where, "127.0.0.2")
    other.taken_at = own.taken_at = time.monotonic() - 1
    assert where.silent("127.0.0.2") is own


def test_a_list_that_names_no_network() -> None:
    with pytest.raises(ConfigError, match=r"^listen\.allow: "):
        networks(["10.0.0.1/8"])  # host bits set: a typing error, not a network
