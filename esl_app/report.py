"""A call's report: `transcript.json` and a self-contained `report.html` with the sound inside.

Both are read off the journal; the page is made from the transcript and the WAV alone, so that it
can be made again later from what was kept.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape

from esl_app.journal import Journal, Turn

STAGES = ("endpoint", "stt", "retrieval", "llm", "tts")


def transcript(journal: Journal, *, call: dict[str, Any]) -> dict[str, Any]:
    """The call as plain data: `call` facts, turns with stages and sources, journal entries."""
    return {
        "call": call,
        "turns": [_turn(turn) for turn in journal.turns if turn.shown or turn.trouble],
        "journal": [
            {"at_s": round(entry.at_s, 3), "kind": entry.kind, **entry.data}
            for entry in journal.entries
        ],
    }


def write(directory: Path, data: dict[str, Any], wav: Path | None) -> None:
    """Write `transcript.json` and `report.html` into `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    text = json.dumps(data, ensure_ascii=False, indent=2, default=str)
    (directory / "transcript.json").write_text(text + "\n", encoding="utf-8")
    (directory / "report.html").write_text(render(data, wav), encoding="utf-8")


def render(data: dict[str, Any], wav: Path | None) -> str:
    """The page, everything inside: style, pictures, sound."""
    environment = Environment(
        loader=PackageLoader("esl_app", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    longest_ms = max((_end_ms(turn) for turn in data["turns"]), default=0)
    return environment.get_template("report.html.j2").render(
        call=data["call"],
        turns=data["turns"],
        journal=data["journal"],
        stages=STAGES,
        scale_ms=max(1000, longest_ms),
        sound=base64.b64encode(wav.read_bytes()).decode() if wav else "",
    )


def _turn(turn: Turn) -> dict[str, Any]:
    """A turn's waterfall counts from the caller's last voiced frame."""
    stages = []
    if turn.endpoint_ms is not None:
        stages.append({"stage": "endpoint", "from_ms": 0, "to_ms": turn.endpoint_ms})
    for span in turn.spans:
        offset = turn.speech_ended_s
        stages.append(
            {
                "stage": span.stage,
                "from_ms": round((span.start_s - offset) * 1000),
                "to_ms": round((span.end_s - offset) * 1000),
            }
        )
    return {
        "number": turn.number,
        "prompt": turn.prompt,
        "question": turn.shown,
        "answer": turn.answer,
        "intent": str(turn.intent),
        "trouble": turn.trouble,
        "speech_ms": turn.speech_ms,
        "endpoint_ms": turn.endpoint_ms,
        "first_audio_ms": turn.first_audio_ms,
        "ms": {stage: turn.ms(stage) for stage in STAGES[1:]},
        "stages": stages,
        "providers": turn.providers,
        "tokens": {"prompt": turn.prompt_tokens, "completion": turn.completion_tokens},
        "speculation": turn.speculation.facts,
        "characters": turn.characters,
        "cost": turn.cost,
        "sources": [
            {"id": s.id, "title": s.title, "text": s.text, "score": round(s.score, 3)}
            for s in turn.sources
        ],
    }


def _end_ms(turn: dict[str, Any]) -> int:
    ends: list[int] = [stage["to_ms"] for stage in turn["stages"]]
    return max([*ends, turn["first_audio_ms"] or 0])
