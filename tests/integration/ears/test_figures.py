"""The figures of `esl_app.bench.ears` on our recordings, held to what a call needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from esl_app.bench import BenchError
from esl_app.bench.ears import Report, Score, main, recordings, table

pytestmark = pytest.mark.integration

AUDIO = Path(__file__).parents[2] / "audio"


@pytest.fixture(scope="module")
def report() -> Report:
    return main(AUDIO)


def p95(seconds: tuple[float, ...]) -> float:
    return float(np.percentile(seconds, 95))


def scores(report: Report, *noises: str) -> list[Score]:
    """Of each network that is installed; one of them comes with the offline recogniser."""
    found = [s for s in report.scores if s.detector.startswith("silero") and s.noise in noises]
    assert len(found) >= len(noises)
    return found


def test_speech_is_never_missed_nor_made_up(report: Report) -> None:
    for score in scores(report, "quiet line", "white 20 dB", "white 10 dB"):
        assert (score.clips, score.missed, score.false) == (12, 0, 0), score
        assert np.median(score.delays_s) <= 0.12, score
        assert p95(score.delays_s) <= 0.25, score


def test_a_caller_heard_before_is_told_from_the_room(report: Report) -> None:
    """Twelve calls of seven seconds each in which eight others talk, 20 dB below the caller."""
    for score in scores(report, "later, babble 20 dB"):
        assert score.missed <= 1, score
        assert score.false <= 4, score


def test_what_is_not_speech_stops_nobody(report: Report) -> None:
    for score in scores(
        report, "10 coughs", "10 clicks", "10 bangs", "10 breaths", "10 keys pressed"
    ):
        assert score.false <= 1, score


def test_the_utterance_holds_the_last_word(report: Report) -> None:
    """It is known 0.2 s after the last voice was heard, and 0.4 s after that are kept."""
    for score in scores(report, "quiet line", "white 20 dB", "later, babble 20 dB"):
        assert min(score.ends_s) > 0.2 - 0.4, score


def test_the_gate_alone_is_enough_on_a_quiet_line(report: Report) -> None:
    score = report.score("energy", "quiet line")
    assert (score.missed, score.false) == (0, 0)
    assert p95(score.delays_s) <= 0.2
    assert report.score("energy", "10 coughs").false == 10, (
        "it knows no better, and the docs say so"
    )


def test_the_table_has_a_line_for_each(report: Report) -> None:
    assert table(report).row_count == len(report.scores) >= 2 * 14


def test_a_folder_without_recordings_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"no transcripts\.json"):
        recordings(tmp_path)
