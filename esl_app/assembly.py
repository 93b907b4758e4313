"""What a call's conversation is made of: the tenant's row and the worker's parts, put together."""

from __future__ import annotations

from typing import Final

from esl_app.conversation import Brain, Conversation, Ears, Mouth
from esl_app.conversation.answering import MOST_ROUNDS
from esl_app.engines import Engines
from esl_app.journal import Journal
from esl_app.leg import Leg
from esl_app.media.contract import Media
from esl_app.media.detect import DetectMedia
from esl_app.media.duplex.media import DuplexMedia
from esl_app.media.file import FileMedia
from esl_app.media.spool import LegSpool
from esl_app.media.switch_recogniser import SwitchRecogniser
from esl_app.sessions import Session
from esl_app.transfers import leads
from esl_app.turn import BargeInRules, Rules, TurnLoop
from esl_app.turn.guessing import GuessRules
from esl_app.worker import Worker
from knowledge.retrieval import Retriever
from providers.contracts import Audio, SpeechStream, StreamingSpeechToText
from providers.deadline import Deadline
from tenants.models import Tenant

# A voice over a prompt is decided about by then, whether its words are known or not.
_OVERLAP_S: Final = BargeInRules().decide_s - 0.1


def media_of(
    leg: Leg,
    *,
    worker: Worker,
    tenant: Tenant,
    engines: Engines,
    journal: Journal,
    spool: LegSpool,
    switch_recogniser: SwitchRecogniser | None,
) -> Media:
    """How audio moves: as the secretary's row says."""
    row, settings, stt = tenant.secretary, worker.settings, engines.stt
    file = FileMedia(leg, spool)
    if row.media_mode == "file":
        return file
    if switch_recogniser is not None:
        return DetectMedia(leg, file=file, recogniser=switch_recogniser, journal=journal)

    def recognise(audio: Audio) -> str:
        """Words of a voice over a prompt; too slow an answer is none."""
        deadline = Deadline.after(_OVERLAP_S)
        return stt.transcribe(audio, language=row.language, deadline=deadline).text

    def open_stream(rate: int) -> SpeechStream:
        """A stream for one utterance, while it is spoken."""
        assert isinstance(stt, StreamingSpeechToText)  # its capabilities say so
        deadline = Deadline.after(row.max_recording_seconds + settings.deadlines.stt_s)
        return stt.open(rate=rate, language=row.language, deadline=deadline)

    return DuplexMedia(
        leg,
        file=file,
        pacer=worker.pacer,
        vad=worker.vad,
        journal=journal,
        language=row.language,
        recognise=recognise,
        open_stream=open_stream if stt.capabilities.streaming else None,
        guess_rules=GuessRules(
            stable_s=settings.speculation.stable_s, most=settings.speculation.most_a_turn
        ),
    )


def conversation_of(
    media: Media,
    *,
    worker: Worker,
    tenant: Tenant,
    engines: Engines,
    journal: Journal,
    session: Session | None,
) -> Conversation:
    """The ears, the brain, the mouth and the loop between them; going on where `session` ended."""
    row, deadlines = tenant.secretary, worker.settings.deadlines
    mouth = Mouth(
        media=media,
        tts=engines.tts,
        fingerprint=engines.tts_fingerprint,
        prompts=worker.prompts,
        journal=journal,
        domain_uuid=tenant.domain.domain_uuid,
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
        retriever=Retriever(worker.stores.database, engines.embedder),
        embedder_name=engines.embedder.name,
        journal=journal,
        retrieval_s=deadlines.retrieval_s,
        llm_s=deadlines.llm_s,
        tool_s=deadlines.tool_s,
        budget=worker.budget,
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
            leads=leads(tenant),
            still_there=row.silence_fallback_prompt or None,
            not_heard=row.fallback_message or None,
        )
    )
    if session is not None:
        loop.turns, loop.last_answer = session.turns, session.last_answer
        brain.history = session.messages
    conversation = Conversation(loop=loop, ears=ears, brain=brain, mouth=mouth, journal=journal)
    if isinstance(media, DuplexMedia) and worker.settings.speculation.enabled:
        media.on_likely = conversation.guess
    return conversation
