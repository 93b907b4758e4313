from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from typing import Any, get_args

import pytest

from providers import create, names, registry, warm_up
from providers.contracts import Kind
from providers.deadline import Deadline
from providers.errors import ConfigError, Unavailable
from providers.fake import FakeLlm
from providers.registry import preload

pytestmark = pytest.mark.unit


def test_every_kind_has_an_offline_adapter_and_a_fake() -> None:
    for kind in get_args(Kind):
        assert {"offline", "fake"} <= set(names(kind))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("stt", "whisper_local"),
        ("stt", "whisper_api"),
        ("stt", "openai"),
        ("tts", "piper_local"),
        ("tts", "openai_tts"),
        ("tts", "espeak_local"),
        ("llm", "extractive"),
        ("llm", "openai"),
        ("embeddings", "local"),
        ("embeddings", "local_embeddings"),
        ("embeddings", "openai"),
        ("embeddings", "openai_embeddings"),
    ],
)
def test_the_names_of_the_database_are_known(kind: str, name: str) -> None:
    assert name in names(kind)


def test_an_unknown_name_is_refused_with_what_is_known() -> None:
    with pytest.raises(ConfigError) as caught:
        create("tts", "nope", {})
    message = str(caught.value)
    assert message.startswith("tts: unknown tts provider 'nope' (known: espeak_local, ")
    assert "\n" not in message


def test_an_unknown_kind_is_refused_with_what_is_known() -> None:
    kind: Any = "realtimes"
    with pytest.raises(ConfigError, match=r"unknown kind .* \(known: stt, tts, llm, embeddings\)"):
        create(kind, "openai", {})


def test_third_parties_register_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    def installed(*, group: str) -> EntryPoints:
        assert group == "voice_ai.providers"
        return EntryPoints(
            [
                EntryPoint("llm.acme", "providers.fake:FakeLlm", group),
                EntryPoint("tts.astray", "providers.fake:NoSuchThing", group),
                EntryPoint("tts.absent", "acme_not_installed:Tts", group),
            ]
        )

    registry._third_parties.cache_clear()
    monkeypatch.setattr(registry, "entry_points", installed)
    try:
        assert "acme" in names("llm")
        assert "acme" not in names("tts")
        assert isinstance(create("llm", "acme", {}), FakeLlm)
        with pytest.raises(ConfigError, match="leads nowhere"):
            create("tts", "astray", {})
        with pytest.raises(Unavailable, match="acme_not_installed"):
            create("tts", "absent", {})
        preload()
    finally:
        registry._third_parties.cache_clear()


def test_what_has_nothing_to_load_is_warm() -> None:
    warm_up(create("llm", "fake", {}), Deadline.after(0))
