"""The measurement of turns measures whole calls."""

from __future__ import annotations

import pytest
from rich.console import Console

from esl_app.bench import turn

pytestmark = pytest.mark.integration


def test_two_calls_at_once_give_plausible_figures() -> None:
    report = turn.run(calls=2, at_once=2)
    assert (report.calls, report.at_once, report.failed) == (2, 2, 0)
    assert report.utterances == 6
    assert report.unheard == 0
    assert report.turns >= 6
    assert len(report.ready_ms) >= 6
    assert len(report.first_audio_ms) >= 4
    assert len(report.phone_ms) == 6
    assert min(report.llm_ms) > 900 * turn.LLM_S
    assert min(report.ready_ms) > 900 * (turn.LLM_S + turn.TTS_S)
    assert -5 < min(report.engine_ms) < 2000
    assert report.interrupted >= 2
    assert report.cut_by_nobody == 0
    assert report.silent_ms
    assert 0 < max(report.silent_ms) < 3000
    assert len(report.greeting_ms) == 2
    assert max(report.greeting_ms) < 2000
    assert all(
        line <= phone for line, phone in zip(report.line_silent_ms, report.silent_ms, strict=True)
    )
    assert report.hub_late.total > 100
    assert 0 < report.cpu_percent_per_leg < 100
    console = Console(record=True, width=120)
    console.print(turn.table(report))
    shown = console.export_text()
    assert "2 calls, 2 at once" in shown
    assert "we add after the endpoint" in shown


@pytest.mark.parametrize(("calls", "at_once"), [(0, 1), (1, 0)])
def test_nothing_to_measure_is_said(calls: int, at_once: int) -> None:
    with pytest.raises(ValueError, match="bench turn"):
        turn.run(calls=calls, at_once=at_once)
