"""One call, from the leg and its tenant to the line in the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import UUID, uuid4

import gevent
import structlog

from esl_app.archive import Archive
from esl_app.backlog import Backlog
from esl_app.config import Settings
from esl_app.consent import Consent, obtain
from esl_app.conversation import Asker, Brain, Budget, Conversation, Ears, Mouth
from esl_app.conversation.answering import MOST_ROUNDS
from esl_app.ears import Vad
from esl_app.engines import EnginePool, Engines
from esl_app.errors import EslError, Hangup, LegLost, TimeUp, trace_of
from esl_app.flow import Call, Parts
from esl_app.flow_runner import FlowLoader, line_of
from esl_app.greenlets import spawn
from esl_app.journal import Entry, Journal, Turn
from esl_app.ledger import Ledger
from esl_app.leg import RELEASED, Leg
from esl_app.media.contract import Media
from esl_app.media.detect import DetectMedia
from esl_app.media.duplex import Pacer
from esl_app.media.duplex.media import DuplexMedia
from esl_app.media.file import FileMedia
from esl_app.media.prompts import PromptCache
from esl_app.media.spool import LegSpool
from esl_app.media.switch_recogniser import SwitchRecogniser
from esl_app.quotas import Place, Quotas
from esl_app.quotas.meter import Meter, models_of, rounded
from esl_app.recording import CallRecording, Recordings, hindrance
from esl_app.redacting import redacting
from esl_app.redaction import redact
from esl_app.sessions import Session
from esl_app.stores import Stores
from esl_app.timekeeping import Timekeeper
from esl_app.transfers import leads
from esl_app.turn import BargeInRules, CallLimits, Rules, TurnLoop, phrases
from esl_app.turn.guessing import GuessRules
from knowledge.retrieval import Retriever
from providers.contracts import Audio, SpeechStream, StreamingSpeechToText
from providers.deadline import Deadline
from tenants.models import Tenant
from tenants.quotas import Used

log = structlog.get_logger()

Observer = Callable[[Leg, Entry], None]
OnCall = Callable[[Leg, Journal, dict[str, object]], None]

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
# A voice over a prompt is decided about by then, whether its words are known or not.
_OVERLAP_S: Final = BargeInRules().decide_s - 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What a worker process shares between its calls."""

    settings: Settings
    stores: Stores
    engines: EnginePool
    pacer: Pacer
    vad: Vad
    prompts: PromptCache
    budget: Budget
    recordings: Recordings
    flows: FlowLoader
    observe: Observer | None
    on_call: OnCall | None
    quotas: Quotas
    backlog: Backlog


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
        row, deadlines, journal = (
            self.tenant.secretary,
            self.worker.settings.deadlines,
            self.journal,
        )
        media = self._media()
        mouth = Mouth(
            media=media,
            tts=self.engines.tts,
            fingerprint=self.engines.tts_fingerprint,
            prompts=self.worker.prompts,
            journal=journal,
            domain_uuid=self._domain_uuid,
            language=row.language,
            voice_name=row.tts_voice_id,
            speed=row.tts_speed,
            tts_s=deadlines.tts_s,
            # Every round has deadlines of its own; this is for what they do not see.
            answer_s=deadlines.retrieval_s
            + MOST_ROUNDS * deadlines.llm_s
            + (MOST_ROUNDS - 1) * deadlines.tool_s,
        )
        ears = Ears(
            media=media,
            stt=self.engines.stt,
            journal=journal,
            language=row.language,
            silence_s=row.silence_timeout_ms / 1000,
            longest_s=row.max_recording_seconds,
            no_input_s=row.silence_fallback_seconds,
            stt_s=deadlines.stt_s,
        )
        brain = Brain(
            domain_uuid=self._domain_uuid,
            secretary=row,
            llm=self.engines.llm,
            retriever=Retriever(self.worker.stores.database, self.engines.embedder),
            embedder_name=self.engines.embedder.name,
            journal=journal,
            retrieval_s=deadlines.retrieval_s,
            llm_s=deadlines.llm_s,
            tool_s=deadlines.tool_s,
            budget=self.worker.budget,
        )
        loop = TurnLoop(
            Rules(
                language=row.language,
                max_turns=row.max_turns,
                max_misses=1
                if row.silence_fallback_action == "hangup"
                else row.silence_fallback_max_retries + 1,
                handoff_enabled=row.handoff_enabled,
                handoff_keywords=row.handoff_keywords,
                farewell_keywords=row.farewell_keywords,
                leads=leads(self.tenant),
                still_there=row.silence_fallback_prompt or None,
                not_heard=row.fallback_message or None,
            )
        )
        if self._session is not None:
            loop.turns, loop.last_answer = self._session.turns, self._session.last_answer
            brain.history = self._session.messages
        conversation = Conversation(loop=loop, ears=ears, brain=brain, mouth=mouth, journal=journal)
        asker = Asker(
            ears=ears, mouth=mouth, journal=journal, rules=loop.rules, finish=conversation.finish
        )
        if isinstance(media, DuplexMedia) and self.worker.settings.speculation.enabled:
            media.on_likely = conversation.guess
        self._on_answer = partial(self._answered, conversation, asker)
        parts = Parts(
            leg=self.leg,
            tenant=self.tenant,
            media=media,
            mouth=mouth,
            asker=asker,
            conversation=conversation,
            journal=journal,
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

    def _media(self) -> Media:
        file = FileMedia(self.leg, self.spool)
        if self.tenant.secretary.media_mode == "file":
            return file
        if self.switch_recogniser is not None:
            return DetectMedia(
                self.leg, file=file, recogniser=self.switch_recogniser, journal=self.journal
            )
        return DuplexMedia(
            self.leg,
            file=file,
            pacer=self.worker.pacer,
            vad=self.worker.vad,
            journal=self.journal,
            language=self.tenant.secretary.language,
            recognise=self._recognise,
            open_stream=self._open_stream if self.engines.stt.capabilities.streaming else None,
            guess_rules=GuessRules(
                stable_s=self.worker.settings.speculation.stable_s,
                most=self.worker.settings.speculation.most_a_turn,
            ),
        )

    def _open_stream(self, rate: int) -> SpeechStream:
        """A stream for one utterance, while it is spoken."""
        stt, row = self.engines.stt, self.tenant.secretary
        assert isinstance(stt, StreamingSpeechToText)  # its capabilities say so
        deadline = Deadline.after(row.max_recording_seconds + self.worker.settings.deadlines.stt_s)
        return stt.open(rate=rate, language=row.language, deadline=deadline)

    def _recognise(self, audio: Audio) -> str:
        """Words of a voice over a prompt; too slow an answer is none."""
        language = self.tenant.secretary.language
        deadline = Deadline.after(_OVERLAP_S)
        return self.engines.stt.transcribe(audio, language=language, deadline=deadline).text

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
