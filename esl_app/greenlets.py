"""Greenlets that know whose work they do."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

import gevent


def spawn(function: Callable[..., Any], *args: Any, **kwargs: Any) -> gevent.Greenlet[..., Any]:
    """`gevent.spawn` that hands on the context variables.

    A new greenlet starts with an empty context, so what it logs would name neither leg nor tenant.
    """
    greenlet = gevent.Greenlet(function, *args, **kwargs)
    greenlet.gr_context = contextvars.copy_context()
    greenlet.start()
    return greenlet
