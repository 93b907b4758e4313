"""What people say, dial or are named by stays out of the logs."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
import structlog

from esl_app import logs

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
# Keys whose values we choose ourselves: names of things, counts, times, states.
HARMLESS = {
    "accepted", "adapter", "applied", "bytes", "cause", "characters", "completion_tokens", "cost",
    "count", "directories", "disposition", "document", "domain", "dropped", "duration_s",
    "ending", "engine", "error", "event_name", "field", "file", "first_audio_ms_max", "flow",
    "folder", "frames_in", "guesses", "guesses_used", "handler_s", "hangup_cause", "host",
    "kind", "leg", "leg_failed",
    "legs", "limit", "line", "load_s", "lookup", "model", "name",
    "newer", "network", "passages", "peer",
    "pid", "port", "problem", "process", "prompt_tokens", "provider", "reason", "reply", "role",
    "rows", "saved_ms", "seconds", "signal", "stage", "state", "status", "stderr", "tenant",
    "times", "tool",
    "transferred", "troubles", "turns", "uuid", "vad", "version", "where",
}  # fmt: skip


def logged_keys() -> dict[str, str]:
    """Every key that some log call uses, and where."""
    found: dict[str, str] = {}
    for package in ("esl_app", "providers", "knowledge", "tenants"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                match node:
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name(id="log"), attr=level), keywords=keywords
                    ) if level in LEVELS:
                        for keyword in keywords:
                            if keyword.arg is not None:
                                found[keyword.arg] = f"{path.relative_to(ROOT)}:{node.lineno}"
    return found


def test_every_logged_key_is_classified() -> None:
    """A new key is either harmless (add it above) or has a `pii` segment."""
    unknown = {
        key: where
        for key, where in logged_keys().items()
        if key not in HARMLESS and "pii" not in key.split("_")
    }
    assert unknown == {}


def test_keys_of_people_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    try:
        logs.configure(form="json")
        structlog.get_logger().info("heard", pii_text="4111 1111", turn=1)
    finally:
        structlog.configure(**before)
    line = json.loads(capsys.readouterr().err)
    assert line["pii_text"] == "***"
    assert line["turn"] == 1


def test_a_level_is_kept() -> None:
    assert logs.hide_pii(None, "info", {"event": "x", "spii": 1}) == {"event": "x", "spii": 1}
