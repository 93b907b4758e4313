from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from esl_app.media import sound
from providers.contracts import Audio
from providers.sound import resample

pytestmark = pytest.mark.unit


def tone(seconds: float, *, level: int = 8000, rate: int = 8000, hertz: float = 440) -> Audio:
    t = np.arange(int(seconds * rate)) / rate
    return Audio(pcm=(level * np.sin(2 * np.pi * hertz * t)).astype("<i2").tobytes(), rate=rate)


def silence(seconds: float) -> Audio:
    return Audio(pcm=bytes(int(seconds * 8000) * 2), rate=8000)


def test_a_file_comes_back_as_it_was(tmp_path: Path) -> None:
    sound.write_wav(tmp_path / "a.wav", tone(0.5))
    assert sound.read_wav(tmp_path / "a.wav") == tone(0.5)
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"], "no unfinished file stays"


def test_two_tracks_are_mixed_down_and_padded(tmp_path: Path) -> None:
    sound.write_channels(tmp_path / "ab.wav", [tone(0.5), silence(1.0)])
    mixed = sound.read_wav(tmp_path / "ab.wav")
    assert mixed.duration_s == pytest.approx(1.0)
    assert not any(np.frombuffer(mixed.pcm, "<i2")[4001:])


def test_a_file_that_is_no_wav_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFFnothing")
    with pytest.raises(ValueError, match=r"bad\.wav: not a WAV file"):
        sound.read_wav(bad)


def test_a_link_in_the_spool_is_not_followed(tmp_path: Path) -> None:
    sound.write_wav(tmp_path / "real.wav", tone(0.1))
    (tmp_path / "link.wav").symlink_to(tmp_path / "real.wav")
    with pytest.raises(OSError, match="Too many levels"):
        sound.read_wav(tmp_path / "link.wav")


def test_resampling_keeps_the_tone() -> None:
    up = resample(tone(1.0), 16000)
    spectrum = np.abs(np.fft.rfft(np.frombuffer(up.pcm, "<i2")))
    assert up.duration_s == pytest.approx(1.0, abs=0.01)
    assert int(spectrum.argmax()) == pytest.approx(440, abs=2)


def joined(parts: list[Audio]) -> Audio:
    return Audio(pcm=b"".join(part.pcm for part in parts), rate=parts[0].rate)


def test_speech_is_found_where_it_is() -> None:
    audio = joined([silence(0.5), tone(0.4), silence(1.1)])
    assert sound.voiced_span(audio, threshold=300) == pytest.approx((0.5, 0.9), abs=0.021)


def test_a_click_is_not_speech() -> None:
    audio = joined([silence(0.5), tone(0.02), silence(0.5)])
    assert sound.voiced_span(audio, threshold=300) is None
