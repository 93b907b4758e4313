"""Each defect of greenswitch 0.0.19 on the outbound path: absent here, present there.

Every probe (tests/defects/probes.py) runs on ours and on stock greenswitch over the same sockets.
Ours has to pass. Stock has to fail, each in the way its defect makes it fail: so a probe proves
that it can see what it looks for, and the reason for replacing that part of greenswitch stays
checked.
"""

from __future__ import annotations

import json
import subprocess
import sys

import gevent
import pytest

from tests.defects.implementations import IMPLEMENTATIONS, REPOSITORY
from tests.defects.probes import PROBES, Probe

pytestmark = pytest.mark.integration

# The defects by their number, in the order in which greenswitch/esl.py has them.
DEFECTS = {
    1: "at EOF inside a body the reader spins and freezes the process (esl.py:110)",
    2: "EOF without a notice wakes nobody, the server's slots leak (esl.py:91, 206, 298)",
    3: "nothing bounds a peer that says nothing (esl.py:373, 595)",
    4: "completions are matched by the application's name (esl.py:327, 367)",
    5: "a timed-out waiter stays and takes the next one's completion (esl.py:327)",
    6: "a time-out is a gevent.Timeout, a BaseException (esl.py:370, 443)",
    7: "-ERR is not looked at (esl.py:359)",
    8: "a handler for an event disables what waits for that event (esl.py:191, 280)",
    9: "an event's body is parsed as headers (esl.py:30, 153)",
    10: "values are decoded before lines are split: %0A forges headers (esl.py:31)",
    11: "JSON events are read as plain ones (esl.py:158)",
    12: "a byte that is not UTF-8 ends the reader or the call (esl.py:83, 120)",
    13: "an unexpected packet ends the reader (esl.py:99, 124, 134)",
    14: "the reader never yields while bytes are there (esl.py:79)",
    15: "events still queued at EOF are dropped (esl.py:93, 170)",
    16: "handlers run in the only event greenlet (esl.py:200)",
    17: "a bare except swallows kill() and time-outs; headers are logged (esl.py:161)",
    18: "send() instead of sendall() (esl.py:212)",
    19: "arguments are pasted into the command (esl.py:336)",
    20: "the limit is tested before a wait and counted after it (esl.py:609)",
    21: "accept is polled every 100 ms (esl.py:581)",
    22: "any error of accept ends the listener (esl.py:588)",
    23: "stop() waits for a greenlet that wakes once a second, or for ever (esl.py:216)",
    24: "every idle session wakes once a second (esl.py:176)",
    25: "what a playback cut off by a hang-up returns is a race (esl.py:298)",
    26: "linger() without a time is for ever (esl.py:396)",
    27: "an application's exception goes nowhere (esl.py:621)",
    28: "over capacity the call goes on in the dialplan, without a word (esl.py:609)",
    29: "stop() of the server tells nobody and has no bound (esl.py:598, 638)",
    30: "it binds itself, IPv4 only, and calls sys.exit() when it cannot (esl.py:566)",
    31: "no TCP_NODELAY, no keep-alive (esl.py:273)",
    32: "the root logger, with the caller's number in it (esl.py:317, 632)",
    33: "a completion without channel variables stops the search (esl.py:319)",
    34: "myevents only plain, no filter, no getvar, no time-out for api (esl.py:386)",
    35: "arguments not given become the text None (esl.py:425)",
    36: "connect() returns nothing the first time (esl.py:373)",
    37: "uuid and caller id raise AttributeError before connect (esl.py:288)",
    38: "InboundESL waits for auth without a time-out, does not reconnect (esl.py:254)",
    39: "the last of two equal headers wins, _undef_ is a value (esl.py:42)",
}

NOT_PROBED = {
    28: "the same here, on purpose: a call without a seat is connected and given back, so that the "
    "dialplan's next action (the standby, then the apology) runs; it is counted and logged, which "
    "tests/integration/leg/test_server.py checks",
    34: "what stock lacks cannot fail; esl_app.protocol.commands has filter and getvar, and `api` "
    "needs `full`, which legs do without",
    38: "the inbound client is not used",
}

BY_NAME = {entry.name: entry for entry in PROBES}


def _run(implementation: str, names: list[str]) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.defects.run", implementation, *names],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        timeout=90,
        check=True,
    )
    results: dict[str, str] = json.loads(done.stdout)
    return results


@pytest.fixture(scope="module")
def stock() -> dict[str, str]:
    """How each probe ended on stock greenswitch."""
    return _run("stock", [])


@pytest.fixture(scope="module")
def ours_alone() -> dict[str, str]:
    """How the probes that need a process of their own ended on ours."""
    return _run("ours", [entry.name for entry in PROBES if entry.alone])


def test_every_defect_is_probed_or_explained() -> None:
    probed = {number for entry in PROBES for number in entry.defects}
    assert probed | set(NOT_PROBED) == set(DEFECTS)
    assert not probed & set(NOT_PROBED)


@pytest.mark.parametrize("name", sorted(name for name, entry in BY_NAME.items() if not entry.alone))
def test_ours_passes(name: str) -> None:
    with gevent.Timeout(15):
        BY_NAME[name].run(IMPLEMENTATIONS["ours"])


@pytest.mark.parametrize("name", sorted(name for name, entry in BY_NAME.items() if entry.alone))
def test_ours_passes_in_a_process_of_its_own(name: str, ours_alone: dict[str, str]) -> None:
    assert ours_alone[name] == "passes"


@pytest.mark.parametrize("entry", PROBES, ids=lambda entry: entry.name)
def test_stock_fails(entry: Probe, stock: dict[str, str]) -> None:
    kind = stock[entry.name].partition(":")[0]
    assert kind in entry.stock, stock[entry.name]
