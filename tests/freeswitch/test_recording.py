"""The recording of a call beside duplex audio, on real calls: both voices, each on its side."""

from __future__ import annotations

import time
import wave
from pathlib import Path
from uuid import UUID, uuid4

import gevent
import numpy as np
import pytest

from esl_app.journal import Journal
from esl_app.leg import Leg
from esl_app.media.duplex import Player, UnicastLink
from esl_app.recording import CallRecording, Recordings
from tests.freeswitch.config import NUMBER
from tests.freeswitch.linked import Ears, controlled, play, soon
from tests.freeswitch.sipcaller import Phone
from tests.freeswitch.sounds import pitch, tone
from tests.freeswitch.switch import FreeSwitch

pytestmark = pytest.mark.freeswitch

DOMAIN = UUID("d3300000-0000-4000-8000-000000000001")
CALLER_HZ, AGENT_HZ = 700, 1100


def record(
    leg: Leg, recordings: Recordings, journal: Journal, conversation: UUID | None = None
) -> CallRecording:
    """Of a leg that has been answered since it connected."""
    made = CallRecording(
        leg,
        recordings=recordings,
        domain_uuid=DOMAIN,
        conversation_uuid=conversation or uuid4(),
        journal=journal,
    )
    made.begin()
    return made


def sides(path: Path) -> list[bytes]:
    with wave.open(str(path), "rb") as reader:
        assert (reader.getnchannels(), reader.getframerate()) == (2, 8000)
        samples = np.frombuffer(reader.readframes(reader.getnframes()), "<i2").reshape(-1, 2)
    return [samples[:, side].tobytes() for side in (0, 1)]


def stretches(pcm: bytes) -> list[tuple[float, float]]:
    """Seconds between which there is sound."""
    frames = np.frombuffer(pcm, "<i2")[: len(pcm) // 320 * 160].reshape(-1, 160).astype(float)
    loud = np.flatnonzero(np.sqrt((frames**2).mean(axis=1)) > 500)
    if not len(loud):
        return []
    parts = np.split(loud, np.flatnonzero(np.diff(loud) > 5) + 1)
    return [(float(part[0]) * 0.02, float(part[-1] + 1) * 0.02) for part in parts]


def test_both_voices_each_on_its_side(switch: FreeSwitch, phone: Phone, tmp_path: Path) -> None:
    journal = Journal()
    files: list[str | None] = []

    def flow(leg: Leg, link: UnicastLink, ears: Ears) -> None:
        recording = record(leg, Recordings(tmp_path), journal)
        files.append(recording.file)
        player = Player(link.rate)
        link.source = player.next_frame
        gevent.sleep(1.0)
        player.enqueue("1", tone(AGENT_HZ, 1.0))
        gevent.sleep(2.0)
        player.enqueue("2", tone(AGENT_HZ, 0.5))
        gevent.sleep(1.0)
        assert not ears.lost, "recording ended the duplex link"

    with controlled(switch, flow):
        call = phone.call(NUMBER)
        time.sleep(0.3)
        call.say(tone(CALLER_HZ, 0.5), wait=False)
        call.wait_ended(15)
    switch.wait_idle()
    assert [entry.kind for entry in journal.entries] == ["recording"]
    assert files[0] is not None
    caller, agent = sides(tmp_path / files[0])
    assert 3.5 < len(caller) / 16000 < 4.6
    [said] = stretches(caller)
    first, second = stretches(agent)
    assert said[1] - said[0] == pytest.approx(0.5, abs=0.08)
    assert first[1] - first[0] == pytest.approx(1.0, abs=0.08)
    assert second[0] - first[0] == pytest.approx(2.0, abs=0.15), "silence between is kept"
    for pcm, (start, end), hz in ((caller, said, CALLER_HZ), (agent, first, AGENT_HZ)):
        part = pcm[int(start * 8000) * 2 : int(end * 8000) * 2]
        assert pitch(part) == pytest.approx(hz, abs=5)


def test_a_masked_stretch_is_silent_and_as_long(
    switch: FreeSwitch, phone: Phone, tmp_path: Path
) -> None:
    journal = Journal()
    files: list[str | None] = []

    def flow(leg: Leg, link: UnicastLink, _: Ears) -> None:
        recording = record(leg, Recordings(tmp_path), journal)
        files.append(recording.file)
        player = Player(link.rate)
        link.source = player.next_frame
        player.enqueue("1", tone(AGENT_HZ, 3.0))
        gevent.sleep(1.0)
        with recording.masked():
            gevent.sleep(1.0)
        gevent.sleep(1.5)

    with controlled(switch, flow):
        call = phone.call(NUMBER)
        call.wait_ended(15)
    switch.wait_idle()
    _, agent = sides(tmp_path / (files[0] or ""))
    before, after = stretches(agent)
    assert after[0] - before[1] == pytest.approx(1.0, abs=0.15)
    assert after[1] - before[0] == pytest.approx(3.0, abs=0.15)


@pytest.mark.parametrize("way", ["transferred", "died"])
def test_a_leg_that_comes_back_goes_on_with_its_file(
    switch: FreeSwitch, phone: Phone, tmp_path: Path, way: str
) -> None:
    journal = Journal()
    conversation = uuid4()

    def flow(leg: Leg, link: UnicastLink, _: Ears) -> None:
        made = record(leg, Recordings(tmp_path), journal, conversation)
        again = leg.channel.get("Answer-State") == "answered"
        play(link, tone(AGENT_HZ if again else CALLER_HZ, 1.5))
        gevent.sleep(0.5)
        assert made.file is not None
        if again:
            return
        if way == "died":
            leg.close()
        else:
            context = leg.channel.get("Caller-Context") or ""
            leg.transfer(NUMBER, context=context, deadline=soon())

    with controlled(switch, flow):
        phone.call(NUMBER).wait_ended(20)
    switch.wait_idle()
    assert {entry.kind for entry in journal.entries} == {"recording"}
    _, agent = sides(tmp_path / str(DOMAIN) / f"{conversation}.wav")
    first, second = stretches(agent)
    for (start, end), hz in ((first, CALLER_HZ), (second, AGENT_HZ)):
        assert end - start == pytest.approx(1.5, abs=0.15)
        assert pitch(agent[int(start * 8000) * 2 : int(end * 8000) * 2]) == pytest.approx(hz, abs=5)


class Elsewhere(Recordings):
    """A file where a directory should be: FreeSWITCH cannot write there, and says nothing."""

    def path(self, domain_uuid: UUID, conversation_uuid: UUID) -> Path:
        self.root.write_bytes(b"")
        return self.root / str(domain_uuid) / f"{conversation_uuid}.wav"


@pytest.mark.parametrize("where", ["missing", "/proc"])
def test_where_nothing_is_written_the_call_goes_on(
    switch: FreeSwitch, phone: Phone, tmp_path: Path, where: str
) -> None:
    journal = Journal()
    # /proc takes no directory, whoever asks: there we notice it first.
    recordings = Recordings(Path("/proc/x")) if where == "/proc" else Elsewhere(tmp_path / "file")

    def flow(leg: Leg, _: UnicastLink, ears: Ears) -> None:
        assert record(leg, recordings, journal).file is None
        gevent.sleep(0.5)
        assert not ears.lost

    with controlled(switch, flow):
        phone.call(NUMBER).wait_ended(15)
    assert [entry.kind for entry in journal.entries] == ["not_recorded"]
