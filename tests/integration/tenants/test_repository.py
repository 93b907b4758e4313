from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from tenants import repository, routing
from tenants.db import Database
from tenants.errors import Conflict, InvalidRow, Refused, TenantError, UnknownTenant
from tenants.models import Conversation, MessageRow
from tests.integration.tenants.conftest import Make

pytestmark = pytest.mark.integration

_WILLOW: dict[str, Any] = {
    "domain": {"domain_name": "willow.example"},
    "secretary": {
        "secretary_name": "Reception",
        "company_name": "Willow Dental",
        "greeting_message": "Willow Dental, how can I help?",
        "llm_provider": "openai",
        "handoff_keywords": ["a person", "operator"],
        "business_info": {"phone": "555 0100"},
        "transfer_extension": "1000",
    },
    "providers": [
        {"provider_type": "llm", "provider_name": "extractive", "is_default": True},
        {"provider_type": "llm", "provider_name": "openai", "config": {"model": "m"}},
        {"provider_type": "tts", "provider_name": "piper_local", "cost_per_unit": "0.000015"},
    ],
    "numbers": ["+1 555 010 0200"],
}


def test_what_is_written_is_what_a_call_finds(database: Database) -> None:
    created = repository.create_tenant(database, _WILLOW)
    for way in (
        {"domain_uuid": str(created.domain.domain_uuid)},
        {"domain_name": "Willow.Example"},
        {"destination_number": "0015550100200"},
        {"domain_uuid": None, "domain_name": "", "destination_number": "15550100200"},
    ):
        assert routing.resolve(database, **way) == created
    llm = created.provider("llm")
    assert llm is not None
    assert (llm.provider_name, llm.config) == ("openai", {"model": "m"})
    assert created.provider("stt") is None


@pytest.mark.parametrize(
    ("way", "lookup", "reason"),
    [
        ({"domain_uuid": str(UUID(int=1))}, "domain_uuid", "no tenant has it"),
        ({"domain_uuid": "not-a-uuid"}, "domain_uuid", "no tenant has it"),
        ({"domain_name": "other.example"}, "domain_name", "no tenant has it"),
        ({"destination_number": "+1999"}, "destination_number", "no tenant has it"),
        ({}, "destination_number", "no tenant has it"),
        # What is there and wrong is not made good by the next thing.
        (
            {"domain_uuid": str(UUID(int=1)), "destination_number": "15550100200"},
            "domain_uuid",
            "no tenant has it",
        ),
        (
            {"domain_name": "nobody.example", "destination_number": "15550100200"},
            "domain_name",
            "no tenant has it",
        ),
        ({"domain_name": "off.example"}, "domain_name", "the tenant is disabled"),
    ],
)
def test_an_unknown_tenant_says_which_lookup_failed(
    database: Database, make_tenant: Make, way: dict[str, str], lookup: str, reason: str
) -> None:
    repository.create_tenant(database, _WILLOW)
    off = make_tenant("off.example")
    with database.tenant(off.domain.domain_uuid) as cursor:
        repository.update_domain(cursor, off.domain.model_copy(update={"is_enabled": False}))
    with pytest.raises(UnknownTenant) as unknown:
        routing.resolve(database, **way)
    assert (unknown.value.lookup, unknown.value.reason) == (lookup, reason)
    assert "555" not in str(unknown.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"domain": {"domain_name": "Not A Name"}}, "domain: domain_name: "),
        ({"domain": {}}, "domain: domain_name: Field required"),
        ({"secretary": None}, "tenant: secretary: missing"),
        ({"secretary": {"secretary_name": "x", "colour": 1}}, "secretary: colour: Extra"),
        (
            {"secretary": {"secretary_name": "x", "stt_provider": "openai"}},
            "secretary: stt_provider: no stt provider of that name in this tenant",
        ),
        (
            {"providers": [{"provider_type": "fax", "provider_name": "x"}]},
            "provider 1: provider_type: ",
        ),
        ({"numbers": ["not a number!"]}, "number: destination_number: "),
        ({"colour": "blue"}, "tenant: colour: no such part"),
    ],
)
def test_a_bad_tenant_is_named_and_nothing_is_written(
    database: Database, change: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidRow) as refused:
        repository.create_tenant(database, _WILLOW | change)
    assert str(refused.value).startswith(says)
    with pytest.raises(UnknownTenant):
        routing.resolve(database, domain_name="willow.example")


def test_names_and_numbers_are_taken_once(database: Database, make_tenant: Make) -> None:
    make_tenant("a.example", numbers=["100"])
    with pytest.raises(Conflict, match="domain_name_in_use"):
        make_tenant("a.example")
    with pytest.raises(Conflict, match="destination_number_in_use"):
        make_tenant("b.example", numbers=["100"])
    with pytest.raises(UnknownTenant):  # the failed one left nothing
        routing.resolve(database, domain_name="b.example")


def test_a_removed_tenant_is_gone_with_everything(database: Database, make_tenant: Make) -> None:
    a = make_tenant("a.example", numbers=["100"])
    assert repository.delete_tenant(database, a.domain.domain_uuid)
    assert not repository.delete_tenant(database, a.domain.domain_uuid)
    make_tenant("a.example", numbers=["100"])


def _conversation(**more: Any) -> Conversation:
    return Conversation(
        call_uuid="c-1",
        caller_id_number="+15550001",
        start_time=datetime(2026, 11, 22, 14, tzinfo=UTC),
        **more,
    )


def test_a_call_is_written_once_however_often(database: Database, make_tenant: Make) -> None:
    domain_uuid = make_tenant("a.example").domain.domain_uuid
    begun = _conversation()
    message = MessageRow(
        voice_conversation_uuid=begun.voice_conversation_uuid,
        turn_number=1,
        role="assistant",
        content="From nine to one.",
        endpoint_ms=600,
        stt_ms=900,
        retrieval_ms=9,
        llm_ms=40,
        tts_ms=120,
        first_audio_ms=1700,
        stt_provider="whisper_local",
        tts_provider="piper_local",
        llm_provider="extractive",
        embeddings_provider="local",
        prompt_tokens=120,
        completion_tokens=12,
        rag_sources=(uuid4(), uuid4()),
        detected_intent="question",
    )
    asked = MessageRow(
        voice_conversation_uuid=begun.voice_conversation_uuid,
        turn_number=1,
        role="user",
        content="Are you open?",
        audio_duration_ms=1400,
    )
    ended = begun.model_copy(
        update={
            "end_time": begun.start_time + timedelta(seconds=30),
            "duration_seconds": Decimal("30.000"),
            "total_turns": 1,
            "final_action": "goodbye",
            "hangup_cause": "NORMAL_CLEARING",
        }
    )
    for _ in range(2):
        repository.save_conversation(database, domain_uuid, begun)
        repository.append_message(database, domain_uuid, asked)
        repository.append_message(database, domain_uuid, message)
        repository.save_conversation(database, domain_uuid, ended)
    found = repository.read_conversation(database, domain_uuid, begun.voice_conversation_uuid)
    assert found is not None
    conversation, messages = found
    assert conversation == ended
    assert [m.model_copy(update={"insert_date": None}) for m in messages] == [asked, message]


def test_a_message_needs_its_own_tenant_s_conversation(
    database: Database, make_tenant: Make
) -> None:
    a, b = (make_tenant(name).domain.domain_uuid for name in ("a.example", "b.example"))
    conversation = _conversation()
    repository.save_conversation(database, a, conversation)
    message = MessageRow(
        voice_conversation_uuid=conversation.voice_conversation_uuid,
        turn_number=1,
        role="user",
        content="hi",
    )
    with pytest.raises(Refused, match="message: breaks message_domain_uuid_voice_conv"):
        repository.append_message(database, b, message)
    unknown = repository.read_conversation(database, b, conversation.voice_conversation_uuid)
    assert unknown is None


_HOSTILE = [
    "'; DROP TABLE voice_ai.message; --",
    '"; DELETE FROM voice_ai.domain; --',
    "%s %(x)s %% $1 \\",
    "$$; SELECT pg_sleep(9); $$",
    "a\nb\tc\u2028d \U0001f9b7",
    "' OR '1'='1",
]


@pytest.mark.parametrize("text", _HOSTILE)
def test_any_text_is_stored_and_read_back_equal(
    database: Database, make_tenant: Make, text: str
) -> None:
    tenant = make_tenant(
        "a.example",
        secretary={
            "secretary_name": text,
            "company_name": text,
            "greeting_message": text,
            "personality_prompt": text,
            "business_info": {text: text},
            "handoff_keywords": [text],
            "tts_voice_id": text,
        },
        providers=[{"provider_type": "llm", "provider_name": "x", "config": {text: text}}],
    )
    domain_uuid = tenant.domain.domain_uuid
    assert routing.resolve(database, domain_uuid=domain_uuid) == tenant
    conversation = _conversation(caller_id_name=text, final_action=text)
    repository.save_conversation(database, domain_uuid, conversation)
    message = MessageRow(
        voice_conversation_uuid=conversation.voice_conversation_uuid,
        turn_number=1,
        role="user",
        content=text,
        detected_intent=text,
    )
    repository.append_message(database, domain_uuid, message)
    found = repository.read_conversation(
        database, domain_uuid, conversation.voice_conversation_uuid
    )
    assert found is not None
    assert found[0].caller_id_name == text
    assert found[1][0].content == text
    for way in ("domain_name", "destination_number", "domain_uuid"):
        with pytest.raises(UnknownTenant):
            routing.resolve(database, **{way: text})


def test_what_postgres_cannot_hold_is_refused_not_a_crash(
    database: Database, make_tenant: Make
) -> None:
    for bad in ("nul \0 byte", "half a pair \ud800"):
        with pytest.raises(TenantError):
            make_tenant("a.example", secretary={"company_name": bad})
    with pytest.raises(UnknownTenant):
        routing.resolve(database, destination_number="1\0")
