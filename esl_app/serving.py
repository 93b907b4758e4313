"""One call, from the leg and its tenant to the line in the log."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import UUID, uuid4

import gevent
import structlog

from esl_app.archive import Archive
from esl_app.assembly import conversation_of, media_of
from esl_app.consent import Consent, obtain
from esl_app.conversation import Asker, Conversation
from esl_app.engines import Engines
from esl_app.errors import EslError, Hangup, LegLost, TimeUp, trace_of
from esl_app.flow import Call, Parts
from esl_app.flow_runner import line_of
from esl_app.greenlets import spawn
from esl_app.journal import Entry, Journal, Turn
from esl_app.ledger import Ledger
from esl_app.leg import RELEASED, Leg
from esl_app.media.contract import Media
from esl_app.media.spool import LegSpool
from esl_app.media.switch_recogniser import SwitchRecogniser
from esl_app.quotas import Place
from esl_app.quotas.meter import Meter, models_of, rounded
from esl_app.recording import CallRecording, hindrance
from esl_app.redacting import redacting
from esl_app.redaction import redact
from esl_app.sessions import Session
from esl_app.timekeeping import Timekeeper
from esl_app.turn import CallLimits, phrases
from esl_app.worker import Worker
from providers.deadline import Deadline
from tenants.models import Tenant
from tenants.quotas import Used

log = structlog.get_logger()

_COMMAND_S: Final = 5.0
_GRACE_S: Final = 30.0  # for the goodbye of a call that has had its time
_STATES: Final = {
    "answered_call": "answered",
    "heard": "thinking",
    "said": "speaking",
    "answered": "listening",
    "transfer": "transferring",
    "hangup": "ending",
}
WARM_S: Final = 60.0


@dataclass(kw_only=True)
class Serving:
    """What one call needs and leaves; `run` returns when it is over, whichever way it ends."""

    worker: Worker
    leg: Leg
    tenant: Tenant
    engines: Engines
    spool: LegSpool
    switch_recogniser: SwitchRecogniser | None
    """In detect mode."""
    place: Place

    def __post_init__(self) -> None:
        """Pick up what another worker left of this call, if it began there."""
        self._clock = time.monotonic()
        self._domain_uuid = self.tenant.domain.domain_uuid
        session = self.worker.stores.sessions.load(self.leg.uuid, self._domain_uuid)
        self._session = session
        self._last_turn = session.last_turn if session else 0
        self._conversation_uuid: UUID = session.conversation_uuid if session else uuid4()
        now = datetime.now(UTC)
        self.began = session.began if session else now
        # Wall clocks, of two machines perhaps: all they have in common.
        self._before_s = max(0.0, (now - self.began).total_seconds())
        self._consent: Consent | None = session.consent if session else None
        self._consent_settled = False
        self._resumed = session is not None and session.begun
        limits, allowed_s = self.worker.settings.call, self.tenant.quota.call_seconds
        # By what is allowed a conversation has ended itself; other flows have not.
        most_s = limits.max_s if allowed_s is None else min(limits.max_s, allowed_s + _GRACE_S)
        self._time = Timekeeper(
            self.leg,
            CallLimits(
                longest_call_s=most_s,
                warn_s=limits.warn_s if limits.warn_s < most_s else 0.0,
                longest_silence_s=limits.longest_silence_s,
            ),
            began_at=self._clock - self._before_s,
        )
        observe, leg = self.worker.observe, self.leg
        self.journal = Journal(
            self._show,
            *([lambda entry: observe(leg, entry)] if observe else []),
            self._watch_transfer,
            self._time.watch,
            turns_before=self._session.last_turn if self._session else 0,
        )
        used = (
            Used(tokens=session.tokens, characters=session.characters, cost=session.cost)
            if session
            else None
        )
        self._meter = Meter(self.place, models_of(self.tenant), seconds=self._seconds, before=used)
        self._adapters = engines = self.engines
        if self.tenant.policy.redact_llm:
            engines = redacting(engines, self._redact)
        self.engines = self._meter.engines(engines)

    def _redact(self, text: str) -> str:
        return redact(
            text,
            language=self.tenant.secretary.language,
            country=self.tenant.domain.country,
        )

    def _kept(self, text: str) -> str:
        """What the tenant has stored of a text."""
        return self._redact(text) if self.tenant.policy.redact_storage else text

    def run(self) -> None:
        """Serve the call."""
        with ExitStack() as stack:
            stack.callback(self.spool.close)
            self._archive = Archive(
                self.worker.stores.database,
                backlog=self.worker.backlog,
                leg=self.leg,
                tenant=self.tenant,
                conversation_uuid=self._conversation_uuid,
                began=self.began,
                kept=self._kept,
            )
            stack.callback(self._archive.close)
            self._recording = self._record()
            # Models load while the greeting is heard; costs nothing when they are loaded.
            warming = spawn(self.worker.engines.warm, self._adapters, Deadline.after(WARM_S))
            stack.callback(warming.kill)
            call, conversation, media = self._assemble()
            soon = phrases(self.tenant.secretary.language).ends_soon
            timekeeper = spawn(self._time.run, lambda: conversation.mouth.announce(soon))
            stack.callback(timekeeper.kill)
            stack.callback(spawn(conversation.mouth.warm, *self._last_words(call)).kill)
            stack.callback(media.close)
            self._conversation = conversation
            conversation.on_turn = self._keep
            conversation.limit = self._meter.limit
            self._meter.turns = conversation.loop.turns
            self._save()
            self.journal.add("call", resumed=self._resumed)
            for warning in self.tenant.warnings:
                self.journal.add("tenant_warning", reason=warning)
            disposition = "released"  # what it stays when this greenlet is ended from outside
            try:
                disposition = self._flow(call)
            finally:
                self._over(disposition, call, conversation)

    def _record(self) -> CallRecording | None:
        if not self.tenant.policy.recording_enabled:
            return None
        if (reason := hindrance(self.tenant.policy)) is not None:
            self.journal.add("not_recorded", reason=reason)
            return None
        recording = CallRecording(
            self.leg,
            recordings=self.worker.recordings,
            domain_uuid=self._domain_uuid,
            conversation_uuid=self._conversation_uuid,
            journal=self.journal,
            on_file=lambda file: self._archive.note(recording_file_path=file),
            resumed=self._session is not None,
        )
        if self.tenant.policy.consent == "none":
            recording.begin_with_the_answer()
        return recording

    def _answered(self, conversation: Conversation, asker: Asker) -> None:
        """The caller hears us: what he has to be told or asked before he is recorded comes now."""
        policy = self.tenant.policy
        if self._recording is None or policy.consent == "none" or self._consent_settled:
            return
        self._consent_settled = True
        if self._consent is None:
            self.leg.digits.take()  # pressed before the question, they are no answer to it
            self._consent = obtain(
                policy,
                language=self.tenant.secretary.language,
                asker=asker,
                mouth=conversation.mouth,
                journal=self.journal,
            )
            self._archive.note(consent=self._consent)
            self._save()
        self.journal.add("consent", answer=self._consent)
        if self._consent != "refused":
            self._recording.begin()

    def _assemble(self) -> tuple[Call, Conversation, Media]:
        media = media_of(
            self.leg,
            worker=self.worker,
            tenant=self.tenant,
            engines=self.engines,
            journal=self.journal,
            spool=self.spool,
            switch_recogniser=self.switch_recogniser,
        )
        conversation = conversation_of(
            media,
            worker=self.worker,
            tenant=self.tenant,
            engines=self.engines,
            journal=self.journal,
            session=self._session,
        )
        asker = Asker(
            ears=conversation.ears,
            mouth=conversation.mouth,
            journal=self.journal,
            rules=conversation.loop.rules,
            finish=conversation.finish,
        )
        self._on_answer = partial(self._answered, conversation, asker)
        parts = Parts(
            leg=self.leg,
            tenant=self.tenant,
            media=media,
            mouth=conversation.mouth,
            asker=asker,
            conversation=conversation,
            journal=self.journal,
            sounds_dir=self.worker.settings.sounds_dir,
            recording=self._recording,
            mask_recording=self.tenant.policy.record_mask,
            on_answer=self._on_answer,
            may_transfer=self.place.may_transfer,
            keep_callback=self._archive.callback,
            conversation_uuid=self._conversation_uuid,
            resumed=self._resumed,
            run_flow=lambda name, of: self.worker.flows.get(name)(of),
        )
        return Call(parts), conversation, media

    def _flow(self, call: Call) -> str:
        """Run the flow to its end, whatever that is; how the call ended."""
        name = self.worker.settings.call.flow
        flow = None
        try:
            flow = self.worker.flows.get(name)
            with self._time.flow():
                call.prepare()
                if self.leg.channel.get("Answer-State") == "answered":
                    self._on_answer()
                if call.resumed:
                    call.say(self._welcome_back())
                flow(call)
                self.leg.hangup()
        except TimeUp as up:
            self._say_that_time_is_up(call, up)
            return "time_up"
        except Hangup as hangup:
            self.journal.add("hangup", cause=hangup.cause)
            if hangup.cause == RELEASED:  # handed back to the dialplan, which may bring it again
                return "released"
            return "transferred" if self.leg.transferred else "hangup"
        except LegLost as lost:
            self.journal.add("leg_lost", reason=lost.reason)
            return "leg_lost"
        except (Exception, SystemExit, gevent.Timeout) as error:  # noqa: BLE001
            # The outermost edge of a script we did not write; its `exit()` is for itself alone.
            line = line_of(flow, error) if flow is not None else 0
            log.error("flow_failed", flow=name, line=line, **trace_of(error))  # noqa: TRY400
            self.journal.add("flow_failed", flow=name, line=line, error=type(error).__name__)
            self._apologise(call)
            return "flow_failed"
        self.journal.add("hangup", cause="NORMAL_CLEARING")
        return "completed"

    def _apologise(self, call: Call) -> None:
        """Say that something is broken and hand the call to the fallback destination."""
        limits = self.worker.settings.call
        try:
            call.answer()
            self._say_that_it_is_broken(call)
            if limits.fallback_extension:
                self.leg.transfer(
                    limits.fallback_extension,
                    context=limits.fallback_context,
                    deadline=Deadline.after(_COMMAND_S),
                )
            else:
                self.leg.hangup("NORMAL_TEMPORARY_FAILURE")
        except EslError as error:
            log.info("apology_unheard", error=str(error))

    def _say_that_it_is_broken(self, call: Call) -> None:
        try:
            call.say(phrases(call.secretary.language).broken, barge_in=False)
        except (Hangup, LegLost):
            raise
        except (Exception, gevent.Timeout) as error:  # noqa: BLE001 - what is broken may be how we speak
            log.error("apology_failed", **trace_of(error))  # noqa: TRY400

    def _say_that_time_is_up(self, call: Call, up: TimeUp) -> None:
        self.journal.add("time_up", why=up.why)
        try:
            call.say(call.secretary.farewell, barge_in=False)
            self.leg.hangup(up.cause)
        except EslError as error:
            log.info("farewell_unheard", error=str(error))

    def _welcome_back(self) -> str:
        row = self.tenant.secretary
        if self._session is not None and self._session.away:
            return row.hold_return_message or phrases(row.language).returned
        return phrases(row.language).interrupted

    def _keep(self, turn: Turn) -> None:
        """Write a finished turn down, and what is needed to go on from here."""
        self._meter.turns = self._conversation.loop.turns
        used = self._meter.take()  # a greeting's voice goes with the first turn
        turn.characters = used.characters
        if self._meter.currency is not None:
            turn.cost, turn.currency = rounded(used.cost), self._meter.currency
            self.journal.add("used", turn=turn.number, cost=str(turn.cost), currency=turn.currency)
        self._archive.turn(turn)
        self._last_turn = turn.number
        self._save()

    def _watch_transfer(self, entry: Entry) -> None:
        """Before the leg goes, which may come back at once: say that it was sent away."""
        if entry.kind == "transfer":
            self._save(away=True)

    def _save(self, *, away: bool = False) -> None:
        conversation = self._conversation
        session = Session(
            domain_uuid=self._domain_uuid,
            conversation_uuid=self._conversation_uuid,
            began=self.began,
            turns=conversation.loop.turns,
            last_turn=self._last_turn,
            away=away,
            consent=self._consent,
            tokens=self._meter.total.tokens,
            characters=self._meter.total.characters,
            cost=self._meter.total.cost,
            last_answer=self._kept(conversation.loop.last_answer),
            # What tools told is for the worker that asked them: another may not have them.
            history=tuple(
                (m.role, self._kept(m.content))
                for m in conversation.brain.history
                if m.role != "tool" and not m.calls
            ),
        )
        self.worker.stores.sessions.save(self.leg.uuid, session)

    def _over(self, disposition: str, call: Call, conversation: Conversation) -> None:
        """Tell everybody how the call ended."""
        facts = self._facts(disposition, call, conversation)
        self._archive.end(facts, turns=conversation.loop.turns)
        # A standby may get the leg and go on, or whoever the caller was sent to may send them back.
        if disposition not in {"leg_lost", "released", "transferred"}:
            self.worker.stores.sessions.drop(self.leg.uuid, self._conversation_uuid)
        if disposition in {"leg_lost", "released"}:
            self.place.hand_over()
        _canonical_line(facts, self.journal, conversation.brain.ledger)
        if self.tenant.policy.redact_storage:
            self.journal.redact(self._kept)
        if self.worker.on_call is not None:
            self.worker.on_call(self.leg, self.journal, facts)

    def _facts(self, disposition: str, call: Call, conversation: Conversation) -> dict[str, object]:
        leg, tenant = self.leg, self.tenant
        ending, up = self.journal.last("conversation_ended"), self.journal.last("time_up")
        moved = self.journal.last("transfer")
        return {
            "uuid": leg.uuid,
            "domain": tenant.domain.domain_name,
            "company": tenant.secretary.company_name,
            "secretary": tenant.secretary.secretary_name,
            "language": tenant.secretary.language,
            "began": self.began.isoformat(timespec="seconds"),
            "duration_s": round(self._seconds(), 3),
            "dialled": call.dialled_number,
            "disposition": disposition,
            "ending": up.data["why"] if up else ending.data["ending"] if ending else None,
            "hangup_cause": leg.hangup_cause or ("BLIND_TRANSFER" if leg.transferred else None),
            "speculation": conversation.brain.ledger.facts,
            "recording": self._recording.file if self._recording else None,
            "transferred_to": moved.data["extension"] if moved and leg.transferred else None,
            "transferred_department": (moved.data["department"] or None)
            if moved and leg.transferred
            else None,
            "cost": None if self._meter.currency is None else rounded(self._meter.total.cost),
            "currency": self._meter.currency,
        }

    def _seconds(self) -> float:
        """How long the call is up, on whichever workers."""
        return self._before_s + time.monotonic() - self._clock

    def _show(self, entry: Entry) -> None:
        """Keep what `voice-ai legs` shows up to date."""
        if (state := _STATES.get(entry.kind)) is not None:
            self.place.state(state)

    def _last_words(self, call: Call) -> list[str]:
        """What is said when the money is spent: made while there is some."""
        quota = self.tenant.quota
        limits = (quota.spend_day, quota.spend_month, quota.characters_day, quota.call_characters)
        if all(limit is None for limit in limits):
            return []
        return [phrases(call.secretary.language).limit, call.secretary.farewell]


def _canonical_line(facts: dict[str, object], journal: Journal, ledger: Ledger) -> None:
    """One line a call, with everything one would search for (no words, no numbers of people)."""
    first_audio = [t.first_audio_ms for t in journal.turns if t.first_audio_ms is not None]
    log.info(
        "call",
        turns=sum(1 for turn in journal.turns if turn.question),
        troubles=sum(1 for entry in journal.entries if entry.kind == "trouble"),
        first_audio_ms_max=max(first_audio, default=None),
        prompt_tokens=sum(turn.prompt_tokens for turn in journal.turns),
        completion_tokens=sum(turn.completion_tokens for turn in journal.turns),
        guesses=ledger.started,
        guesses_used=ledger.used,
        saved_ms=ledger.saved_ms,
        cost=None if facts["cost"] is None else str(facts["cost"]),
        **{
            key: facts[key]
            for key in (
                "uuid",
                "domain",
                "duration_s",
                "disposition",
                "ending",
                "hangup_cause",
                "currency",
            )
        },
    )
