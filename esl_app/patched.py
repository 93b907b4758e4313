"""Importing this makes the standard library cooperative; it has to happen before anything else.

The console script imports it first, and so does pytest (`-p esl_app.patched`): what imports socket,
ssl or psycopg before it would block the hub, and with it every call.
"""

from __future__ import annotations

import os

# The default resolver looks names up in ten threads; c-ares does it on the hub's loop.
os.environ.setdefault("GEVENT_RESOLVER", "ares")

from gevent import monkey

monkey.patch_all()
