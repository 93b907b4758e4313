"""`voice-ai serve` beside FreeSWITCH with providers that follow scripts: calls cost little, and
what one hears of them is the engine's and FreeSWITCH's alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from tenants import repository
from tenants.db import Database
from tenants.limits import Quota, save_quota
from tests.fix_calls import FLOWS, UNLIMITED
from tests.fix_pg import KEYS
from tests.freeswitch.config import NUMBER
from tests.freeswitch.product import Product
from tests.freeswitch.switch import FreeSwitch

Stores = tuple[Database, str, str]
"""The database, its URL, and Redis's."""


@dataclass(frozen=True, slots=True)
class Scripted:
    """The server, and what it has written down."""

    product: Product
    database: Database
    domain_uuid: UUID

    def conversations(self) -> dict[str, list[dict[str, Any]]]:
        """Conversations by the caller's number, oldest first."""
        found: dict[str, list[dict[str, Any]]] = {}
        for row in self._select("SELECT * FROM voice_ai.conversation ORDER BY start_time"):
            found.setdefault(str(row["caller_id_number"]), []).append(row)
        return found

    def messages(self) -> list[dict[str, Any]]:
        """All messages, by turn."""
        return self._select("SELECT * FROM voice_ai.message ORDER BY turn_number, role DESC")

    def _select(self, query: Any) -> list[dict[str, Any]]:
        with self.database.tenant(self.domain_uuid) as cursor:
            cursor.execute(query)
            return [dict(row) for row in cursor.fetchall()]


@contextmanager
def scripted(
    switch: FreeSwitch,
    stores: Stores,
    folder: Path,
    *,
    flow: Path | None = None,
    greeting: str = "Good morning.",
    answers: Sequence[str] = ("word " * 12 + "end.",),
    quota: Mapping[str, Any] | None = None,
    **secretary: Any,
) -> Iterator[Scripted]:
    """Serve the switch's tenant, in duplex, with the shipped flow or one of the test's own."""
    database, database_url, redis_url = stores
    scripts = {"stt": ["Is there parking?"], "llm": list(answers), "tts": [], "embeddings": []}
    tenant = repository.create_tenant(
        database,
        {
            "domain": {
                "domain_uuid": UUID(switch.settings.domain_uuid),
                "domain_name": f"{uuid4()}.example",
            },
            "secretary": {
                "secretary_name": "Ana",
                "media_mode": "duplex",
                "greeting_message": greeting,
                "transfer_message": "Just a moment.",
                "transfer_extension": "2000",
                "transfer_context": "default",
                **secretary,
            },
            "providers": [
                {"provider_type": kind, "provider_name": "fake", "config": {"script": script}}
                for kind, script in scripts.items()
            ],
            "numbers": [NUMBER],
        },
    )
    domain_uuid = tenant.domain.domain_uuid
    with database.tenant(domain_uuid) as cursor:
        save_quota(cursor, domain_uuid, Quota(**(UNLIMITED | dict(quota or {}))))
    flows, data_dir = folder / "flows", folder / "data"
    shutil.copytree(FLOWS, flows, ignore=shutil.ignore_patterns("__pycache__"))
    data_dir.mkdir()
    if flow is not None:
        shutil.copy(flow, flows)
    with Product(
        data_dir,
        switch.primary,
        token=switch.token,
        module="tests.freeswitch.watched_serve",
        VOICE_AI_DATABASE_URL=database_url,
        VOICE_AI_REDIS_URL=redis_url,
        VOICE_AI_KEYS=KEYS,
        VOICE_AI_WARM_OFFLINE="false",
        VOICE_AI_FLOWS_DIR=str(flows),
        VOICE_AI_CALL__FLOW=flow.stem if flow else "reception",
    ) as product:
        yield Scripted(product, database, tenant.domain.domain_uuid)
