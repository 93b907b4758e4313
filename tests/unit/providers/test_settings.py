from __future__ import annotations

from typing import Any

import pytest

from providers import create
from providers.contracts import Kind
from providers.errors import ConfigError

pytestmark = pytest.mark.unit

SECRET = "sk-CANARY-0123"


@pytest.mark.parametrize(
    ("kind", "name", "config", "message"),
    [
        ("llm", "openai", {}, "openai: config: api_key is missing"),
        ("tts", "openai_tts", {}, "openai_tts: config: api_key is missing"),
        ("stt", "whisper_api", {}, "whisper_api: config: api_key is missing"),
        ("embeddings", "openai", {}, "openai: config: api_key is missing"),
        ("llm", "openai", {"api_key": " "}, "openai: config: api_key: empty"),
        ("llm", "openai", {"api_key": f"{SECRET}\nX-Evil: 1"}, "openai: config: api_key: "),
        ("llm", "openai", {"api_key": [SECRET]}, "openai: config: api_key: "),
        ("llm", "openai", {"base_url": "file:///etc/passwd"}, "openai: config: base_url: not an"),
        ("llm", "openai", {"base_url": f"http://u:{SECRET}@h/"}, "openai: config: base_url: not"),
        ("llm", "openai", {"api_key": SECRET, "modle": "x"}, "openai: config: modle: unknown key"),
        (
            "embeddings",
            "openai",
            {"api_key": SECRET, "model": "other"},
            "openai: config: dimensions is missing (not known for model 'other')",
        ),
        ("stt", "whisper_local", {"model": "/nowhere"}, "whisper_local: config: model: neither"),
        ("tts", "piper_local", {"model": "/nowhere"}, "piper_local: config: model: neither"),
        ("embeddings", "local", {"model": "/nowhere"}, "local: config: model: neither"),
        ("stt", "whisper_local", {"processes": 0}, "whisper_local: config: processes: "),
        ("llm", "fake", {"script": ["fail:everything"]}, "fake: config: script: 'fail:everything'"),
    ],
)
def test_what_is_wrong_is_said_on_one_line_with_the_field_and_no_secret(
    kind: Kind, name: str, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        create(kind, name, config)
    text = str(caught.value)
    assert text.startswith(message)
    assert "\n" not in text
    assert SECRET not in text + repr(caught.value)
    assert caught.value.__suppress_context__


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(ConfigError, match=r"processes: .*; colour: unknown key"):
        create("stt", "whisper_local", {"processes": 99, "colour": "blue"})


def test_a_key_never_shows() -> None:
    from providers.openai_client import OpenAiAccount

    account = OpenAiAccount.model_validate({"api_key": f"  {SECRET}\n"})
    assert SECRET not in f"{account!r} {account} {account.model_dump()}"
    assert account.api_key is not None
    assert account.api_key.get_secret_value() == SECRET  # pasted with its line's end
