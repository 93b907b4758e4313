"""`voice-ai serve` and `voice-ai migrate`: what runs in production."""

from __future__ import annotations

import faulthandler
import signal
import socket
import sys
from contextlib import closing
from typing import Annotated

import gevent
import typer
from gevent.event import Event as Flag

from esl_app.config import Settings
from esl_app.controller import Controller, listen_settings
from esl_app.server import open_listener
from esl_app.stores import Stores
from esl_app.supervisor import Supervisor, beat
from tenants.migrate import migrate as migrate_schema

DRAIN_S = 900.0
HURRY_S = 30.0


def serve(context: typer.Context) -> None:
    """Answer the calls that FreeSWITCH's `socket` application brings, until SIGTERM.

    SIGTERM closes the listener and lets calls end (15 minutes at most); a second one shortens that
    to 30 seconds. A worker that dies, or whose calls stand still for 5 seconds, is replaced.
    """
    settings: Settings = context.obj
    config_file = context.parent.params["config_file"] if context.parent else None
    supervisor = Supervisor(
        [
            *(sys.executable, "-m", "esl_app"),
            *(("--config", str(config_file)) if config_file else ()),
            "worker",
        ],
        count=settings.listen.workers,
    )
    # Signals are watched before anything is started, so that none is lost on the way.
    gevent.signal_handler(signal.SIGTERM, supervisor.terminate)
    gevent.signal_handler(signal.SIGINT, supervisor.terminate)
    # Embedded servers are ours, so that they outlive a worker; workers find them running.
    with Stores(settings), closing(open_listener(listen_settings(settings))) as listener:
        code = supervisor.run(listener)
    if code:
        raise typer.Exit(code)


def worker(
    context: typer.Context,
    listen_fd: Annotated[int, typer.Option(help="The listening socket.")],
    pulse_fd: Annotated[int, typer.Option(help="A socket to the supervisor.")],
) -> None:
    """Answer calls on a socket that `serve` has opened."""
    settings: Settings = context.obj
    faulthandler.register(signal.SIGUSR2)  # where a frozen worker stands: files and lines, no words
    stop, hurry = Flag(), Flag()

    def terminate() -> None:
        (hurry if stop.is_set() else stop).set()

    gevent.signal_handler(signal.SIGTERM, terminate)
    with (
        socket.socket(fileno=listen_fd) as listener,
        Stores(settings) as stores,
        Controller(settings, stores, listener=listener) as controller,
    ):
        controller.start()
        gevent.spawn(beat, pulse_fd, stop.set)
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
