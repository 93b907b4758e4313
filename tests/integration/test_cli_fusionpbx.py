"""Tenants carried over from a FusionPBX database, in the two shapes that there are."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tenants import kinds, routing
from tenants.db import Database
from tenants.keyring import KeyRing
from tenants.vault import Vault
from tests.integration.test_cli_rows import Run, everything, run, settings

__all__ = ["run", "settings"]  # fixtures

pytestmark = pytest.mark.integration

CLINIC = UUID("d0000000-0000-0000-0000-000000000001")


@pytest.fixture
def dsn(empty_database_url: str) -> str:
    """A FusionPBX database, with a password in its URL as little as possible."""
    script = Path(__file__).with_name("fusionpbx.sql").read_text("utf-8")
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(script)  # type: ignore[arg-type,unused-ignore]
    return empty_database_url


def rows_of(settings: Path, database_url: str, domain_uuid: UUID) -> dict[str, list[Any]]:
    vault = Vault(KeyRing.of_file(settings.parent / "keys"))
    with (
        closing(Database(database_url, vault=vault)) as database,
        database.tenant(domain_uuid) as cursor,
    ):
        return kinds.read_all(cursor, domain_uuid, vault)


def test_a_tenant_is_carried_over_and_the_rest_is_said(
    run: Run, settings: Path, dsn: str, database_url: str, admin_url: str, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    words = ("tenant", "import-fusionpbx", dsn, "--country", "BR", "--domain", "clinica.example")
    before = everything(admin_url)
    assert "18 added, 0 changed (--dry-run)" in run(*words, "--dry-run")
    assert everything(admin_url) == before
    shown = run(*words, "--report", str(report))
    assert "documents add --domain Clinica.Example /var/docs/precos.pdf" in shown
    assert oct(report.stat().st_mode)[-3:] == "600"
    assert "canary" not in shown + report.read_text() + "".join(everything(admin_url))
    rows = rows_of(settings, database_url, CLINIC)

    (domain,) = rows["tenant"]
    assert (domain.domain_name, domain.time_zone) == ("clinica.example", "America/Sao_Paulo")
    assert (domain.country, domain.domain_description) == ("BR", 'Clínica "Ç" 🙂')
    ana, bia = rows["secretary"]
    assert ana.company_name == 'Clínica O\'Neil "Dental" 🦷'
    assert ana.greeting_message == "Olá; DROP TABLE v_domains; -- $1 %s"
    assert (ana.extension, ana.tts_speed, ana.language) == ("8000", 1.1, "pt-BR")
    assert (ana.is_default, ana.processing_mode) == (True, "turn_based")
    assert ana.handoff_keywords == ("atendente", "humano", "pessoa", "operador")
    assert ana.guardrails_topics == ("política", "religião")
    assert ana.business_info == {"endereço": "Rua 1"}
    assert ana.callback_expiration_hours == 48
    assert (bia.extension, bia.tts_speed, bia.max_turns) == (None, 1.0, 20)
    providers = {kinds.PROVIDER.title(row): row for row in rows["provider"]}
    openai = providers["llm/openai"]
    assert openai.config["model"] == "gpt-4o-mini"
    assert openai.config["api_key"].reveal() == "sk-canary-llm"
    assert set(openai.config) == {"model", "api_key"}
    assert openai.is_default
    assert openai.voice_ai_provider_uuid == ana.llm_provider_uuid
    assert providers["tts/elevenlabs_old"].config["api_key"].reveal() == "canary-tts"
    assert not providers["tts/elevenlabs_old"].is_enabled
    assert not providers["llm/fake"].is_default
    destinations = {row.name: row for row in rows["destination"]}
    assert set(destinations) == {"Vendas", "Suporte", "Celular", "Financeiro"}
    assert destinations["Vendas"].aliases == ("comercial", "loja")
    assert destinations["Vendas"].destination_number == "2001"
    assert destinations["Celular"].destination_number == "+5511987654321"
    assert destinations["Suporte"].voice_secretary_uuid == ana.voice_secretary_uuid
    assert not destinations["Suporte"].is_default
    hours = {row.name: row for row in rows["hours"]}
    assert [slot.weekday for slot in hours["Vendas"].slots] == [0]
    assert [slot.weekday for slot in hours["Suporte"].slots] == [0, 1, 6]
    assert hours["Suporte"].time_zone == "America/Sao_Paulo"
    assert destinations["Celular"].business_hours_uuid is None
    rules = {rule.intent_keywords: rule for rule in rows["rule"]}
    assert set(rules) == {("comprar", "preço, valor"), ("boleto",)}
    assert (
        rules["boleto",].transfer_destination_uuid
        == destinations["Financeiro"].transfer_destination_uuid
    )
    assert rows["quota"][0].concurrent_legs == 12
    assert (rows["policy"][0].retention_audio_days, rows["policy"][0].recording_enabled) == (
        30,
        True,
    )


NAMELESS = "b0000000-0000-0000-0000-000000000003"
NOWHERE = "e0000000-0000-0000-0000-000000000006"
SAID = (
    ("v_voice_ai_providers", "llm/openai", "config.temperature", "left out", "no such field"),
    ("v_voice_ai_providers", "llm/openai", "config.secret_sauce", "left out", "no such field"),
    ("v_voice_ai_providers", "stt/whisper_local", "config.model", "left out", "neither"),
    ("v_voice_ai_providers", "tts/elevenlabs_old", "is_enabled", "changed", "no adapter"),
    (
        "v_voice_ai_providers",
        "llm/fake",
        "is_default",
        "left out",
        "the default of llm already",
    ),
    ("v_voice_secretaries", "Ana", "webhook_url", "left out", "posted"),
    ("v_voice_secretaries", "Ana", "audio_warmup_ms", "left out", "paced"),
    ("v_voice_secretaries", "Ana", "omniplay_company_id", "left out", "OmniPlay"),
    ("v_voice_secretaries", "Ana", "time_condition_uuid", "left out", "hours are rows"),
    ("v_voice_secretaries", "Ana", "processing_mode", "changed", "realtime"),
    ("v_voice_secretaries", "Ana", "is_default", "changed", "oldest"),
    ("v_voice_secretaries", "Bia", "tts_speed", "left out", "less than or equal to 4"),
    ("v_voice_secretaries", "Bia", "max_turns", "left out", "greater than or equal to 1"),
    ("v_voice_secretaries", "Bia", "extension", "left out", "twice"),
    ("v_voice_secretaries", "Bia", "transfer_extension", "left out", "match"),
    ("v_voice_secretaries", "Bia", "stt_provider_uuid", "left out", "no provider"),
    (
        "v_voice_secretaries",
        NAMELESS,
        "",
        "left out",
        "secretary_name: String should have at least",
    ),
    ("v_voice_transfer_destinations", "Banco", "", "left out", "destination_number: no ext"),
    ("v_voice_transfer_destinations", "Correio", "", "left out", "destination_number: no ext"),
    ("v_voice_transfer_destinations", "Suporte", "aliases", "left out", "'loja' is an alias"),
    ("v_voice_transfer_destinations", "Suporte", "is_default", "left out", "Vendas is the def"),
    ("v_voice_transfer_destinations", "hours of Celular", "", "left out", "two overlap on Monday"),
    ("v_voice_transfer_destinations", "Celular", "hours", "left out", "no hours of that name"),
    ("v_voice_transfer_destinations", NOWHERE, "working_hours", "left out", "no shape"),
    ("v_voice_transfer_rules", "Vendas", "intent_patterns", "left out", "repeats a group"),
    ("v_voice_transfer_rules", "Nada", "", "left out", "neither keywords nor"),
    ("v_voice_secretary_settings", "", "esl_password", "left out", "ClueCon"),
    ("v_voice_conversations", "", "", "left out", "not read"),
)


def test_what_is_not_as_it_was_is_in_the_report(run: Run, dsn: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = ("--country", "BR", "--domain", "clinica.example", "--report", str(report))
    run("tenant", "import-fusionpbx", dsn, *words)
    told = json.loads(report.read_text())["Clinica.Example"]
    said = {(f["table"], f["row"], f["field"]): f for f in told["findings"]}
    for table, row, field, outcome, reason in SAID:
        found = said.get((table, row, field))
        assert found is not None, ((table, row, field), "\n".join(map(str, said)))
        assert found["outcome"] == outcome, found
        assert reason in found["reason"], found
    assert said["v_voice_ai_providers", "llm/openai", "config.secret_sauce"]["value"] == "***"
    assert said["v_voice_ai_providers", "llm/openai", "config.temperature"]["value"] == "0.7"


def test_a_second_time_nothing_changes_and_what_changed_there_does(
    run: Run, settings: Path, dsn: str, database_url: str, admin_url: str
) -> None:
    words = ("tenant", "import-fusionpbx", dsn, "--country", "BR", "--domain", "clinica.example")
    run(*words)
    run("secretary", "set", "clinica.example", "Ana", "media_mode=file")
    run("number", "add", "clinica.example", "+55 11 3333-4444")
    before = everything(admin_url)
    assert "Clinica.Example: unchanged" in run(*words)
    assert everything(admin_url) == before
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE v_voice_secretaries SET greeting_message = 'Oi!'")
        connection.execute(
            'UPDATE v_voice_ai_providers SET config = config || \'{"api_key": "sk-canary-new"}\''
            " WHERE provider_name = 'openai'"
        )
    assert "0 added, 3 changed" in run(*words)
    rows = rows_of(settings, database_url, CLINIC)
    assert {(s.greeting_message, s.media_mode) for s in rows["secretary"]} == {
        ("Oi!", "file"),
        ("Oi!", "duplex"),
    }
    assert rows["number"][0].destination_number == "551133334444"
    keys = [p.config["api_key"].reveal() for p in rows["provider"] if p.provider_name == "openai"]
    assert keys == ["sk-canary-new"]


def test_the_rival_schema(
    run: Run, settings: Path, dsn: str, database_url: str, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    rival = f"{dsn}{'&' if '?' in dsn else '?'}options=-csearch_path%3Drival"
    run("tenant", "import-fusionpbx", rival, "--report", str(report))
    rows = rows_of(settings, database_url, UUID("d0000000-0000-0000-0000-000000000005"))
    (rita,) = rows["secretary"]
    assert rita.farewell_keywords == ("tchau", "até logo")
    assert (rita.silence_fallback_seconds, rita.is_enabled) == (12, True)
    assert rita.outside_hours_message == "Estamos fechados."
    assert rows["provider"][0].config == {"script": ["oi"]}
    (rule,) = rows["rule"]
    assert (rule.intent_keywords, rule.is_enabled) == (("pessoa",), False)
    assert rows["destination"][0].name == "Extension 3000"
    assert "quota call_seconds" in report.read_text()
    with closing(Database(database_url)) as database:
        assert routing.resolve(database, domain_name="rival.example").domain.time_zone == "UTC"


def test_a_domain_that_cannot_be_is_named_and_the_others_are_carried_over(
    run: Run, dsn: str, admin_url: str
) -> None:
    said = run("tenant", "import-fusionpbx", dsn, code=2)
    assert "voice-ai: not a name: " in said
    assert "domain_name" in said
    assert "clinica.example" in run("tenant", "list", "--admin-url", admin_url)
    assert "not a name" not in run("tenant", "list", "--admin-url", admin_url)


def test_what_cannot_be_read_is_named_without_the_password(
    run: Run, dsn: str, database_url: str, admin_url: str
) -> None:
    before = everything(admin_url)
    for words, says in (
        (["nonsense"], "the DSN is not one that libpq reads"),
        (["postgresql://u:s3cret@127.0.0.1:1/x"], "FusionPBX: connection: "),
        (["postgresql://u:s3cret@127.0.0.1:port/x"], "FusionPBX: "),
        ([database_url], "no table v_domains"),
        ([dsn, "--domain", "nobody.example"], "--domain: nobody.example: no such domain"),
        ([dsn, "--domain", "clinica.example", "--country", "brazil"], "country"),
    ):
        said = run("tenant", "import-fusionpbx", *words, code=2)
        assert says in said
        assert "s3cret" not in said
    assert everything(admin_url) == before
