from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from providers.deadline import Deadline
from providers.errors import BadRequest, ProviderError, Timeout, Unavailable
from providers.worker import EngineHold, EngineSpec, WorkerPool

pytestmark = pytest.mark.integration

Make = Callable[..., WorkerPool]


@pytest.fixture
def make() -> Iterator[Make]:
    pools: list[WorkerPool] = []

    def build(*, processes: int = 1, max_waiting: int = 32, **options: Any) -> WorkerPool:
        spec = EngineSpec.of(
            "echo",
            "tests.fakes.echo_engine",
            options,
            processes=processes,
            max_waiting=max_waiting,
        )
        pools.append(WorkerPool(spec))
        return pools[-1]

    yield build
    for pool in pools:
        pool.close()


def soon() -> Deadline:
    return Deadline.after(20)


def pid_of(pool: WorkerPool) -> int:
    answer, _ = pool.request({"do": "facts"}, deadline=soon())
    return int(answer["pid"])


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"  # a zombie is gone for all that matters


def gone_within(pid: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > end:
            return False
        gevent.sleep(0.02)
    return True


def test_header_and_bytes_go_there_and_back(make: Make) -> None:
    sound = bytes(range(256)) * 4000  # more than one read of the socket
    answer, body = make().request({"do": "echo", "say": "olá"}, sound, deadline=soon())
    assert answer == {"said": "olá"}
    assert body == sound[::-1]


def test_the_hub_runs_while_an_engine_works(make: Make) -> None:
    pool = make()
    pool.warm_up(soon())
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while True:
            gevent.sleep(0.01)
            ticks += 1

    ticker = gevent.spawn(tick)
    pool.request({"do": "sleep", "seconds": 0.5}, deadline=soon())
    ticker.kill()
    assert ticks > 10


def test_a_deadline_ends_the_wait_and_the_process_and_the_next_request_works(make: Make) -> None:
    pool = make()
    first = pid_of(pool)
    began = time.monotonic()
    with pytest.raises(Timeout):
        pool.request({"do": "sleep", "seconds": 60}, deadline=Deadline.after(0.3))
    assert time.monotonic() - began < 5
    assert gone_within(first, 5)
    assert pid_of(pool) != first


def test_a_crash_is_unavailable_and_the_next_request_has_a_new_process(make: Make) -> None:
    pool = make()
    first = pid_of(pool)
    with pytest.raises(Unavailable, match="signal 9"):
        pool.request({"do": "die"}, deadline=soon())
    assert pid_of(pool) != first


def test_a_process_that_dies_between_requests_is_replaced(make: Make) -> None:
    pool = make()
    first = pid_of(pool)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(Unavailable):
        pid_of(pool)
    assert pid_of(pool) != first


def test_a_killed_waiter_leaves_the_process_and_nobody_gets_its_answer(make: Make) -> None:
    pool = make()
    first = pid_of(pool)
    caller = gevent.spawn(
        pool.request, {"do": "sleep", "seconds": 0.5, "say": "mine"}, deadline=soon()
    )
    gevent.sleep(0.1)
    caller.kill()  # the caller hung up
    answer, _ = pool.request({"do": "echo", "say": "yours"}, deadline=soon())
    assert answer == {"said": "yours"}
    assert pid_of(pool) == first


def test_what_a_library_prints_gets_nowhere(make: Make) -> None:
    answer, _ = make().request({"do": "print"}, deadline=soon())
    assert answer == {"said": ""}


def test_an_engine_that_refuses_says_why(make: Make) -> None:
    with pytest.raises(BadRequest, match="no such thing"):
        make().request({"do": "refuse"}, deadline=soon())


def test_a_foreign_error_tells_its_place_and_not_its_words(make: Make) -> None:
    pool = make()
    with pytest.raises(Unavailable) as caught:
        pool.request({"do": "raise", "say": "my card is 4111"}, deadline=soon())
    assert "4111" not in str(caught.value)
    assert "RuntimeError at echo_engine.py:" in str(caught.value)
    assert pid_of(pool)


def test_loading_is_not_cut_short_by_a_caller(make: Make) -> None:
    pool = make(load_s=1.0)
    with pytest.raises(Timeout, match="still loading"):
        pool.request({"do": "facts"}, deadline=Deadline.after(0.1))
    assert pid_of(pool)


def test_an_engine_that_does_not_load_says_why_and_is_not_tried_at_every_turn(make: Make) -> None:
    pool = make(refuse="weights are missing")
    with pytest.raises(Unavailable, match="weights are missing"):
        pool.request({"do": "facts"}, deadline=soon())
    began = time.monotonic()
    with pytest.raises(Unavailable, match="weights are missing"):
        pool.request({"do": "facts"}, deadline=soon())
    assert time.monotonic() - began < 0.05


def test_an_engine_that_dies_while_loading_is_unavailable(make: Make) -> None:
    with pytest.raises(Unavailable, match="signal 9"):
        make(die=True).warm_up(soon())


def test_a_module_that_is_not_there_is_unavailable() -> None:
    pool = WorkerPool(EngineSpec.of("echo", "tests.fakes.no_such_engine", {}))
    with pytest.raises(Unavailable, match="status 1"):
        pool.warm_up(soon())
    pool.close()


def test_processes_bound_what_runs_at_once_and_the_rest_waits(make: Make) -> None:
    pool = make(processes=2)
    pool.warm_up(soon())
    began = time.monotonic()
    jobs = [
        gevent.spawn(pool.request, {"do": "sleep", "seconds": 0.3}, deadline=soon())
        for _ in range(4)
    ]
    gevent.joinall(jobs, raise_error=True)
    assert time.monotonic() - began >= 0.6


def test_past_the_longest_queue_requests_are_refused(make: Make) -> None:
    pool = make(max_waiting=2)
    pool.warm_up(soon())
    jobs = [
        gevent.spawn(pool.request, {"do": "sleep", "seconds": 0.3}, deadline=soon())
        for _ in range(3)
    ]
    gevent.sleep(0.1)
    with pytest.raises(Unavailable, match="wait already"):
        pool.request({"do": "facts"}, deadline=soon())
    gevent.joinall(jobs, raise_error=True)
    assert pid_of(pool)


def test_who_comes_first_is_served_first(make: Make) -> None:
    pool = make()
    pool.warm_up(soon())
    served: list[str] = []

    def ask(name: str, times: int) -> None:
        for _ in range(times):
            pool.request({"do": "sleep", "seconds": 0.02}, deadline=soon())
        served.append(name)

    greedy = gevent.spawn(ask, "greedy", 20)
    gevent.sleep(0.01)
    jobs = [greedy, *(gevent.spawn(ask, name, 1) for name in ("one", "two", "three"))]
    gevent.joinall(jobs, raise_error=True)
    assert served == ["one", "two", "three", "greedy"]


def test_callers_that_hang_up_in_the_queue_lose_no_process(make: Make) -> None:
    pool = make(processes=2)
    pool.warm_up(soon())
    for round_ in range(30):
        jobs = [
            gevent.spawn(pool.request, {"do": "sleep", "seconds": 0.004}, deadline=soon())
            for _ in range(6)
        ]
        gevent.sleep(0.001 * (round_ % 10))
        gevent.killall(jobs)
    began = [gevent.spawn(pid_of, pool) for _ in range(8)]
    gevent.joinall(began, raise_error=True, timeout=10)
    assert len(pool._idle) == 2
    assert not pool._queue


def test_a_turn_that_does_not_come_is_a_timeout_and_leaves_the_process(make: Make) -> None:
    pool = make()
    first = pid_of(pool)
    busy = gevent.spawn(pool.request, {"do": "sleep", "seconds": 0.5}, deadline=soon())
    gevent.sleep(0.05)
    with pytest.raises(Timeout, match="turn"):
        pool.request({"do": "facts"}, deadline=Deadline.after(0.1))
    busy.get()
    assert pid_of(pool) == first


def test_who_has_too_little_time_left_does_not_start(make: Make) -> None:
    pool = make()
    first = pid_of(pool)
    for _ in range(8):
        pool.request({"do": "sleep", "seconds": 0.2}, deadline=soon())
    with pytest.raises(Timeout, match="too little time"):
        pool.request({"do": "facts"}, deadline=Deadline.after(0.02))
    assert pid_of(pool) == first


def test_keys_of_accounts_do_not_reach_the_process(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    answer, _ = make().request({"do": "facts"}, deadline=soon())
    assert "OPENAI_API_KEY" not in answer["environment"]


def test_close_ends_the_process_and_whoever_waits(make: Make) -> None:
    pool = make()
    pid = pid_of(pool)
    waiter = gevent.spawn(pool.request, {"do": "sleep", "seconds": 60}, deadline=soon())
    gevent.sleep(0.1)
    pool.close()
    assert gone_within(pid, 5)
    with pytest.raises(ProviderError):
        waiter.get(timeout=5)
    with pytest.raises(Unavailable, match="closed"):
        pool.request({"do": "facts"}, deadline=soon())


def test_equal_specs_share_a_process_until_the_last_lets_go() -> None:
    spec = EngineSpec.of("echo", "tests.fakes.echo_engine", {"name": "shared"})
    one, two = EngineHold(spec), EngineHold(EngineSpec.of("echo", spec.module, {"name": "shared"}))
    pid = pid_of(one.pool)
    assert pid_of(two.pool) == pid
    one.close()
    one.close()
    with pytest.raises(Unavailable, match="closed"):
        _ = one.pool
    assert pid_of(two.pool) == pid
    two.close()
    assert gone_within(pid, 5)


_PARENT = """
from gevent import monkey; monkey.patch_all()
import gevent, os, sys
from providers.deadline import Deadline
from providers.worker import EngineSpec, WorkerPool
pool = WorkerPool(EngineSpec.of("echo", "tests.fakes.echo_engine", {}))
answer, _ = pool.request({"do": "facts"}, deadline=Deadline.after(30))
gevent.spawn(pool.request, {"do": "sleep", "seconds": 120}, deadline=Deadline.after(120))
gevent.sleep(0.2)
print(answer["pid"], file=sys.stderr, flush=True)
gevent.sleep(120)
"""


def test_no_busy_process_outlives_a_killed_parent() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as parent:
        try:
            assert parent.stderr is not None
            pid = int(parent.stderr.readline())
            assert alive(pid)
        finally:
            parent.kill()
    assert gone_within(pid, 5)
