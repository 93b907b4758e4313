"""The provider adapters of a worker: one per vendor and configuration, shared by all its calls."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, cast

import structlog

from esl_app.media.switch_recogniser import is_ours
from providers import registry
from providers.contracts import Embedder, Kind, LanguageModel, SpeechToText, TextToSpeech
from providers.deadline import Deadline
from providers.errors import ProviderError
from tenants.models import ProviderRow, Tenant
from tenants.secrets import reveal

log = structlog.get_logger()

MOST: Final = 256  # adapters kept; beyond, those unused for longest are closed
_DEFAULT: Final[dict[Kind, str]] = {
    "stt": "offline",
    "tts": "offline",
    "llm": "offline",
    "embeddings": "offline",
}

Adapter = SpeechToText | TextToSpeech | LanguageModel | Embedder


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """Which adapter: one of these is made once."""

    kind: Kind
    name: str
    config: str = field(repr=False)  # JSON, so that it can be a key; may hold an account's

    @property
    def fingerprint(self) -> str:
        """Name and configuration as a digest: a changed key makes another sound."""
        return f"{self.name}:{hashlib.sha256(self.config.encode()).hexdigest()[:16]}"

    @classmethod
    def of(cls, kind: Kind, row: ProviderRow | None, **overrides: str) -> _Choice:
        config = {**reveal(row.config if row else {}), **overrides}
        return cls(
            kind=kind,
            name=registry.canonical(kind, row.provider_name if row else _DEFAULT[kind]),
            config=json.dumps(config, sort_keys=True, default=str),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Engines:
    """What one tenant's calls are served with."""

    stt: SpeechToText
    tts: TextToSpeech
    llm: LanguageModel
    embedder: Embedder
    tts_fingerprint: str


class EnginePool:
    """Makes adapters when they are first needed and keeps them, connections and models included.

    Args:
        most: adapters kept. One that a call uses is never closed, so many calls at once, each of
            another tenant, hold more.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._adapters: OrderedDict[_Choice, Adapter] = OrderedDict()
        self._users: Counter[_Choice] = Counter()

    @contextmanager
    def using(self, tenant: Tenant) -> Iterator[Engines]:
        """`for_tenant`, with adapters that nobody closes before the block is left."""
        choices = _choices(tenant)
        engines = self._engines(choices)
        self._users.update(choices.values())
        try:
            self._trim()
            yield engines
        finally:
            self._users.subtract(choices.values())
            self._trim()

    def for_tenant(self, tenant: Tenant) -> Engines:
        """The adapters that the tenant's rows name; the offline ones where they name none.

        Raises:
            ProviderError: a row's configuration cannot work; the message names row and field.
        """
        return self._engines(_choices(tenant))

    def offline(self) -> Engines:
        """The adapters that need no network.

        Raises:
            ProviderError: their packages are not installed.
        """
        return self._engines({kind: _Choice.of(kind, None) for kind in _DEFAULT})

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

    def _engines(self, choices: dict[Kind, _Choice]) -> Engines:
        return Engines(
            stt=cast(SpeechToText, self._get(choices["stt"])),
            tts=cast(TextToSpeech, self._get(choices["tts"])),
            llm=cast(LanguageModel, self._get(choices["llm"])),
            embedder=cast(Embedder, self._get(choices["embeddings"])),
            tts_fingerprint=choices["tts"].fingerprint,
        )

    def _get(self, choice: _Choice) -> Adapter:
        adapter = self._adapters.get(choice)
        if adapter is None:
            adapter = registry.create(choice.kind, choice.name, json.loads(choice.config))
            self._adapters[choice] = adapter
        self._adapters.move_to_end(choice)
        return adapter

    def _trim(self) -> None:
        idle = [choice for choice in self._adapters if not self._users[choice]]
        for choice in idle[: max(0, len(self._adapters) - self._most)]:
            self._adapters.pop(choice).close()
            del self._users[choice]


def _choices(tenant: Tenant) -> dict[Kind, _Choice]:
    """The tenant's first choices, with the secretary's own model for the answers."""
    model = tenant.secretary.llm_model_override
    overrides: dict[Kind, dict[str, str]] = {"llm": {"model": model}} if model else {}
    rows = {
        kind: next((row for row in tenant.providers.get(kind, ()) if not is_ours(row)), None)
        for kind in _DEFAULT
    }
    return {kind: _Choice.of(kind, row, **overrides.get(kind, {})) for kind, row in rows.items()}
