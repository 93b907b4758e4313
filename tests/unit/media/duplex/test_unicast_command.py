"""The command that opens the audio."""

from __future__ import annotations

import pytest

from esl_app.protocol import commands
from esl_app.protocol.safe import UnsafeArgument

pytestmark = pytest.mark.unit


def test_it_is_what_freeswitch_was_told_when_it_was_measured() -> None:
    said = commands.unicast(
        local_ip="127.0.0.1", local_port=18025, remote_ip="127.0.0.1", remote_port=18026
    )
    assert said == (
        b"sendmsg\ncall-command: unicast\nlocal-ip: 127.0.0.1\nlocal-port: 18025\n"
        b"remote-ip: 127.0.0.1\nremote-port: 18026\ntransport: udp\n\n"
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"local_ip": "::1"},
        {"remote_ip": "switch.example"},
        {"remote_ip": "127.0.0.1\nflags: native"},
        {"local_ip": "127.1"},
        {"remote_port": 0},
        {"remote_port": 65536},
        {"local_port": -1},
        {"remote_port": True},
        {"remote_port": "8026"},
    ],
)
def test_anything_but_addresses_and_ports_is_refused(changed: dict[str, object]) -> None:
    wanted = {"local_ip": "127.0.0.1", "remote_ip": "127.0.0.1", "remote_port": 4000, **changed}
    with pytest.raises(UnsafeArgument, match="unicast"):
        commands.unicast(**wanted)  # type: ignore[arg-type]
