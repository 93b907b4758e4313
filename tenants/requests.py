"""What callers leave behind: calls we owe them, and messages for somebody."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from pydantic import AwareDatetime, Field, model_validator

from tenants import _rows, sql
from tenants.db import Cursor
from tenants.fields import CallableNumber, Priority, Row

_SQL = sql.load("tenants", "rows.sql")

CallbackStatus = Literal[
    "pending",
    "notified",
    "ready_to_call",
    "in_progress",
    "completed",
    "expired",
    "canceled",
    "failed",
    "needs_review",
]


class Callback(Row):
    """A call we owe."""

    callback_uuid: UUID = Field(default_factory=uuid4)
    voice_secretary_uuid: UUID | None = None
    voice_conversation_uuid: UUID | None = None
    transfer_destination_uuid: UUID | None = None
    callback_number: CallableNumber = Field(repr=False)
    caller_name: str = Field(default="", repr=False)
    reason: str = Field(default="", repr=False)
    priority: Priority = "medium"
    status: CallbackStatus = "pending"
    requested_time: AwareDatetime | None = None
    expires_at: AwareDatetime
    notify_count: int = Field(default=0, ge=0)
    last_notified_at: AwareDatetime | None = None
    attempts: int = Field(default=0, ge=0)
    last_attempt_at: AwareDatetime | None = None


class LeftMessage(Row):
    """A message for somebody: a recording, words taken down, or both."""

    left_message_uuid: UUID = Field(default_factory=uuid4)
    voice_secretary_uuid: UUID | None = None
    voice_conversation_uuid: UUID | None = None
    transfer_destination_uuid: UUID | None = None
    caller_id_number: str | None = Field(default=None, repr=False)
    caller_name: str = Field(default="", repr=False)
    callback_number: CallableNumber | None = Field(default=None, repr=False)
    content: str = Field(default="", repr=False)
    priority: Priority = "medium"
    status: Literal["new", "read", "done"] = "new"
    audio_file_path: str | None = None
    audio_duration_ms: int | None = Field(default=None, ge=0)
    insert_date: datetime | None = None

    @model_validator(mode="after")
    def _says_something(self) -> LeftMessage:
        if not self.content and not self.audio_file_path:
            raise ValueError("content: neither words nor audio_file_path")
        return self


def read_callbacks(cursor: Cursor, domain_uuid: UUID) -> list[Callback]:
    """The calls the domain still owes, the most urgent and oldest first."""
    return _rows.read(cursor, _SQL["open_callbacks"], domain_uuid, Callback, "callback")


def save_callback(cursor: Cursor, domain_uuid: UUID, row: Callback) -> None:
    """Insert or change a callback."""
    _rows.write(cursor, _SQL["save_callback"], domain_uuid, row)


def read_left_messages(cursor: Cursor, domain_uuid: UUID) -> list[LeftMessage]:
    """All messages left for the domain, the newest first."""
    return _rows.read(cursor, _SQL["left_messages"], domain_uuid, LeftMessage, "voice_message")


def save_left_message(cursor: Cursor, domain_uuid: UUID, row: LeftMessage) -> None:
    """Insert a message, or change its status."""
    _rows.write(cursor, _SQL["save_left_message"], domain_uuid, row)
