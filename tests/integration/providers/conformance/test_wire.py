"""Every adapter that goes over the network, against every way a server can misbehave."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any, get_args

import gevent
import pytest

from providers import create
from providers.deadline import Deadline
from providers.errors import (
    AuthFailed,
    BadRequest,
    BadResponse,
    ProviderError,
    RateLimited,
    Timeout,
    Unavailable,
)
from tests.fakes.openai_server import KEY, Fault, OpenAiServer
from tests.integration.providers.conformance.rigs import CANARY, WIRE, Rig

pytestmark = pytest.mark.integration

EXPECTED: dict[Fault, type[ProviderError]] = {
    "rate_limited": RateLimited,
    "server_error": Unavailable,
    "wrong_key": AuthFailed,
    "refused_input": BadRequest,
    "redirect": BadResponse,
    "silence": Timeout,
    "drip": Timeout,
    "cut": BadResponse,
    "invalid_json": BadResponse,
    "deep_json": BadResponse,
    "html": BadResponse,
    "empty": BadResponse,
}

Open = Callable[..., Any]


@pytest.fixture(params=WIRE, ids=str)
def rig(request: pytest.FixtureRequest) -> Rig:
    found = request.param
    assert isinstance(found, Rig)
    return found


@pytest.fixture
def adapter(rig: Rig, openai_server: OpenAiServer) -> Iterator[Any]:
    made = create(rig.kind, rig.name, {"api_key": KEY, "base_url": openai_server.base_url})
    yield made
    made.close()


def fail(rig: Rig, adapter: Any, deadline: Deadline) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        rig.use(adapter, deadline)
    return caught.value


def test_success(rig: Rig, adapter: Any) -> None:
    rig.check(rig.use(adapter, Deadline.after(10)))


def test_every_fault_is_tried() -> None:
    assert set(get_args(Fault)) == {*EXPECTED, "endless", "error_event"}


@pytest.mark.parametrize("fault", EXPECTED)
def test_a_fault_is_our_error_tells_no_secret_and_the_next_call_works(
    fault: Fault, rig: Rig, adapter: Any, openai_server: OpenAiServer
) -> None:
    openai_server.faults.append(fault)
    # Time enough for an answer in one piece, too little for one in drips of a byte a second.
    deadline = Deadline.after(0.7 if EXPECTED[fault] is Timeout else 20)
    began = time.monotonic()
    error = fail(rig, adapter, deadline)
    assert type(error) is EXPECTED[fault], error
    assert time.monotonic() - began < 10
    assert error.provider == rig.name
    told = "".join(traceback.format_exception(error)) + repr(error)
    assert KEY not in told
    assert CANARY not in told
    assert "\n" not in str(error)
    assert len(openai_server.seen) == 1  # retrying is decided elsewhere
    rig.check(rig.use(adapter, Deadline.after(10)))


def test_retry_after_is_kept(rig: Rig, adapter: Any, openai_server: OpenAiServer) -> None:
    openai_server.faults.append("rate_limited")
    error = fail(rig, adapter, Deadline.after(10))
    assert isinstance(error, RateLimited)
    assert error.retry_after_s == 7.0
    assert error.retryable


def test_an_endless_answer_ends(rig: Rig, adapter: Any, openai_server: OpenAiServer) -> None:
    openai_server.faults.append("endless")
    if rig.kind == "llm":  # what came is worth saying
        *_, end = rig.use(adapter, Deadline.after(20))
        assert end.finish_reason == "length"
    else:
        assert isinstance(fail(rig, adapter, Deadline.after(60)), BadResponse)
    rig.check(rig.use(adapter, Deadline.after(10)))


def test_nobody_there_is_unavailable(rig: Rig) -> None:
    adapter = create(rig.kind, rig.name, {"base_url": "http://127.0.0.1:1/v1"})
    assert isinstance(fail(rig, adapter, Deadline.after(5)), Unavailable)
    adapter.close()


def test_a_wrong_key_is_auth_failed(rig: Rig, openai_server: OpenAiServer) -> None:
    config = {"api_key": "sk-another", "base_url": openai_server.base_url}
    adapter = create(rig.kind, rig.name, config)
    assert isinstance(fail(rig, adapter, Deadline.after(5)), AuthFailed)
    adapter.close()


def test_a_passed_deadline_asks_nobody_for_long(rig: Rig, adapter: Any) -> None:
    began = time.monotonic()
    assert isinstance(fail(rig, adapter, Deadline.after(0)), Timeout)
    assert time.monotonic() - began < 2


def test_connections_are_kept(rig: Rig, adapter: Any, openai_server: OpenAiServer) -> None:
    for _ in range(3):
        rig.check(rig.use(adapter, Deadline.after(10)))
    assert len({seen.headers["REMOTE_PORT"] for seen in openai_server.seen}) == 1


def test_adapters_of_one_account_share_its_connections(openai_server: OpenAiServer) -> None:
    config = {"api_key": KEY, "base_url": openai_server.base_url}
    for rig in WIRE:
        keeper = create("llm", "openai", config)
        adapter = create(rig.kind, rig.name, config)
        rig.check(rig.use(adapter, Deadline.after(10)))
        adapter.close()
        rig.check(rig.use(adapter := create(rig.kind, rig.name, config), Deadline.after(10)))
        adapter.close()
        keeper.close()
        ports = {seen.headers["REMOTE_PORT"] for seen in openai_server.seen}
        assert len(ports) == 1
        openai_server.seen.clear()


def test_a_closed_adapter_is_unavailable(rig: Rig, adapter: Any) -> None:
    adapter.close()
    adapter.close()
    assert isinstance(fail(rig, adapter, Deadline.after(5)), Unavailable)


def test_a_killed_call_lets_go_of_its_connection(
    rig: Rig, adapter: Any, openai_server: OpenAiServer
) -> None:
    openai_server.faults.append("drip")
    call = gevent.spawn(rig.use, adapter, Deadline.after(30))
    gevent.sleep(0.3)
    assert openai_server.open == 1
    call.kill()  # the caller hung up
    with gevent.Timeout(5):
        while openai_server.open:
            gevent.sleep(0.05)
    rig.check(rig.use(adapter, Deadline.after(10)))


def test_twenty_calls_at_once_wait_together_and_the_hub_runs(
    rig: Rig, adapter: Any, openai_server: OpenAiServer
) -> None:
    openai_server.delay_s = 1.0
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while True:
            gevent.sleep(0.02)
            ticks += 1

    ticker = gevent.spawn(tick)
    began = time.monotonic()
    calls = [gevent.spawn(rig.use, adapter, Deadline.after(30)) for _ in range(20)]
    gevent.joinall(calls, raise_error=True)
    taken = time.monotonic() - began
    ticker.kill()
    for call in calls:
        rig.check(call.value)
    assert openai_server.most_open == 20
    assert taken < 12  # one after the other it would be twenty
    assert ticks > 10
