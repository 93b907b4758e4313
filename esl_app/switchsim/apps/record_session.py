"""`record_session` and what is said to it: a recording beside whatever else goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from esl_app.switchsim.bugs import Patience, Recording
from esl_app.switchsim.session import Session


def record_session(session: Session, argument: str) -> None:
    """`<path> [+<limit s>] [{name=value,…}]`; a path that cannot be written is not spoken of."""
    found = re.fullmatch(r"(\S+)(?: \+(\d+))?(?: \{(.*)\})?", argument.strip())
    if found is None:
        return
    path, limit, settings = found.groups()
    if _of(session, path) is not None:
        return  # "Already recording"
    own = dict(pair.partition("=")[::2] for pair in (settings or "").split(","))

    def true(name: str) -> bool:
        return own[name] == "true" if name in own else session.channel.true(name)

    def number(name: str, default: int = 0) -> int:
        value = own.get(name) or session.channel.get(name) or ""
        return int(value) if value.isdecimal() else default

    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)  # `record` makes none
        recording = Recording(
            path,
            stereo=true("RECORD_STEREO"),
            caller_only=true("RECORD_READ_ONLY"),
            append=true("RECORD_APPEND"),
            limit_s=int(limit or 0),
            patience=Patience(
                initial_ms=number("RECORD_INITIAL_TIMEOUT_MS"),
                final_ms=number("RECORD_FINAL_TIMEOUT_MS"),
                threshold=number("RECORD_SILENCE_THRESHOLD", 200),
            ),
            over=lambda recording: _stop(session, recording),
        )
    except (OSError, ValueError):
        return
    session.early_media()
    session.emit("RECORD_START", [("Record-File-Path", path)])
    session.bugs.add(recording, on_stop=lambda: _tell(session, recording))


def _tell(session: Session, recording: Recording) -> None:
    for name, value in {
        "record_samples": recording.samples,
        "record_seconds": recording.ms // 1000,
        "record_ms": recording.ms,
        "record_completion_cause": recording.cause,
    }.items():
        session.channel.variables[name] = str(value)
    session.emit(
        "RECORD_STOP",
        [
            ("Record-File-Path", recording.target),
            ("Record-Completion-Cause", recording.cause),
        ],
    )


def _of(session: Session, path: str) -> Recording | None:
    return next(
        (bug for bug in session.bugs if isinstance(bug, Recording) and bug.target == path), None
    )


def _stop(session: Session, recording: Recording) -> None:
    session.bugs.remove(recording)


def stop_record_session(session: Session, argument: str) -> None:
    """`<path>`, or `all`."""
    for bug in session.bugs:
        if isinstance(bug, Recording) and argument in {"all", bug.target}:
            _stop(session, bug)


def _switching(attribute: str, *, on: bool) -> Callable[[Session, str], None]:
    def switch(session: Session, argument: str) -> None:
        recording = _of(session, argument)
        if recording is not None:
            setattr(recording, attribute, on)

    return switch


APPLICATIONS: Mapping[str, Callable[[Session, str], None]] = {
    "record_session": record_session,
    "record_session_mask": _switching("masked", on=True),
    "record_session_pause": _switching("paused", on=True),
    "record_session_resume": _switching("paused", on=False),
    "record_session_unmask": _switching("masked", on=False),
    "stop_record_session": stop_record_session,
}
