"""Small values and helpers: text, sound, deadlines, sharing, headers, weights."""

from __future__ import annotations

import hashlib
import time
from email.utils import formatdate
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.contracts import Audio
from providers.deadline import Deadline
from providers.engine import EngineError, check, package_file
from providers.openai_client import retry_after_s
from providers.shared import Shared
from providers.sound import at_rate, from_wav, level_dbfs, resample, samples, to_wav
from providers.stt.whisper_local import _languages
from providers.text import clean, primary, speakable

pytestmark = pytest.mark.unit


@given(st.text())
def test_clean_text_can_be_stored_printed_and_sent(text: str) -> None:
    cleaned = clean(text)
    cleaned.encode()
    assert not any(ord(each) < 32 and each not in "\n\t" for each in cleaned)
    assert clean(cleaned) == cleaned


def test_clean_keeps_what_people_write() -> None:
    text = "Olá, «ça va»?\n\tSí: 10 € — 👍"
    assert clean(text) == text
    assert clean("a\r\nb\rc\x00\x1b[31md\x85\ud800") == "a\nb\nc[31md"


@pytest.mark.parametrize(("text", "yes"), [("Hi", True), ("7", True), ("á", True), ("… —!", False)])
def test_speakable(text: str, yes: bool) -> None:
    assert speakable(text) is yes


@pytest.mark.parametrize(
    ("tag", "found"), [("pt-BR", "pt"), ("pt_BR", "pt"), ("EN", "en"), ("es-419", "es")]
)
def test_primary_subtag(tag: str, found: str) -> None:
    assert primary(tag) == found


@given(st.lists(st.integers(-32768, 32767), min_size=1), st.sampled_from([8000, 16000, 22050]))
def test_wav_out_and_in_is_the_same_sound(values: list[int], rate: int) -> None:
    audio = Audio(pcm=np.array(values, "<i2").tobytes(), rate=rate)
    assert from_wav(to_wav(audio)) == audio


@pytest.mark.parametrize("data", [b"", b"RIFF", b"<html>", b"RIFF\x00\x00\x00\x00WAVEfmt "])
def test_what_is_not_wav_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a WAV file"):
        from_wav(data)


def test_half_a_sample_at_the_end_is_no_sound() -> None:
    odd = Audio(pcm=bytes(8001), rate=8000)
    assert len(resample(odd, 16_000).pcm) == len(
        resample(Audio(pcm=bytes(8000), rate=8000), 16_000).pcm
    )


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_resampling_keeps_length_and_pitch(rate: int) -> None:
    tone = 0.5 * np.sin(np.arange(8000) * 2 * np.pi * 440 / 8000)
    audio = Audio(pcm=(tone * 32767).astype("<i2").tobytes(), rate=8000)
    found = at_rate(audio, rate)
    assert abs(len(found) - rate) <= 1
    spectrum = np.abs(np.fft.rfft(found))
    assert abs(int(spectrum.argmax()) - 440) <= 1


def test_levels() -> None:
    assert level_dbfs(np.zeros(100, np.float32)) == -120
    assert level_dbfs(samples(Audio(pcm=b"", rate=8000))) == -120
    full = np.ones(100, np.float32)
    assert level_dbfs(full) == pytest.approx(0)
    assert level_dbfs(full * np.float32(0.1)) == pytest.approx(-20, abs=0.01)


def test_an_odd_byte_at_the_end_is_dropped() -> None:
    assert len(samples(Audio(pcm=b"\x01\x00\x02", rate=8000))) == 1


def test_a_deadline_is_an_instant_that_parts_share() -> None:
    deadline = Deadline.after(60)
    assert 59 < deadline.remaining_s <= 60
    assert not deadline.passed
    assert deadline.sooner(1).remaining_s <= 1
    assert deadline.sooner(3600) == deadline
    over = Deadline(time.monotonic() - 1)
    assert over.passed
    assert over.remaining_s == 0


class Thing:
    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


def test_a_shared_thing_is_made_once_and_closed_by_the_last() -> None:
    shared: Shared[Thing] = Shared()
    one, two, other = (shared.hold(key, Thing) for key in ("a", "a", "b"))
    assert one is two
    assert one is not other
    shared.release("a")
    assert one.closed == 0
    shared.release("a")
    assert (one.closed, other.closed) == (1, 0)
    assert shared.hold("a", Thing) is not one


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "999999"}, 3600.0),
        ({"retry-after": formatdate(0, usegmt=True)}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after-ms": "x"}, None),
        ({"retry-after-ms": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_retry_after_a_date() -> None:
    found = retry_after_s({"retry-after": formatdate(time.time() + 30, usegmt=True)})
    assert found is not None
    assert 25 < found <= 30


def test_weights_are_compared_with_what_was_tried(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"weights")
    good = hashlib.sha256(b"weights").hexdigest()
    check(tmp_path, {"model.bin": good})
    with pytest.raises(EngineError, match="not the file we know"):
        check(tmp_path, {"model.bin": "0" * 64})
    with pytest.raises(EngineError, match=r"other\.bin is missing"):
        check(tmp_path, {"other.bin": good})


def test_a_file_of_a_package_that_is_not_there() -> None:
    with pytest.raises(EngineError, match="'no_such_package' is not installed"):
        package_file("no_such_package", "x")
    with pytest.raises(EngineError, match=r"holds no nothing\.bin"):
        package_file("providers", "nothing.bin")


def test_a_whisper_folder_tells_what_it_hears(tmp_path: Path) -> None:
    vocabulary = tmp_path / "vocabulary.txt"
    vocabulary.write_text("\n".join(str(number) for number in range(51864)))
    assert _languages(str(tmp_path)) == ("en",)
    vocabulary.write_text("\n".join(str(number) for number in range(51865)))
    assert _languages(str(tmp_path)) == ()
    assert _languages(str(tmp_path / "nowhere")) == ()
