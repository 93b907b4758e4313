"""The stand-in against every recorded session of a real FreeSWITCH."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.switchsim.replay import MismatchError, Replay
from tests.transcript_files import load, names

pytestmark = pytest.mark.integration

_POCKETSPHINX = "the engine is pocketsphinx, which the stand-in has without a grammar"
_BACKLOG = (
    "on a busy machine FreeSWITCH still delivered CHANNEL_CREATE and its first states after the "
    "subscription: a race"
)
_PIPE = "named pipes and growing files are not played"
# What the stand-in cannot do. A transcript leaves this table when it passes, and not before.
NOT_REPRODUCED = {
    "d8_displace": "uuid_displace and uuid_fileman are not there",
    "e5_uuid_record": f"uuid_record; and {_BACKLOG}",
    "f5_pads_pocketsphinx": _POCKETSPHINX,
    "f6_detect_pocketsphinx": _POCKETSPHINX,
    "f10_vadtest_talk": "20 s of silence took FreeSWITCH 30 s to play",
    "f12_abort_pads": "whether a hang-up or the closing engine ends it is a race",
    "f15_vad_bargein": "whether the second copy of an event or an application is first is a race",
    "g6_uuid_bridge": "uuid_bridge, which takes the channel out of its socket",
    "g6b_uuid_bridge_park": "uuid_bridge, which takes the channel out of its socket",
    "g7_hold": "uuid_hold, hold and the caller's own re-INVITE",
    "g8_deflect": "deflect (SIP REFER)",
    "g9_originate_socket": "the call is originated by FreeSWITCH: no INVITE from a caller",
    "g9b_originate_socket": "the call is originated by FreeSWITCH: no INVITE from a caller",
    "g10_conference": "conference",
    "i3_before_connect": _BACKLOG,
    "k3_streams": "say, speak and local_stream need FreeSWITCH's own voices",
    "k5_fifo": _PIPE,
    "k5b_fifo_break_nowriter": _PIPE,
    "k6_growing": _PIPE,
    "k7_shell_stream": "shell_stream",
    "k8_fifo_native": _PIPE,
    "k9_shell_paced": "shell_stream",
    "l1_detect_apps": "detect_audio, detect_silence and wait_for_silence",
    "l2_vad_test": "vad_test",
    "l3_tone_avmd": "tone_detect and avmd",
    "l4_talk": "TALK and NOTALK",
}
# Reproduced on the wire, though more went on beside it than the stand-in does.
BESIDE_THE_WIRE = {
    "j10_blackhole": "no SYN is dropped: only the caller's CANCEL is compared",
    "e6_record_grow": "a recording in mu-law is not written, and that nobody is told either",
    "m1_unicast": "the datagrams go to a port nobody reads: only the event socket is compared",
    "m2_unicast_tcpdump": "mu-law datagrams are not sent: only the event socket is compared",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("replay")


@pytest.mark.parametrize("name", [name for name in names() if name not in NOT_REPRODUCED])
def test_says_what_freeswitch_said(name: str, folder: Path) -> None:
    Replay(load(name), folder).run()


@pytest.mark.parametrize("name", sorted(NOT_REPRODUCED))
def test_table_of_what_is_missing_is_true(name: str, folder: Path) -> None:
    with pytest.raises(MismatchError):
        Replay(load(name), folder).run()


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        (b"CHANNEL_UNPARK", b"CHANNEL_UNHOLD"),
        (b"FILE%20PLAYED", b"FILE%20WASTED"),
        (b"will linger 3", b"will linger 4"),
        (b"Linger-Time: 3", b"Linger-Time: 4"),
        (b"CS_REPORTING", b"CS_RESETTING"),
    ],
)
def test_a_difference_is_noticed(said: bytes, instead: bytes, folder: Path) -> None:
    """The comparison itself, tried on a transcript that says something else."""
    true = load("a1_basic")
    lines = tuple(replace(line, data=line.data.replace(said, instead)) for line in true.lines)
    assert lines != true.lines
    with pytest.raises(MismatchError):
        Replay(replace(true, lines=lines), folder).run()


def test_what_freeswitch_did_not_say_is_noticed(folder: Path) -> None:
    true = load("a1_basic")
    lines = tuple(line for line in true.lines if b"Content-Disposition: linger" not in line.data)
    with pytest.raises(MismatchError):
        Replay(replace(true, lines=lines), folder).run()


def test_tables_name_transcripts_that_exist() -> None:
    assert set(NOT_REPRODUCED) | set(BESIDE_THE_WIRE) <= set(names())
    assert not set(NOT_REPRODUCED) & set(BESIDE_THE_WIRE)
