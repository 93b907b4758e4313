"""What a turn costs: scripted duplex calls in real time, over providers that take a known time.

A caller with a recorded voice asks, says "uh-huh" over the answer, asks again, talks over that
answer, hears what comes of it and hangs up. Server, legs, ears, turns, retrieval, prompts and
stores are the product's own, the audio goes through datagrams, the switch is the stand-in.
Recogniser, model and voice are the `fake` providers, of which each takes exactly `STT_S`, `LLM_S`
(to the first word) and `TTS_S`; embeddings take nothing. What is more than that is ours, the
stand-in's share included: it runs in this process, on the same hub.

A turn in milliseconds, counted from the caller's last voiced frame:

    |-- endpoint: silence, the recogniser runs meanwhile --|-- retrieval, model, voice --|
    0                                                  endpoint                        ready

- *ready*: until the answer's first sound could be played.
- *first audio*: until it was given to the player; later than *ready* where a filler ("one moment")
  was being played, by what was left of that.
- *on the phone*: until the first sound of any kind, fillers too, that the caller hears, jitter
  buffer included; off the two timelines of the call, to 20 ms.
- *added, nothing hidden*: ready less all three providers, as if they ran one after the other. It
  holds the silence that tells a pause from the end, as far as the recogniser did not run in it.
- *added after the endpoint*: ready less endpoint, model and voice: what retrieval, greenlets,
  files and the hub take. The recogniser is not in it: the endpoint waits for its words.
- *silent after*: from the caller's first voiced frame over an answer ("uh-huh" too, which pauses
  it) to the end of the last frame of ours that he hears before silence; off the timelines.
- *cut early*: turns more than one that came of one utterance.
- *cut by nobody*: answers that were cut, more than voices that were to cut one.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import gevent
import numpy as np
from gevent.pool import Pool
from rich.table import Table

from esl_app.config import Listen, Settings
from esl_app.controller import Controller
from esl_app.demo import clinic
from esl_app.journal import Journal, Turn
from esl_app.leg import Leg
from esl_app.media import sound
from esl_app.stores import Stores
from esl_app.switchsim import (
    Caller,
    CallResult,
    HangUp,
    Heard,
    Speak,
    Step,
    Switch,
    Wait,
    WhenQuiet,
)
from esl_app.switchsim.caller import Mouth
from knowledge import ingest
from providers.contracts import Audio
from providers.deadline import Deadline
from providers.fake import FakeStt
from tenants import repository

STT_S: Final = 0.3
LLM_S: Final = 0.5
TTS_S: Final = 0.2

_QUESTION: Final = "01-saturday.wav"
_AGAIN: Final = "03-football.wav"
_OVER: Final = "02-whitening.wav"  # said over the answer to the second
_BLIP_OF: Final = "04-person.wav"  # its first sounds, which no other recording of the call has
_BLIP_S: Final = 0.4
_BLIP_WORDS: Final = "Uh-huh."

_FRAME_MS: Final = 20
_FRAME_BYTES: Final = 320
_VOICED_LEVEL: Final = 300.0
_SOUNDING_PEAK: Final = 200
_SILENCE_FRAMES: Final = 10  # shorter is a gap between two sentences
_OVERTALK_FRAMES: Final = 150  # still sounding then: the voice did not stop us

_STAGGER_S: Final = 0.25  # callers do not dial on one beat
_CALL_S: Final = 150.0
_PATIENCE_S: Final = 20.0
_DRAIN_S: Final = 20.0
_INGEST_S: Final = 30.0
_MOST_CALLS: Final = 10_000

_FLOW: Final = '''"""What the bench's calls run."""

from __future__ import annotations

from esl_app.flow import Call, flow


@flow
def reception(call: Call) -> None:
    call.answer()
    call.say(call.secretary.greeting)
    call.converse()
'''

Samples = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The figures of one run; milliseconds, one for each turn (or voice over an answer)."""

    calls: int
    at_once: int
    seconds: float
    failed: int
    """Calls that did not go through their script."""
    utterances: int
    turns: int
    ready_ms: Samples
    first_audio_ms: Samples
    phone_ms: Samples
    endpoint_ms: Samples
    stt_ms: Samples
    llm_ms: Samples
    tts_ms: Samples
    retrieval_ms: Samples
    added_ms: Samples
    engine_ms: Samples
    silent_ms: Samples
    talked_over: int
    """Voices over an answer that did not silence it."""
    cut_early: int
    unheard: int
    """Utterances that became no turn."""
    blips: int
    recovered: int
    barge_ins: int
    interrupted: int
    cut_by_nobody: int
    fillers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Utterance:
    """A recording and its words."""

    words: str
    speech: Speak
    begin_s: float  # of the voice in it
    end_s: float


@dataclass(frozen=True, slots=True)
class _Says:
    """Says a recording, and has the call's recogniser hear its words from then on."""

    utterance: _Utterance
    script: list[str]

    def run(self, mouth: Mouth) -> Generator[Any, Heard, None]:
        self.script[:] = [self.utterance.words]
        yield from self.utterance.speech.run(mouth)


@dataclass(frozen=True, slots=True)
class _WhenSpeaking:
    """Waits until the agent has been speaking for so long; gaps between sentences are no end."""

    seconds: float

    def run(self, mouth: Mouth) -> Generator[Any, Heard, None]:
        nothing = next(Wait(1.0).run(mouth))
        sounding = quiet = 0
        while sounding * _FRAME_MS < self.seconds * 1000:
            heard = yield nothing
            quiet = quiet + 1 if heard.quiet else 0
            sounding = 0 if quiet >= _SILENCE_FRAMES else sounding + (not heard.quiet)


@dataclass(slots=True, kw_only=True)
class _Scene:
    """The recordings of a call."""

    question: _Utterance
    blip: _Utterance
    again: _Utterance
    over: _Utterance

    @property
    def asked(self) -> tuple[_Utterance, ...]:
        """What has to become turns."""
        return self.question, self.again, self.over

    def steps(self, script: list[str]) -> list[Step]:
        return [
            WhenQuiet(1.0),
            _Says(self.question, script),
            _WhenSpeaking(1.5),
            _Says(self.blip, script),
            WhenQuiet(1.0),
            _Says(self.again, script),
            _WhenSpeaking(1.5),
            _Says(self.over, script),
            WhenQuiet(1.0),
            HangUp(),
        ]


def run(calls: int = 4, at_once: int = 1) -> Report:
    """Measure; a call takes half a minute.

    Raises:
        ValueError: no calls.
    """
    if not 1 <= calls <= _MOST_CALLS or at_once < 1:
        raise ValueError("bench turn: at least one call, and one at once")
    with tempfile.TemporaryDirectory(prefix="voice-ai-bench-") as folder:
        return _Bench(Path(folder), calls=calls, at_once=at_once).run()


class _Bench:
    """One run in its folder."""

    def __init__(self, folder: Path, *, calls: int, at_once: int) -> None:
        self._calls = calls
        self._at_once = at_once
        self._scene = _scene(folder)
        (folder / "flows").mkdir()
        flow = folder / "flows" / "reception.py"
        flow.write_text(_FLOW, encoding="utf-8")
        flow.chmod(0o644)
        # Not from the environment: a bench does not write into the database of an installation.
        self._settings = Settings.model_construct(
            data_dir=folder / "data",
            flows_dir=folder / "flows",
            sounds_dir=folder / "sounds",
            warm_offline=False,
            listen=Listen(port=0, max_legs=at_once + 1, max_legs_per_peer=at_once + 1),
        )
        self._journals: dict[str, Journal] = {}

    def run(self) -> Report:
        with (
            Stores(self._settings) as stores,
            Controller(self._settings, stores, on_call=self._over) as controller,
        ):
            scripts = [self._tenant(stores, controller, n) for n in range(self._calls)]
            controller.start()
            pool: Any = Pool(self._at_once)
            began = time.monotonic()
            placed = []
            for n, script in enumerate(scripts):
                placed.append(pool.spawn(self._call, controller, n, script))
                gevent.sleep(_STAGGER_S)
            results: list[CallResult | None] = [call.get() for call in placed]
            seconds = time.monotonic() - began
            controller.stop(_DRAIN_S)
        return self._report([result for result in results if result is not None], seconds)

    def _over(self, leg: Leg, journal: Journal, facts: dict[str, object]) -> None:
        del facts
        self._journals[leg.uuid] = journal

    def _tenant(self, stores: Stores, controller: Controller, n: int) -> list[str]:
        """A tenant of the call's own, so that no sound is cached; what its recogniser hears."""
        configs = {
            "stt": {"script": [f"call {n}"], "latency_s": STT_S},
            "llm": {"script": _answers(n), "latency_s": LLM_S},
            "tts": {"latency_s": TTS_S},
            "embeddings": {},
        }
        tenant = repository.create_tenant(
            stores.database,
            {
                "domain": {"domain_uuid": uuid4(), "domain_name": f"bench-{n}.example"},
                "secretary": {
                    "secretary_name": "Bench",
                    "media_mode": "duplex",
                    "greeting_message": "Good morning.",
                },
                "providers": [
                    {"provider_type": kind, "provider_name": "fake", "config": config}
                    for kind, config in configs.items()
                ],
                "numbers": [_number(n)],
            },
        )
        engines = controller.engines.for_tenant(tenant)
        for document in sorted(clinic.DOCUMENTS.glob("*.md")):
            ingest.add_document(
                stores.database,
                tenant.domain.domain_uuid,
                document,
                engines.embedder,
                Deadline.after(_INGEST_S),
            )
        stt = engines.stt
        assert isinstance(stt, FakeStt)
        return stt.settings.script

    def _call(self, controller: Controller, n: int, script: list[str]) -> CallResult | None:
        caller = Caller(self._scene.steps(script), number="5550199", patience_s=_PATIENCE_S)
        try:
            return Switch().call(
                caller,
                port=controller.server.port,
                destination_number=_number(n),
                timeout_s=_CALL_S,
            )
        except TimeoutError:
            return None

    def _report(self, results: Sequence[CallResult], seconds: float) -> Report:
        done = [
            (result, self._journals[result.uuid])
            for result in results
            if result.uuid in self._journals
            and result.ended_by == "caller"
            and not result.caller_gave_up
        ]
        scene = self._scene
        turns = [turn for _, journal in done for turn in journal.turns if turn.question]
        ready = [(ms, turn) for turn in turns if (ms := _ready_ms(turn)) is not None]
        # A turn's question is the recording's words: which utterance it came of.
        became = Counter(
            (n, turn.question) for n, (_, journal) in enumerate(done) for turn in journal.turns
        )
        heard = [became[n, each.words] for n in range(len(done)) for each in scene.asked]
        silenced = [
            _silent_after_ms(result, each)
            for result, _ in done
            for each in (scene.blip, scene.over)
            if _over_an_answer(result, each)
        ]
        phone = [_heard_after_ms(result, each) for result, _ in done for each in scene.asked]
        interrupted = _entries(done, "interrupted")
        return Report(
            calls=self._calls,
            at_once=self._at_once,
            seconds=seconds,
            failed=self._calls - len(done),
            utterances=len(heard),
            turns=len(turns),
            first_audio_ms=_known(turn.first_audio_ms for turn in turns),
            ready_ms=tuple(ms for ms, _ in ready),
            phone_ms=_known(phone),
            endpoint_ms=_known(turn.endpoint_ms for turn in turns),
            stt_ms=_known(turn.ms("stt") for turn in turns),
            llm_ms=_known(turn.ms("llm") for turn in turns),
            tts_ms=_known(turn.ms("tts") for turn in turns),
            retrieval_ms=_known(turn.ms("retrieval") for turn in turns),
            added_ms=tuple(ms - (STT_S + LLM_S + TTS_S) * 1000 for ms, _ in ready),
            engine_ms=tuple(
                ms - (turn.endpoint_ms or 0) - (LLM_S + TTS_S) * 1000 for ms, turn in ready
            ),
            silent_ms=_known(silenced),
            talked_over=silenced.count(None),
            cut_early=sum(max(0, times - 1) for times in heard),
            unheard=heard.count(0),
            blips=len(done),
            recovered=_entries(done, "resumed"),
            barge_ins=len(done),
            interrupted=interrupted,
            cut_by_nobody=max(0, interrupted - len(done)),
            fillers=_entries(done, "filler"),
        )


# -- the call --------------------------------------------------------------------------------------


def _number(n: int) -> str:
    return f"555{n:07d}"


def _answers(n: int) -> list[str]:
    """What the model says in a call: no two begin alike: each first sound is made anew."""
    return [
        f"This is answer {k} to caller {n}, and its first sentence is of middling length. "
        "The second one gives time to talk over it."
        for k in range(1, 10)
    ]


def _scene(folder: Path) -> _Scene:
    words = clinic.caller_words()
    audio = sound.read_wav(clinic.CALLER / _BLIP_OF)
    begin_s, _ = _voice(audio)
    first = 2 * round(begin_s * audio.rate)
    blip = folder / "blip.wav"
    size = 2 * round(_BLIP_S * audio.rate)
    sound.write_wav(blip, Audio(pcm=audio.pcm[first : first + size], rate=audio.rate))
    return _Scene(
        question=_utterance(clinic.CALLER / _QUESTION, words[_QUESTION]),
        blip=_utterance(blip, _BLIP_WORDS),
        again=_utterance(clinic.CALLER / _AGAIN, words[_AGAIN]),
        over=_utterance(clinic.CALLER / _OVER, words[_OVER]),
    )


def _utterance(path: Path, words: str) -> _Utterance:
    begin_s, end_s = _voice(sound.read_wav(path))
    return _Utterance(words=words, speech=Speak(path), begin_s=begin_s, end_s=end_s)


def _voice(audio: Audio) -> tuple[float, float]:
    span = sound.voiced_span(audio, threshold=_VOICED_LEVEL)
    assert span is not None  # recordings that ship with the package
    return span


# -- what is left of it ----------------------------------------------------------------------------


def _ready_ms(turn: Turn) -> float | None:
    made = next((span for span in turn.spans if span.stage == "tts"), None)
    return None if made is None else (made.end_s - turn.speech_ended_s) * 1000


def _frame_of(result: CallResult, utterance: _Utterance, at_s: float) -> int | None:
    """The frame of the call in which an instant of a recording was said."""
    offset = result.caller_audio.find(utterance.speech.pcm)
    return None if offset < 0 else offset // _FRAME_BYTES + round(at_s * 1000 / _FRAME_MS)


def _sounding(result: CallResult) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether the caller hears us, frame by frame."""
    samples = np.abs(np.frombuffer(result.agent_audio, "<i2").astype(np.int32))
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    loud: np.ndarray[Any, np.dtype[np.bool_]] = frames.max(axis=1, initial=0) > _SOUNDING_PEAK
    return loud


def _heard_after_ms(result: CallResult, utterance: _Utterance) -> float | None:
    """From the end of the caller's voice to our first sound."""
    end = _frame_of(result, utterance, utterance.end_s)
    if end is None:
        return None
    later = np.flatnonzero(_sounding(result)[end:])
    return float(later[0] * _FRAME_MS) if len(later) else None


def _over_an_answer(result: CallResult, utterance: _Utterance) -> bool:
    """Whether the voice began while the caller heard us, and not in a gap between sentences."""
    begin = _frame_of(result, utterance, utterance.begin_s)
    return begin is not None and bool(_sounding(result)[begin : begin + 1].any())


def _silent_after_ms(result: CallResult, utterance: _Utterance) -> float | None:
    """From the begin of the caller's voice to the end of our sound; None: it did not end."""
    begin = _frame_of(result, utterance, utterance.begin_s)
    last = 0
    for frame, loud in enumerate(_sounding(result)[begin:][:_OVERTALK_FRAMES]):
        if loud:
            last = frame
        elif frame - last >= _SILENCE_FRAMES:
            return float((last + 1) * _FRAME_MS)
    return None


def _entries(done: Sequence[tuple[CallResult, Journal]], kind: str) -> int:
    return sum(entry.kind == kind for _, journal in done for entry in journal.entries)


def _known(figures: Iterable[float | None]) -> Samples:
    return tuple(float(figure) for figure in figures if figure is not None)


# -- the table -------------------------------------------------------------------------------------


def table(report: Report) -> Table:
    """The report as the command line shows it."""
    shown = Table(
        title=f"Turns: {report.calls} calls, {report.at_once} at once, {report.seconds:.0f} s",
        caption=f"providers take {STT_S * 1000:.0f} (recogniser), {LLM_S * 1000:.0f} (model) and "
        f"{TTS_S * 1000:.0f} ms (voice)",
    )
    shown.add_column("ms")
    for name in ("p50", "p95", "p99", "max", "n"):
        shown.add_column(name, justify="right")
    for name, samples in (
        ("caller's last voice to first audio", report.first_audio_ms),
        ("… to the answer being ready", report.ready_ms),
        ("… to the first sound on the phone", report.phone_ms),
        ("… to the endpoint", report.endpoint_ms),
        ("recogniser, during the endpoint's wait", report.stt_ms),
        ("model, to the first word", report.llm_ms),
        ("voice, first sentence", report.tts_ms),
        ("we add, nothing hidden", report.added_ms),
        ("we add after the endpoint", report.engine_ms),
        ("  of it retrieval", report.retrieval_ms),
        ("voice over an answer to silence", report.silent_ms),
    ):
        shown.add_row(name, *_row(samples))
    shown.add_section()
    for name, figure in (
        ("calls that left their script", f"{report.failed} of {report.calls}"),
        ("turns cut early", f"{report.cut_early} of {report.utterances}"),
        ("utterances that became no turn", f"{report.unheard} of {report.utterances}"),
        (
            "barge-ins that cut the answer",
            f"{min(report.interrupted, report.barge_ins)} of {report.barge_ins}",
        ),
        ("answers cut by nobody", str(report.cut_by_nobody)),
        ("false barge-ins recovered", f"{report.recovered} of {report.blips}"),
        ("voices that did not silence us", str(report.talked_over)),
        ("fillers played", str(report.fillers)),
    ):
        shown.add_row(name, figure)
    return shown


def _row(samples: Samples) -> list[str]:
    if not samples:
        return ["–"] * 4 + ["0"]
    figures = [*(float(np.percentile(samples, q)) for q in (50, 95, 99)), max(samples)]
    return [*(f"{figure:.0f}" for figure in figures), str(len(samples))]
