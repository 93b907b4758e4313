"""`voice-ai serve` that says what it holds when it gets SIGUSR1: a line of JSON among its log."""

from __future__ import annotations

import esl_app.patched  # noqa: F401  isort: skip - importing it is what does it

import json
import signal
import sys
from urllib.parse import urlsplit

import gevent

from esl_app import config
from esl_app.cli import main
from tests import leftovers


def _tell(stores: set[int]) -> None:
    held = leftovers.census(stores)
    sys.stdout.write(json.dumps({"event": "census", "held": held}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    settings = config.load()
    urls = [url.get_secret_value() for url in (settings.database_url, settings.redis_url) if url]
    gevent.signal_handler(signal.SIGUSR1, _tell, {urlsplit(url).port or 0 for url in urls})
    main()
