"""`voice-ai serve` and `voice-ai migrate`: what runs in production."""

from __future__ import annotations

import signal
from typing import Annotated

import gevent
import typer
from gevent.event import Event as Flag

from esl_app.config import Settings
from esl_app.controller import Controller
from esl_app.stores import Stores
from tenants.migrate import migrate as migrate_schema

DRAIN_S = 900.0
HURRY_S = 30.0


def serve(context: typer.Context) -> None:
    """Answer the calls that FreeSWITCH's `socket` application brings, until SIGTERM.

    SIGTERM closes the listener and lets calls end (15 minutes at most); a second one shortens that
    to 30 seconds.
    """
    settings: Settings = context.obj
    stop, hurry = Flag(), Flag()

    def terminate() -> None:
        (hurry if stop.is_set() else stop).set()

    # Signals are watched before anything is started, so that none is lost on the way.
    gevent.signal_handler(signal.SIGTERM, terminate)
    gevent.signal_handler(signal.SIGINT, terminate)
    with Stores(settings) as stores, Controller(settings, stores) as controller:
        controller.start()
        stop.wait()
        draining = gevent.spawn(controller.stop, DRAIN_S)
        draining.link(lambda _: hurry.set())
        hurry.wait()
        controller.stop(HURRY_S)  # at once when the calls have ended


def migrate(
    admin_url: Annotated[
        str,
        typer.Option(
            envvar="VOICE_AI_ADMIN_URL",
            help="postgresql://… of a role that may create schemas, extensions and roles.",
        ),
    ],
) -> None:
    """Bring the schema of a PostgreSQL of your own up to date.

    The embedded server is migrated by itself at each start.
    """
    applied = migrate_schema(admin_url)
    for name in applied:
        print(f"applied {name}")
    if not applied:
        print("up to date")
