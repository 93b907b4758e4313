"""Whole calls through the stand-in: a controller on real stores, with scripted providers."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import gevent
import pytest
from pydantic import SecretStr

from esl_app.config import CallLimits, Listen, ProviderDeadlines, Settings
from esl_app.controller import Controller
from esl_app.journal import Journal
from esl_app.leg import Leg
from esl_app.stores import Stores
from esl_app.switchsim import Caller, CallResult, Speak, Switch
from esl_app.switchsim.caller import Heard, Mouth
from esl_app.worker import Observer
from providers.fake import FakeStt
from tenants import repository
from tenants.db import Database
from tenants.limits import Price, Quota, save_price, save_quota
from tenants.models import Conversation, MessageRow, Tenant
from tests.fix_pg import KEYS, PATIENT, connect

AUDIO = Path(__file__).parent / "audio"
FLOWS = Path(__file__).parents[1] / "dialplan" / "flows"
SPEED = 20.0
NUMBER = "5551234567"
UNLIMITED: dict[str, Any] = {
    "concurrent_legs": None,
    "calls_per_minute": None,
    "calls_per_minute_per_caller": None,
}


@dataclass
class PlacedCall:
    """A call that is over, from every side."""

    result: CallResult
    journal: Journal | None
    facts: dict[str, Any]

    def kinds(self) -> list[str]:
        assert self.journal is not None
        return [entry.kind for entry in self.journal.entries]

    def said(self) -> list[str]:
        assert self.journal is not None
        return [e.data["pii_text"] for e in self.journal.entries if e.kind == "said"]


@dataclass
class Rig:
    """One running controller."""

    settings: Settings
    stores: Stores
    database: Database
    """The stores', with more patience than a call has: for a test's own needs."""
    controller: Controller
    ended: dict[str, tuple[Journal, dict[str, Any]]] = field(default_factory=dict)

    def tenant(
        self,
        *,
        hears: Sequence[str] = (),
        answers: Sequence[str] = (),
        speaks: Sequence[str] = (),
        number: str = NUMBER,
        secretary: Mapping[str, Any] | None = None,
        providers: Mapping[str, tuple[str, Mapping[str, Any]]] | None = None,
        more_providers: Sequence[Mapping[str, Any]] = (),
        quota: Mapping[str, Any] | None = None,
        prices: Sequence[Mapping[str, Any]] = (),
    ) -> Tenant:
        """A tenant whose providers follow these scripts, or are others (name and config).

        `more_providers` are rows besides. Without a `quota` he may use what he likes.
        """
        scripts = {"stt": hears, "llm": answers, "tts": speaks, "embeddings": ()}
        rows = {
            kind: ("fake", {"script": list(script)}) for kind, script in scripts.items()
        } | dict(providers or {})
        made = repository.create_tenant(
            self.database,
            {
                "domain": {"domain_uuid": uuid4(), "domain_name": f"{uuid4()}.example"},
                "secretary": {
                    "secretary_name": "Ana",
                    "media_mode": "file",
                    "company_name": "Example",
                    "greeting_message": "Good morning.",
                    "farewell_message": "Good bye now.",
                    "transfer_extension": "2000",
                    "silence_timeout_ms": 1000,
                    "silence_fallback_seconds": 3,
                    **(secretary or {}),
                },
                "providers": [
                    {"provider_type": kind, "provider_name": name, "config": config}
                    for kind, (name, config) in rows.items()
                ]
                + [dict(row) for row in more_providers],
                "numbers": [number],
            },
        )
        domain_uuid = made.domain.domain_uuid
        with self.database.tenant(domain_uuid) as cursor:
            save_quota(cursor, domain_uuid, Quota(**(UNLIMITED | dict(quota or {}))))
            for price in prices:
                save_price(cursor, domain_uuid, Price(**price))
        return made

    def call(
        self,
        *steps: Any,
        switch: Switch | None = None,
        number: str = NUMBER,
        caller: str = "5550199",
        **options: Any,
    ) -> PlacedCall:
        """Place a call and wait until the controller is done with it too."""
        result = (switch or Switch(speed=SPEED)).call(
            Caller(steps, number=caller, patience_s=30.0),
            port=self.controller.server.port,
            destination_number=number,
            timeout_s=60.0,
            **options,
        )
        self.settle()
        journal, facts = self.ended.get(result.uuid, (None, {}))
        return PlacedCall(result=result, journal=journal, facts=facts)

    def settle(self) -> None:
        """Wait until no leg is left."""
        with gevent.Timeout(20):
            while self.controller.server.legs:
                gevent.sleep(0.01)

    def written(self) -> None:
        """Wait for rows that come, on a slow machine, by way of the backlog."""
        with gevent.Timeout(20):
            while list((self.settings.data_dir / "backlog").glob("*")):
                gevent.sleep(0.05)

    def rows(self, call: PlacedCall, tenant: Tenant) -> tuple[Conversation, list[MessageRow]]:
        """What was written of a call."""
        self.written()
        domain = tenant.domain.domain_uuid
        with self.database.tenant(domain) as cursor:
            cursor.execute(
                "SELECT voice_conversation_uuid FROM voice_ai.conversation WHERE call_uuid = %s",
                (call.result.uuid,),
            )
            found = cursor.fetchall()
        assert len(found) == 1
        kept = repository.read_conversation(
            self.database, domain, UUID(str(found[0]["voice_conversation_uuid"]))
        )
        assert kept is not None
        return kept


@dataclass(frozen=True)
class Says:
    """A recording, and what the recogniser hears from then on, however often it is asked.

    One that is slow knows nothing in time: a long voice then cuts, and its words come after.
    """

    stt: FakeStt
    words: str
    speech: Speak
    slow: bool = False

    def run(self, mouth: Mouth) -> Generator[Any, Heard, None]:
        update = {"script": [self.words], "latency_s": 1.3 if self.slow else 0.0}
        self.stt.settings = self.stt.settings.model_copy(update=update)
        yield from self.speech.run(mouth)


@pytest.fixture
def flows_dir(tmp_path: Path) -> Path:
    """The shipped flows, in a folder of the test's own."""
    folder = tmp_path / "flows"
    shutil.copytree(FLOWS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def make_rig(tmp_path: Path, flows_dir: Path, database_url: str, redis_url: str) -> Iterator[Any]:
    """Start controllers that share stores; all are stopped at the end."""
    open_rigs: list[Rig] = []

    def make(
        observe: Observer | None = None,
        redis_url: str = redis_url,
        deadlines: Mapping[str, float] | None = None,
        **call: Any,
    ) -> Rig:
        settings = Settings(
            database_url=SecretStr(database_url),
            redis_url=SecretStr(redis_url),
            keys=SecretStr(KEYS),
            data_dir=tmp_path / "data",
            flows_dir=flows_dir,
            sounds_dir=AUDIO,
            warm_offline=False,
            listen=Listen(port=0),
            call=CallLimits(**call),
            deadlines=ProviderDeadlines(**(deadlines or {})),
        )
        stores = Stores(settings).__enter__()
        database = Database(stores.database.url, PATIENT, vault=stores.database.vault)
        connect(stores.database)
        ended: dict[str, tuple[Journal, dict[str, Any]]] = {}

        def over(leg: Leg, journal: Journal, facts: dict[str, object]) -> None:
            ended[leg.uuid] = (journal, facts)

        controller = Controller(settings, stores, observe=observe, on_call=over)
        controller.start()
        rig = Rig(
            settings=settings,
            stores=stores,
            database=database,
            controller=controller,
            ended=ended,
        )
        open_rigs.append(rig)
        return rig

    yield make
    for rig in open_rigs:
        rig.controller.stop(0)
        rig.database.close()
        rig.stores.close()


@pytest.fixture
def rig(make_rig: Any) -> Rig:
    """One controller that runs the shipped reception flow."""
    made: Rig = make_rig()
    return made
