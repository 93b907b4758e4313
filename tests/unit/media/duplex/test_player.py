"""What is played, to the sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.media.duplex import Player, Position

pytestmark = pytest.mark.unit


def pcm(samples: int, first: int = 1) -> bytes:
    """Samples that count up, none of them silent."""
    return (np.arange(first, first + samples) % 30000 + 1).astype("<i2").tobytes()


def frames(player: Player, count: int) -> bytes:
    return b"".join(player.next_frame() for _ in range(count))


def test_it_is_silent_when_there_is_nothing() -> None:
    player = Player(16000)
    assert player.next_frame() == bytes(640)
    assert player.idle
    assert not player.playing
    assert player.cut() == ()


def test_clips_follow_each_other_without_a_gap() -> None:
    player = Player(8000)
    one, two = pcm(250), pcm(300, 1000)
    player.enqueue("1", one)
    player.enqueue("2", two)
    assert player.left_s == pytest.approx(550 / 8000)
    assert frames(player, 4) == (one + two).ljust(4 * 320, b"\0")
    assert player.idle


def test_a_cut_says_how_much_of_each_clip_was_sent() -> None:
    player = Player(8000)
    for clip_id, samples in (("1", 200), ("2", 300), ("3", 400)):
        player.enqueue(clip_id, pcm(samples))
    frames(player, 2)
    assert player.cut() == (
        Position(clip_id="1", samples=200, total=200),
        Position(clip_id="2", samples=120, total=300),
        Position(clip_id="3", samples=0, total=400),
    )
    assert player.next_frame() == player.silence
    assert player.cut() == ()


def test_it_resumes_with_the_sample_after_the_last_one() -> None:
    player = Player(8000)
    sound = pcm(480)
    player.enqueue("1", sound)
    heard = player.next_frame()
    player.pause()
    playing = [player.playing]
    assert frames(player, 5) == bytes(5 * 320)
    player.resume()
    playing.append(player.playing)
    assert playing == [False, True]
    assert heard + frames(player, 2) == sound


def test_a_cut_ends_a_pause() -> None:
    player = Player(8000)
    player.pause()
    player.cut()
    player.enqueue("1", pcm(160))
    assert player.next_frame() == pcm(160)


def test_a_late_piece_is_silence_and_nothing_is_lost() -> None:
    player = Player(8000)
    sound = pcm(400)
    player.enqueue("1", sound[:500], complete=False)
    assert player.next_frame() == sound[:320]
    assert not player.playing
    assert frames(player, 3) == bytes(3 * 320)
    assert (player.starved_frames, player.idle) == (3, False)
    player.enqueue("1", sound[500:], complete=False)
    assert player.next_frame() == sound[320:640]
    player.finish("1")
    assert player.next_frame() == sound[640:].ljust(320, b"\0")
    assert player.idle


def test_another_clip_completes_the_one_before() -> None:
    player = Player(8000)
    player.enqueue("1", pcm(100), complete=False)
    player.enqueue("2", pcm(60))
    assert player.next_frame() == pcm(100) + pcm(60)
    assert player.idle


def test_it_tells_when_the_last_clip_is_over_and_only_then() -> None:
    told: list[int] = []
    player = Player(8000, on_idle=lambda: told.append(1))
    player.enqueue("1", pcm(160))
    player.enqueue("2", pcm(161))
    player.enqueue("empty", b"")
    for _ in range(2):
        player.next_frame()
        assert not told
    frames(player, 3)
    assert told == [1]


def test_the_positions_of_a_long_call_are_bounded() -> None:
    player = Player(8000)
    for number in range(2000):
        player.enqueue(str(number), pcm(160))
        player.next_frame()
    assert len(player.positions()) < 1000
    assert player.positions()[-1].clip_id == "1999"


@pytest.mark.parametrize(("rate", "frame_ms"), [(0, 20), (8000, 0), (11025, 15), (-8000, 20)])
def test_a_frame_has_whole_samples(rate: int, frame_ms: int) -> None:
    with pytest.raises(ValueError, match="samples"):
        Player(rate, frame_ms)


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="3 bytes"):
        Player(8000).enqueue("1", b"abc")


@given(
    st.lists(st.lists(st.integers(0, 700), min_size=1, max_size=4), max_size=6),
    st.lists(st.booleans(), max_size=60),
)
def test_whatever_the_pieces_every_sample_is_sent_once_in_order(
    clips: list[list[int]], pauses: list[bool]
) -> None:
    player = Player(8000)
    wanted = b""
    for number, pieces in enumerate(clips):
        for at, samples in enumerate(pieces):
            piece = pcm(samples, len(wanted) // 2)
            player.enqueue(str(number), piece, complete=at == len(pieces) - 1)
            wanted += piece
    heard = b""
    for pause in pauses:
        if pause:
            player.pause()
            assert player.next_frame() == player.silence
            player.resume()
        heard += player.next_frame()
    sent = sum(position.samples for position in player.positions())
    assert heard[: 2 * sent] == wanted[: 2 * sent]
    assert heard[2 * sent :].strip(b"\0") == b""
    heard += frames(player, len(wanted) // 320 + 2)
    assert heard.rstrip(b"\0") == wanted.rstrip(b"\0")
    assert player.idle
    assert all(position.whole for position in player.cut())
