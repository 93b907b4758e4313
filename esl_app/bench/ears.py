"""How well the ears hear: missed and false starts, delay, and what a frame costs.

Recordings whose speech is known to be whole are laid between silences, with noise beneath all of
it, and heard by each detector as a leg would be, faster than real time. Where speech truly starts
and stops is taken from the clean recording: its first and last frame within 35 dB of its loudest.

What is not speech is made (`noises`); a detector that takes it for speech makes the agent pause for
nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rich.table import Table

from esl_app.bench import BenchError
from esl_app.bench.noises import SPEECH_DBFS, Samples, babble, gain_to, made, white
from esl_app.ears import EnergyVad, Listener, SileroVad, SpeechEnded, SpeechStarted, Vad
from esl_app.ears.networks import SileroLite, SileroWide
from esl_app.media.sound import TELEPHONE_RATE, frame_levels, read_wav
from providers.engine import EngineError, check, package_file
from providers.sound import resample

_FRAME: Final = TELEPHONE_RATE // 50
_LEAD_S: Final = 2.5  # what the gate needs to know the line
_LATER: Final = "later, "  # noises in which the caller has spoken before
_TAIL_S: Final = 1.2
_NEAR_S: Final = 0.25  # a start this close to the speech is the speech's
_SEED: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A recording at 8 kHz and the seconds between which somebody speaks in it."""

    name: str
    samples: Samples
    first_s: float
    last_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One detector in one noise.

    Attributes:
        missed: utterances without a start of their own. Where other talkers were already taken
            for speech, the caller is heard all the same, as a part of theirs.
        false: starts where nobody spoke.
        delays_s: from the first voice to when we knew.
        ends_s: from the last voice to when we knew; short ones are cut-off ends.
        pieces: ends an utterance was taken for, on average: 1 is none too many.
        frame_us: CPU a frame, the network's included.
    """

    detector: str
    noise: str
    clips: int
    missed: int
    false: int
    delays_s: tuple[float, ...]
    ends_s: tuple[float, ...]
    pieces: float
    frame_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    scores: tuple[Score, ...]

    def score(self, detector: str, noise: str) -> Score:
        """One line of the table."""
        return next(s for s in self.scores if (s.detector, s.noise) == (detector, noise))


def recordings(folder: Path) -> list[Clip]:
    """The WAV files in which somebody speaks, by the `transcripts.json` beside them.

    Raises:
        BenchError: there are none, or one cannot be used.
    """
    clips = []
    for listing in sorted(folder.rglob("transcripts.json")):
        clips += [clip(listing.parent / name) for name, text in _texts(listing).items() if text]
    if not clips:
        raise BenchError(f"{folder}: no transcripts.json with recordings there")
    return clips


def _texts(listing: Path) -> dict[str, str]:
    try:
        texts = json.loads(listing.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BenchError(f"{listing}: {error}") from error
    if not isinstance(texts, dict) or not all(isinstance(text, str) for text in texts.values()):
        raise BenchError(f"{listing}: not an object of file names and their words")
    return dict(sorted(texts.items()))


def clip(path: Path) -> Clip:
    """A recording, brought to one loudness.

    Raises:
        BenchError: not a recording of anything.
    """
    try:
        audio = resample(read_wav(path), TELEPHONE_RATE)
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}") from error
    except ValueError as error:  # it names the file
        raise BenchError(str(error)) from error
    levels = frame_levels(audio)
    if not levels.any():
        raise BenchError(f"{path}: nothing to hear in it")
    loud = np.flatnonzero(levels > levels.max() / 10 ** (35 / 20))
    samples = np.frombuffer(audio.pcm, "<i2").astype(np.float64)
    voiced = samples[loud[0] * _FRAME : (loud[-1] + 1) * _FRAME]
    return Clip(
        name=path.stem,
        samples=samples * gain_to(SPEECH_DBFS, voiced),
        first_s=float(loud[0]) / 50,
        last_s=float(loud[-1] + 1) / 50,
    )


def detectors() -> dict[str, Vad]:
    """Every detector that is installed."""
    found: dict[str, Vad] = {"energy": EnergyVad()}
    for kind in (SileroLite, SileroWide):
        try:
            folder = package_file(kind.package, kind.folder)
            check(folder, {kind.file: kind.sha256})
            found[f"silero ({kind.name})"] = SileroVad(kind(folder / kind.file), inline=True)
        except EngineError:
            continue
    return found


def run(clips: Sequence[Clip], vads: Mapping[str, Vad] | None = None) -> Report:
    """Hear every recording in every noise with every detector; about a minute."""
    rng = np.random.default_rng(_SEED)
    noises = _noises(clips, rng)
    scores = []
    for detector, vad in (vads or detectors()).items():
        for noise, under in noises.items():
            scores.append(_score(detector, vad, noise, clips, under))
        for noise, alone in _not_speech(rng).items():
            nobody = Clip(name=noise, samples=alone, first_s=0, last_s=0)
            scores.append(_score(detector, vad, noise, [nobody], white(rng, -60)))
    return Report(scores=tuple(scores))


def table(report: Report) -> Table:
    """The report as the command line shows it."""
    shown = Table(title="What the ears hear (20 ms frames, 8 kHz)")
    columns = ("detector", "noise", "missed", "false", "start ms p50", "p95", "end ms p50", "p95")
    for column in (*columns, "pieces", "µs a frame"):
        shown.add_column(column, justify="left" if column in columns[:2] else "right")
    for s in report.scores:
        shown.add_row(
            s.detector,
            s.noise,
            f"{s.missed}/{s.clips}" if s.clips else "",
            str(s.false),
            *(_ms(s.delays_s, part) for part in (50, 95)),
            *(_ms(s.ends_s, part) for part in (50, 95)),
            f"{s.pieces:.2f}" if s.clips else "",
            f"{s.frame_us:.0f}",
        )
    return shown


def _ms(seconds: Sequence[float], part: float) -> str:
    return f"{np.percentile(seconds, part) * 1000:.0f}" if seconds else ""


def _score(
    detector: str, vad: Vad, noise: str, clips: Sequence[Clip], under: Callable[[int], Samples]
) -> Score:
    missed = false = ends = frames = clips_with_speech = 0
    delays: list[float] = []
    end_delays: list[float] = []
    cost_s = 0.0
    silence, tail = (np.zeros(round(s * TELEPHONE_RATE)) for s in (_LEAD_S, _TAIL_S))
    for number, one in enumerate(clips):
        earlier = clips[number - 1].samples if noise.startswith(_LATER) else np.zeros(0)
        sound = np.concatenate([earlier, silence, one.samples, tail])
        sound = sound + under(len(sound))
        listener = Listener(vad)
        cost_s -= time.process_time()
        events = [e for frame, at_s in _frames(sound) for e in listener.feed(frame, at_s)]
        cost_s += time.process_time()
        listener.close()
        frames += len(sound) // _FRAME
        begins_s = len(earlier) / TELEPHONE_RATE
        first_s, last_s = (begins_s + _LEAD_S + s for s in (one.first_s, one.last_s))
        starts = [e for e in events if isinstance(e, SpeechStarted) and e.at_s > begins_s]
        if one.last_s == 0:
            false += len(starts)
            continue
        clips_with_speech += 1
        of_speech = [s for s in starts if first_s - _NEAR_S <= s.at_s <= last_s]
        false += len(starts) - len(of_speech)
        if not of_speech:
            missed += 1
            continue
        delays.append(of_speech[0].known_s - first_s)
        stops = [e for e in events if isinstance(e, SpeechEnded) and e.at_s >= first_s]
        ends += len(stops)
        if stops:
            end_delays.append(stops[-1].known_s - last_s)
    return Score(
        detector=detector,
        noise=noise,
        clips=clips_with_speech,
        missed=missed,
        false=false,
        delays_s=tuple(delays),
        ends_s=tuple(end_delays),
        pieces=ends / max(1, clips_with_speech - missed),
        frame_us=cost_s / frames * 1e6,
    )


def _frames(sound: Samples) -> Iterator[tuple[bytes, float]]:
    pcm = np.clip(np.round(sound), -32768, 32767).astype("<i2").tobytes()
    size = _FRAME * 2
    for number in range(len(pcm) // size):
        yield pcm[number * size : (number + 1) * size], (number + 1) * 0.02


def _noises(clips: Sequence[Clip], rng: np.random.Generator) -> dict[str, Callable[[int], Samples]]:
    """What lies beneath the speech: a line, a fan, a room full of people."""
    voices = [one.samples for one in clips]
    near = babble(voices, rng, 10)

    def far(count: int) -> Samples:
        return near(count) * 10 ** (-10 / 20)

    return {
        "quiet line": white(rng, -65),
        "white 20 dB": white(rng, SPEECH_DBFS - 20),
        "white 10 dB": white(rng, SPEECH_DBFS - 10),
        "babble 20 dB": far,
        "babble 10 dB": near,
        f"{_LATER}babble 20 dB": far,
        f"{_LATER}babble 10 dB": near,
    }


def _not_speech(rng: np.random.Generator) -> dict[str, Samples]:
    """Ten of each, three seconds apart, at the loudness of speech."""
    count = 3 * TELEPHONE_RATE

    def ten(name: str) -> Samples:
        whole = np.zeros(10 * count)
        for number in range(10):
            one = made(name, rng)
            whole[number * count : number * count + len(one)] = one
        return whole

    return {
        "10 coughs": ten("cough"),
        "10 clearings of the throat": ten("throat"),
        "10 clicks": ten("click"),
        "10 bangs": ten("bang"),
        "10 breaths": ten("breath"),
        "10 keys pressed": ten("key"),
        "fan switched on": np.concatenate(
            [np.zeros(count), white(rng, -38)(4 * count), np.zeros(count)]
        ),
    }


def main(folder: Path) -> Report:
    """The run behind `voice-ai bench ears`."""
    return run(recordings(folder))
