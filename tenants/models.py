"""Rows as values, validated once at the edge. Names are the columns'; unknown keys are refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID, uuid4

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tenants.errors import InvalidRow

ProviderType = Literal["stt", "tts", "llm", "embeddings", "realtime"]
Role = Literal["user", "assistant", "system"]

_NOT_IN_NUMBERS = re.compile(r"[\s().\-/]+")
_NUMBER_LIKE = re.compile(r"\+?[0-9*#\s().\-/]+")


def normalise_number(dialled: str) -> str:
    """One form for each way to write a destination: what `did.destination_number` holds.

    Digits lose their punctuation and the `+` or `00` of international dialling, so that
    "+1 (555) 010-0200", "0015550100200" and "15550100200" are one number; short ones starting
    with 00 are extensions and stay. Anything else is a SIP user name, in lower case. Nothing is
    guessed from a country: that needs the tenant, which is what is being looked for.

    >>> normalise_number("+1 (555) 010-0200")
    '15550100200'
    """
    text = dialled.strip().lower()
    if not _NUMBER_LIKE.fullmatch(text):
        return text
    digits = _NOT_IN_NUMBERS.sub("", text)
    if digits.startswith("+"):
        return digits[1:]
    if digits.startswith("00") and len(digits) >= 10:
        return digits[2:]
    return digits


def _words(value: object) -> object:
    """Keywords as a list, or as the comma-separated text other systems keep them in."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


Keywords = Annotated[tuple[str, ...], BeforeValidator(_words)]
Destination = Annotated[
    str, BeforeValidator(lambda v: normalise_number(v) if isinstance(v, str) else v)
]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


NUMBER_PATTERN = r"^[a-z0-9._*#-]{1,64}$"
DOMAIN_PATTERN = r"^[a-z0-9]([a-z0-9._-]{0,252}[a-z0-9])?$"


class Row(BaseModel):
    """Base of all rows: immutable, strict about keys, silent about its input in messages."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Domain(Row):
    """A tenant, as in FusionPBX."""

    domain_uuid: UUID = Field(default_factory=uuid4)
    domain_name: str = Field(pattern=DOMAIN_PATTERN)
    domain_description: str = ""
    is_enabled: bool = True


class ProviderRow(Row):
    """One configured provider. `config` may hold keys, so it is left out of the repr."""

    voice_ai_provider_uuid: UUID = Field(default_factory=uuid4)
    provider_type: ProviderType
    provider_name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")
    display_name: str = ""
    config: dict[str, Any] = Field(default_factory=dict, repr=False)
    is_default: bool = False
    is_enabled: bool = True
    priority: int = 0
    rate_limit_rpm: int | None = Field(default=None, gt=0)
    cost_per_unit: Decimal | None = Field(default=None, ge=0)
    cost_unit: str | None = None


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
    business_info: dict[str, Any] = Field(default_factory=dict)
    stt_provider_uuid: UUID | None = None
    tts_provider_uuid: UUID | None = None
    llm_provider_uuid: UUID | None = None
    embeddings_provider_uuid: UUID | None = None
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
    silence_fallback_seconds: int = Field(default=6, ge=1, le=300)
    silence_fallback_prompt: str = ""
    silence_fallback_max_retries: int = Field(default=2, ge=0, le=10)
    # What a transfer takes (esl_app.protocol.safe): digits and keys, or a name.
    transfer_extension: str | None = Field(
        default=None, pattern=r"^(\+?[0-9*#]{1,32}|[A-Za-z][A-Za-z0-9_.-]{0,63})$"
    )
    transfer_context: str = Field(default="default", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")
    handoff_enabled: bool = True
    handoff_keywords: Keywords = ()
    farewell_keywords: Keywords = ()

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


class MessageRow(Row):
    """One thing said in a call, and on the assistant's side what each stage took."""

    voice_message_uuid: UUID = Field(default_factory=uuid4)
    voice_conversation_uuid: UUID
    turn_number: int = Field(ge=0)
    role: Role
    content: str = Field(repr=False)
    audio_duration_ms: int | None = Field(default=None, ge=0)
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
    insert_date: datetime | None = None


_RowT = TypeVar("_RowT", bound=Row)


def parse(model: type[_RowT], values: Mapping[str, Any], what: str) -> _RowT:
    """A row from outside.

    Raises:
        InvalidRow: Names the row (`what`), the field and the rule, never the value.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "row"
        raise InvalidRow(f"{what}: {field}: {first['msg']}") from None


def in_order(
    rows: Sequence[ProviderRow], secretary: Secretary
) -> dict[ProviderType, tuple[ProviderRow, ...]]:
    """Providers by kind: the secretary's choice first, then the default, then by priority."""
    chosen = {
        secretary.stt_provider_uuid,
        secretary.tts_provider_uuid,
        secretary.llm_provider_uuid,
        secretary.embeddings_provider_uuid,
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
