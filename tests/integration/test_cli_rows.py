"""A tenant's rows at the command line: made, changed, listed, removed; refused as a whole."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import structlog

from esl_app.cli import main
from tenants import audit, keyring, routing
from tenants.db import Database
from tests.fix_pg import PATIENT

pytestmark = pytest.mark.integration

Run = Callable[..., str]
DOMAIN = "willow.example"


@pytest.fixture
def settings(tmp_path: Path, database_url: str, redis_url: str) -> Path:
    keyring.add(tmp_path / "keys")
    file = tmp_path / "voice-ai.toml"
    file.write_text(
        f'database_url = "{database_url}"\nredis_url = "{redis_url}"\n'
        f'keys_file = "{tmp_path}/keys"\ndata_dir = "{tmp_path}/data"\n'
    )
    return file


@pytest.fixture
def run(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Runs a command line in this process, which shall end with `code`; what it prints."""
    before = structlog.get_config()

    def command(*words: str, code: int = 0, stdin: str = "") -> str:
        monkeypatch.setattr(sys, "argv", ["voice-ai", "--config", str(settings), *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        assert (ended.value.code or 0) == code, said
        assert "Traceback" not in said.err
        return said.err if code else said.out

    yield command
    structlog.configure(**before)


@pytest.fixture
def tenant(run: Run) -> str:
    """A tenant with one row of each kind."""
    run(
        "tenant",
        "add",
        DOMAIN,
        "--company",
        "Willow",
        "--number",
        "+1 555 123 4567",
        "--country",
        "US",
    )
    run(
        "hours",
        "add",
        DOMAIN,
        "Office",
        "time_zone=America/New_York",
        "slots=mon-fri 08:00-12:00 13:00-18:00",
    )
    run(
        "destination",
        "add",
        DOMAIN,
        "Sales",
        "destination_type=extension",
        "destination_number=2001",
        "aliases=shop, buying",
        "hours=Office",
    )
    run(
        "destination",
        "add",
        DOMAIN,
        "Support",
        "destination_type=queue",
        "destination_number=7000",
        "aliases=help",
    )
    run("rule", "add", DOMAIN, "destination=Sales", "intent_keywords=buy, price")
    run("provider", "add", DOMAIN, "llm/fake", 'config={"script": ["hello"]}')
    run("price", "add", DOMAIN, "llm/openai/prompt_token/gpt-4o", "price=0.15", "per=1000000")
    return DOMAIN


def everything(admin_url: str) -> list[str]:
    """Every row of every table, as text."""
    with psycopg.connect(admin_url) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables"
            " WHERE table_schema = 'voice_ai' AND table_type = 'BASE TABLE' ORDER BY 1"
        ).fetchall()
        return [
            f"{table}: {row}"
            for (table,) in tables
            for (row,) in connection.execute(
                f"SELECT t::text FROM voice_ai.{table} t ORDER BY 1"  # type: ignore[arg-type,unused-ignore]
            )
        ]


def test_a_tenant_from_nothing_is_what_a_call_finds(
    run: Run, tenant: str, database_url: str
) -> None:
    run("quota", "set", tenant, "concurrent_legs=30", "spend_day=12.5", "call_seconds=none")
    run("policy", "set", tenant, "consent=ask", "external_countries=BR,PT", "recording_enabled=yes")
    run(
        "secretary",
        "set",
        tenant,
        "Reception",
        "hours=Office",
        "llm_provider=fake",
        "business_info.parking=behind the house",
        "handoff_keywords=person,human",
        "tts_speed=1.25",
    )
    run("tenant", "set", tenant, "time_zone=America/New_York")
    with closing(Database(database_url, PATIENT)) as database:
        found = routing.resolve(database, destination_number="15551234567")
        with database.tenant(found.domain.domain_uuid) as cursor:
            lines = audit.read_audit(cursor, found.domain.domain_uuid)
    assert found.domain.time_zone == "America/New_York"
    assert found.quota.concurrent_legs == 30
    assert found.quota.call_seconds is None
    assert found.policy.external_countries == ("BR", "PT")
    assert found.secretary.business_info == {"parking": "behind the house"}
    assert found.secretary.handoff_keywords == ("person", "human")
    assert found.secretary.business_hours_uuid == found.hours[0].business_hours_uuid
    assert [slot.weekday for slot in found.hours[0].slots] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert found.destinations[0].aliases == ("shop", "buying")
    assert found.rules[0].intent_keywords == ("buy", "price")
    provider = found.provider("llm")
    assert provider is not None
    assert provider.config == {"script": ["hello"]}
    written = {(line.action, line.subject, line.details.get("fields")) for line in lines}
    assert {
        ("tenant_added", "", None),
        ("destination_added", "Sales", None),
        ("quota_changed", "", "concurrent_legs, call_seconds, spend_day"),
        ("tenant_changed", "", "time_zone"),
    } <= written
    assert all(line.actor.startswith("cli:") for line in lines)


def test_what_is_set_is_shown_and_what_is_removed_is_gone(run: Run, tenant: str) -> None:
    assert "changed" in run("destination", "set", tenant, "Sales", "name=Shop", "aliases=")
    (sales,) = [
        row
        for row in map(json.loads, run("destination", "list", tenant, "--json").splitlines())
        if row["name"] == "Shop"
    ]
    assert sales["aliases"] == []
    assert sales["hours"] == "Office"
    assert json.loads(run("hours", "show", tenant, "Office", "--json"))["slots"] == [
        "mon-fri 08:00-12:00 13:00-18:00"
    ]
    assert "unchanged" in run("destination", "set", tenant, "Shop", "destination_number=2001")
    assert "nothing written" in run("rule", "set", tenant, rule_of(run), "priority=5", "--dry-run")
    assert json.loads(run("rule", "list", tenant, "--json"))["priority"] == 0
    run("rule", "remove", tenant, rule_of(run))
    run("destination", "remove", tenant, "Shop")
    run("hours", "remove", tenant, "Office")
    run("number", "add", tenant, "(555) 765-4321", "description=the old one")
    assert "15557654321" in run("number", "list", tenant)
    run("number", "remove", tenant, "+1 555 765 4321")
    assert "15557654321" not in run("number", "list", tenant)
    run("price", "remove", tenant, "llm/openai/prompt_token/gpt-4o")
    assert run("price", "list", tenant, "--json") == ""
    run("tenant", "remove", tenant, "--yes")
    assert "no tenant is called" in run("tenant", "show", tenant, code=2)


def rule_of(run: Run) -> str:
    line = run("rule", "list", DOMAIN).splitlines()[-1]
    return line.split()[0]


def test_keys_come_by_pipe_or_environment_and_are_never_shown(
    run: Run, tenant: str, admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("provider", "add", tenant, "llm/openai", "--key", stdin="sk-canary-1\n")
    monkeypatch.setenv("OUR_KEY", "sk-canary-2")
    run("provider", "set", tenant, "llm/openai", "--key-env", "OUR_KEY", "config.model=gpt-4o")
    run("provider", "set", tenant, "llm/openai", "priority=7")
    shown = run("provider", "show", tenant, "llm/openai") + run("tenant", "show", tenant)
    assert "***" in shown
    assert "canary" not in shown + "".join(everything(admin_url))
    assert "another api_key" in run(
        "provider", "set", tenant, "llm/openai", "--key", "--dry-run", stdin="sk-canary-3"
    )


def test_prices_for_everybody(run: Run, tenant: str, database_url: str) -> None:
    run("price", "add", "@everybody", "stt/deepgram/second", "price=0.0001")
    run("price", "set", "@everybody", "stt/deepgram/second", "price=0.0002")
    with closing(Database(database_url, PATIENT)) as database:
        prices = routing.resolve(database, domain_name=tenant).prices
    assert [str(p.price) for p in prices if p.provider_name == "deepgram"] == ["0.000200"]
    assert "deepgram" not in run("price", "list", tenant)
    run("price", "remove", "@everybody", "stt/deepgram/second")


def test_all_tenants_are_listed_to_whoever_may_see_them(
    run: Run, tenant: str, admin_url: str
) -> None:
    listed = json.loads(run("tenant", "list", "--json", "--admin-url", admin_url))
    assert (listed["domain_name"], listed["numbers"]) == (tenant, 1)
    assert "--admin-url" in run("tenant", "list", code=2)


REFUSED = [
    ("destination set D Sales colour=red", "destination Sales: colour: no such field"),
    ("destination set D Sales prioritty=1", "prioritty: no such field; priority?"),
    ("destination set D Sales priority=soon", "destination Sales: priority: Input should be"),
    ("destination set D Sales priority=99999999999", "destination Sales: priority: "),
    ("destination set D Sales is_enabled=perhaps", "is_enabled: Input should be a valid boo"),
    ("destination set D Sales ring_timeout_seconds=0", "ring_timeout_seconds: Input should be"),
    ("destination set D Sales destination_type=carrier", "destination_type: Input should be"),
    (
        "destination set D Sales destination_number=DE89370400440532013000",
        "destination Sales: destination_number: no extension (up to 15 digits",
    ),
    (
        "destination set D Sales destination_number=89370400440532013000",
        "destination Sales: destination_number: no extension (up to 15 digits",
    ),
    ("destination set D Sales aliases=a,b,a", "destination Sales: aliases: 'a' is there twice"),
    ("destination set D Sales aliases=HELP", "aliases: 'help' is an alias of S"),
    ("destination set D Sales hours=Night", "hours: no hours of that name (there is Office)"),
    ("destination set D Sales name=Support", "name: Support is there twice"),
    ("destination set D Sales name=", "destination Sales: name: String should have at least"),
    ("destination set D Sales priority", "'priority' is not like FIELD=VALUE"),
    ("destination set D Sales priority.x=1", "priority has no entries"),
    (
        "destination set D Sales transfer_destination_uuid=00000000-0000-0000-0000-000000000001",
        "no such field",
    ),
    ("destination set D Nobody priority=1", "no such destination (there is Sales, Support)"),
    ("destination add D Sales destination_type=queue destination_number=1", "is there already"),
    ("destination add D New destination_number=1", "destination_type: Field required"),
    ("destination set nobody.example Sales priority=1", "no tenant is called"),
    ("destination remove D Sales", "rule "),
    ("hours remove D Office", "destination Sales: hours: refers to a hours"),
    ("hours set D Office time_zone=Mars/Olympus", "hours Office: time_zone: no such time zone"),
    (
        "hours set D Office slots=mon~08:00-12:00,mon~11:00-13:00",
        "hours Office: slots: two overlap on Monday at 11:00",
    ),
    ("hours set D Office slots=sun~22:00-06:00,mon~05:00-09:00", "overlap on Monday at 05:00"),
    (
        "hours set D Office slots=someday~08:00-12:00",
        "slots: 'someday 08:00-12:00' is not like",
    ),
    ("hours set D Office slots=mon~25:00-26:00", "hours Office: slots.0.start_time: "),
    ("hours set D Office exceptions=2026-02-30~X", "exceptions.0.first_date"),
    ("hours set D Office exceptions=2026-12-25", "exceptions: '2026-12-25' is not like"),
    (
        "hours set D Office holiday_country=ZZ",
        "holiday_country: no holidays are known for 'ZZ'",
    ),
    ("rule add D intent_keywords=x", "rule: transfer_destination_uuid: Field required"),
    ("rule add D destination=Sales", "rule: intent_keywords: neither these nor"),
    ("rule add D destination=Sales intent_patterns=(a+)+", "pattern 1: repeats a group"),
    ("rule add D destination=Nobody intent_keywords=x", "destination: no destination of that"),
    ("quota set D concurrent_legs=many", "quota: concurrent_legs: Input should be"),
    ("quota set D concurrent_legs=-1", "quota: concurrent_legs: Input should be greater"),
    ("quota set D spend_day=nan", "quota: spend_day: "),
    ("quota set D spend_day=1.23456", "quota: spend_day: "),
    ("quota set D currency=dollars", "quota: currency: "),
    ("quota set D busy_cause=a;b", "quota: busy_cause: "),
    ("policy set D consent=maybe", "policy: consent: Input should be 'none', 'announce'"),
    ("policy set D retention_audio_days=-1", "policy: retention_audio_days: "),
    ("policy set D external_countries=Brazil", "policy: external_countries.0: "),
    ("secretary set D Reception language=7", "secretary Reception: language: "),
    ("secretary set D Reception tts_speed=nan", "secretary Reception: tts_speed: "),
    ("secretary set D Reception processing_mode=realtime", "realtime is not served"),
    ("secretary set D Reception llm_provider=openai", "llm_provider: no llm provider of that"),
    (
        "secretary set D Reception business_info=[1]",
        "business_info: Input should be a valid di",
    ),
    ("secretary set D Reception transfer_extension=2000;system", "transfer_extension: "),
    ("secretary set D Reception transfer_music_on_hold=shell_stream://id", "music_on_hold: "),
    ("secretary remove D Reception", "number 15551234567: secretary: refers to a secretary"),
    ("secretary add D Second is_default=yes", "is_default: Reception is the default already"),
    ("number add D 5551234567", "number 15551234567: is there already"),
    ("number add D a~b!", "number a b!: destination_number: "),
    ("number add D 2000 secretary=Nobody", "secretary: no secretary of that name"),
    ("provider add D llm/nobody", "unknown llm provider 'nobody'"),
    ("provider add D talk/openai", "provider talk/openai: provider_type: "),
    ("provider add D openai", "provider openai: a name is like provider_type/provider_name"),
    ("provider set D llm/fake config.colour=red", "llm/fake: config: colour: unknown key"),
    ("provider set D llm/fake config.latency_s=soon", "llm/fake: config: latency_s: "),
    ("provider set D llm/fake config=[1]", "provider llm/fake: config: Input should be"),
    ("provider set D llm/fake config.api_key=s3cret", "config.api_key: a secret in the arg"),
    ('provider set D llm/fake config={"token":"s3cret"}', "config.token: a secret in the arg"),
    ("provider set D llm/fake", "nothing to change"),
    ("provider set D llm/fake --key", "--key: standard input is empty"),
    ("provider set D llm/fake --key-env NOT_SET_AT_ALL", "NOT_SET_AT_ALL is not set"),
    ("provider set D llm/fake --key-field x", "--key-field: needs --key"),
    ("provider set D llm/fake cost_per_unit=1.23456789", "provider llm/fake: cost_per_unit: "),
    ("price add D llm/openai", "a name is like provider_type/provider_name/unit/model"),
    ("price add D llm/openai/hour price=1", "price llm/openai/hour: unit: "),
    ("price add D llm/openai/second price=-1", "price llm/openai/second: price: "),
    ("price add D llm/openai/second price=1 per=0", "price llm/openai/second: per: "),
    ("tenant set D domain_name=Not~A~Name", "tenant: domain_name: "),
    ("tenant set D time_zone=x", "tenant: time_zone: no such time zone"),
    ("tenant set D country=bra", "tenant: country: "),
    ("tenant set D is_enabled=maybe", "tenant: is_enabled: "),
    ("tenant add D --company Again", "already in use: domain_name_in_use"),
    ("tenant remove D", "not removed"),
]


def test_what_cannot_be_is_refused_by_field_and_rule_and_nothing_is_written(
    run: Run, tenant: str, admin_url: str
) -> None:
    before = everything(admin_url)
    wrong = []
    for words, says in REFUSED:
        line = [word.replace("~", " ") if word != "D" else tenant for word in words.split(" ")]
        said = run(*line, code=2)
        if says not in said or "s3cret" in said or len(said.splitlines()) != 1:
            wrong.append((words, said))
        assert everything(admin_url) == before, words
    assert not wrong, "\n".join(map(str, wrong))
