"""The settings we ship hold on a real FreeSWITCH: what is denied there cannot be talked round."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.freeswitch.config import NUMBER
from tests.freeswitch.rawcontroller import RawController, RawLeg
from tests.freeswitch.sipcaller import Phone
from tests.freeswitch.switch import EslRefusedError, FreeSwitch

pytestmark = pytest.mark.freeswitch


def test_no_value_runs_a_command(switch: FreeSwitch, phone: Phone, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    seen: list[str] = []

    def script(leg: RawLeg) -> None:
        leg.connect()
        leg.command("myevents")
        leg.execute("answer")
        done = leg.execute("set", f"seen=${{system touch {proof}}}")
        seen.append(done.get("variable_seen", ""))
        leg.start("hangup")

    with RawController(switch.primary, script) as controller:
        phone.call(NUMBER).wait_ended()
        controller.join()
    assert not proof.exists()
    assert "Permission Denied" in seen[0]


@pytest.mark.parametrize("app", ["system", "bgsystem", "eavesdrop", "intercept", "rename"])
def test_an_application_that_is_not_listed_ends_the_call(
    switch: FreeSwitch, phone: Phone, tmp_path: Path, app: str
) -> None:
    proof = tmp_path / "proof"

    def script(leg: RawLeg) -> None:
        leg.connect()
        leg.command("myevents")
        leg.execute("answer")
        leg.start(app, f"touch {proof}")
        leg.wait_closed()

    with RawController(switch.primary, script):
        call = phone.call(NUMBER).wait_ended()
    assert not proof.exists()
    assert "DESTINATION_OUT_OF_ORDER" in call.end_reason


@pytest.mark.parametrize("command", ["system id", "bg_system id", "spawn id", "fsctl", "eval 1"])
def test_no_console_command_runs_a_program_or_opens_the_door_again(
    switch: FreeSwitch, command: str
) -> None:
    assert "Command not found" in switch.api(command)


def test_the_controllers_account_can_do_its_job_and_no_more(switch: FreeSwitch) -> None:
    login = f"userauth control@voice-ai.internal:{switch.control_password}"
    client = switch.connect(login)
    try:
        assert "total" in client.api("show channels")
        assert "Command not found" not in client.api("uuid_exists x")
        assert client.api("reloadxml").startswith("-ERR")
        assert client.command("event plain BACKGROUND_JOB")[0].startswith("+OK")
    finally:
        client.close()


@pytest.mark.parametrize(
    "login", ["auth ClueCon", "auth ", "userauth control@voice-ai.internal:wrong"]
)
def test_nobody_else_gets_in(switch: FreeSwitch, login: str) -> None:
    with pytest.raises(EslRefusedError):
        switch.connect(login).close()


def test_without_secrets_the_event_socket_stays_shut(
    start_switch: Callable[..., FreeSwitch],
) -> None:
    switch = start_switch(secrets_given=False)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", switch.settings.esl_port), timeout=1.0)
    # Calls do not need it.
    with Phone(switch=switch.sip) as phone, RawController(switch.primary, _answer) as controller:
        phone.call(NUMBER)
        assert controller.legs[0].variable("voice_ai_token") == ""


def _answer(leg: RawLeg) -> None:
    leg.connect()
    leg.start("answer")
