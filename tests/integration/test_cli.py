"""The command line as a person meets it: one line that names what and where, exit code 2."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from esl_app.embedded.postgres import EmbeddedPostgres
from esl_app.quotas import LiveLeg, SharedQuotas
from esl_app.switchsim import Caller, Switch
from tenants import keyring
from tenants.quotas import Periods

pytestmark = pytest.mark.integration

COMMAND = (sys.executable, "-m", "esl_app")
TENANT = ("tenant", "add", "clinic.example", "--company", "Clinic", "--number", "+1 555 123 4567")


@pytest.fixture
def home(tmp_path: Path, database_url: str, redis_url: str) -> Path:
    """A folder with settings that point at the test's stores."""
    keyring.add(tmp_path / "keys")
    (tmp_path / "voice-ai.toml").write_text(
        f'database_url = "{database_url}"\nredis_url = "{redis_url}"\n'
        f'keys_file = "{tmp_path}/keys"\n'
        f'data_dir = "{tmp_path}/data"\nflows_dir = "{Path("dialplan/flows").absolute()}"\n'
        "[listen]\nport = 0\n"
    )
    return tmp_path


def run(
    home: Path, *arguments: str, settings: str = "voice-ai.toml", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *(("--config", str(home / settings)) if settings else ()), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


def refused(result: subprocess.CompletedProcess[str]) -> str:
    """The one line a refusal prints."""
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("voice-ai: ")]
    assert len(lines) == 1, result.stderr
    return lines[0]


def test_help_names_every_command(home: Path) -> None:
    text = run(home, "--help", settings="").stdout
    for command in (
        "serve",
        "demo",
        "documents",
        "tenant",
        "flow",
        "bench",
        "migrate",
        "keys",
        "legs",
    ):
        assert command in text


def test_an_unknown_key_is_named(home: Path) -> None:
    (home / "bad.toml").write_text("[listen]\nprot = 8084\n")
    line = refused(run(home, "serve", settings="bad.toml"))
    assert "bad.toml: listen.prot: unknown key" in line


def test_a_wrong_database_url_is_named_without_its_password(home: Path) -> None:
    url = "postgresql://voice_ai_app:s3cret@127.0.0.1:1/voice_ai"
    result = run(home, "serve", VOICE_AI_DATABASE_URL=url)
    line = refused(result)
    assert "127.0.0.1" in line
    assert "s3cret" not in result.stderr + result.stdout


def test_a_url_that_is_none_is_refused(home: Path) -> None:
    assert "database" in refused(run(home, "serve", VOICE_AI_DATABASE_URL="mysql://x"))


def test_a_superuser_is_refused(home: Path, admin_url: str) -> None:
    line = refused(run(home, "serve", VOICE_AI_DATABASE_URL=admin_url))
    assert "superuser" in line


def test_a_database_without_the_schema_is_refused(home: Path, empty_database_url: str) -> None:
    line = refused(run(home, "serve", VOICE_AI_DATABASE_URL=empty_database_url))
    assert "role" in line or "schema" in line


def test_a_database_of_one_s_own_needs_a_key_ring(home: Path) -> None:
    whole = (home / "voice-ai.toml").read_text()
    without = [line for line in whole.splitlines() if not line.startswith("keys_file")]
    (home / "without.toml").write_text("\n".join(without))
    line = refused(run(home, "serve", settings="without.toml"))
    assert "keys_file: not set" in line
    (home / "keys").chmod(0o644)
    assert "keys: others may read it (mode 0644)" in refused(run(home, *TENANT))
    assert "is not 32 bytes" in refused(run(home, *TENANT, VOICE_AI_KEYS="a:c2hvcnQ="))


def test_keys_are_added_rotated_and_dropped(home: Path, admin_url: str) -> None:
    assert run(home, *TENANT, "--openai", OPENAI_API_KEY="sk-canary").returncode == 0
    old = keyring.KeyRing.of_file(home / "keys").current
    admin = {"VOICE_AI_ADMIN_URL": admin_url}
    assert "sk-canary" not in run(home, "tenant", "show", "clinic.example").stdout
    assert "added key" in run(home, "keys", "new").stdout
    assert "3 rows need it" in refused(run(home, "keys", "drop", old, **admin))
    assert "--admin-url" in refused(run(home, "keys", "rotate"))
    assert "3 rewrapped, 0 sealed, 0 failed" in run(home, "keys", "rotate", **admin).stdout
    assert "0 rewrapped, 0 sealed, 0 failed" in run(home, "keys", "rotate", **admin).stdout
    assert old in run(home, "keys", "list", **admin).stdout
    assert "dropped" in run(home, "keys", "drop", old, **admin).stdout
    assert old not in run(home, "keys", "list", **admin).stdout
    assert "llm/openai" in run(home, "tenant", "show", "clinic.example").stdout


def test_a_redis_url_that_is_none_is_named(home: Path) -> None:
    assert "redis_url" in refused(run(home, "serve", VOICE_AI_REDIS_URL="mysql://:s3cret@x"))


def test_another_address_needs_a_list_of_peers(home: Path) -> None:
    assert "listen.allow" in refused(run(home, "serve", VOICE_AI_LISTEN__HOST="0.0.0.0"))


def test_a_port_in_use_is_named(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(run(home, "serve", VOICE_AI_LISTEN__PORT=str(port)))
    assert str(port) in line


def test_a_flow_with_a_syntax_error_is_named_with_its_line(home: Path) -> None:
    (home / "reception.py").write_text("def oops(:\n")
    line = refused(run(home, "serve", VOICE_AI_FLOWS_DIR=str(home)))
    assert "reception.py:1: invalid syntax" in line


def test_flow_check_reports_each_file(home: Path) -> None:
    (home / "good.py").write_text(
        "from esl_app.flow import Call, flow\n@flow\ndef good(call: Call) -> None:\n    pass\n"
    )
    (home / "bad.py").write_text("def oops(:\n")
    result = run(home, "flow", "check", str(home / "good.py"), str(home / "bad.py"))
    assert result.returncode == 2
    assert "good.py: ok" in result.stdout
    assert "bad.py:1: invalid syntax" in result.stderr


def test_a_tenant_is_made_and_shown_and_not_made_twice(home: Path) -> None:
    assert run(home, *TENANT, "--transfer-to", "2000").returncode == 0
    shown = run(home, "tenant", "show", "clinic.example").stdout
    assert "15551234567" in shown
    assert "2000" in shown
    assert "already" in refused(run(home, *TENANT))


def test_a_key_in_the_environment_is_used_only_when_asked_for(home: Path) -> None:
    key = {"OPENAI_API_KEY": "sk-environment"}
    run(home, *TENANT, **key)
    assert "whisper_api" not in run(home, "tenant", "show", "clinic.example").stdout
    other = ("tenant", "add", "other.example", "--company", "Other", "--openai")
    assert run(home, *other, **key).returncode == 0
    shown = run(home, "tenant", "show", "other.example").stdout
    assert "whisper_api" in shown
    assert "sk-environment" not in shown


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--language", "english please", "language"),
        ("--transfer-to", "2000;system", "transfer_extension"),
        ("--number", "a b c!", "number"),
    ],
)
def test_a_bad_value_of_a_tenant_names_its_field(
    home: Path, option: str, value: str, named: str
) -> None:
    line = refused(run(home, "tenant", "add", "x.example", "--company", "X", option, value))
    assert named in line
    assert "no tenant" in refused(run(home, "tenant", "show", "x.example")), "nothing was written"


def test_a_tenant_that_is_not_there_is_named(home: Path) -> None:
    line = refused(run(home, "documents", "list", "--domain", "nobody.example"))
    assert "no tenant" in line


def test_documents_that_cannot_be_used_are_named_and_the_others_added(home: Path) -> None:
    run(home, *TENANT)
    (home / "good.txt").write_text("We are open from nine to five.\n")
    (home / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    (home / "sheet.ods").write_bytes(b"PK")
    result = run(
        home, "documents", "add", "--domain", "clinic.example",
        *(str(home / name) for name in ("broken.pdf", "good.txt", "absent.txt", "sheet.ods")),
    )  # fmt: skip
    assert result.returncode == 2
    for name in ("broken.pdf", "absent.txt", "sheet.ods"):
        assert f"voice-ai: {name}" in result.stderr
    assert "Traceback" not in result.stderr
    assert "good.txt: added, 1 passages" in result.stdout
    assert "good.txt" in run(home, "documents", "list", "--domain", "clinic.example").stdout
    assert "nine to five" in run(
        home, "documents", "show", "good.txt", "--domain", "clinic.example"
    ).stdout  # fmt: skip
    assert (
        run(home, "documents", "remove", "good.txt", "--domain", "clinic.example").returncode == 0
    )
    line = refused(run(home, "documents", "remove", "good.txt", "--domain", "clinic.example"))
    assert "no such document" in line


def test_migrate_brings_an_empty_database_up_to_date(home: Path, empty_database_url: str) -> None:
    first = run(home, "migrate", "--admin-url", empty_database_url)
    assert (first.returncode, "applied" in first.stdout) == (0, True)
    assert run(home, "migrate", "--admin-url", empty_database_url).stdout == "up to date\n"


def test_serve_answers_and_ends_on_sigterm(home: Path) -> None:
    run(home, *TENANT)
    with subprocess.Popen(
        [*COMMAND, "--config", str(home / "voice-ai.toml"), "serve"],
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        port = next(
            int(line.split("port=")[1].split()[0]) for line in server.stderr if "listening" in line
        )
        result = Switch(speed=20).call(
            Caller((), patience_s=2.0), port=port, destination_number="15551234567", timeout_s=60
        )
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0
    assert result.answered


def test_two_commands_share_one_embedded_server(
    home: Path, postgres_server: EmbeddedPostgres
) -> None:
    """`tenant add` works while `serve` holds the embedded servers, and with nobody there."""
    del postgres_server
    (home / "own.toml").write_text(
        f'data_dir = "{home}/own"\nflows_dir = "{Path("dialplan/flows").absolute()}"\n'
        "[listen]\nport = 0\n"
    )
    with subprocess.Popen(
        [*COMMAND, "--config", str(home / "own.toml"), "serve"], stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        assert any("listening" in line for line in server.stderr)
        beside = run(home, *TENANT, settings="own.toml")
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0
    assert beside.returncode == 0, beside.stderr
    began = time.monotonic()
    assert (
        "15551234567" in run(home, "tenant", "show", "clinic.example", settings="own.toml").stdout
    )
    assert time.monotonic() - began < 30


def test_the_calls_that_are_up(home: Path, redis_url: str) -> None:
    assert "0 calls" in run(home, "legs").stdout
    shared = SharedQuotas(redis_url, worker="one")
    domain_uuid = uuid4()
    periods = Periods.at(datetime.now(UTC), "UTC")
    for domain, caller in (("clinic.example", "+491…78"), ("[bold]", "…99")):
        leg = LiveLeg(
            leg_uuid=str(uuid4()),
            domain=domain,
            caller=caller,
            secretary="Ana",
            since=datetime.now(UTC).isoformat(),
            state="speaking",
            worker="host:1",
        )
        shared.admit(domain_uuid, periods, leg, None)
    shared.beat([domain_uuid])
    shown = run(home, "legs").stdout
    for text in ("clinic.example", "+491…78", "[bold]", "speaking", "host:1", "2 calls"):
        assert text in shown
    (line,) = run(home, "legs", "--json", "--domain", "clinic.example").stdout.splitlines()
    assert json.loads(line)["caller"] == "+491…78"
    shared.close()


def test_without_redis_no_calls_can_be_shown(home: Path) -> None:
    line = refused(run(home, "legs", VOICE_AI_REDIS_URL="redis://127.0.0.1:1/0"))
    assert "redis_url: Redis does not answer: ConnectionError" in line
    (home / "own.toml").write_text(f'data_dir = "{home}/own"\n')
    line = refused(run(home, "legs", settings="own.toml"))
    assert "redis_url: not set, and no controller runs" in line
