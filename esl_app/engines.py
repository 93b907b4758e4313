"""The provider adapters of a worker: one per vendor and configuration, shared by all its calls."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar, cast

import structlog

from providers import registry
from providers.contracts import Embedder, Kind, LanguageModel, SpeechToText, TextToSpeech
from providers.deadline import Deadline
from providers.errors import ProviderError
from tenants.models import ProviderRow, Tenant

log = structlog.get_logger()

_MOST: Final = 256  # adapters kept; beyond, the one unused for longest is closed
_DEFAULT: Final[dict[Kind, str]] = {
    "stt": "offline",
    "tts": "offline",
    "llm": "offline",
    "embeddings": "offline",
}

T = TypeVar("T", SpeechToText, TextToSpeech, LanguageModel, Embedder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """What one tenant's calls are served with."""

    stt: SpeechToText
    tts: TextToSpeech
    llm: LanguageModel
    embedder: Embedder
    tts_fingerprint: str


class EnginePool:
    """Makes adapters when they are first needed and keeps them, connections and models included."""

    def __init__(self) -> None:
        self._adapters: OrderedDict[
            tuple[Kind, str], SpeechToText | TextToSpeech | LanguageModel | Embedder
        ] = OrderedDict()

    def for_tenant(self, tenant: Tenant) -> Engines:
        """The adapters that the tenant's rows name; the offline ones where they name none.

        Raises:
            ProviderError: a row's configuration cannot work; the message names row and field.
        """
        return self._engines(tenant.provider)

    def offline(self) -> Engines:
        """The adapters that need no network.

        Raises:
            ProviderError: their packages are not installed.
        """
        return self._engines(lambda _: None)

    def _engines(self, row_of: Callable[[Kind], ProviderRow | None]) -> Engines:
        return Engines(
            stt=cast(SpeechToText, self._get("stt", row_of("stt"))),
            tts=cast(TextToSpeech, self._get("tts", row_of("tts"))),
            llm=cast(LanguageModel, self._get("llm", row_of("llm"))),
            embedder=cast(Embedder, self._get("embeddings", row_of("embeddings"))),
            tts_fingerprint=_fingerprint("tts", row_of("tts")),
        )

    def warm(self, engines: Engines, deadline: Deadline) -> None:
        """Load models and open connections now; what cannot be is logged, and tried when used."""
        for engine in (engines.stt, engines.tts, engines.embedder, engines.llm):
            try:
                registry.warm_up(engine, deadline)
            except ProviderError as error:
                log.warning("warm_up_failed", error=str(error))

    def close(self) -> None:
        """Close every adapter, its worker processes and connections."""
        while self._adapters:
            self._adapters.popitem()[1].close()

    def _get(
        self, kind: Kind, row: ProviderRow | None
    ) -> SpeechToText | TextToSpeech | LanguageModel | Embedder:
        key = (kind, _fingerprint(kind, row))
        adapter = self._adapters.get(key)
        if adapter is None:
            name = row.provider_name if row else _DEFAULT[kind]
            adapter = registry.create(kind, name, row.config if row else {})
            self._adapters[key] = adapter
            if len(self._adapters) > _MOST:
                self._adapters.popitem(last=False)[1].close()
        self._adapters.move_to_end(key)
        return adapter


def _fingerprint(kind: Kind, row: ProviderRow | None) -> str:
    """Name and configuration as a digest: a changed key makes a new adapter."""
    name = registry.canonical(kind, row.provider_name if row else _DEFAULT[kind])
    config = json.dumps(row.config if row else {}, sort_keys=True, default=str)
    return f"{name}:{hashlib.sha256(config.encode()).hexdigest()[:16]}"
