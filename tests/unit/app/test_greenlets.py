from __future__ import annotations

import gevent
import pytest
from gevent.event import Event

from esl_app.greenlets import unless

pytestmark = pytest.mark.unit


class Over(Exception):  # noqa: N818
    pass


def test_work_that_ends_first_counts() -> None:
    assert unless([Event()], Over, lambda: 7) == 7


def test_an_error_of_the_work_is_raised() -> None:
    def fail() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        unless([Event()], Over, fail)


def test_the_end_interrupts_the_work_and_kills_it() -> None:
    ended, left = Event(), []

    def wait() -> None:
        try:
            gevent.sleep(30)
        finally:
            left.append(True)

    gevent.spawn_later(0, ended.set)
    with pytest.raises(Over):
        unless([ended], Over, wait)
    assert left == [True]


def test_what_is_over_already_starts_no_wait() -> None:
    ended = Event()
    ended.set()
    with pytest.raises(Over):
        unless([ended], Over, lambda: gevent.sleep(30))
