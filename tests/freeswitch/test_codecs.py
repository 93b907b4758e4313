"""Telephones with other codecs and packets than 20 ms of mu-law: the same sound both ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gevent
import numpy as np
import pytest

from esl_app.leg import Leg
from esl_app.media import sound
from esl_app.media.duplex import UnicastLink
from providers.sound import resample
from tenants.db import Database
from tests.fix_calls import AUDIO
from tests.freeswitch.codecs import Codec
from tests.freeswitch.config import NUMBER
from tests.freeswitch.linked import Ears, controlled, play
from tests.freeswitch.scripted import scripted
from tests.freeswitch.sipcaller import Call, Phone
from tests.freeswitch.sounds import pitch
from tests.freeswitch.switch import FreeSwitch

pytestmark = pytest.mark.freeswitch

CODECS = (
    *(Codec(name="PCMU", frame_ms=ms) for ms in (10, 20, 30, 40, 60)),
    *(Codec(name="L16", rate=rate) for rate in (8000, 16000, 24000, 48000)),
    *(Codec(name="L16", rate=16000, frame_ms=ms) for ms in (10, 40)),
)


@pytest.fixture(scope="module")
def switch(start_switch: Callable[..., FreeSwitch]) -> FreeSwitch:
    """A FreeSWITCH that takes them all."""
    return start_switch(codecs=",".join(codec.preference for codec in CODECS))


def voice(rate: int, seconds: float, seed: int) -> bytes:
    """Noise up to 3.4 kHz whose loudness changes as syllables do: no part is like another."""
    count = int(rate * seconds)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=count))
    spectrum[np.fft.rfftfreq(count, 1 / rate) > 3400] = 0
    sound = np.fft.irfft(spectrum, count)
    sound *= 1.2 + np.sin(np.arange(count) * (2 * np.pi * 4 / rate))
    pcm: bytes = (sound / np.abs(sound).max() * 12000).astype("<i2").tobytes()
    return pcm


def likeness(heard: bytes, said: bytes, rate: int) -> float:
    """Of the middle of what was said with the place in `heard` where it fits best; 1: the same."""
    whole = np.frombuffer(heard, "<i2").astype(np.float64)
    words = np.frombuffer(said, "<i2").astype(np.float64)
    part = words[rate // 4 : -rate // 4]
    size = 1 << (whole.size + part.size).bit_length()
    fits = np.fft.irfft(np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size)), size)
    at = int(np.argmax(fits[: whole.size - part.size]))
    return float(np.corrcoef(whole[at : at + part.size], part)[0, 1])


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.preference)
def test_what_is_said_either_way_arrives_as_it_was(switch: FreeSwitch, codec: Codec) -> None:
    ours, theirs = (voice(codec.rate, 1.5, seed) for seed in (1, 2))
    seen: list[tuple[UnicastLink, Ears]] = []

    def flow(_leg: Leg, link: UnicastLink, ears: Ears) -> None:
        seen.append((link, ears))
        play(link, ours)
        gevent.sleep(0.5)

    with controlled(switch, flow), Phone(switch=switch.sip, codec=codec) as phone:
        call = phone.call(NUMBER)
        call.say(theirs, wait=False)
        call.wait_ended()
    switch.wait_idle()
    (link, ears), *_ = seen
    assert link.rate == codec.rate
    assert (link.statistics.wrong_size, ears.lost) == (0, [])
    if call.media.worst_lateness_s > 0.1:
        pytest.skip("the telephone itself stuttered, and FreeSWITCH drops what comes late")
    # Mu-law keeps 38 dB: 0.9999. A lost packet in 1.5 s, or one at the wrong place, is below 0.99.
    assert likeness(ears.pcm(), theirs, codec.rate) > 0.999
    heard = b"".join(frame.pcm for frame in call.heard.frames())
    assert likeness(heard, ours, codec.rate) > 0.999


def test_a_conversation_is_held_at_every_rate_and_packet_length(
    switch: FreeSwitch, database: Database, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    question = sound.read_wav(AUDIO / "parking.wav")
    stores = (database, database_url, redis_url)
    codecs = [codec for codec in CODECS if codec.rate in {16000, 48000} or codec.frame_ms == 30]

    def heard(call: Call, since: float) -> float:
        spurt = call.listen(since=since, quiet_ms=800)
        return pitch(call.heard.pcm(spurt.start, spurt.end), rate=call.heard.codec.rate)

    with scripted(switch, stores, tmp_path, answers=["Yes indeed."]) as site:
        for codec in codecs:
            with Phone(switch=switch.sip, codec=codec) as phone:
                call = phone.call(NUMBER)
                assert heard(call, 0.0) == pytest.approx(440, abs=5)
                said = call.say(resample(question, codec.rate).pcm)
                assert heard(call, said.ended_at) == pytest.approx(440, abs=5)
                call.hangup()
            switch.wait_idle()
        asked = [m["audio_duration_ms"] for m in site.messages() if m["role"] == "user"]
        entries = site.product.entries
    assert len(asked) == len(codecs)
    # A rate taken for another would have made it half as long, or twice.
    assert asked == pytest.approx([question.duration_s * 1000] * len(codecs), rel=0.3)
    assert not [entry for entry in entries if entry["event"] in {"duplex_given_up", "duplex_lost"}]
