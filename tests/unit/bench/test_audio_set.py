"""The recordings of `voice-ai bench audio`: what fits and what does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from esl_app.bench import BenchError
from esl_app.bench.audio_set import load, mu_law
from esl_app.bench.noises import MADE, SPEECH_DBFS, at_level, made
from esl_app.bench.virtual import Said, words_between
from esl_app.media.sound import TELEPHONE_RATE

pytestmark = pytest.mark.unit

SET = Path(__file__).parents[2] / "audio" / "set"
ROW = {
    "text": "Hello.",
    "language": "en-US",
    "voice_s": [0.0, 0.1],
    "voice": "nobody",
    "source": "made",
}


def written(folder: Path, **changed: Any) -> Path:
    manifest = {"clips": {"a": ROW}, "utterances": [], "overlaps": [], **changed}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "a.ulaw").write_bytes(bytes(range(200)) * 8)
    return folder


def test_the_set_holds_three_languages_and_a_human_voice() -> None:
    audio = load(SET)
    assert {u.language for u in audio.utterances} == {"en-US", "pt-BR", "es-MX"}
    assert {o.expect for o in audio.overlaps} == {"cut", "go on"}
    assert sum(clip.startswith("human-") for u in audio.utterances for clip in u.clips) > 50
    assert sorted(path.stem for path in SET.glob("*.ulaw")) == sorted(audio.clips)


def test_the_set_stays_small() -> None:
    assert sum(path.stat().st_size for path in SET.iterdir()) < 1_200_000


def test_labels_lie_where_the_sound_is() -> None:
    for name, clip in load(SET).clips.items():
        begin, end = (round(s * TELEPHONE_RATE) for s in (clip.begin_s, clip.end_s))
        energy = clip.samples**2
        assert energy[begin:end].sum() > 0.98 * energy.sum(), name


def test_mu_law_is_g711() -> None:
    # ITU-T G.711, table 2a: the largest, the smallest and the zeros of both signs.
    decoded = mu_law(bytes([0x80, 0x00, 0xFE, 0x7E, 0xFF, 0x7F, 0xF0]))
    assert decoded.tolist() == [32124, -32124, 8, -8, 0, 0, 120]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"clips": {"b": ROW}}, "b.ulaw: No such file"),
        ({"clips": {"a": {**ROW, "voice_s": [9.0, 9.5]}}}, "a.ulaw: no sound from 9.0 to 9.5 s"),
        ({"clips": {"a": {**ROW, "speaker": "x"}}}, "manifest.json: clips.a.speaker: "),
        (
            {"utterances": [{"group": "g", "language": "en-US", "parts": ["z"]}]},
            "manifest.json: no clip 'z', which 'g' uses",
        ),
        (
            {
                "overlaps": [
                    {
                        "group": "g",
                        "language": "en-US",
                        "before": "a",
                        "agent": "a",
                        "over": "made:sneeze",
                        "at_s": [1.0],
                        "expect": "cut",
                    }
                ]
            },
            "manifest.json: no clip 'made:sneeze', which 'g' uses",
        ),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, changed: dict[str, Any], says: str) -> None:
    with pytest.raises(BenchError, match=says):
        load(written(tmp_path, **changed))


def test_a_folder_without_a_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"manifest\.json: No such file"):
        load(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(BenchError, match=r"manifest\.json: not JSON"):
        load(tmp_path)


@pytest.mark.parametrize("name", sorted(MADE))
def test_made_sounds_are_as_loud_as_speech_and_always_the_same(name: str) -> None:
    one, again = (made(name, np.random.default_rng(1)) for _ in range(2))
    assert np.array_equal(one, again)
    fainter = 10 if name == "breath" else 0
    assert np.allclose(one, at_level(one, SPEECH_DBFS - fainter))


def test_words_of_half_an_utterance() -> None:
    said = [
        Said(text="My number is", begin_s=1.0, end_s=2.2),
        Said(text="five", begin_s=3.0, end_s=3.4),
    ]
    assert words_between(said, 0.0, 9.0) == "My number is five"
    assert words_between(said, 0.0, 1.5) == "My"
    assert words_between(said, 2.5, 9.0) == "five"
    assert words_between(said, 5.0, 9.0) == ""
