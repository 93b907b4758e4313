"""The controller: takes each leg from the server, finds its tenant, runs its flow, writes it down.

Everything a worker shares between calls hangs here; everything of one call lives in its `Serving`.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Final, Self

import gevent
import structlog

from esl_app.backlog import Backlog
from esl_app.config import Settings
from esl_app.conversation import Budget, Mouth
from esl_app.ears.silero import SileroVad, best_vad
from esl_app.engines import EnginePool, Engines
from esl_app.flow_runner import FlowLoader
from esl_app.journal import Journal
from esl_app.leg import Leg
from esl_app.media.duplex import Pacer
from esl_app.media.file import FileMedia
from esl_app.media.prompts import PromptCache
from esl_app.media.spool import LegSpool, Spool
from esl_app.media.switch_recogniser import recogniser_of
from esl_app.no_service import no_service
from esl_app.quotas import Place, Quotas
from esl_app.quotas.gate import BUSY_VOICE_S, account_of, live_leg, refuse, voice_for
from esl_app.recording import Recordings
from esl_app.retention import Removed, Retention
from esl_app.server import ListenSettings, Server
from esl_app.serving import WARM_S, Serving
from esl_app.stores import Stores
from esl_app.worker import Observer, OnCall, Worker
from providers import registry
from providers.deadline import Deadline
from providers.errors import ProviderError
from tenants.directory import Directory
from tenants.errors import TenantError, UnknownTenant
from tenants.models import Tenant
from tenants.quotas import Limit
from tenants.usage import read_used

log = structlog.get_logger()

_JANITOR_S: Final = 60.0
_RETENTION_S: Final = 3600.0


def listen_settings(settings: Settings) -> ListenSettings:
    """The server's part of the settings."""
    listen = settings.listen
    return ListenSettings(
        host=listen.host,
        port=listen.port,
        allow=listen.allow,
        max_legs=listen.max_legs,
        max_legs_per_peer=listen.max_legs_per_peer,
        connect_s=listen.connect_s,
        token=None if listen.token is None else listen.token.get_secret_value(),
    )


class Controller:
    """Serves calls with what the settings and stores give.

    Args:
        observe: sees each journal entry of each call as it is made (terminal, tests).
        on_call: sees each call's journal and facts when it is over.
        listener: a listening socket to accept from instead of opening one.
    """

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        *,
        observe: Observer | None = None,
        on_call: OnCall | None = None,
        listener: socket.socket | None = None,
    ) -> None:
        self._settings = settings
        self._directory = Directory(stores.database, country=settings.call.country or None)
        self._spool = Spool(settings.spool, group=settings.spool_group)
        self.engines = EnginePool()
        self.pacer = Pacer()
        self._worker = Worker(
            settings=settings,
            stores=stores,
            engines=self.engines,
            pacer=self.pacer,
            vad=best_vad(),
            prompts=PromptCache(
                settings.spool.parent / "prompts",
                directory_mode=self._spool.mode,
                gid=self._spool.gid,
                max_bytes=settings.prompts_mb << 20,
            ),
            budget=Budget(settings.speculation.most_at_once),
            recordings=Recordings(settings.recordings, mode=self._spool.mode, gid=self._spool.gid),
            flows=FlowLoader(settings.flows_dir),
            observe=observe,
            on_call=on_call,
            quotas=Quotas(stores.redis_url, history=partial(read_used, stores.database)),
            backlog=Backlog(settings.data_dir.absolute() / "backlog", stores.database),
        )
        self.server = Server(listen_settings(settings), self._serve, listener=listener)
        self._retention = Retention(stores.database, settings.recordings, actor="job:retention")
        self._retaining: gevent.Greenlet[[], None] | None = None
        self._janitor: gevent.Greenlet[[], None] | None = None
        self._warming: gevent.Greenlet[..., None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop(0)

    def start(self) -> None:
        """Check the flow, load what calls need, sweep what a killed worker left, listen.

        Raises:
            FlowProblem: the flow that calls run cannot be loaded.
            ConfigError: the address cannot be listened on.
        """
        self._worker.flows.get(self._settings.call.flow)
        registry.preload()
        self._directory.start()
        self._worker.quotas.start()
        self._worker.backlog.start()
        self._janitor = gevent.spawn(self._sweep)
        self._retaining = gevent.spawn(self._retain)
        if self._settings.warm_offline:
            self._warming = gevent.spawn(self.warm)
        self.server.start()

    def warm(self, tenant: Tenant | None = None) -> None:
        """Load a tenant's engines, or the offline ones, before they are needed."""
        try:
            engines = self.engines.for_tenant(tenant) if tenant else self.engines.offline()
        except ProviderError as error:
            log.info("not_warmed", error=str(error))
        else:
            self.engines.warm(engines, Deadline.after(WARM_S))

    def stop(self, drain_s: float) -> None:
        """Close the listener, let calls end for `drain_s`, end the others; again is harmless."""
        self.server.stop(drain_s)
        gevent.killall(
            [g for g in (self._janitor, self._retaining, self._warming) if g is not None]
        )
        self._janitor = self._retaining = self._warming = None
        self._directory.close()
        self._worker.quotas.close()
        self._worker.backlog.close()
        self.engines.close()
        if isinstance(self._worker.vad, SileroVad):
            self._worker.vad.close()

    # One call.

    def _serve(self, leg: Leg) -> None:
        with ExitStack() as held:
            try:
                tenant = self._directory.resolve(
                    domain_uuid=leg.channel.variable("domain_uuid"),
                    domain_name=leg.channel.variable("domain_name"),
                    destination_number=leg.channel.get("Caller-Destination-Number"),
                )
                tenant.secretary.check_served()
                detects = tenant.secretary.media_mode == "detect"
                switch_recogniser = recogniser_of(tenant) if detects else None
                engines = held.enter_context(self.engines.using(tenant))
                spool = self._spool.open_leg(tenant.domain.domain_uuid, leg.uuid)
            except UnknownTenant as error:
                log.warning("unknown_tenant", lookup=error.lookup, reason=error.reason)
                no_service(leg, self._settings)
            except (TenantError, ProviderError, OSError) as error:
                # The dialplan's next actions are the standby controller, then an apology.
                log.error("call_refused", error=str(error))  # noqa: TRY400 - its cause says no more
                leg.release()
            else:
                structlog.contextvars.bind_contextvars(tenant=str(tenant.domain.domain_uuid))
                quotas = self._worker.quotas
                place = quotas.admit(
                    account_of(tenant), live_leg(leg, tenant, quotas), leg.caller_id_number or ""
                )
                if not isinstance(place, Place):
                    held.callback(spool.close)
                    self._refuse(leg, tenant, place, engines, spool)
                    return
                held.callback(place.leave)
                Serving(
                    worker=self._worker,
                    leg=leg,
                    tenant=tenant,
                    engines=engines,
                    spool=spool,
                    switch_recogniser=switch_recogniser,
                    place=place,
                ).run()

    def _refuse(
        self, leg: Leg, tenant: Tenant, limit: Limit, engines: Engines, spool: LegSpool
    ) -> None:
        row = tenant.secretary
        mouth = Mouth(
            media=FileMedia(leg, spool),
            tts=voice_for(limit, engines.tts),
            fingerprint=engines.tts_fingerprint,
            prompts=self._worker.prompts,
            journal=Journal(),
            domain_uuid=tenant.domain.domain_uuid,
            language=row.language,
            voice_name=row.tts_voice_id,
            speed=row.tts_speed,
            tts_s=BUSY_VOICE_S,
            answer_s=0.0,
        )
        refuse(leg, tenant, limit, mouth)

    def _sweep(self) -> None:
        while True:
            try:
                self._spool.sweep()
                self._worker.prompts.sweep()
            except OSError as error:
                log.error("sweep_failed", error=str(error))  # noqa: TRY400
            gevent.sleep(_JANITOR_S)

    def _retain(self) -> None:
        """Take away what tenants keep no longer; of each tenant one worker, whoever comes first."""
        gevent.sleep(_JANITOR_S)  # calls come first
        while True:
            try:
                done = self._retention.run(datetime.now(UTC))
                removed = sum(done.values(), Removed())
                if removed.counts:
                    log.info("retention", **removed.counts)
            except (TenantError, OSError) as error:
                log.error("retention_failed", error=str(error))  # noqa: TRY400
            gevent.sleep(_RETENTION_S)
