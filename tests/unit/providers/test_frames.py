from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.frames import Decoder, FrameError, encode

pytestmark = pytest.mark.unit

HEADERS = st.dictionaries(st.text(max_size=8), st.one_of(st.integers(), st.text(), st.none()))


def drain(decoder: Decoder) -> list[tuple[dict[str, Any], bytes]]:
    found = []
    while (frame := decoder.next()) is not None:
        found.append(frame)
    return found


@given(st.lists(st.tuples(HEADERS, st.binary(max_size=64)), max_size=4), st.integers(1, 40))
def test_frames_come_out_as_they_went_in_however_they_are_cut(
    frames: list[tuple[dict[str, Any], bytes]], size: int
) -> None:
    stream = b"".join(encode(header, body) for header, body in frames)
    decoder, found = Decoder(), []
    for start in range(0, len(stream), size):
        decoder.feed(stream[start : start + size])
        found += drain(decoder)
    assert found == frames


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_frame_errors(data: bytes) -> None:
    decoder = Decoder()
    decoder.feed(data)
    try:
        for header, body in drain(decoder):
            assert isinstance(header, dict)
            assert isinstance(body, bytes)
    except FrameError:
        pass


def test_a_length_that_is_too_large_is_refused_before_it_comes() -> None:
    decoder = Decoder()
    decoder.feed(b"\xff\xff\xff\xff\x00\x00\x00\x00")
    with pytest.raises(FrameError):
        decoder.next()


def test_a_header_must_be_an_object() -> None:
    decoder = Decoder()
    decoder.feed(b"\x00\x00\x00\x02\x00\x00\x00\x00[]")
    with pytest.raises(FrameError, match="object"):
        decoder.next()


def test_a_header_that_is_too_large_is_not_sent() -> None:
    with pytest.raises(FrameError):
        encode({"text": "x" * (1 << 21)})
