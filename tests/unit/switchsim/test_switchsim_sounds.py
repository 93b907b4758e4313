from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from esl_app.switchsim.sounds import open_sound
from esl_app.switchsim.wavefile import WavFile

pytestmark = pytest.mark.unit


def write_wav(path: Path, samples: object, *, rate: int = 8000, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(np.asarray(samples, "<i2").tobytes())
    return path


def peak_hz(samples: object) -> float:
    data = np.asarray(samples, float)
    return float(np.argmax(np.abs(np.fft.rfft(data))) * 8000 / len(data))


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
def test_any_rate_becomes_8_khz_and_keeps_its_pitch(tmp_path: Path, rate: int) -> None:
    tone = 8000 * np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)
    sound = open_sound(str(write_wav(tmp_path / "tone.wav", tone, rate=rate)))
    assert sound is not None
    assert len(sound.samples) == pytest.approx(8000, abs=2)
    assert peak_hz(sound.samples) == pytest.approx(1000, abs=2)
    assert sound.source_rate == rate
    assert sound.source_samples == pytest.approx(rate, abs=12)


def test_stereo_becomes_mono(tmp_path: Path) -> None:
    frames = np.tile([100, 300], 800)
    sound = open_sound(str(write_wav(tmp_path / "two.wav", frames, channels=2)))
    assert sound is not None
    assert set(sound.samples.tolist()) == {200}


def test_relative_names_live_under_the_root(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", [1, 2, 3])
    assert open_sound("a.wav", tmp_path) is not None
    assert open_sound("a.wav") is None


def test_what_freeswitch_does_not_find(tmp_path: Path) -> None:
    (tmp_path / "corrupt.wav").write_bytes(b"RIFF....")
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.xyz").write_text("no sound")
    write_wav(tmp_path / "nothing.wav", [])
    for name in ("missing.wav", "corrupt.wav", "empty.wav", "text.xyz", "nothing.wav", "."):
        assert open_sound(name, tmp_path) is None, name
    assert open_sound("http://127.0.0.1/x.wav", tmp_path) is None
    assert open_sound("say:hello", tmp_path) is None


def test_a_rewritten_file_is_read_anew(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", [1] * 100)
    first = open_sound(str(path))
    write_wav(path, [2] * 300)
    second = open_sound(str(path))
    assert first is not None
    assert second is not None
    assert (len(first.samples), len(second.samples)) == (100, 300)


def test_tones_silence_and_strings_of_files(tmp_path: Path) -> None:
    tone = open_sound("tone_stream://%(500,200,800);loops=2")
    assert tone is not None
    assert len(tone.samples) == 2 * (4000 + 1600)
    assert peak_hz(tone.samples[:4000]) == pytest.approx(800, abs=2)
    assert not tone.samples[4000:5600].any()
    silence = open_sound("silence_stream://250,1400")
    assert silence is not None
    assert len(silence.samples) == 2000
    write_wav(tmp_path / "a.wav", [1] * 100)
    both = open_sound("file_string://a.wav!gone.wav!a.wav", tmp_path)
    assert both is not None
    assert len(both.samples) == 200


@pytest.mark.parametrize(
    ("code", "sample"), [(0xFF, 0), (0x7F, 0), (0x80, 32124), (0x00, -32124), (0xD5, 716)]
)
def test_mu_law(tmp_path: Path, code: int, sample: int) -> None:
    """Values of G.711, table 2a."""
    (tmp_path / "a.PCMU").write_bytes(bytes([code]))
    sound = open_sound(str(tmp_path / "a.PCMU"))
    assert sound is not None
    assert sound.samples.tolist() == [sample]


def test_a_recording_is_a_wav_file_once_closed(tmp_path: Path) -> None:
    path = tmp_path / "r.wav"
    with WavFile(path) as file:
        assert path.read_bytes()[40:44] == bytes(4)  # no size while it grows
        file.write(b"\1\0" * 40000)
        assert path.stat().st_size == 44 + 80000  # a whole block has been written
        file.write(b"\2\0" * 10)
        assert path.stat().st_size == 44 + 80000
        assert file.samples == 40010
    with wave.open(str(path), "rb") as reader:
        assert (reader.getframerate(), reader.getnchannels()) == (8000, 1)
        assert reader.getnframes() == 40010
    with WavFile(path, append=True) as file:
        file.write(b"\3\0" * 5)
        assert file.samples == 5
    with wave.open(str(path), "rb") as reader:
        assert reader.getnframes() == 40015


def test_paths_that_cannot_be_recorded_to(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        WavFile(tmp_path / "missing" / "r.wav")
    with pytest.raises(ValueError, match="extension"):
        WavFile(tmp_path / "r.xyz")
