"""Place the demo's call: stores, tenant, documents, controller, and a caller on the stand-in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import gevent

from esl_app import report
from esl_app.config import CallLimits, Listen, Settings
from esl_app.controller import Controller
from esl_app.demo import clinic
from esl_app.journal import Entry, Journal
from esl_app.leg import Leg
from esl_app.stores import Stores
from esl_app.switchsim import Caller, CallResult, SpeakWhenQuiet, Switch
from providers.deadline import Deadline

CALL_S: Final = 180.0
INGEST_S: Final = 60.0
ENDED_S: Final = 15.0


@dataclass(slots=True)
class Demo:
    """One run of the demo; `tell` hears what happens as it happens."""

    out: Path
    tell: Callable[[str, dict[str, Any]], None]
    transcript: dict[str, Any] = field(default_factory=dict)

    def run(self) -> list[str]:
        """Run it; what went otherwise than scripted (nothing, if all is well)."""
        # Not from the environment: it may name the stores and the spool of a running installation.
        settings = Settings.model_construct(
            data_dir=self.out / "data",
            flows_dir=_flows(),
            listen=Listen(port=0),
            warm_offline=False,  # done below, before the call
            call=CallLimits(max_s=CALL_S),
        )
        self.tell("starting", {})
        with (
            Stores(settings) as stores,
            Controller(settings, stores, observe=self._entry, on_call=self._over) as controller,
        ):
            tenant = clinic.ensure(stores.database)
            engines = controller.engines.for_tenant(tenant)
            warming = gevent.spawn(controller.warm, tenant)
            for document in clinic.add_documents(
                stores.database, engines.embedder, Deadline.after(INGEST_S)
            ):
                self.tell("document", {"name": document.name, "passages": document.passages})
            warming.join()
            controller.start()
            self.tell("ready", {"port": controller.server.port})
            result = self._call(controller)
            controller.stop(ENDED_S)
        wav = self.out / "call.wav"
        result.write_wav(wav)
        report.write(self.out, self.transcript, wav)
        shutil.rmtree(settings.spool, ignore_errors=True)
        return self._check(result)

    def _call(self, controller: Controller) -> CallResult:
        caller = Caller(
            [SpeakWhenQuiet(clinic.CALLER / file) for file, _ in clinic.SCRIPT], number="5550199"
        )
        switch = Switch()
        return switch.call(
            caller,
            host="127.0.0.1",
            port=controller.server.port,
            destination_number=clinic.NUMBER,
            variables={"domain_uuid": str(clinic.DOMAIN_UUID)},
        )

    def _entry(self, leg: Leg, entry: Entry) -> None:
        del leg
        self.tell(entry.kind, entry.data)

    def _over(self, leg: Leg, journal: Journal, facts: dict[str, Any]) -> None:
        del leg
        self.transcript = report.transcript(journal, call=facts)

    def _check(self, result: CallResult) -> list[str]:
        """Hold the call against its script."""
        wrong: list[str] = []
        if not self.transcript:
            return [f"the call did not reach its end: {result.hangup_cause}"]
        turns = self.transcript["turns"]
        words = clinic.caller_words()
        if len(turns) != len(clinic.SCRIPT):
            wrong.append(f"{len(turns)} turns, {len(clinic.SCRIPT)} expected")
        for (file, document), turn in zip(clinic.SCRIPT[:-1], turns, strict=False):
            named = f"“{words[file]}”"
            titles = [source["title"] for source in turn["sources"]]
            if document is None and titles:
                wrong.append(f"{named}: answered from {titles}, it should have been declined")
            if document is not None and not any(document in title.lower() for title in titles):
                wrong.append(f"{named}: rests on {titles or 'nothing'}, not on {document}")
        if result.transferred_to != clinic.EXTENSION:
            wrong.append(f"connected with {result.transferred_to}, not with {clinic.EXTENSION}")
        return wrong


def _flows() -> Path:
    """The flows of this checkout, or those installed beside it."""
    return Path(__file__).parents[2] / "dialplan" / "flows"
