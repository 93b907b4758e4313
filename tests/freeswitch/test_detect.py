"""Detect mode on real calls: FreeSWITCH's `test` engine hears the telephone."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from esl_app.errors import Hangup
from esl_app.journal import Journal
from esl_app.leg import UNSPECIFIED, Leg
from esl_app.media import sound
from esl_app.media.contract import Heard, Played
from esl_app.media.detect import DetectMedia
from esl_app.media.file import FileMedia
from esl_app.media.prompts import Prompt
from esl_app.media.spool import Spool
from esl_app.media.switch_recogniser import SwitchRecogniser
from esl_app.server import ListenSettings, Server
from providers.contracts import Audio
from providers.deadline import Deadline
from tests.freeswitch.config import NUMBER
from tests.freeswitch.sipcaller import Phone
from tests.freeswitch.sounds import load_wav, tone
from tests.freeswitch.switch import FreeSwitch

pytestmark = pytest.mark.freeswitch

PARKING = Path(__file__).parents[1] / "audio" / "parking.wav"
ENGINE = SwitchRecogniser(
    engine="test",
    params={"vad-silence-ms": 400, "vad-voice-ms": 40, "vad-thresh": 200, "no-input-timeout": -1},  # type: ignore[dict-item]
)

Flow = Callable[[DetectMedia, Journal], object]


def listen(media: DetectMedia, *, no_input_s: float = 3.0) -> Heard:
    return media.listen(no_input_s=no_input_s, silence_s=1.0, longest_s=10.0)


@pytest.fixture(scope="module")
def switch(start_switch: Callable[..., FreeSwitch]) -> FreeSwitch:
    """A FreeSWITCH with the shipped configuration and, as that allows, mod_test."""
    return start_switch(extra_modules=["mod_test"])


@pytest.fixture
def prompt(tmp_path: Path) -> Callable[[float], Prompt]:
    """A tone to be played, so many seconds long."""

    def make(seconds: float) -> Prompt:
        path = tmp_path / f"{seconds}.wav"
        sound.write_wav(path, Audio(pcm=tone(700, seconds), rate=8000))
        return Prompt(path=path, duration_s=seconds, cached=True, synthesis_s=0.0)

    return make


@contextlib.contextmanager
def served(
    switch: FreeSwitch, spool: Path, flow: Flow, recogniser: SwitchRecogniser = ENGINE
) -> Iterator[list[Journal]]:
    """Our server where FreeSWITCH looks for its controller; the flow begins when answered."""
    failures: list[BaseException] = []
    journals: list[Journal] = []

    def handler(leg: Leg) -> None:
        journal = Journal()
        journals.append(journal)
        leg_spool = Spool(spool).open_leg(uuid4(), leg.uuid)
        file = FileMedia(leg, leg_spool)
        media = DetectMedia(leg, file=file, recogniser=recogniser, journal=journal)
        try:
            media.prepare()
            leg.answer(Deadline.after(5))
            flow(media, journal)
            leg.hangup()
        except Hangup as over:
            journal.add("over", cause=over.cause)
            raise
        except BaseException as error:
            failures.append(error)
            raise
        finally:
            leg_spool.close()

    host, port = switch.primary
    server = Server(ListenSettings(host=host, port=port), handler)
    server.start()
    try:
        yield journals
    finally:
        server.stop(5)
    if failures:
        raise failures[0]


def test_words_come_from_the_engine(
    switch: FreeSwitch, phone: Phone, tmp_path: Path, prompt: Callable[[float], Prompt]
) -> None:
    heard: list[Heard] = []

    def flow(media: DetectMedia, _: Journal) -> None:
        media.play(prompt(0.5))
        assert media.sent_s == 0.5
        heard.extend([listen(media), listen(media)])
        heard.append(listen(media, no_input_s=0.5))

    with served(switch, tmp_path / "spool", flow) as journals:
        call = phone.call(NUMBER)
        call.listen(quiet_ms=300)
        call.say(load_wav(PARKING))
        time.sleep(1.0)
        call.say(load_wav(PARKING))
        call.ended.wait(10)
    assert [bool(h.words) for h in heard] == [True, True, False]
    assert heard[0].words is not None
    assert heard[0].words.text == "agent"
    assert heard[0].confidence == pytest.approx(0.873)
    assert heard[0].recogniser == "freeswitch:test"
    assert [entry.kind for entry in journals[0].entries] == ["detect"]


def test_a_voice_silences_a_prompt_and_is_heard_after_it(
    switch: FreeSwitch, phone: Phone, tmp_path: Path, prompt: Callable[[float], Prompt]
) -> None:
    played: list[Played] = []
    sent_s: list[float] = []
    heard: list[Heard] = []

    def flow(media: DetectMedia, _: Journal) -> None:
        played.append(media.play(prompt(15.0)))
        sent_s.append(media.sent_s)
        heard.append(listen(media))
        played.append(media.play(prompt(1.0), barge_in=False))
        sent_s.append(media.sent_s)

    with served(switch, tmp_path / "spool", flow):
        call = phone.call(NUMBER)
        call.heard.wait_for_sound(since=0.0, timeout_s=5.0)
        time.sleep(1.0)
        began = time.monotonic()
        call.say(load_wav(PARKING))
        silent = call.heard.spurts(began)[0].end - began
        call.ended.wait(15)
    assert [one.voice for one in played] == [True, False]
    assert 0.5 < sent_s[0] < 5.0
    assert sent_s[1] == 1.0
    assert heard[0].words is not None
    assert heard[0].words.text == "agent"
    assert silent < 1.0, "from the first frame said, silence before the voice included"


@pytest.mark.parametrize(("engine", "says"), [("nosuch", "ASR INIT ERROR")])
def test_an_engine_that_is_not_there_falls_back(
    switch: FreeSwitch, phone: Phone, tmp_path: Path, prompt: Callable[[float], Prompt],
    engine: str, says: str,
) -> None:  # fmt: skip
    found: list[Heard] = []

    def flow(media: DetectMedia, _: Journal) -> None:
        media.play(prompt(0.5))
        found.append(listen(media))

    with served(switch, tmp_path / "spool", flow, SwitchRecogniser(engine=engine)) as journals:
        call = phone.call(NUMBER)
        call.listen(quiet_ms=300)
        call.say(load_wav(PARKING))
        call.ended.wait(10)
    fell = journals[0].last("file_mode")
    assert fell is not None
    assert fell.data["reason"] == f"{engine}: {says}"
    assert found[0].audio is not None, "recorded, for the tenant's recogniser"


@pytest.mark.parametrize("after_s", [0.2, 0.8, 2.5])
def test_a_hang_up_in_the_middle_of_it_ends_everything(
    switch: FreeSwitch, phone: Phone, tmp_path: Path, prompt: Callable[[float], Prompt],
    after_s: float,
) -> None:  # fmt: skip
    def flow(media: DetectMedia, _: Journal) -> None:
        media.play(prompt(0.4))
        while True:
            listen(media)

    with served(switch, tmp_path / "spool", flow) as journals:
        call = phone.call(NUMBER)
        call.media.say(load_wav(PARKING))
        time.sleep(after_s)
        call.hangup()
        switch.wait_idle()
        deadline = time.monotonic() + 3
        while journals[0].last("over") is None and time.monotonic() < deadline:
            time.sleep(0.02)
    over = journals[0].last("over")
    assert over is not None
    # Without linger the socket's end may overtake CHANNEL_HANGUP, and the cause with it.
    assert over.data["cause"] in {"NORMAL_CLEARING", UNSPECIFIED}
