"""Dialplan applications: one function each, found by name."""

from __future__ import annotations

from collections.abc import Callable

from esl_app.switchsim.apps import (
    bridge,
    control,
    detect,
    digits,
    playback,
    record,
    record_session,
    socket,
    variables,
)
from esl_app.switchsim.session import Session

Application = Callable[[Session, str], None]

APPLICATIONS: dict[str, Application] = {
    **control.APPLICATIONS,
    **variables.APPLICATIONS,
    **playback.APPLICATIONS,
    **record.APPLICATIONS,
    **record_session.APPLICATIONS,
    **detect.APPLICATIONS,
    **digits.APPLICATIONS,
    **bridge.APPLICATIONS,
    **socket.APPLICATIONS,
}

__all__ = ["APPLICATIONS", "Application"]
