"""The figures of `voice-ai bench audio` on our recordings, held to what issue 3 asks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from esl_app.bench import audio
from esl_app.bench.audio_set import load

pytestmark = pytest.mark.integration

SET = Path(__file__).parents[2] / "audio" / "set"


@pytest.fixture(scope="module")
def report() -> audio.Report:
    return audio.run(load(SET))


def heard(report: audio.Report, group: str) -> audio.Heard:
    return next(g for g in report.utterances if g.group == group)


def overlapped(report: audio.Report, group: str) -> audio.Overlapped:
    return next(g for g in report.overlaps if g.group == group)


def test_nobody_is_cut_off(report: audio.Report) -> None:
    assert report.early_percent <= 2, report.trouble
    assert heard(report, "digit strings").early == 0, report.trouble


def test_every_word_is_heard_where_others_are_no_louder(report: audio.Report) -> None:
    for group in report.utterances:
        if group.group != "babble 10 dB":  # eight others, half as loud as the caller
            assert (group.unheard, group.false, group.wrong, group.wrong_digits) == (0, 0, 0, 0), (
                group
            )


def test_who_wants_the_turn_gets_it(report: audio.Report) -> None:
    barge_in = overlapped(report, "barge-in")
    assert barge_in.paused == barge_in.cut == barge_in.count
    assert report.missed == 0


def test_what_wants_no_turn_gets_none(report: audio.Report) -> None:
    assert report.recovered_percent >= 98, report.trouble
    assert overlapped(report, "our echo 30 dB below").paused == 0
    assert overlapped(report, "television behind").paused <= 1
    for group in report.overlaps:
        if group.resumed_s:
            assert max(group.resumed_s) <= 1.25, group


def test_we_are_silent_soon_after_a_voice(report: audio.Report) -> None:
    """Without the road: frames out and in, and the thread the network runs in."""
    for name in ("barge-in", "listening sounds"):
        assert np.percentile(overlapped(report, name).silent_s, 95) <= 0.105


def test_the_tables_say_it(report: audio.Report) -> None:
    console = Console(record=True, width=150)
    for table in audio.tables(report):
        console.print(table)
    shown = console.export_text()
    groups = [*(g.group for g in report.utterances), *(g.group for g in report.overlaps)]
    assert all(group in shown for group in groups)
    assert "turns cut early" in shown
