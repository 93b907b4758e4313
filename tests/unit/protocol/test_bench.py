"""The measurement measures what it says: same bytes, same values, both parsers at work."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from esl_app.bench import BenchError, esl
from esl_app.protocol import Event

pytestmark = pytest.mark.unit


def test_the_synthetic_stream_looks_like_a_call() -> None:
    (one, two) = esl.synthetic_events(2)
    events = [packet for packet in esl._packets(one + two) if isinstance(packet, Event)]
    assert [event.name for event in events] == ["CHANNEL_EXECUTE", "CHANNEL_EXECUTE_COMPLETE"]
    assert [len(event.headers()) for event in events] == [176, 176]
    assert 7000 < len(one) < 8000


def test_a_short_run_reports_every_contestant() -> None:
    report = esl.run(esl.synthetic_events(40), rounds=1)
    assert report.events == 40
    assert report.mean_headers == 176
    # Far from the figure, which a busy machine may spoil: only that we are not slower.
    assert report.ratio > 2
    assert report.ratio_shipped > 2
    shown = StringIO()
    Console(width=120, file=shown).print(esl.table(report))
    assert shown.getvalue().count("greenswitch") == 2


def test_recorded_sessions_are_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(__file__).parents[2] / "transcripts"
    events = esl.recorded_events(folder)
    assert len(events) == 2234
    monkeypatch.setattr(esl, "recorded_events", lambda _: events[:60])
    assert esl.main(folder).stream == "recorded"


def test_a_folder_without_recordings_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=str(tmp_path)):
        esl.recorded_events(tmp_path)


def test_parsers_that_disagree_are_no_measurement() -> None:
    forged = b"Event-Name: CHANNEL_EXECUTE\nvariable_x: a%0AUnique-ID: forged\nUnique-ID: u\n\n"
    event = b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(forged) + forged
    other = event.replace(b"Unique-ID: u\n\n", b"Unique-IX: u\n\n")
    with pytest.raises(ValueError, match="same values"):
        esl.run([other], rounds=1)
