"""How callers are understood: a set of recordings through ears, endpointing and barge-in, off line.

Three questions, by group of recordings (`audio_set`), in virtual time (`virtual`):

- *utterances*: is a caller cut off before his last word, how long after it do we know that it was
  the last, and are the words right? Complete utterances are also heard in noise, as the second
  thing the caller says: by then the ears know how loud he is.
- *overlaps that want the turn*: how soon are we silent, and do we give the turn away?
- *overlaps that do not* ("uh-huh", coughs, our echo, a television): do we pause, and go on?

The recogniser is `labels`, which hears what was truly said and closes each stretch with a full
stop, as those do that take an utterance at a time; or `whisper`, the product's own. Both take
`STT_S`. Words of the labels are spread evenly over the voice, so a word at a border may be the
neighbour's. Noise is made at run time from one seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import numpy as np
from rich.table import Table

from esl_app.bench.audio_set import (
    ECHO,
    MADE_PREFIX,
    TALK,
    AudioSet,
    Clip,
    Overlap,
    Utterance,
    load,
)
from esl_app.bench.noises import Samples, babble, made, white
from esl_app.bench.virtual import FRAME, Call, Hear, Outcome, Said, Turn
from esl_app.ears import SileroVad, Vad
from esl_app.ears.networks import installed
from esl_app.media.sound import TELEPHONE_RATE
from esl_app.turn.intents import fold
from esl_app.turn.numerals import numerals
from esl_app.turn.prompt_kind import Kind
from providers.contracts import Audio, SpeechToText
from providers.deadline import Deadline
from providers.stt.whisper_local import WhisperLocal

STT_S: Final = 0.3
_WHISPER_S: Final = 60.0
_SEED: Final = 20
_LEAD_S: Final = 2.0
_BETWEEN_S: Final = 2.5
_TAIL_S: Final = 5.0
_QUIET_DBFS: Final = -65.0
_SPEECH_DBFS: Final = -25.0
_NOISES: Final = ("white 20 dB", "white 10 dB", "babble 20 dB", "babble 10 dB", "television")
_TELEVISION_BELOW_DB: Final = 20.0


@dataclass(slots=True, kw_only=True)
class Heard:
    """What became of the utterances of one group.

    Attributes:
        early: of how many the end was taken too early.
        unheard: how many gave no turn after their last voice.
        false: turns made of what others said before the caller spoke or after he had.
        ends_s: from the last voice to the end of the turn.
        wrong, words: word errors and words; of `digits`, digits.
    """

    group: str
    count: int = 0
    early: int = 0
    unheard: int = 0
    false: int = 0
    ends_s: list[float] = field(default_factory=list)
    wrong: int = 0
    words: int = 0
    wrong_digits: int = 0
    digits: int = 0


@dataclass(slots=True, kw_only=True)
class Overlapped:
    """What became of the overlaps of one group.

    Attributes:
        paused: in how many we fell silent at least once.
        cut: in how many the prompt was given up.
        silent_s: from the first voice to our pause.
        cut_s: from there to giving the turn away.
        resumed_s: how long pauses lasted that were taken back.
    """

    group: str
    expect: Literal["cut", "go on"]
    count: int = 0
    paused: int = 0
    cut: int = 0
    silent_s: list[float] = field(default_factory=list)
    cut_s: list[float] = field(default_factory=list)
    resumed_s: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of one run, and a line for each thing that went wrong."""

    recogniser: str
    utterances: tuple[Heard, ...]
    overlaps: tuple[Overlapped, ...]
    trouble: tuple[str, ...]

    @property
    def early_percent(self) -> float:
        """Utterances whose end was taken too early, of all."""
        return 100 * _share(
            sum(g.early for g in self.utterances), sum(g.count for g in self.utterances)
        )

    @property
    def recovered_percent(self) -> float:
        """Pauses for nothing that were taken back, of all pauses for nothing."""
        for_nothing = [g for g in self.overlaps if g.expect == "go on"]
        lost = sum(g.cut for g in for_nothing)
        back = sum(g.paused for g in for_nothing) - lost
        return 100 * _share(back, back + lost) if back + lost else 100.0

    @property
    def missed(self) -> int:
        """Callers who wanted the turn and did not get it."""
        return sum(g.count - g.cut for g in self.overlaps if g.expect == "cut")

    @property
    def wrong_cuts(self) -> int:
        """Prompts given up for nothing."""
        return sum(g.cut for g in self.overlaps if g.expect == "go on")


def run(
    audio: AudioSet,
    *,
    vad: Vad | None = None,
    stt: SpeechToText | None = None,
    noises: Sequence[str] = _NOISES,
) -> Report:
    """Hear the whole set; about half a minute, with a recogniser several.

    Args:
        audio: the set.
        vad: judging inline; None: Silero.
        stt: None: the labels.
        noises: beneath the complete utterances, beside the quiet line.

    Raises:
        EngineError: no network for Silero is installed.
    """
    return _Bench(audio, vad or SileroVad(installed(), inline=True), stt, noises).run()


def main(folder: Path, recogniser: str = "labels", model: str | None = None) -> Report:
    """The run behind `voice-ai bench audio`.

    Raises:
        BenchError: the folder holds no set.
        BadRequest: no such model.
    """
    audio = load(folder)
    if recogniser == "labels":
        return run(audio)
    stt = WhisperLocal({"model": model} if model else {})
    try:
        stt.warm_up(Deadline.after(_WHISPER_S))
        return run(audio, stt=stt)
    finally:
        stt.close()


class _Bench:
    def __init__(
        self, audio: AudioSet, vad: Vad, stt: SpeechToText | None, noises: Sequence[str]
    ) -> None:
        self._audio = audio
        self._vad = vad
        self._stt = stt
        self._noises = noises
        self._heard: dict[str, Heard] = {}
        self._overlapped: dict[str, Overlapped] = {}
        self._trouble: list[str] = []

    def run(self) -> Report:
        whole = [u for u in self._audio.utterances if u.kind is Kind.OPEN and len(u.parts) == 1]
        for utterance in self._audio.utterances:
            self._utterance(utterance, utterance.group, self._quiet)
        for noise in self._noises:
            for number, utterance in enumerate(whole):
                self._utterance(utterance, noise, self._noise(noise), before=whole[number - 1])
        for overlap in self._audio.overlaps:
            for at_s in overlap.at_s:
                self._overlap(overlap, at_s)
        return Report(
            recogniser="labels" if self._stt is None else self._stt.name,
            utterances=tuple(self._heard.values()),
            overlaps=tuple(self._overlapped.values()),
            trouble=tuple(self._trouble),
        )

    # -- utterances -----------------------------------------------------------------------------

    def _utterance(
        self,
        utterance: Utterance,
        group: str,
        under: Callable[[int], Samples],
        before: Utterance | None = None,
    ) -> None:
        earlier = np.zeros(round(_LEAD_S * TELEPHONE_RATE))
        if before is not None:
            first, _ = self._laid(before, 0.0)
            earlier = _joined(earlier, first, np.zeros(round(_BETWEEN_S * TELEPHONE_RATE)))
        earlier = earlier[: len(earlier) // FRAME * FRAME]
        sound, said = self._laid(utterance, len(earlier) / TELEPHONE_RATE)
        sound = _joined(sound, np.zeros(round(_TAIL_S * TELEPHONE_RATE)))
        noise = under(len(earlier) + len(sound))
        call = self._call(utterance.language, said)
        call.pass_by(earlier + noise[: len(earlier)])
        turns = call.listen(sound + noise[len(earlier) :], utterance.prompt_kind)
        call.close()
        self._judge(utterance, self._heard.setdefault(group, Heard(group=group)), said, turns)

    def _laid(self, utterance: Utterance, from_s: float) -> tuple[Samples, list[Said]]:
        """The parts, each clip's voice the wanted silence after the one before."""
        parts: list[tuple[int, Samples]] = []
        said = []
        voice_ends = 0.0
        for part in utterance.parts:
            if isinstance(part, float):
                voice_ends += part
                continue
            clip = self._audio.clips[part]
            at_s = max(0.0, voice_ends - clip.begin_s)
            parts.append((round(at_s * TELEPHONE_RATE), clip.samples))
            voice_ends = at_s + clip.end_s
            said.append(_said(clip, from_s + at_s))
        whole = np.zeros(max(at + len(samples) for at, samples in parts))
        for at, samples in parts:
            whole[at : at + len(samples)] += samples
        return whole, said

    def _judge(
        self, utterance: Utterance, group: Heard, said: Sequence[Said], turns: Sequence[Turn]
    ) -> None:
        begins_s, ends_s = said[0].begin_s, said[-1].end_s
        group.count += 1
        name = " ".join(map(str, utterance.parts))
        ours = [turn for turn in turns if turn.at_s > begins_s]
        after = [turn for turn in ours if turn.at_s >= ends_s]
        # What comes after his turn is nobody's: we would be answering, but count it.
        theirs = [turn for turn in after[1:] if turn.words]
        group.false += len(turns) - len(ours) + len(theirs)
        if early := [turn for turn in ours if turn.at_s < ends_s]:
            group.early += 1
            self._trouble.append(
                f"{group.group}: {name}: cut {ends_s - early[0].at_s:.2f} s before its end"
            )
        if not after:
            group.unheard += 1
            self._trouble.append(f"{group.group}: {name}: no turn")
        else:
            group.ends_s.append(after[0].at_s - ends_s)
        if not self._hears(utterance.language):
            return
        truth = " ".join(each.text for each in said)
        words = " ".join(turn.words for turn in ours if turn not in after[1:])
        if digits := numerals(truth, language=utterance.language).all:
            group.digits += len(digits)
            got = numerals(words, language=utterance.language).all
            group.wrong_digits += min(len(digits), _distance(digits, got))
        else:
            group.words += len(fold(truth).split())
            group.wrong += _distance(fold(truth).split(), fold(words).split())

    # -- overlaps -------------------------------------------------------------------------------

    def _overlap(self, overlap: Overlap, at_s: float) -> None:
        rng = np.random.default_rng([_SEED, round(at_s * 1000), *overlap.over.encode()])
        clips = self._audio.clips
        before, agent = clips[overlap.before], clips[overlap.agent]
        gap = np.zeros(round(_LEAD_S * TELEPHONE_RATE))
        earlier = _joined(gap, before.samples, gap)
        earlier = earlier[: len(earlier) // FRAME * FRAME]
        from_s = len(earlier) / TELEPHONE_RATE
        sound = np.zeros(len(agent.samples) * 3 + round(_TAIL_S * TELEPHONE_RATE))
        said: list[Said] = []
        echo = 10 ** (-overlap.below_db / 20) if overlap.over == ECHO else 0.0
        begins_s = from_s + at_s
        if overlap.over == TALK:
            others, said = self._others(overlap, len(sound), from_s)
            sound += others
        elif overlap.over != ECHO:
            if overlap.over.startswith(MADE_PREFIX):
                over = made(overlap.over.removeprefix(MADE_PREFIX), rng)
            else:
                clip = clips[overlap.over]
                over = clip.samples
                said = [_said(clip, from_s + at_s)]
                begins_s += clip.begin_s
            first = round(at_s * TELEPHONE_RATE)
            sound[first : first + len(over)] += over
        noise = self._quiet(len(earlier) + len(sound))
        call = self._call(overlap.language, said)
        call.pass_by(earlier + noise[: len(earlier)])
        outcome = call.speak(
            _said(agent, 0.0), agent.samples, sound + noise[len(earlier) :], echo=echo
        )
        call.close()
        self._count(overlap, outcome, begins_s)

    def _others(self, overlap: Overlap, length: int, from_s: float) -> tuple[Samples, list[Said]]:
        """Others talking behind the caller without a pause: who is neither he nor we."""
        gain = 10 ** (-overlap.below_db / 20)
        voices = [
            self._audio.clips[u.parts[0]]
            for u in self._audio.utterances
            if isinstance(u.parts[0], str)
            and len(u.parts) == 1
            and u.language == overlap.language
            and u.parts[0] != overlap.before
        ]
        sound = np.zeros(length)
        said = []
        at = number = 0
        while at < length:
            clip = voices[number % len(voices)]
            part = clip.samples[: length - at]
            sound[at : at + len(part)] = part * gain
            said.append(_said(clip, from_s + at / TELEPHONE_RATE))
            at += len(part)
            number += 1
        return sound, said

    def _count(self, overlap: Overlap, outcome: Outcome, begins_s: float) -> None:
        group = self._overlapped.setdefault(
            overlap.group, Overlapped(group=overlap.group, expect=overlap.expect)
        )
        group.count += 1
        group.paused += bool(outcome.paused_at_s)
        group.silent_s += [at_s - begins_s for at_s in outcome.paused_at_s[:1]]
        group.resumed_s += outcome.resumed_s
        if outcome.cut_at_s is not None:
            group.cut += 1
            group.cut_s.append(outcome.cut_at_s - begins_s)
        if (outcome.cut_at_s is not None) != (overlap.expect == "cut"):
            what = "cut for nothing" if outcome.cut_at_s is not None else "not cut"
            self._trouble.append(f"{overlap.group}: {overlap.over} over {overlap.agent}: {what}")

    # -- parts ----------------------------------------------------------------------------------

    def _call(self, language: str, said: Sequence[Said]) -> Call:
        return Call(
            self._vad, language=language, said=said, hear=self._recogniser(language), stt_s=STT_S
        )

    def _hears(self, language: str) -> bool:
        spoken = self._stt.capabilities.languages if self._stt is not None else ()
        return not spoken or language.partition("-")[0] in spoken

    def _recogniser(self, language: str) -> Hear:
        stt = self._stt
        if stt is None or not self._hears(language):
            return _labels

        def hear(audio: Audio, _: str) -> str:
            deadline = Deadline.after(_WHISPER_S)
            return stt.transcribe(audio, language=language, deadline=deadline).text

        return hear

    def _quiet(self, count: int) -> Samples:
        return white(np.random.default_rng(_SEED), _QUIET_DBFS)(count)

    def _noise(self, name: str) -> Callable[[int], Samples]:
        rng = np.random.default_rng(_SEED)
        voices = [clip.samples for clip in self._audio.clips.values()]
        kind, _, below = name.partition(" ")
        if kind == "white":
            return white(rng, _SPEECH_DBFS - float(below.removesuffix(" dB")))
        if kind == "babble":
            return babble(voices, rng, float(below.removesuffix(" dB")))
        return babble(voices, rng, _TELEVISION_BELOW_DB, talkers=1)


def _labels(_: Audio, truth: str) -> str:
    return truth if not truth or truth.endswith((".", "?", "!")) else f"{truth}."


def _said(clip: Clip, at_s: float) -> Said:
    return Said(text=clip.text, begin_s=at_s + clip.begin_s, end_s=at_s + clip.end_s)


def _joined(*parts: Samples) -> Samples:
    return np.concatenate(parts)


def _distance(truth: Sequence[str], heard: Sequence[str]) -> int:
    """Substitutions, insertions and deletions from one to the other (Levenshtein).

    >>> _distance("my number is".split(), "number is not".split())
    2
    """
    row = list(range(len(heard) + 1))
    for number, one in enumerate(truth, start=1):
        diagonal, row[0] = row[0], number
        for column, other in enumerate(heard, start=1):
            diagonal, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, diagonal + (one != other)),
            )
    return row[-1]


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


# -- the tables ------------------------------------------------------------------------------------


def tables(report: Report) -> list[Table]:
    """The report as the command line shows it."""
    return [_utterances(report), _overlaps(report), _figures(report)]


def _utterances(report: Report) -> Table:
    shown = _table(
        f"Utterances (recogniser: {report.recogniser}, {STT_S * 1000:.0f} ms)",
        ("group", "utterances", "cut early", "no turn", "false", "end ms p50", "p95"),
        ("words wrong", "digits wrong"),
    )
    for g in report.utterances:
        shown.add_row(
            g.group,
            str(g.count),
            str(g.early),
            str(g.unheard),
            str(g.false),
            *_ms(g.ends_s),
            f"{g.wrong}/{g.words} {100 * g.wrong / g.words:.1f} %" if g.words else "",
            f"{g.wrong_digits}/{g.digits}" if g.digits else "",
        )
    return shown


def _overlaps(report: Report) -> Table:
    shown = _table(
        "While the agent speaks",
        ("group", "expected", "overlaps", "paused", "cut", "pause ms p50", "p95"),
        ("cut ms p50", "p95", "going on ms p50", "p95"),
    )
    for g in report.overlaps:
        shown.add_row(
            g.group,
            g.expect,
            str(g.count),
            str(g.paused),
            str(g.cut),
            *_ms(g.silent_s),
            *_ms(g.cut_s),
            *_ms(g.resumed_s),
        )
    return shown


def _figures(report: Report) -> Table:
    shown = Table(show_header=False)
    digits = next((g for g in report.utterances if g.group == "digit strings"), None)
    for name, figure in (
        ("turns cut early", f"{report.early_percent:.1f} %"),
        ("… of digit strings", "" if digits is None else f"{digits.early} of {digits.count}"),
        ("missed barge-ins", str(report.missed)),
        ("answers cut for nothing", str(report.wrong_cuts)),
        ("false barge-ins recovered", f"{report.recovered_percent:.1f} %"),
    ):
        shown.add_row(name, figure)
    for line in report.trouble:
        shown.add_row("", line)
    return shown


def _table(title: str, *columns: Iterable[str]) -> Table:
    shown = Table(title=title)
    for number, column in enumerate(name for names in columns for name in names):
        shown.add_column(column, justify="left" if number == 0 else "right")
    return shown


def _ms(seconds: Sequence[float]) -> tuple[str, str]:
    if not seconds:
        return "", ""
    p50, p95 = (float(np.percentile(seconds, part)) * 1000 for part in (50, 95))
    return f"{p50:.0f}", f"{p95:.0f}"
