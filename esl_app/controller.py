"""The controller: takes each leg from the server, finds its tenant, runs its flow, writes it down.

Everything a worker shares between calls hangs here; everything of one call lives in `_serve` and is
gone when that returns, whichever way it does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self
from uuid import UUID, uuid4

import gevent
import structlog

from esl_app.archive import Archive
from esl_app.config import Settings
from esl_app.conversation import Brain, Conversation, Ears, Mouth
from esl_app.engines import EnginePool, Engines
from esl_app.errors import EslError, Hangup, LegLost, trace_of
from esl_app.flow import Call, Parts
from esl_app.flow_runner import FlowLoader, FlowProblem, line_of
from esl_app.greenlets import spawn
from esl_app.journal import Entry, Journal, Turn
from esl_app.leg import Leg
from esl_app.media.file import FileMedia
from esl_app.media.prompts import PromptCache
from esl_app.media.spool import LegSpool, Spool
from esl_app.server import ListenSettings, Server
from esl_app.sessions import Session
from esl_app.stores import Stores
from esl_app.turn import Rules, TurnLoop, phrases
from knowledge.retrieval import Retriever
from providers.deadline import Deadline
from providers.errors import ProviderError
from tenants import routing
from tenants.errors import DatabaseUnavailable, UnknownTenant
from tenants.models import Tenant

log = structlog.get_logger()

Observer = Callable[[Leg, Entry], None]

_JANITOR_S: Final = 60.0
_COMMAND_S: Final = 5.0
_WARM_S: Final = 60.0


class Controller:
    """Serves calls with what the settings and stores give.

    Args:
        observe: sees each journal entry of each call as it is made (terminal, tests).
        on_call: sees each call's journal and facts when it is over.
    """

    def __init__(
        self,
        settings: Settings,
        stores: Stores,
        *,
        observe: Observer | None = None,
        on_call: Callable[[Leg, Journal, dict[str, object]], None] | None = None,
    ) -> None:
        self._settings = settings
        self._stores = stores
        self._observe = observe
        self._on_call = on_call
        self._spool = Spool(settings.spool, group=settings.spool_group)
        self._prompts = PromptCache(
            settings.spool.parent / "prompts",
            directory_mode=self._spool.mode,
            gid=self._spool.gid,
        )
        self._flows = FlowLoader(settings.flows_dir)
        self.engines = EnginePool()
        listen = settings.listen
        self.server = Server(
            ListenSettings(
                host=listen.host,
                port=listen.port,
                allow=listen.allow,
                max_legs=listen.max_legs,
                max_legs_per_peer=listen.max_legs_per_peer,
                connect_s=listen.connect_s,
                token=listen.token.get_secret_value() if listen.token else None,
            ),
            self._serve,
        )
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
        """Check the flow, sweep what a killed worker left, warm the offline engines, listen.

        Raises:
            FlowProblem: the flow that calls run cannot be loaded.
            ConfigError: the address cannot be listened on.
        """
        self._flows.get(self._settings.call.flow)
        self._janitor = gevent.spawn(self._sweep)
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
            self.engines.warm(engines, Deadline.after(_WARM_S))

    def stop(self, drain_s: float) -> None:
        """Close the listener, let calls end for `drain_s`, end the others; again is harmless."""
        self.server.stop(drain_s)
        gevent.killall([g for g in (self._janitor, self._warming) if g is not None])
        self._janitor = self._warming = None
        self.engines.close()

    # One call.

    def _serve(self, leg: Leg) -> None:
        try:
            tenant = routing.resolve(
                self._stores.database,
                domain_uuid=leg.channel.variable("domain_uuid"),
                domain_name=leg.channel.variable("domain_name"),
                destination_number=leg.channel.get("Caller-Destination-Number"),
            )
            engines = self.engines.for_tenant(tenant)
            spool = self._spool.open_leg(tenant.domain.domain_uuid, leg.uuid)
        except UnknownTenant as error:
            log.warning("unknown_tenant", lookup=error.lookup, reason=error.reason)
            leg.hangup("UNALLOCATED_NUMBER")
        except (DatabaseUnavailable, ProviderError, OSError) as error:
            # The dialplan's next actions are the standby controller, then an apology.
            log.error("call_refused", error=str(error))  # noqa: TRY400 - its cause says no more
            leg.release()
        else:
            structlog.contextvars.bind_contextvars(tenant=str(tenant.domain.domain_uuid))
            with ExitStack() as stack:
                stack.callback(spool.close)
                self._converse(leg, tenant, engines, spool, stack)

    def _converse(
        self, leg: Leg, tenant: Tenant, engines: Engines, spool: LegSpool, stack: ExitStack
    ) -> None:
        observe = self._observe
        journal = Journal(*([lambda entry: observe(leg, entry)] if observe else []))
        began, clock = datetime.now(UTC), time.monotonic()
        session = self._stores.sessions.load(leg.uuid, tenant.domain.domain_uuid)
        conversation_uuid = session.conversation_uuid if session else uuid4()
        archive = Archive(
            self._stores.database,
            leg=leg,
            tenant=tenant,
            conversation_uuid=conversation_uuid,
            began=began,
        )
        stack.callback(archive.close)
        call, conversation = self._assemble(leg, tenant, engines, spool, journal, session)

        def keep(turn: Turn) -> None:
            archive.turn(turn)
            self._stores.sessions.save(
                leg.uuid, _session(tenant.domain.domain_uuid, conversation_uuid, conversation)
            )

        conversation.on_turn = keep
        # Models load while the greeting is heard; costs nothing when they are loaded.
        stack.callback(spawn(self.engines.warm, engines, Deadline.after(_WARM_S)).kill)
        watchdog = gevent.spawn_later(self._settings.call.max_s, _time_out, leg)
        stack.callback(watchdog.kill)
        journal.add("call", resumed=session is not None)
        disposition = self._run(call, leg, journal)
        ending = next(
            (e for e in reversed(journal.entries) if e.kind == "conversation_ended"), None
        )
        moved = next((e for e in reversed(journal.entries) if e.kind == "transfer"), None)
        facts: dict[str, object] = {
            "uuid": leg.uuid,
            "domain": tenant.domain.domain_name,
            "company": tenant.secretary.company_name,
            "secretary": tenant.secretary.secretary_name,
            "language": tenant.secretary.language,
            "began": began.isoformat(timespec="seconds"),
            "duration_s": round(time.monotonic() - clock, 3),
            "dialled": call.dialled_number,
            "disposition": disposition,
            "ending": ending.data["ending"] if ending else None,
            "hangup_cause": leg.hangup_cause or ("BLIND_TRANSFER" if leg.transferred else None),
            "transferred_to": moved.data["extension"] if moved and leg.transferred else None,
        }
        archive.end(facts, turns=conversation.loop.turns)
        if disposition != "leg_lost":  # a standby may get the leg and go on
            self._stores.sessions.drop(leg.uuid)
        _canonical_line(facts, journal)
        if self._on_call is not None:
            self._on_call(leg, journal, facts)

    def _assemble(
        self,
        leg: Leg,
        tenant: Tenant,
        engines: Engines,
        spool: LegSpool,
        journal: Journal,
        session: Session | None,
    ) -> tuple[Call, Conversation]:
        row, deadlines = tenant.secretary, self._settings.deadlines
        media = FileMedia(leg, spool)
        mouth = Mouth(
            media=media,
            tts=engines.tts,
            fingerprint=engines.tts_fingerprint,
            prompts=self._prompts,
            journal=journal,
            domain_uuid=tenant.domain.domain_uuid,
            language=row.language,
            voice_name=row.tts_voice_id,
            speed=row.tts_speed,
            tts_s=deadlines.tts_s,
            llm_s=deadlines.llm_s,
        )
        ears = Ears(
            media=media,
            stt=engines.stt,
            journal=journal,
            language=row.language,
            silence_s=row.silence_timeout_ms / 1000,
            longest_s=row.max_recording_seconds,
            no_input_s=row.silence_fallback_seconds,
            stt_s=deadlines.stt_s,
        )
        brain = Brain(
            domain_uuid=tenant.domain.domain_uuid,
            secretary=row,
            llm=engines.llm,
            retriever=Retriever(self._stores.database, engines.embedder),
            embedder_name=engines.embedder.name,
            journal=journal,
            retrieval_s=deadlines.retrieval_s,
            llm_s=deadlines.llm_s,
        )
        loop = TurnLoop(
            Rules(
                language=row.language,
                max_turns=row.max_turns,
                max_misses=row.silence_fallback_max_retries + 1,
                handoff_keywords=row.handoff_keywords,
                farewell_keywords=row.farewell_keywords,
                still_there=row.silence_fallback_prompt or None,
                not_heard=row.fallback_message or None,
            )
        )
        if session is not None:
            loop.turns, loop.last_answer = session.turns, session.last_answer
            brain.history = session.messages
        conversation = Conversation(loop=loop, ears=ears, brain=brain, mouth=mouth, journal=journal)
        call = Call(
            Parts(
                leg=leg,
                tenant=tenant,
                media=media,
                mouth=mouth,
                ears=ears,
                conversation=conversation,
                journal=journal,
                sounds_dir=self._settings.sounds_dir,
                run_flow=lambda name, of: self._flows.get(name)(of),
            )
        )
        return call, conversation

    def _run(self, call: Call, leg: Leg, journal: Journal) -> str:
        """Run the flow to its end, whatever that is; how the call ended."""
        name = self._settings.call.flow
        try:
            flow = self._flows.get(name)
            call.prepare()
            if call.resumed:
                call.say(phrases(call.secretary.language).interrupted)
            flow(call)
            leg.hangup()
        except Hangup as hangup:
            journal.add("hangup", cause=hangup.cause)
            return "transferred" if leg.transferred else "hangup"
        except LegLost as lost:
            journal.add("leg_lost", reason=lost.reason)
            return "leg_lost"
        except Exception as error:  # noqa: BLE001 - outermost edge of a script we did not write
            line = 0 if isinstance(error, FlowProblem) else line_of(flow, error)
            log.error("flow_failed", flow=name, line=line, **trace_of(error))  # noqa: TRY400
            journal.add("flow_failed", flow=name, line=line, error=type(error).__name__)
            self._apologise(call, leg)
            return "flow_failed"
        journal.add("hangup", cause="NORMAL_CLEARING")
        return "completed"

    def _apologise(self, call: Call, leg: Leg) -> None:
        """Say that something is broken and hand the call to the fallback destination."""
        limits = self._settings.call
        try:
            call.answer()
            call.say(phrases(call.secretary.language).broken, barge_in=False)
            if limits.fallback_extension:
                leg.transfer(
                    limits.fallback_extension,
                    context=limits.fallback_context,
                    deadline=Deadline.after(_COMMAND_S),
                )
            else:
                leg.hangup("NORMAL_TEMPORARY_FAILURE")
        except EslError as error:
            log.info("apology_unheard", error=str(error))

    def _sweep(self) -> None:
        while True:
            try:
                self._spool.sweep()
                self._prompts.sweep()
            except OSError as error:
                log.error("sweep_failed", error=str(error))  # noqa: TRY400
            gevent.sleep(_JANITOR_S)


def _session(domain: UUID, conversation_uuid: UUID, conversation: Conversation) -> Session:
    return Session(
        domain_uuid=domain,
        conversation_uuid=conversation_uuid,
        turns=conversation.loop.turns,
        last_answer=conversation.loop.last_answer,
        history=tuple((m.role, m.content) for m in conversation.brain.history),
    )


def _time_out(leg: Leg) -> None:
    log.warning("call_too_long")
    try:
        leg.hangup("ALLOTTED_TIMEOUT")
    except EslError as error:
        log.warning("hangup_failed", error=str(error))


def _canonical_line(facts: dict[str, object], journal: Journal) -> None:
    """One line a call, with everything one would search for (no words, no numbers of people)."""
    first_audio = [t.first_audio_ms for t in journal.turns if t.first_audio_ms is not None]
    log.info(
        "call",
        turns=sum(1 for turn in journal.turns if turn.question),
        troubles=sum(1 for entry in journal.entries if entry.kind == "trouble"),
        first_audio_ms_max=max(first_audio, default=None),
        prompt_tokens=sum(turn.prompt_tokens for turn in journal.turns),
        completion_tokens=sum(turn.completion_tokens for turn in journal.turns),
        **{
            key: facts[key]
            for key in ("uuid", "domain", "duration_s", "disposition", "ending", "hangup_cause")
        },
    )
