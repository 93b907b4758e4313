"""What is kept of a call: its conversation and message rows, written beside the call.

A greenlet of the call's own writes; the caller never waits for PostgreSQL. What is not written when
the call is over goes into the backlog (`esl_app.backlog`); rows that cannot be written at all are
logged without their content. The sound of the call is kept elsewhere
(`esl_app.recording`): the row only says where.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import gevent
import structlog
from gevent.queue import Queue

from esl_app.backlog import Backlog, Kept, write
from esl_app.greenlets import spawn
from esl_app.journal import Turn
from esl_app.leg import Leg
from esl_app.speech import clean
from tenants.db import Database
from tenants.errors import TenantError
from tenants.models import Conversation, MessageRow, Tenant
from tenants.requests import Callback

log = structlog.get_logger()

_CLOSE_S: Final = 2.5  # less than a server that stops waits for its legs
_RETRY_S: Final = 0.5
_MOST: Final = 1000  # rows waiting; a database that is that far behind is away


class Archive:
    """Writes one call down.

    Args:
        kept: what may be kept of a text.
    """

    def __init__(
        self,
        database: Database,
        *,
        backlog: Backlog,
        leg: Leg,
        tenant: Tenant,
        conversation_uuid: UUID,
        began: datetime,
        kept: Callable[[str], str],
    ) -> None:
        self._database = database
        self._backlog = backlog
        self._domain_uuid = tenant.domain.domain_uuid
        self._conversation = Conversation(
            voice_conversation_uuid=conversation_uuid,
            voice_secretary_uuid=tenant.secretary.voice_secretary_uuid,
            call_uuid=leg.uuid,
            # Whatever bytes a SIP peer sent: PostgreSQL keeps neither a NUL nor half a character.
            caller_id_number=clean(leg.channel.get("Caller-Caller-ID-Number") or "") or None,
            caller_id_name=clean(leg.channel.get("Caller-Caller-ID-Name") or "") or None,
            destination_number=clean(leg.channel.get("Caller-Destination-Number") or "") or None,
            start_time=began,
            processing_mode=tenant.secretary.processing_mode,
        )
        self._kept = kept
        self._waiting: Queue[Kept | None] = Queue(maxsize=_MOST)
        self._unwritten: Kept | None = None
        self._writer = spawn(self._write)
        self.note()

    def turn(self, turn: Turn) -> None:
        """Write a turn's messages: what a flow asked, the caller's words, then our answer."""
        cost = {"cost": turn.cost, "currency": turn.currency}
        common = {
            "voice_conversation_uuid": self._conversation.voice_conversation_uuid,
            "turn_number": turn.number,
        }
        if turn.prompt:
            self._message(**common, role="assistant", content=self._kept(turn.prompt))
        if turn.shown:
            self._message(
                **common,
                role="user",
                content=self._kept(turn.shown),
                audio_duration_ms=turn.speech_ms or None,  # in detect mode we have no audio
                endpoint_ms=turn.endpoint_ms,
                stt_ms=turn.ms("stt"),
                stt_provider=turn.providers.get("stt"),
                detected_intent=str(turn.intent) or None,
                **({} if turn.answer else cost),
            )
        if turn.answer:
            self._message(
                **common,
                role="assistant",
                content=self._kept(turn.answer),
                retrieval_ms=turn.ms("retrieval"),
                llm_ms=turn.ms("llm"),
                tts_ms=turn.ms("tts"),
                first_audio_ms=turn.first_audio_ms,
                tts_provider=turn.providers.get("tts"),
                llm_provider=turn.providers.get("llm"),
                embeddings_provider=turn.providers.get("embeddings"),
                prompt_tokens=turn.prompt_tokens,
                completion_tokens=turn.completion_tokens,
                characters=turn.characters,
                **cost,
                rag_sources=tuple(UUID(source.id) for source in turn.sources),
                trouble=turn.trouble or None,
            )

    def note(self, **values: Any) -> None:
        """Write down now what is known of the conversation: this worker may not see its end."""
        self._conversation = self._conversation.model_copy(update=values)
        self._put(self._conversation)

    def callback(self, row: Callback) -> None:
        """Write down that the caller is to be called back."""
        self._put(row)

    def end(self, facts: Mapping[str, Any], *, turns: int) -> None:
        """Write how the call ended."""
        ended = self._conversation.model_copy(
            update={
                "end_time": datetime.now(UTC),
                "duration_seconds": Decimal(str(facts["duration_s"])),
                "total_turns": turns,
                "final_action": facts["ending"] or facts["disposition"],
                "hangup_cause": facts["hangup_cause"],
                "transfer_extension": facts["transferred_to"],
                "transfer_department": facts["transferred_department"],
                "cost": facts["cost"],
                "currency": facts["currency"],
            }
        )
        self._put(ended)

    def close(self) -> None:
        """Wait until everything is written, for a few seconds at most; keep what is not."""
        self._put(None)
        self._writer.join(_CLOSE_S)
        if not self._writer.ready():
            self._writer.kill()
            rows = [
                self._unwritten,
                *(self._waiting.get_nowait() for _ in range(len(self._waiting))),
            ]
            self._backlog.keep(self._domain_uuid, [row for row in rows if row is not None])

    def _message(self, **values: Any) -> None:
        self._put(MessageRow(**values))

    def _put(self, row: Kept | None) -> None:
        try:
            self._waiting.put_nowait(row)
        except gevent.queue.Full:
            log.error("archive_full")  # noqa: TRY400 - the queue's own trace says nothing

    def _write(self) -> None:
        while (row := self._waiting.get()) is not None:
            self._unwritten = row
            while not self._written(row):
                gevent.sleep(_RETRY_S)
            self._unwritten = None

    def _written(self, row: Kept) -> bool:
        """Write a row; False when the database is away and may come back."""
        try:
            write(self._database, self._domain_uuid, row)
        except TenantError as error:
            if error.retryable:
                log.warning("row_waits", error=str(error))
                return False
            log.error("row_not_written", error=str(error))  # noqa: TRY400
        return True
