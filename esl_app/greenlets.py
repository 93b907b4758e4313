"""Greenlets that know whose work they do, and work that ends when its call does."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import gevent
from gevent.event import AsyncResult, Event

T = TypeVar("T")


def spawn(function: Callable[..., Any], *args: Any, **kwargs: Any) -> gevent.Greenlet[..., Any]:
    """`gevent.spawn` that hands on the context variables.

    A new greenlet starts with an empty context, so what it logs would name neither leg nor tenant.
    """
    greenlet = gevent.Greenlet(function, *args, **kwargs)
    greenlet.gr_context = contextvars.copy_context()
    greenlet.start()
    return greenlet


def unless(ends: Sequence[Event], error: Callable[[], Exception], work: Callable[[], T]) -> T:
    """What `work` returns or raises, unless one of `ends` is set first: then `error()` is raised.

    The work runs in a greenlet of its own, which is killed when nobody waits for it any more.
    """
    outcome: AsyncResult[T] = AsyncResult()

    def run() -> None:
        try:
            outcome.set(work())
        except (Exception, gevent.Timeout) as raised:  # noqa: BLE001 - whoever waits raises it
            outcome.set_exception(raised)

    def end(_: object) -> None:
        outcome.set_exception(error())

    worker = spawn(run)
    for ended in ends:
        ended.rawlink(end)
    try:
        return cast(T, outcome.get())
    finally:
        for ended in ends:
            ended.unlink(end)
        worker.kill()
