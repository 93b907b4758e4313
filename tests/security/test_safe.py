"""Injection by argument: each text raises and leaves nothing to send."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.protocol import commands, safe
from esl_app.protocol.safe import UnsafeArgument, UnsafePath

pytestmark = pytest.mark.security

# Each was run against a FreeSWITCH and did harm there, in a header, a body or a variable.
HOSTILE = [
    "a\nsession-id: U",
    "a\rcall-command: hangup",
    "a\n\napi status",
    "${system x}",
    "$${x}",
    "\\${x}",
    "$\\{x}",
    "%[a=b]",
    "a\0b",
]
ALSO_HOSTILE = [
    "^^;a=1;execute_on_answer=x",
    " ^^:a",
    " %[a=b]x",
    "${",
    "a ${b} c",
    "$$",
    "$$\\{x}",
    "cost: $\\",
    "\x1b[2J",
    "\t",
    "\x7f",
    "a\udce9b",
    "a" * (safe.LONGEST_ARGUMENT + 1),
    *(f"a{chr(code)}b" for code in range(0x20)),
]


@pytest.mark.parametrize("text", HOSTILE + ALSO_HOSTILE, ids=ascii)
def test_refused_as_an_argument(text: str) -> None:
    with pytest.raises(UnsafeArgument) as refused:
        safe.argument(text)
    assert text not in str(refused.value)
    with pytest.raises(UnsafeArgument):
        commands.set_variable("voice_ai_note", text)


@pytest.mark.parametrize(
    "check",
    [
        safe.digits,
        safe.number,
        safe.extension,
        safe.alias,
        safe.context,
        safe.uuid,
        safe.header_name,
        safe.header_value,
        safe.variable_name,
        safe.variable_to_read,
        safe.hangup_cause,
        safe.absolute_path,
    ],
)
@pytest.mark.parametrize("text", ["", " ", "a b", "1\n", "sales;1000", "x,y", "{a}", *HOSTILE])
def test_no_word_takes_it(check: object, text: str) -> None:
    assert callable(check)
    with pytest.raises(UnsafeArgument):
        check(text)


@pytest.mark.parametrize(
    "text",
    ["", "Ring me at 5!", "5 $ a minute", "100%", "a{b}c", "[x]", "a^^b", "a%[b]", "Zoë 你好", "$"],
)
def test_plain_text_passes(text: str) -> None:
    assert safe.argument(text) == text


@given(st.text())
def test_what_passes_can_neither_end_the_line_nor_be_expanded(text: str) -> None:
    try:
        passed = safe.argument(text)
    except UnsafeArgument:
        return
    assert passed == text
    assert not any(ord(character) < 0x20 for character in text)
    assert "${" not in text
    assert "${" not in text.replace("\\", "")
    text.encode()


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (safe.digits, "0123456789*#ABCD"),
        (safe.number, "+15555550100"),
        (safe.number, "100"),
        (safe.extension, "*98"),
        (safe.extension, "+15555550100"),
        (safe.extension, "front-desk"),
        (safe.alias, "front_desk"),
        (safe.context, "tenant-1.example.com"),
        (safe.uuid, "0e8400e2-9b41-41d4-a716-446655440000"),
        (safe.header_value, "CHANNEL_EXECUTE_COMPLETE"),
        (safe.variable_name, "voice_ai_attempt"),
        (safe.variable_name, "RECORD_STEREO"),
        (safe.hangup_cause, "NORMAL_TEMPORARY_FAILURE"),
        (safe.absolute_path, "/var/lib/voice-ai/spool/a/1.wav"),
    ],
)
def test_what_each_word_is(check: object, text: str) -> None:
    assert callable(check)
    assert check(text) == text


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (safe.digits, "12w"),
        (safe.number, "+"),
        (safe.number, "٣"),
        (safe.number, "1234567890123456"),
        (safe.extension, "-1"),
        (safe.extension, "1000@evil"),
        (safe.alias, "1"),
        (safe.context, ".hidden"),
        (safe.uuid, "0e8400e29b4141d4a716446655440000"),
        (safe.header_value, "+x"),
        (safe.header_value, "/x/"),
        (safe.hangup_cause, "NONE"),
    ],
)
def test_what_each_word_is_not(check: object, text: str) -> None:
    assert callable(check)
    with pytest.raises(UnsafeArgument):
        check(text)


EXECUTED = [
    "execute_on_answer",
    "execute_on_media",
    "EXECUTE_ON_ANSWER",
    "api_on_answer",
    "api_hangup_hook",
    "api_reporting_hook",
    "exec_after_bridge_app",
    "bridge_pre_execute_aleg_app",
    "record_post_process_exec_app",
    "record_post_process_exec_api",
    "session_in_hangup_hook",
    "transfer_after_bridge",
]


@pytest.mark.parametrize("name", EXECUTED)
def test_variables_that_would_be_executed_are_out_of_reach(name: str) -> None:
    with pytest.raises(UnsafeArgument):
        safe.variable_name(name)
    with pytest.raises(UnsafeArgument):
        safe.variable_name(name, configured={name})


def test_other_variables_only_by_configuration() -> None:
    for name in ("sip_h_X_Note", "origination_uuid", "absolute_codec_string", "crm_id"):
        with pytest.raises(UnsafeArgument):
            safe.variable_name(name)
        assert safe.variable_name(name, configured={name}) == name


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    (folder / "tenant").mkdir(parents=True)
    (folder / "tenant" / "1.wav").write_bytes(b"")
    (folder / "out").symlink_to("/etc")
    (folder / "out.wav").symlink_to("/etc/hostname")
    (folder / "dangling.wav").symlink_to("/nowhere/x.wav")
    (folder / "inside").symlink_to(folder / "tenant")
    (folder / "loop").symlink_to(folder / "loop")
    (tmp_path / "spool-2").mkdir()
    return folder


@pytest.mark.parametrize(
    "path",
    [
        "../../etc/x",
        "file_string://a!b",
        "shell_stream://id",
        "http://169.254.169.254/",
        "{loops=-1}x",
        "say:x",
        "out/hostname",
        "out.wav",
        "dangling.wav",
        "-rf.wav",
        "",
        ".",
        "/",
        "/etc/hostname",
        "tenant/../../x",
        "a..b",
        "~root/x",
        "a b.wav",
        "a.wav\n",
        "a\0.wav",
        "1.wav@@8000",
        "silence_stream://500",
        "tone_stream://%(300,0,600)",
        "local_stream://default",
        "phrase:x",
        "[x]y",
        "a,b",
        "a|b",
        "ü.wav",
        "a//b.wav",
        "../spool-2/x.wav",
        "x" * 2000,
    ],
)
def test_refused_as_a_media_path(root: Path, path: str) -> None:
    with pytest.raises(UnsafePath):
        safe.media_path(root, path)


def test_a_sibling_folder_is_outside(root: Path) -> None:
    with pytest.raises(UnsafePath):
        safe.media_path(root, root.parent / "spool-2" / "x.wav")


@pytest.mark.parametrize("path", ["tenant/1.wav", "tenant/new.wav", "inside/1.wav", "a-b_c.wav"])
def test_a_path_below_its_root(root: Path, path: str) -> None:
    real = safe.media_path(root, path)
    assert real == str((root / path).resolve())
    assert safe.media_path(root, real) == real
    assert commands.playback(real).argument == real


def test_a_root_behind_a_link_is_the_folder_it_leads_to(tmp_path: Path, root: Path) -> None:
    link = tmp_path / "sounds"
    link.symlink_to(root)
    assert safe.media_path(link, "tenant/1.wav") == str(root / "tenant/1.wav")
    assert safe.media_path(link, link / "tenant/1.wav") == str(root / "tenant/1.wav")


def test_a_root_with_a_strange_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsafePath):
        safe.media_path(tmp_path / "my sounds", "1.wav")
