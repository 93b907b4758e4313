"""What a turn costs: scripted duplex calls in real time, over providers that take a known time.

A caller with a recorded voice asks, says "uh-huh" over the answer, asks again, talks over that
answer, hears what comes of it and hangs up. Server, legs, ears, turns, retrieval, prompts and
stores are the product's own, the audio goes through datagrams, the switch is the stand-in, in a
process of its own with the callers (`_turn_callers`). Recogniser, model and voice are the `fake`
providers, of which each takes exactly `STT_S`, `LLM_S` (to the first word) and `TTS_S`; embeddings
take nothing. What is more than that is ours.

A turn in milliseconds, counted from the caller's last voiced frame:

    |-- endpoint: silence, the recogniser runs meanwhile --|-- retrieval, model, voice --|
    0                                                  endpoint                        ready

- *ready*: until the answer's first sound could be played.
- *first audio*: until it was given to the player; later than *ready* where a filler ("one moment")
  was being played, by what was left of that.
- *greeting*: from the answer to the first sound on the phone, of a greeting that is in the cache.
- *on the phone*: until the first sound of any kind, fillers too, that the caller hears, jitter
  buffer included; off the two timelines of the call, to 20 ms.
- *added, nothing hidden*: ready less all three providers, as if they ran one after the other. It
  holds the silence that tells a pause from the end, as far as the recogniser did not run in it.
- *added after the endpoint*: ready less endpoint, model and voice: what retrieval, greenlets,
  files and the hub take. The recogniser is not in it: the endpoint waits for its words.
- *silent after*: from the caller's first voiced frame over an answer ("uh-huh" too, which pauses
  it) to the end of the last frame of ours that he hears before silence; off the timelines. Once
  as heard, once less what his jitter buffer held: that is what a switch would record.
- *cut early*: turns more than one that came of one utterance.
- *cut by nobody*: answers that were cut, more than voices that were to cut one.
- *begun early*: answers begun before the turn was confirmed (`esl_app.conversation.speculation`);
  what such a turn saved is part of its *ready*, so what *we add* may be less than nothing.
- *hub late*: how much later than due a timer of 10 ms fires: what any other work waits for the hub.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import gevent
import numpy as np
from rich.table import Table

from esl_app.bench._turn_callers import Asked, Over, scene
from esl_app.config import Listen, Settings, Speculation
from esl_app.controller import Controller
from esl_app.demo import clinic
from esl_app.journal import Journal, Turn
from esl_app.ledger import Ledger
from esl_app.leg import Leg
from esl_app.media.duplex.pacer import Histogram, PacerStatistics
from esl_app.media.prompts import PromptCache, PromptKey
from esl_app.stores import Stores
from knowledge import ingest
from providers.deadline import Deadline
from providers.fake import FakeStt
from tenants import repository
from tenants.limits import Quota, save_quota

STT_S: Final = 0.3
LLM_S: Final = 0.5
TTS_S: Final = 0.2

_WORD_S: Final = 0.16  # of voice, a word: the pace of the recordings
_GREETING: Final = "Good morning."
_TIMER_S: Final = 0.01
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
    greeting_ms: Samples
    silent_ms: Samples
    line_silent_ms: Samples
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
    speculation: Ledger
    hub_late: Histogram
    pacer: PacerStatistics
    cpu_percent_per_leg: float
    """Of one core, this process with all its threads."""


def run(
    calls: int = 4, at_once: int = 1, *, speculate: bool = True, streaming: bool = False
) -> Report:
    """Measure; a call takes half a minute.

    Args:
        calls: how many.
        at_once: of them.
        speculate: answers may be begun before the turn is confirmed.
        streaming: the recogniser gives words while they are spoken, each `STT_S` late.

    Raises:
        ValueError: no calls.
    """
    if not 1 <= calls <= _MOST_CALLS or at_once < 1:
        raise ValueError("bench turn: at least one call, and one at once")
    with tempfile.TemporaryDirectory(prefix="voice-ai-bench-") as folder:
        bench = _Bench(Path(folder), calls=calls, at_once=at_once, streaming=streaming)
        return bench.run(speculate=speculate)


class _Bench:
    """One run in its folder."""

    def __init__(self, folder: Path, *, calls: int, at_once: int, streaming: bool) -> None:
        self._calls = calls
        self._streaming = streaming
        self._at_once = at_once
        self._scene = scene(folder)
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
        self._hub_late = Histogram()

    def run(self, *, speculate: bool) -> Report:
        self._settings = self._settings.model_copy(
            update={"speculation": Speculation(enabled=speculate)}
        )
        with (
            Stores(self._settings) as stores,
            Controller(self._settings, stores, on_call=self._over) as controller,
            ExitStack() as held,
        ):
            scripts = [self._tenant(stores, controller, held, n) for n in range(self._calls)]
            controller.start()
            timer = gevent.spawn(self._time_the_hub)
            began, cpu = time.monotonic(), time.process_time()
            over = self._place(controller.server.port, scripts)
            seconds, cpu_s = time.monotonic() - began, time.process_time() - cpu
            timer.kill()
            controller.stop(_DRAIN_S)
            return self._report(over, seconds, cpu_s, controller.pacer.statistics)

    def _place(self, port: int, scripts: Sequence[list[str]]) -> list[Over]:
        """Have the callers' process place the calls; what it tells of them."""
        asked = Asked(
            port=port,
            numbers=[_number(n) for n in range(self._calls)],
            at_once=self._at_once,
        )
        over = []
        with subprocess.Popen(
            [sys.executable, "-m", "esl_app.bench._turn_callers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as callers:
            assert callers.stdin is not None
            assert callers.stdout is not None
            callers.stdin.write(json.dumps(asdict(asked)) + "\n")
            callers.stdin.close()
            for line in callers.stdout:
                told = json.loads(line)
                if "says" in told:
                    scripts[told["says"]["number"]][:] = [told["says"]["words"]]
                else:
                    over.append(Over(**told["over"]))
        return sorted(over, key=lambda call: call.number)

    def _time_the_hub(self) -> None:
        while True:
            due = time.monotonic() + _TIMER_S
            gevent.sleep(_TIMER_S)
            self._hub_late.add(max(0.0, time.monotonic() - due))

    def _over(self, leg: Leg, journal: Journal, facts: dict[str, object]) -> None:
        del facts
        self._journals[leg.uuid] = journal

    def _tenant(self, stores: Stores, controller: Controller, held: ExitStack, n: int) -> list[str]:
        """A tenant of the call's own, so that no sound is cached; what its recogniser hears."""
        configs = {
            "stt": {
                "script": [f"call {n}"],
                "latency_s": STT_S,
                "streaming": self._streaming,
                "word_audio_s": _WORD_S,
            },
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
                    "greeting_message": _GREETING,
                },
                "providers": [
                    {"provider_type": kind, "provider_name": "fake", "config": config}
                    for kind, config in configs.items()
                ],
                "numbers": [_number(n)],
            },
        )
        domain_uuid = tenant.domain.domain_uuid
        with stores.database.tenant(domain_uuid) as cursor:  # every call has the same caller
            save_quota(cursor, domain_uuid, Quota(calls_per_minute_per_caller=None))
        # Held: of hundreds of tenants the pool would close the idle ones, with their scripts.
        engines = held.enter_context(controller.engines.using(tenant))
        for document in sorted(clinic.DOCUMENTS.glob("*.md")):
            ingest.add_document(
                stores.database,
                domain_uuid,
                document,
                engines.embedder,
                Deadline.after(_INGEST_S),
            )
        # The greeting is in the cache, as it is in every call of a tenant but the first.
        PromptCache(self._settings.spool.parent / "prompts").get(
            PromptKey(
                domain_uuid=tenant.domain.domain_uuid,
                provider=engines.tts_fingerprint,
                voice=tenant.secretary.tts_voice_id,
                speed=tenant.secretary.tts_speed,
                language=tenant.secretary.language,
                text=_GREETING,
            ),
            lambda: engines.tts.synthesize(
                _GREETING, language=tenant.secretary.language, deadline=Deadline.after(_INGEST_S)
            ),
            wait_s=_INGEST_S,
        )
        stt = engines.stt
        assert isinstance(stt, FakeStt)
        return stt.settings.script

    def _report(
        self, over: Sequence[Over], seconds: float, cpu_s: float, pacer: PacerStatistics
    ) -> Report:
        done = [
            (call, self._journals[call.uuid])
            for call in over
            if call.finished and call.uuid in self._journals
        ]
        turns = [turn for _, journal in done for turn in journal.turns if turn.question]
        ready = [(ms, turn) for turn in turns if (ms := _ready_ms(turn)) is not None]
        # A turn's question is the recording's words: which utterance it came of.
        became = Counter(
            (n, turn.question) for n, (_, journal) in enumerate(done) for turn in journal.turns
        )
        heard = [became[n, each.words] for n in range(len(done)) for each in self._scene.asked]
        silenced = [(call, ms) for call, _ in done for ms in call.silent_ms]
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
            phone_ms=_known(ms for call, _ in done for ms in call.phone_ms),
            endpoint_ms=_known(turn.endpoint_ms for turn in turns),
            stt_ms=_known(turn.ms("stt") for turn in turns),
            llm_ms=_known(turn.ms("llm") for turn in turns),
            tts_ms=_known(turn.ms("tts") for turn in turns),
            retrieval_ms=_known(turn.ms("retrieval") for turn in turns),
            added_ms=tuple(ms - (STT_S + LLM_S + TTS_S) * 1000 for ms, _ in ready),
            engine_ms=tuple(
                ms - (turn.endpoint_ms or 0) - (LLM_S + TTS_S) * 1000 for ms, turn in ready
            ),
            greeting_ms=_known(call.greeting_ms for call, _ in done),
            silent_ms=_known(ms for _, ms in silenced),
            line_silent_ms=_known(ms - call.held_ms for call, ms in silenced if ms is not None),
            talked_over=sum(ms is None for _, ms in silenced),
            cut_early=sum(max(0, times - 1) for times in heard),
            unheard=heard.count(0),
            blips=len(done),
            recovered=_entries(done, "resumed"),
            barge_ins=len(done),
            interrupted=interrupted,
            cut_by_nobody=max(0, interrupted - len(done)),
            fillers=_entries(done, "filler"),
            speculation=_sum(turn.speculation for _, journal in done for turn in journal.turns),
            hub_late=self._hub_late,
            pacer=pacer,
            cpu_percent_per_leg=100 * cpu_s / max(1.0, sum(call.seconds for call in over)),
        )


def _sum(ledgers: Iterable[Ledger]) -> Ledger:
    total = Ledger()
    for ledger in ledgers:
        total.add(ledger)
    return total


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


# -- what is left of it ----------------------------------------------------------------------------


def _ready_ms(turn: Turn) -> float | None:
    made = next((span for span in turn.spans if span.stage == "tts"), None)
    return None if made is None else (made.end_s - turn.speech_ended_s) * 1000


def _entries(done: Sequence[tuple[Over, Journal]], kind: str) -> int:
    return sum(entry.kind == kind for _, journal in done for entry in journal.entries)


def _known(figures: Iterable[float | None]) -> Samples:
    return tuple(float(figure) for figure in figures if figure is not None)


# -- the table -------------------------------------------------------------------------------------


def table(report: Report) -> Table:
    """The report as the command line shows it."""
    sums = report.speculation
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
        ("greeting from the cache, after the answer", report.greeting_ms),
        ("voice over an answer to silence", report.silent_ms),
        ("… less the phone's jitter buffer", report.line_silent_ms),
    ):
        shown.add_row(name, *_row(samples))
    for name, histogram in (
        ("hub late", report.hub_late),
        ("pacer late", report.pacer.lateness),
        ("beat of all legs", report.pacer.work),
    ):
        figures = [histogram.percentile(q) for q in (50, 95, 99)]
        worst = histogram.worst_s * 1000
        shown.add_row(name, *(f"{ms:g}" for ms in figures), f"{worst:.0f}", str(histogram.total))
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
        ("answers begun early, used", f"{sums.used} of {sums.started}"),
        (
            "… saved; thrown away",
            f"{sums.saved_ms} ms; {sums.prompt_tokens + sums.completion_tokens} tokens",
        ),
        ("CPU a leg, of a core", f"{report.cpu_percent_per_leg:.2f} %"),
    ):
        shown.add_row(name, figure)
    return shown


def _row(samples: Samples) -> list[str]:
    if not samples:
        return ["–"] * 4 + ["0"]
    figures = [*(float(np.percentile(samples, q)) for q in (50, 95, 99)), max(samples)]
    return [*(f"{figure:.0f}" for figure in figures), str(len(samples))]
