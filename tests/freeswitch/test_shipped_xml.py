"""What can be said of the shipped XML without FreeSWITCH."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.freeswitch.config import CONF, DIALPLAN

pytestmark = pytest.mark.unit

SHIPPED = sorted([*DIALPLAN.rglob("*.xml"), *CONF.rglob("*.xml")])
CORE = ET.parse(CONF / "autoload_configs" / "switch.conf.xml")
ALLOWED = {allow.attrib["name"] for allow in CORE.iter("allow")}
RUN_PROGRAMS = {"system", "bgsystem", "bg_system", "spawn", "bg_spawn", "spawn_stream"}
RUN_PROGRAMS |= {"lua", "python", "perl", "javascript", "curl", "shell", "fsctl", "reload"}


def _actions(name: str = "") -> list[ET.Element]:
    files = DIALPLAN.rglob("*.xml")
    found = [action for file in files for action in ET.parse(file).iter("action")]
    return [a for a in found if not name or a.attrib["application"] == name]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_it_parses_and_holds_no_secret(path: Path) -> None:
    ET.parse(path)
    text = path.read_text()
    assert "ClueCon" not in text
    for param in ET.parse(path).iter("param"):
        if "password" in param.attrib["name"]:
            assert param.attrib["value"].startswith("$${")


def test_every_application_of_the_dialplan_is_allowed() -> None:
    for action in _actions():
        app = action.attrib["application"]
        module = "mod_event_socket" if app == "socket" else "mod_dptools"
        assert f"{module}.{app}.app" in ALLOWED


def test_nothing_allowed_runs_a_program() -> None:
    for name in ALLOWED:
        module, _, rest = name.partition(".")
        assert rest, f"{module} is allowed as a whole"
        assert rest.partition(".")[0] not in RUN_PROGRAMS


def test_everything_allowed_comes_from_a_module_that_is_loaded() -> None:
    modules = ET.parse(CONF / "autoload_configs" / "modules.conf.xml")
    loaded = {load.attrib["module"] for load in modules.iter("load")}
    assert {name.partition(".")[0] for name in ALLOWED} <= loaded


def test_the_controllers_account_may_only_call_what_exists() -> None:
    account = ET.parse(CONF / "directory" / "voice_ai_control.xml")
    [apis] = [p for p in account.iter("param") if p.attrib["name"] == "esl-allowed-api"]
    for api in apis.attrib["value"].split():
        assert f"mod_commands.{api}.api" in ALLOWED


def test_arguments_are_not_expanded_by_running_commands() -> None:
    settings = {p.attrib["name"]: p.attrib["value"] for p in CORE.iter("param")}
    assert settings["api-expansion"] == "false"


def test_legs_resume_have_a_standby_and_no_console() -> None:
    sockets = [action.attrib["data"] for action in _actions("socket")]
    first, second = (data.split() for data in sockets)
    assert first[1:] == second[1:] == ["async"]
    assert first[0].split("|") == second[0].split("|")[::-1]
    assert "socket_resume=true" in [action.attrib["data"] for action in _actions("set")]
