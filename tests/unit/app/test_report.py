from __future__ import annotations

import json
from pathlib import Path

import pytest

from esl_app import report
from esl_app.journal import Journal, Span
from providers.contracts import Source

pytestmark = pytest.mark.unit

CALL = {
    "uuid": "u", "domain": "d", "company": "<b>Acme</b>", "secretary": "Ana", "language": "en-US",
    "began": "2026-11-22T10:00:00+00:00", "duration_s": 12.5, "dialled": "100",
    "disposition": "completed", "ending": "goodbye", "hangup_cause": "NORMAL_CLEARING",
    "transferred_to": None,
}  # fmt: skip


def journal() -> Journal:
    times = iter(range(100))
    made = Journal(clock=lambda: float(next(times)))
    turn = made.turn()
    turn.question, turn.answer = "<script>alert(1)</script>", "At nine."
    turn.speech_ended_s, turn.endpoint_ms, turn.first_audio_ms = 1.0, 900, 1500
    turn.spans = [
        Span(stage="stt", start_s=1.9, end_s=2.2),
        Span(stage="tts", start_s=2.3, end_s=2.5),
        Span(stage="tts", start_s=2.5, end_s=3.5),
    ]
    turn.sources = [Source(id="p1", title="Hours", text="We open at nine.", score=0.9)]
    made.add("heard", pii_text=turn.question, turn=1)
    return made


def test_stages_count_from_the_callers_last_sound() -> None:
    (turn,) = report.transcript(journal(), call=CALL)["turns"]
    assert turn["stages"] == [
        {"stage": "endpoint", "from_ms": 0, "to_ms": 900},
        {"stage": "stt", "from_ms": 900, "to_ms": 1200},
        {"stage": "tts", "from_ms": 1300, "to_ms": 1500},
        {"stage": "tts", "from_ms": 1500, "to_ms": 2500},
    ]
    assert turn["ms"] == {"stt": 300, "retrieval": None, "llm": None, "tts": 200}


def test_what_people_say_is_text_in_the_page(tmp_path: Path) -> None:
    wav = tmp_path / "call.wav"
    wav.write_bytes(b"RIFF")
    report.write(tmp_path, report.transcript(journal(), call=CALL), wav)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "<script>" not in page
    assert "<b>Acme" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "data:audio/wav;base64,UklGRg==" in page
    assert "We open at nine." in page
    assert "http" not in page, "nothing is loaded from elsewhere"
    assert json.loads((tmp_path / "transcript.json").read_text("utf-8"))["call"] == CALL


def test_a_call_without_a_word_has_a_report(tmp_path: Path) -> None:
    report.write(tmp_path, report.transcript(Journal(), call=CALL), None)
    assert "Nothing was said." in (tmp_path / "report.html").read_text("utf-8")
