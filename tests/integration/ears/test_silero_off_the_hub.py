"""Silero beside the hub, in real time: what it costs others, and what it does when it is slow."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import gevent
import numpy as np
import pytest
from gevent.monkey import get_original

from esl_app.ears import (
    EnergyVad,
    Judged,
    Listener,
    SileroVad,
    SpeechContinues,
    SpeechEvent,
    SpeechStarted,
    best_vad,
    networks,
)
from esl_app.ears.networks import Network, SileroLite, SileroWide, installed
from providers.engine import EngineError, package_file
from tests.unit.ears import sounds
from tests.unit.ears.networks import LoudIsSpeech

pytestmark = pytest.mark.integration

# One comes with the offline recogniser; the other is a package of its own.
KINDS = [kind for kind in (SileroLite, SileroWide) if find_spec(kind.package)]


def load(kind: type[SileroLite | SileroWide]) -> Network:
    return kind(package_file(kind.package, kind.folder) / kind.file)


def native_sleep(seconds: float) -> None:
    """A sleep that holds the thread, as computing would: gevent's lets the hub in."""
    get_original("time", "sleep")(seconds)


def in_real_time(sound: bytes) -> Iterator[tuple[bytes, float]]:
    start = time.monotonic()
    for frame, at_s in sounds.frames(sound):
        gevent.sleep(max(0.0, start + at_s - time.monotonic()))
        yield frame, at_s


@pytest.fixture
def talk() -> bytes:
    return sounds.silence(0.3) + sounds.speech("parking") + sounds.silence(0.4)


@pytest.mark.parametrize("kind", KINDS)
def test_many_legs_together_hear_what_one_hears_alone(
    kind: type[SileroLite | SileroWide], talk: bytes
) -> None:
    """In one run or one by one, a leg's answers are its own."""
    network = load(kind)
    alone: list[Judged] = []
    stream = SileroVad(network, inline=True).open(8000, alone.append)
    for frame, at_s in sounds.frames(talk):
        stream.feed(frame, at_s)
    vad = SileroVad(network, patience_s=1.0)
    heard: list[list[Judged]] = [[] for _ in range(10)]
    streams = [vad.open(8000, one.append) for one in heard]
    for frame, at_s in in_real_time(talk):
        for each in streams:
            each.feed(frame, at_s)
    gevent.sleep(0.1)
    assert vad.counters.overdue == 0
    assert vad.counters.jobs < vad.counters.asked / 4, "legs shared jobs"
    vad.close()
    for one in heard:
        assert [judged.at_s for judged in one] == [judged.at_s for judged in alone]
        assert [judged.probability for judged in one] == pytest.approx(
            [judged.probability for judged in alone], abs=0.02
        )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [8000, 16_000, 24_000, 48_000])
def test_every_rate_is_heard(kind: type[SileroLite | SileroWide], rate: int) -> None:
    import soxr

    sound = np.frombuffer(sounds.silence(0.5) + sounds.speech("insurance"), "<i2")
    pcm = soxr.resample(sound, 8000, rate).astype("<i2").tobytes()
    listener = Listener(SileroVad(load(kind), inline=True), rate=rate)
    size = rate // 50 * 2
    found = [
        event
        for number in range(len(pcm) // size)
        for event in listener.feed(pcm[number * size :][:size], (number + 1) * 0.02)
    ]
    assert isinstance(found[0], SpeechStarted)
    assert 0.6 <= found[0].at_s <= 0.9


def test_thirty_legs_talk_at_once(talk: bytes) -> None:
    vad = SileroVad(installed())
    listeners = [Listener(vad) for _ in range(30)]
    starts = [0] * len(listeners)
    for frame, at_s in in_real_time(talk):
        for number, listener in enumerate(listeners):
            events = listener.feed(frame, at_s)
            starts[number] += sum(isinstance(event, SpeechStarted) for event in events)
            gevent.sleep(0)
    vad.close()
    assert min(starts) >= 1


def test_a_network_that_computes_leaves_the_hub_free() -> None:
    """On the hub, each run would hold it for 300 ms."""
    late: list[float] = []

    def tick() -> None:
        while True:
            due = time.monotonic() + 0.005
            gevent.sleep(0.005)
            late.append(time.monotonic() - due)

    vad = SileroVad(LoudIsSpeech(lambda: native_sleep(0.3)))
    listeners = [Listener(vad) for _ in range(30)]
    ticker = gevent.spawn(tick)
    for frame, at_s in in_real_time(sounds.noise(1.0, -15)):
        for listener in listeners:
            listener.feed(frame, at_s)
    ticker.kill()
    vad.close()
    assert vad.counters.jobs >= 1
    # A busy machine makes a tick late now and then; on the hub, every run would.
    assert sum(seconds > 0.25 for seconds in late) < vad.counters.jobs


def test_a_slow_network_makes_hearing_worse_not_later() -> None:
    vad = SileroVad(LoudIsSpeech(lambda: native_sleep(0.4)))
    known: list[tuple[SpeechEvent, float]] = []
    start = time.monotonic()
    listener = Listener(vad, on_event=lambda e: known.append((e, time.monotonic() - start)))
    for frame, at_s in in_real_time(sounds.silence(0.2) + sounds.noise(0.6, -15)):
        listener.feed(frame, at_s)
    assert vad.counters.overdue > 0
    vad.close()
    started, wall_s = known[0]
    assert isinstance(started, SpeechStarted)
    assert started.at_s == pytest.approx(0.192)
    assert wall_s < 0.2 + 0.4, "the first answer would come after that"


def test_a_network_that_fails_leaves_the_level(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise RuntimeError("out of memory")

    caplog.set_level(logging.ERROR)
    vad = SileroVad(LoudIsSpeech(fail))
    listener = Listener(vad)
    found: list[SpeechEvent] = []
    for frame, at_s in in_real_time(sounds.silence(0.2) + sounds.noise(0.6, -15)):
        found += listener.feed(frame, at_s)
    vad.close()
    assert [type(e) for e in found if not isinstance(e, SpeechContinues)] == [SpeechStarted]


def test_a_handler_that_fails_deafens_no_other_leg() -> None:
    def fail(_: Judged) -> None:
        raise RuntimeError("handler")

    vad = SileroVad(LoudIsSpeech(), patience_s=5.0)
    heard: list[Judged] = []
    broken, sound = vad.open(8000, fail), vad.open(8000, heard.append)
    for frame, at_s in sounds.frames(sounds.noise(0.2, -15)):
        for stream in (broken, sound):
            try:
                stream.feed(frame, at_s)
            except RuntimeError:
                assert stream is broken
    gevent.sleep(0.2)
    vad.close()
    assert len(heard) == 6


def test_without_a_network_there_is_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str, path: str) -> Path:
        raise EngineError(f"the package {package!r} holds no {path}")

    monkeypatch.setattr(networks, "package_file", missing)
    assert isinstance(best_vad(), EnergyVad)


def test_another_file_under_the_name_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / SileroLite.file).write_bytes(b"another network")
    monkeypatch.setattr(networks, "package_file", lambda _package, _path: tmp_path)
    with pytest.raises(EngineError, match="is not the file we know"):
        installed()
