from __future__ import annotations

from pathlib import Path

import pytest

from esl_app import config
from esl_app.errors import ConfigError

pytestmark = pytest.mark.unit


def settings_file(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "voice-ai.toml"
    file.write_text(text)
    return file


def test_the_shipped_file_holds_the_defaults() -> None:
    assert config.load(Path("conf/voice-ai.toml")) == config.Settings()


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_AI_LISTEN__PORT", "9000")
    monkeypatch.setenv("VOICE_AI_DATABASE_URL", "postgresql://x/y")
    settings = config.load(settings_file(tmp_path, "[listen]\nport = 8085\nmax_legs = 7\n"))
    assert (settings.listen.port, settings.listen.max_legs) == (9000, 7)
    assert "postgresql" not in repr(settings), "a URL may hold a password"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[listen]\nprot = 1\n", r"voice-ai\.toml: listen\.prot: unknown key"),
        ("listne = 1\n", r"voice-ai\.toml: listne: unknown key"),
        (
            "[listen]\nport = 'x'\n",
            r"voice-ai\.toml: listen\.port: Input should be a valid integer",
        ),
        ("[listen\n", r"voice-ai\.toml: "),
        ("[call]\nflow = '../x'\n", r"voice-ai\.toml: call\.flow: "),
        ("[listen]\nallow = ['10.0.0.300/8']\n", r"voice-ai\.toml: listen\.allow"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config.load(settings_file(tmp_path, text))


def test_unknown_environment_keys_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOICE_AI_LISTEN__PROT", "1")
    with pytest.raises(ConfigError, match="VOICE_AI_LISTEN__PROT: unknown key"):
        config.load(settings_file(tmp_path, ""))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.toml: no such settings file"):
        config.load(tmp_path / "nowhere.toml")
