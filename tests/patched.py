"""Patch the standard library for gevent before pytest imports anything that opens a socket."""

from __future__ import annotations

import os

os.environ.setdefault("GEVENT_RESOLVER", "ares")

from gevent import monkey

monkey.patch_all()
