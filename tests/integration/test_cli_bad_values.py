"""Every command with values that cannot work: what and where on standard error, exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import structlog

from esl_app.cli import main
from esl_app.media.sound import write_wav
from providers.contracts import Audio
from tenants import keyring, repository
from tenants.db import Database
from tests.fix_pg import PATIENT

pytestmark = pytest.mark.integration

Refusal = Callable[..., str]


@pytest.fixture
def folder(tmp_path: Path, database_url: str, redis_url: str) -> Path:
    """Settings that work, and things in the way."""
    keyring.add(tmp_path / "keys")
    (tmp_path / "good.toml").write_text(
        f'database_url = "{database_url}"\nredis_url = "{redis_url}"\n'
        f'keys_file = "{tmp_path}/keys"\n'
        f'data_dir = "{tmp_path}/data"\nflows_dir = "{Path("dialplan/flows").absolute()}"\n'
        "[listen]\nport = 0\n"
    )
    (tmp_path / "bytes").write_bytes(b"\xff\x00\xfe" * 10)
    (tmp_path / "nul.py").write_bytes(b"x = 1\0\n")
    (tmp_path / "deep.py").write_text("x = " + "-" * 50_000 + "1")
    (tmp_path / "empty").mkdir()
    for name, listing in {
        "half": "{",
        "list": '["a"]',
        "numbers": '{"a.wav": 7}',
        "absent": '{"a.wav": "hello"}',
        "broken": '{"a.wav": "hello"}',
        "silent": '{"a.wav": "hello"}',
        "short": '{"a.wav": "hello"}',
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "transcripts.json").write_text(listing)
    (tmp_path / "broken" / "a.wav").write_bytes(b"RIFF")
    write_wav(tmp_path / "silent" / "a.wav", Audio(pcm=bytes(16000), rate=8000))
    write_wav(tmp_path / "short" / "a.wav", Audio(pcm=b"", rate=8000))
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "a.tar.xz").write_bytes(b"no archive")
    return tmp_path


@pytest.fixture
def refusal(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Refusal]:
    """Runs a command line (`~` stands for the folder); what it says while it refuses."""
    before = structlog.get_config()

    def run(*words: str, config: str | None = "~/good.toml", **environment: str) -> str:
        for name, value in environment.items():
            monkeypatch.setenv(name, value.replace("~", str(folder)))
        line = ["voice-ai", *(("--config", config) if config else ()), *words]
        monkeypatch.setattr(sys, "argv", [word.replace("~", str(folder)) for word in line])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr().err
        assert ended.value.code == 2, said
        assert "Traceback" not in said
        return said.replace(str(folder), "~")

    yield run
    structlog.configure(**before)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("flow check ~/absent.py", "~/absent.py: No such file"),
        ("flow check ~/empty", "~/empty: Is a directory"),
        ("flow check ~/bytes", "~/bytes: not UTF-8"),
        ("flow check ~/nul.py", "~/nul.py:1: "),
        ("flow check ~/deep.py", "~/deep.py:1: "),
        ("demo --out ~/bytes", "--out: ~/bytes: File exists"),
        ("demo --out ~/bytes/x", "--out: ~/bytes/x: Not a directory"),
        ("demo --out /proc/x", "--out: /proc/x: No such file"),
        ("bench esl --transcripts ~/nowhere", "~/nowhere: no recorded events"),
        ("bench esl --transcripts ~/empty", "~/empty: no recorded events"),
        ("bench esl --transcripts ~/bytes", "~/bytes: no recorded events"),
        ("bench esl --transcripts ~/archive", "~/archive/a.tar.xz: "),
        ("bench ears ~/nowhere", "does not exist"),
        ("bench ears ~/empty", "~/empty: no transcripts.json"),
        ("bench ears ~/bytes", "~/bytes: no transcripts.json"),
        ("bench ears ~/half", "~/half/transcripts.json: "),
        ("bench ears ~/list", "~/list/transcripts.json: "),
        ("bench ears ~/numbers", "~/numbers/transcripts.json: "),
        ("bench ears ~/absent", "~/absent/a.wav: No such file"),
        ("bench ears ~/broken", "~/broken/a.wav: not a WAV file"),
        ("bench ears ~/silent", "~/silent/a.wav: nothing to hear"),
        ("bench ears ~/short", "~/short/a.wav: nothing to hear"),
        ("bench media --seconds nan", "--seconds"),
        ("bench media --legs many", "--legs"),
        ("bench turn --calls 0", "--calls"),
        ("migrate --admin-url nonsense", "database URL"),
        ("migrate --admin-url postgresql://u:s3cret@127.0.0.1:1/x", "127.0.0.1:1/x"),
        ("migrate --admin-url postgresql://u:s3cret@127.0.0.1:port/x", "port"),
        ("migrate --admin-url postgresql://[::1/x", "database URL"),
        ("tenant show nobody.example", "no tenant"),
        ("tenant show Ümläut", "no tenant"),
        ("tenant add x.example", "--company"),
        ("tenant add not_a_domain! --company X", "domain_name"),
        ("tenant add x.example --company X --language 7", "language"),
        ("tenant add x.example --company X --openai", "OPENAI_API_KEY"),
        ("documents list --domain nobody.example", "no tenant"),
        ("documents add ~/bytes --domain nobody.example", "no tenant"),
        ("documents search hours --domain nobody.example --limit 0", "--limit"),
        ("keys new --file ~/bytes/keys", "~/bytes/keys"),
        ("keys list --admin-url nonsense", "database URL"),
        ("keys rotate --admin-url postgresql://u:s3cret@127.0.0.1:1/x", "127.0.0.1:1/x"),
        ("keys drop nobody --admin-url nonsense", "database URL"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_value_that_cannot_work_is_named(
    refusal: Refusal, monkeypatch: pytest.MonkeyPatch, words: str, says: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    said = refusal(*words.split())
    assert says in " ".join(said.replace("│", " ").split())  # boxes break lines
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATA_DIR", "/proc/x", "/proc/x"),
        ("SPOOL_DIR", "~/bytes/spool", "spool_dir: ~/bytes/spool: Not a directory"),
        ("SPOOL_DIR", "~/with space", "spool_dir: ~/with space: "),
        ("SPOOL_GROUP", "no such group", "spool_group: no such group"),
        ("FLOWS_DIR", "~/empty", "~/empty/reception.py: No such file"),
        ("PROMPTS_MB", "0", "prompts_mb"),
        ("LOG_LEVEL", "loud", "log_level"),
        ("DATABASE_URL", "mysql://u:s3cret@x", "database"),
        ("REDIS_URL", "mysql://:s3cret@x", "redis_url"),
        ("REDIS_URL", "redis://127.0.0.1:port/0", "redis_url"),
        ("LISTEN__HOST", "no host of ours", "listen"),
        ("LISTEN__PORT", "99999", "listen.port"),
        ("LISTEN__ALLOW", "everyone", "listen"),
        ("LISTEN__TOKEN", "", "listen.token"),
        ("CALL__FLOW", "../x", "call.flow"),
        ("NONSENSE", "1", "VOICE_AI_NONSENSE"),
        ("KEYS_FILE", "~/nowhere", "~/nowhere"),
        ("KEYS_FILE", "~/empty", "~/empty"),
        ("KEYS_FILE", "~/bytes", "~/bytes"),
    ],
)
def test_a_setting_that_cannot_work_is_named(
    refusal: Refusal, name: str, value: str, says: str
) -> None:
    said = refusal("serve", **{f"VOICE_AI_{name}": value})
    assert says in said
    assert "s3cret" not in said


@pytest.mark.parametrize("config", ["~/nowhere.toml", "~/empty", "~/bytes", "/proc/self/mem"])
def test_settings_that_cannot_be_read_are_named(refusal: Refusal, config: str) -> None:
    assert config in refusal("tenant", "show", "x", config=config)


def test_documents_that_cannot_be_read_are_named(refusal: Refusal, database_url: str) -> None:
    with closing(Database(database_url, PATIENT)) as database:
        repository.create_tenant(
            database,
            {"domain": {"domain_name": "x.example"}, "secretary": {"secretary_name": "Ana"}},
        )
    files = ("empty", "bytes", "nowhere.txt")
    said = refusal("documents", "add", "--domain", "x.example", *(f"~/{name}" for name in files))
    for name in files:
        assert f"voice-ai: {name}: " in said
