"""`voice-ai serve` whose worker says what it holds at SIGUSR1: a line of JSON among its log."""

from __future__ import annotations

import esl_app.patched  # noqa: F401  isort: skip - importing it is what does it

import json
import signal
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

import gevent

from esl_app import config
from esl_app.cli import calls, main
from esl_app.supervisor import Supervisor
from tests import leftovers


class _Watched(Supervisor):
    """Starts workers that are watched too."""

    def __init__(self, command: Sequence[str], *, count: int) -> None:
        ours = "tests.freeswitch.watched_serve"
        super().__init__([ours if part == "esl_app" else part for part in command], count=count)


def _tell(stores: set[int]) -> None:
    held = leftovers.census(stores)
    sys.stdout.write(json.dumps({"event": "census", "held": held}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    settings = config.load()
    urls = [url.get_secret_value() for url in (settings.database_url, settings.redis_url) if url]
    gevent.signal_handler(signal.SIGUSR1, _tell, {urlsplit(url).port or 0 for url in urls})
    calls.Supervisor = _Watched  # type: ignore[attr-defined]
    main()
