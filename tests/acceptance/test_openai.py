"""A whole call on OpenAI's own SDK, against a stand-in of the vendor on loopback."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from esl_app.switchsim import SpeakWhenQuiet
from knowledge import ingest
from providers.deadline import Deadline
from tenants import repository
from tenants.models import Tenant
from tests.fakes.openai_server import KEY, OpenAiServer
from tests.fix_calls import AUDIO, NUMBER, Rig

pytestmark = pytest.mark.acceptance

QUESTION = SpeakWhenQuiet(AUDIO / "parking.wav")
NAMES = {"stt": "whisper_api", "tts": "openai_tts", "llm": "openai", "embeddings": "openai"}


def tenant_of(rig: Rig, server: OpenAiServer, key: str = KEY) -> Tenant:
    config = {"api_key": key, "base_url": server.base_url}
    return repository.create_tenant(
        rig.stores.database,
        {
            "domain": {"domain_uuid": uuid4(), "domain_name": "clinic.example"},
            "secretary": {
                "secretary_name": "Ana",
                "media_mode": "file",
                "greeting_message": "Good morning.",
                "transfer_extension": "2000",
            },
            "providers": [
                {"provider_type": kind, "provider_name": name, "config": config}
                for kind, name in NAMES.items()
            ],
            "numbers": [NUMBER],
        },
    )


def test_a_question_is_heard_answered_and_spoken_by_the_vendor(
    rig: Rig, openai_server: OpenAiServer, tmp_path: Path
) -> None:
    tenant = tenant_of(rig, openai_server)
    document = tmp_path / "hours.txt"
    document.write_text("We open at eight in the morning.\n")
    embedder = rig.controller.engines.for_tenant(tenant).embedder
    ingest.add_document(
        rig.stores.database, tenant.domain.domain_uuid, document, embedder, Deadline.after(30)
    )
    call = rig.call(QUESTION)
    assert "We open at eight." in call.said(), "the mark of the source is not spoken"
    _, messages = rig.rows(call, tenant)
    heard, answered = messages[:2]
    assert heard.content == openai_server.transcript
    assert (heard.stt_provider, answered.llm_provider, answered.tts_provider) == (
        "whisper_api",
        "openai",
        "openai_tts",
    )
    assert len(answered.rag_sources) == 1
    assert answered.completion_tokens
    prompt = next(seen for seen in openai_server.seen if seen.path.endswith("/chat/completions"))
    assert "We open at eight in the morning." in prompt.body.decode()


def test_a_wrong_key_ends_with_a_person_and_is_in_no_log(
    rig: Rig, openai_server: OpenAiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    tenant_of(rig, openai_server, key="sk-wrong-CANARY")
    call = rig.call(QUESTION, QUESTION)
    assert call.facts["ending"] == "trouble"
    assert call.result.transferred_to == "2000"
    captured = capsys.readouterr()
    assert "CANARY" not in captured.out + captured.err
