"""The measurement of duplex audio measures something."""

from __future__ import annotations

import pytest
from rich.console import Console

from esl_app.bench import media
from esl_app.ears import EnergyVad

pytestmark = pytest.mark.integration


def test_a_short_run_gives_plausible_figures() -> None:
    report = media.run(legs=4, seconds=1.0)
    assert report.legs == 4
    assert report.seconds == pytest.approx(1.0, abs=0.3)
    assert 0 < report.error_p50_ms <= report.error_p99_ms <= report.error_worst_ms
    assert 0 < report.beat_p50_ms <= report.beat_p99_ms
    assert 0 < report.cpu_percent_per_leg < 50
    console = Console(record=True, width=100)
    console.print(media.table(report))
    assert "4 legs" in console.export_text()


def test_callers_who_speak_are_heard() -> None:
    report = media.run(legs=4, seconds=7.0, vad=EnergyVad())
    assert report.detector == "energy"
    assert report.heard >= 4, "each asks once in six seconds"
    assert report.hub_p99_ms > 0


@pytest.mark.parametrize(("legs", "seconds"), [(0, 1.0), (1, 0.0)])
def test_nothing_to_measure_is_said(legs: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="bench media"):
        media.run(legs=legs, seconds=seconds)
