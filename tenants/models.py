"""Rows as values, validated once at the edge. Names are the columns'; unknown keys are refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID, uuid4

from pydantic import AfterValidator, Field

from tenants.destinations import TransferDestination, TransferRule
from tenants.errors import InvalidRow
from tenants.fields import (
    DOMAIN_PATTERN,
    NUMBER_PATTERN,
    Context,
    Country,
    Currency,
    Destination,
    Extension,
    Integer,
    Keywords,
    Language,
    Priority,
    ProviderType,
    Row,
    TimeZone,
)
from tenants.limits import Price, Quota
from tenants.opening import BusinessHours
from tenants.policy import Policy
from tenants.secrets import conceal

Role = Literal["user", "assistant", "system"]


class Domain(Row):
    """A tenant, as in FusionPBX."""

    domain_uuid: UUID = Field(default_factory=uuid4)
    domain_name: str = Field(pattern=DOMAIN_PATTERN)
    domain_description: str = ""
    is_enabled: bool = True
    country: Country | None = None
    time_zone: TimeZone = "UTC"


class ProviderRow(Row):
    """One configured provider. Keys in `config` are `Secret`s, from the first moment on."""

    voice_ai_provider_uuid: UUID = Field(default_factory=uuid4)
    provider_type: ProviderType
    provider_name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")
    display_name: str = ""
    config: Annotated[dict[str, Any], AfterValidator(conceal)] = Field(
        default_factory=dict, repr=False
    )
    is_default: bool = False
    is_enabled: bool = True
    priority: Integer = 0
    rate_limit_rpm: int | None = Field(default=None, gt=0, le=2**31 - 1)
    cost_per_unit: Decimal | None = Field(default=None, ge=0, max_digits=10, decimal_places=6)
    cost_unit: str | None = None

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"provider {self.provider_type}/{self.provider_name}"


class Secretary(Row):
    """A tenant's configured persona. An empty text means the standard one of its language."""

    voice_secretary_uuid: UUID = Field(default_factory=uuid4)
    secretary_name: str = Field(min_length=1)
    company_name: str = ""
    extension: Destination | None = Field(default=None, pattern=r"^[a-z0-9._-]{1,64}$")
    is_default: bool = False
    is_enabled: bool = True
    language: Language = "en-US"
    personality_prompt: str = ""
    greeting_message: str = ""
    farewell_message: str = ""
    fallback_message: str = ""
    transfer_message: str = ""
    hold_return_message: str = ""
    outside_hours_message: str = ""
    business_info: dict[str, Any] = Field(default_factory=dict)
    stt_provider_uuid: UUID | None = None
    tts_provider_uuid: UUID | None = None
    llm_provider_uuid: UUID | None = None
    embeddings_provider_uuid: UUID | None = None
    realtime_provider_uuid: UUID | None = None
    tts_voice_id: str | None = None
    tts_speed: float = Field(default=1.0, ge=0.25, le=4)
    llm_model_override: str | None = None
    llm_temperature: float = Field(default=0.7, ge=0, le=2)
    llm_max_tokens: int = Field(default=500, ge=1, le=32000)
    processing_mode: Literal["turn_based", "realtime"] = "turn_based"
    media_mode: Literal["file", "duplex", "detect"] = "duplex"
    max_turns: int = Field(default=20, ge=1, le=1000)
    silence_timeout_ms: int = Field(default=1000, ge=200, le=60000)
    max_recording_seconds: int = Field(default=30, ge=1, le=600)
    vad_threshold: float | None = Field(default=None, ge=0, le=1)
    vad_type: Literal["server_vad", "semantic_vad"] = "semantic_vad"
    vad_eagerness: Literal["low", "medium", "high", "auto"] = "medium"
    business_hours_uuid: UUID | None = None
    silence_fallback_action: Literal["reprompt", "hangup"] = "reprompt"
    silence_fallback_seconds: int = Field(default=6, ge=1, le=300)
    silence_fallback_prompt: str = ""
    silence_fallback_max_retries: int = Field(default=2, ge=0, le=10)
    transfer_extension: Extension | None = None
    transfer_context: Context = "default"
    transfer_enabled: bool = True
    transfer_on_failure: bool = True
    transfer_default_timeout: int = Field(default=30, ge=5, le=300)
    transfer_max_retries: int = Field(default=1, ge=0, le=5)
    transfer_announce_enabled: bool = True
    transfer_music_on_hold: str = Field(
        default="local_stream://moh", pattern=r"^(local_stream://[A-Za-z0-9_-]{1,64}|silence)$"
    )
    transfer_realtime_enabled: bool = False
    transfer_realtime_prompt: str = ""
    transfer_realtime_timeout: int = Field(default=15, ge=5, le=120)
    presence_check_enabled: bool = True
    unbridge_behavior: Literal["hangup", "resume"] = "hangup"
    unbridge_resume_message: str = ""
    handoff_enabled: bool = True
    handoff_keywords: Keywords = ()
    handoff_timeout: int = Field(default=30, ge=5, le=300)
    farewell_keywords: Keywords = ()
    fallback_action: Literal["ticket", "callback", "voicemail", "none"] = "ticket"
    fallback_priority: Priority = "medium"
    callback_enabled: bool = True
    callback_expiration_hours: int = Field(default=24, ge=1, le=720)
    callback_max_notifications: int = Field(default=5, ge=1, le=50)
    callback_min_interval_minutes: int = Field(default=10, ge=1, le=1440)
    guardrails_enabled: bool = True
    guardrails_topics: Keywords = ()

    def check_served(self) -> None:
        """Refuse what the column may hold and no call honours.

        Raises:
            InvalidRow: Names the field and what to set.
        """
        if self.processing_mode != "turn_based":
            raise InvalidRow(
                f"secretary: processing_mode: {self.processing_mode} is not served; set turn_based"
            )


class Did(Row):
    """A number and the secretary who answers it."""

    destination_number: Destination = Field(pattern=NUMBER_PATTERN)
    voice_secretary_uuid: UUID
    description: str = ""
    is_enabled: bool = True


class Tenant(Row):
    """What a call needs to know: whose it is, who answers, and with which providers.

    `providers[kind]` is in the order to use them: the secretary's own choice, the domain's default,
    then by priority; disabled ones are left out.
    """

    domain: Domain
    secretary: Secretary
    providers: Mapping[ProviderType, tuple[ProviderRow, ...]] = Field(default_factory=dict)
    hours: tuple[BusinessHours, ...] = ()
    destinations: tuple[TransferDestination, ...] = ()
    rules: tuple[TransferRule, ...] = ()
    policy: Policy = Policy()
    quota: Quota = Quota()
    prices: tuple[Price, ...] = ()
    # What a person should see to, in words for the log: a provider whose key does not open.
    warnings: tuple[str, ...] = ()

    def provider(self, kind: ProviderType) -> ProviderRow | None:
        """The first choice for this kind, or None when the tenant has none."""
        rows = self.providers.get(kind, ())
        return rows[0] if rows else None


class Conversation(Row):
    """One call, as it is kept."""

    voice_conversation_uuid: UUID = Field(default_factory=uuid4)
    voice_secretary_uuid: UUID | None = None
    call_uuid: str
    caller_id_number: str | None = Field(default=None, repr=False)
    caller_id_name: str | None = Field(default=None, repr=False)
    destination_number: str | None = None
    start_time: datetime
    end_time: datetime | None = None
    duration_seconds: Decimal | None = Field(default=None, ge=0)
    processing_mode: str | None = None
    total_turns: int = Field(default=0, ge=0)
    final_action: str | None = None
    hangup_cause: str | None = None
    transfer_extension: str | None = None
    transfer_department: str | None = None
    consent: Literal["announced", "given", "refused"] | None = None
    recording_file_path: str | None = None
    summary: str | None = Field(default=None, repr=False)
    cost: Decimal | None = Field(default=None, ge=0)
    currency: Currency | None = None


class MessageRow(Row):
    """One thing said in a call, and on the assistant's side what each stage took."""

    voice_message_uuid: UUID = Field(default_factory=uuid4)
    voice_conversation_uuid: UUID
    turn_number: int = Field(ge=0)
    role: Role
    content: str = Field(repr=False)
    heard: str | None = Field(default=None, repr=False)
    audio_duration_ms: int | None = Field(default=None, ge=0)
    audio_file_path: str | None = None
    endpoint_ms: int | None = Field(default=None, ge=0)
    stt_ms: int | None = Field(default=None, ge=0)
    retrieval_ms: int | None = Field(default=None, ge=0)
    llm_ms: int | None = Field(default=None, ge=0)
    tts_ms: int | None = Field(default=None, ge=0)
    first_audio_ms: int | None = Field(default=None, ge=0)
    stt_provider: str | None = None
    tts_provider: str | None = None
    llm_provider: str | None = None
    embeddings_provider: str | None = None
    prompt_tokens: int | None = Field(default=None, ge=0)
    completion_tokens: int | None = Field(default=None, ge=0)
    rag_sources: tuple[UUID, ...] = ()
    detected_intent: str | None = None
    characters: int | None = Field(default=None, ge=0)
    cost: Decimal | None = Field(default=None, ge=0)
    currency: Currency | None = None
    trouble: str | None = None
    insert_date: datetime | None = None


def in_order(
    rows: Sequence[ProviderRow], secretary: Secretary
) -> dict[ProviderType, tuple[ProviderRow, ...]]:
    """Providers by kind: the secretary's choice first, then the default, then by priority."""
    chosen = {
        secretary.stt_provider_uuid,
        secretary.tts_provider_uuid,
        secretary.llm_provider_uuid,
        secretary.embeddings_provider_uuid,
        secretary.realtime_provider_uuid,
    }
    found: dict[ProviderType, list[ProviderRow]] = {}
    for row in sorted(
        (row for row in rows if row.is_enabled),
        key=lambda r: (
            r.voice_ai_provider_uuid not in chosen,
            not r.is_default,
            -r.priority,
            r.provider_name,
        ),
    ):
        found.setdefault(row.provider_type, []).append(row)
    return {kind: tuple(rows) for kind, rows in found.items()}
