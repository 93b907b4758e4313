"""Which adapters exist, by kind and by the name the database uses.

A vendor is one line here and one module; the module, and with it the vendor's SDK, is imported when
an adapter is first created, because SDKs take seconds to import. Third parties add adapters through
the entry point group `voice_ai.providers`, with entries named `kind.name`:

    [project.entry-points."voice_ai.providers"]
    "tts.acme" = "acme_voice:AcmeTts"

An adapter is called with its `config` mapping and keeps the contract of its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Literal, cast, get_args, overload

import structlog
from pydantic import BaseModel

from providers.contracts import Embedder, Kind, LanguageModel, SpeechToText, TextToSpeech
from providers.deadline import Deadline
from providers.errors import ConfigError, Unavailable

log = structlog.get_logger()

ENTRY_POINT_GROUP = "voice_ai.providers"

Provider = SpeechToText | TextToSpeech | LanguageModel | Embedder

_ADAPTERS: dict[tuple[str, str], str] = {
    ("stt", "whisper_local"): "providers.stt.whisper_local:WhisperLocal",
    ("stt", "whisper_api"): "providers.stt.whisper_api:WhisperApi",
    ("stt", "deepgram"): "providers.stt.deepgram:Deepgram",
    ("stt", "fake"): "providers.fake:FakeStt",
    ("tts", "piper_local"): "providers.tts.piper_local:PiperLocal",
    ("tts", "espeak_local"): "providers.tts.espeak_local:EspeakLocal",
    ("tts", "openai_tts"): "providers.tts.openai_tts:OpenAiTts",
    ("tts", "fake"): "providers.fake:FakeTts",
    ("llm", "extractive"): "providers.llm.extractive:Extractive",
    ("llm", "openai"): "providers.llm.openai:OpenAiChat",
    ("llm", "fake"): "providers.fake:FakeLlm",
    ("embeddings", "local"): "providers.embeddings.local:LocalEmbedder",
    ("embeddings", "openai"): "providers.embeddings.openai:OpenAiEmbedder",
    ("embeddings", "fake"): "providers.fake:FakeEmbedder",
}

# "offline" is, for each kind, what works without a network and without a key.
_ALIASES: dict[tuple[str, str], str] = {
    ("stt", "offline"): "whisper_local",
    ("stt", "openai"): "whisper_api",
    ("tts", "offline"): "piper_local",
    ("tts", "openai"): "openai_tts",
    ("llm", "offline"): "extractive",
    ("embeddings", "offline"): "local",
    ("embeddings", "local_embeddings"): "local",
    ("embeddings", "openai_embeddings"): "openai",
}

# The extra that brings what an adapter of ours needs, for the message when it is not there.
_EXTRAS = {
    "whisper_local": "offline",
    "piper_local": "offline",
    "local": "offline",
    "deepgram": "deepgram",
    "whisper_api": "openai",
    "openai_tts": "openai",
    "openai": "openai",
}


@overload
def create(kind: Literal["stt"], name: str, config: Mapping[str, Any]) -> SpeechToText: ...
@overload
def create(kind: Literal["tts"], name: str, config: Mapping[str, Any]) -> TextToSpeech: ...
@overload
def create(kind: Literal["llm"], name: str, config: Mapping[str, Any]) -> LanguageModel: ...
@overload
def create(kind: Literal["embeddings"], name: str, config: Mapping[str, Any]) -> Embedder: ...
@overload
def create(kind: Kind, name: str, config: Mapping[str, Any]) -> Provider: ...
def create(kind: str, name: str, config: Mapping[str, Any]) -> Provider:
    """A new adapter. It loads nothing heavy yet: see `warm_up`. The caller closes it.

    Raises:
        ConfigError: the kind, the name or a value of `config` is not one we know.
        Unavailable: the package the adapter needs is not installed.
    """
    if kind not in get_args(Kind):
        raise ConfigError(
            f"unknown kind of provider {kind!r} (known: {', '.join(get_args(Kind))})", provider=name
        )
    target = _target(kind, name)
    if target is None:
        raise ConfigError(
            f"unknown {kind} provider {name!r} (known: {', '.join(names(kind))})", provider=kind
        )
    return _load(target, kind, name)(config)


def preload() -> None:
    """Import every adapter there is, before calls come: an SDK's import stops all greenlets.

    Measured: 0.37 s for OpenAI's, on the first call that needed it. What is not installed is left
    out, and said when somebody asks for it.
    """
    for (kind, name), target in {**_third_parties(), **_ADAPTERS}.items():
        try:
            _load(target, kind, name)
        except Exception as error:  # noqa: BLE001 - code of third parties, which nobody may use
            log.info("adapter_left_out", kind=kind, name=name, error=str(error))


def names(kind: str) -> tuple[str, ...]:
    """Every name `create` knows for a kind, aliases and third parties included, sorted."""
    known = {name for of, name in (*_ADAPTERS, *_ALIASES, *_third_parties()) if of == kind}
    return tuple(sorted(known))


def canonical(kind: str, name: str) -> str:
    """The name behind an alias; any other name as it is."""
    return _ALIASES.get((kind, name), name)


def secret_fields(kind: str, name: str) -> frozenset[str]:
    """The fields of an adapter's `config` that its model calls secret (`SecretStr`).

    The models are those of the adapter's module, so that no adapter has to say it twice. An unknown
    adapter, or one whose SDK is not installed here, has none that we could know.
    """
    return frozenset(
        field
        for model in _models(kind, name) or ()
        for field, info in model.model_fields.items()
        if "SecretStr" in str(info.annotation) or "SecretBytes" in str(info.annotation)
    )


def config_fields(kind: str, name: str) -> frozenset[str] | None:
    """The fields that an adapter's `config` may have; None for an adapter that is not here."""
    models = _models(kind, name)
    return None if models is None else frozenset(f for model in models for f in model.model_fields)


def warm_up(provider: object, deadline: Deadline) -> None:
    """Load now what the first use would load: processes, models, connections.

    Cheap for an adapter that is warm already, and for one that has nothing to load.

    Raises:
        ProviderError: as the first use would.
    """
    warm = getattr(provider, "warm_up", None)
    if warm is not None:
        warm(deadline)


def _target(kind: str, name: str) -> str | None:
    key = (kind, canonical(kind, name))
    return _ADAPTERS.get(key) or _third_parties().get(key)


def _models(kind: str, name: str) -> list[type[BaseModel]] | None:
    """The models in an adapter's module; None without the adapter or its SDK."""
    target = _target(kind, name)
    if target is None:
        return None
    try:
        module = import_module(target.partition(":")[0])
    except ImportError:
        return None
    return [
        model
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, BaseModel)
    ]


def _load(target: str, kind: str, name: str) -> Callable[[Mapping[str, Any]], Provider]:
    module, _, attribute = target.partition(":")
    try:
        return cast(
            Callable[[Mapping[str, Any]], Provider], getattr(import_module(module), attribute)
        )
    except ImportError as error:
        extra = _EXTRAS.get(canonical(kind, name))
        remedy = f"; install voice-ai-ivr[{extra}]" if extra else ""
        raise Unavailable(
            f"the {kind} adapter needs the package {error.name or target!r}{remedy}", provider=name
        ) from error
    except AttributeError as error:
        raise ConfigError(f"entry point {target!r} leads nowhere", provider=name) from error


@cache
def _third_parties() -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        kind, _, name = entry.name.partition(".")
        found.setdefault((kind, name), entry.value)
    return found
