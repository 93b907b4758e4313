"""A tenant as a file: what is exported is imported again, and a wrong file changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.test_cli_rows import DOMAIN, Run, everything, run, settings, tenant

__all__ = ["run", "settings", "tenant"]  # fixtures

pytestmark = pytest.mark.integration


@pytest.fixture
def full(run: Run, tenant: str) -> str:
    """A tenant with texts that other readers of YAML get wrong."""
    run("provider", "add", tenant, "llm/openai", "--key", "config.model=1e3", stdin="sk-canary\n")
    run("secretary", "set", tenant, "Reception", "greeting_message=yes", "fallback_message=Ça va? 🙂 'so' \"so\"\n\n- a: b #", "llm_provider=fake", 'business_info={"open": "08:30", "floors": 3, "lift": false, "no": null}', "guardrails_topics=on,off", "hours=Office")  # fmt: skip  # noqa: E501
    run("hours", "set", tenant, "Office", "exceptions=2026-12-24 08:00-12:00 Eve; 2026-12-25..2026-12-26 Christmas", "holiday_country=US")  # fmt: skip  # noqa: E501
    run("number", "add", tenant, "+49 30 1234567", "description=Berlin")
    run("number", "add", tenant, "2000")
    run("rule", "add", tenant, "destination=Support", "intent_patterns=\\bhelp[ed]*, please", "transfer_message=~")  # fmt: skip  # noqa: E501
    run("quota", "set", tenant, "spend_month=1234.5678", "call_seconds=none")
    run("policy", "set", tenant, "external_countries=NO,BR", "retention_audio_days=none")
    return tenant


def test_a_tenant_goes_through_a_file_into_another_domain(
    run: Run, full: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, admin_url: str
) -> None:
    text = run("tenant", "export", full)
    assert "canary" not in text
    file = tmp_path / "willow.yaml"
    file.write_text(text)
    before = everything(admin_url)
    assert "unchanged" in run("tenant", "import", str(file))
    assert everything(admin_url) == before
    run("tenant", "remove", full, "--yes")  # a number is one tenant's alone
    file.write_text(text.replace("'***'", "${OUR_KEY}"))
    monkeypatch.setenv("OUR_KEY", "sk-canary-2")
    assert "added" in run("tenant", "import", str(file), "--domain", "oak.example")
    assert run("tenant", "export", "oak.example") == text.replace(full, "oak.example")
    assert "canary" not in "".join(everything(admin_url))
    assert "oak.example: unchanged" in run("tenant", "import", str(file), "--domain", "oak.example")


def test_a_file_is_the_whole_and_names_may_change_hands(
    run: Run, tenant: str, tmp_path: Path
) -> None:
    file = tmp_path / "willow.yaml"
    text = run("tenant", "export", tenant)
    # Sales gives its aliases to Support and Support its one to Sales; the price goes.
    text = text.replace("  - shop\n  - buying\n", "  - HELPED\n").replace(
        "  - help\n", "  - shop\n"
    )
    text = text.replace("HELPED", "help")
    file.write_text(text[: text.index("prices:")])
    shown = run("tenant", "import", str(file), "--dry-run")
    assert "shop; buying" in shown
    assert "0 added, 2 changed, 1 removed (--dry-run)" in shown
    assert "llm/openai" in run("price", "list", tenant)
    run("tenant", "import", str(file))
    assert run("price", "list", tenant, "--json") == ""
    assert run("tenant", "export", tenant) == file.read_text()


WRONG = [
    ("voice_ai_tenant: 1", "voice_ai_tenant: 2", "1: no tenant: a tenant's file has"),
    ("domain_name:", "domain_nmae:", "tenant.domain_name: missing"),
    ("country: US", "country: usa", "3: tenant: country: "),
    ("destinations:", "destination:", "destination: no such section (sections: "),
    ("  - buying", "  - shop", "destinations[1]: aliases: 'shop' is there twice"),
    ("  - help", "  - shop", "destination Support: aliases: 'shop' is an alias of Sales"),
    ("'2001'", "'DE89370400440532013000'", "destinations[1]: destination_number: no extension"),
    ("destination_number: '2001'", "priority: much", "destinations[1]: "),
    ("  hours: Office", "  hours: Nights", "destinations[1]: hours: no hours of that name"),
    ("  hours: Office", "  hours: [Office]", "destinations[1]: hours: no hours of that name"),
    ("  hours: Office", "  hours: Office\n  hours: Office", "hours: is there twice"),
    ("  hours: Office", "  houres: Office", "destinations[1]: houres: no such field; hours?"),
    ("13:00-18:00", "11:00-18:00", "hours[1]: slots: two overlap on Monday at 11:00"),
    ("time_zone: America", "time_zone: Amerika", "hours[1]: time_zone: no such time zone"),
    ("script:", "scirpt:", "provider llm/fake: config: scirpt: unknown key"),
    ("script:", "api_key: sk-s3cret\n    script:", "config.api_key: a key in clear"),
    ("script:", "api_key: ${NOT_SET_HERE}\n    script:", "config.api_key: NOT_SET_HERE is not set"),
    (
        "script:",
        "api_key: '***'\n    script:",
        "config.api_key: left out, and this tenant has none",
    ),
    ("is_default: true", "processing_mode: realtime", "secretary Reception: processing_mode: "),
    ("is_default: true", "is_default: [true]", "secretaries[1]: is_default: "),
    ("company_name: Willow", 'company_name: "a\\0b"', "secretaries[1]: company_name: holds what"),
    ("company_name: Willow", "voice_secretary_uuid: 1", "voice_secretary_uuid: no such field"),
    (
        "- secretary_name: Reception",
        "- 7\n- secretary_name: Reception",
        "secretaries: an entry that has no fields",
    ),
    ("price: 0.15", "price: cheap", "prices[1]: price: "),
    ("price: 0.15", "price: .nan", "prices[1]: price: "),
    ("- buy", "- &a buy", "anchors and aliases are not taken"),
    ("- buy", "- !!str buy", "tags are not taken here"),
]


def test_a_wrong_file_is_refused_with_its_line_and_nothing_is_written(
    run: Run, tenant: str, tmp_path: Path, admin_url: str
) -> None:
    text = run("tenant", "export", tenant)
    before = everything(admin_url)
    wrong = []
    for old, new, says in WRONG:
        assert old in text, old
        file = tmp_path / "wrong.yaml"
        file.write_text(text.replace(old, new, 1))
        said = run("tenant", "import", str(file), code=2)
        line = said.partition("wrong.yaml:")[2].partition(":")[0]
        if says.partition(" ")[2] not in said or not line.isdigit() or "s3cret" in said:
            wrong.append((new, said))
        assert everything(admin_url) == before, new
    assert not wrong, "\n".join(map(str, wrong))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    assert "bytes: not UTF-8" in run("tenant", "import", str(tmp_path / "bytes"), code=2)
    assert "No such file" in run("tenant", "import", str(tmp_path / "nowhere"), code=2)
    assert DOMAIN in run("tenant", "export", tenant)
