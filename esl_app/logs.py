"""Logging: one structlog pipeline, to the console or as JSON lines, without what people said."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

Event = MutableMapping[str, Any]

# Without the frames' variables, which hold what people say.
_TRACES = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


def hide_pii(_: Any, __: str, event: Event) -> Event:
    """Mask every key with a `pii` segment: words, digits and numbers of people stay out of logs.

    >>> hide_pii(None, "info", {"event": "heard", "pii_text": "my card is 4111"})
    {'event': 'heard', 'pii_text': '***'}
    """
    for key in event:
        if "pii" in key.replace(".", "_").split("_"):
            event[key] = "***"
    return event


def configure(
    *,
    level: Literal["debug", "info", "warning", "error"] = "info",
    form: Literal["console", "json"] = "console",
) -> None:
    """Set up structlog for the process; logs go to standard error."""
    renderer: list[Any] = (
        [_TRACES, structlog.processors.JSONRenderer()]
        if form == "json"
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            hide_pii,
            *renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
