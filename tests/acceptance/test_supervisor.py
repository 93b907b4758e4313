"""`voice-ai serve` as a whole: a worker that freezes or dies is replaced, and its calls go on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from esl_app.switchsim import Caller, CallResult, SpeakWhenQuiet, Switch
from tenants import keyring
from tests.fix_calls import AUDIO, PlacedCall, Rig

pytestmark = pytest.mark.acceptance

FREEZE, CALM = "5550001", "5550002"
QUESTION = SpeakWhenQuiet(AUDIO / "parking.wav")
# `time.sleep` is gevent's: this is what a library does that knows nothing of it.
FLOW = """
import gevent.monkey

from esl_app.flow import Call, flow


@flow
def reception(call: Call) -> None:
    call.answer()
    if call.dialled_number == "5550001":
        gevent.monkey.get_original("time", "sleep")(600)
    call.say("Still here." if call.resumed else "Good morning.")
    call.converse()
"""


class Service:
    """`voice-ai serve`, started as systemd would."""

    def __init__(self, folder: Path, rig: Rig) -> None:
        settings = rig.settings
        assert settings.database_url is not None
        assert settings.redis_url is not None
        flows = folder / "frozen"
        flows.mkdir()
        (flows / "reception.py").write_text(FLOW)
        keyring.add(folder / "ring")
        (folder / "voice-ai.toml").write_text(
            f'database_url = "{settings.database_url.get_secret_value()}"\n'
            f'redis_url = "{settings.redis_url.get_secret_value()}"\n'
            f'keys_file = "{folder}/ring"\n'
            f'data_dir = "{folder}/data"\nflows_dir = "{flows}"\nwarm_offline = false\n'
            "[listen]\nport = 0\n"
        )
        self._systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._systemd.bind(str(folder / "notify"))
        self.told: set[str] = set()
        self._listener = gevent.spawn(self._listen)
        self._log = folder / "log"
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "esl_app", "--config", folder / "voice-ai.toml", "serve"],
                stderr=log,
                env={**os.environ, "NOTIFY_SOCKET": str(folder / "notify")},
            )
        until(lambda: "listening" in self.log)
        line = next(line for line in self.log.splitlines() if "listening" in line)
        self.port = int(line.split("port=")[1].split()[0])

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def worker(self) -> int:
        pid = self.process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def _listen(self) -> None:
        while True:
            self.told.add(self._systemd.recv(200).decode())

    def call(self, number: str, *steps: Any, speed: float = 20.0, **options: Any) -> CallResult:
        return Switch(speed=speed).call(
            Caller(steps, number="5550199", patience_s=30.0),
            port=self.port,
            destination_number=number,
            timeout_s=60.0,
            **options,
        )

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)
        self._listener.kill()
        self._systemd.close()


def until(holds: Callable[[], object], *, within_s: float = 30.0) -> None:
    with gevent.Timeout(within_s):
        while not holds():
            gevent.sleep(0.05)


@pytest.fixture
def service(tmp_path: Path, rig: Rig) -> Iterator[Service]:
    started = Service(tmp_path, rig)
    yield started
    started.close()


def test_a_frozen_worker_is_replaced_and_its_calls_go_on(service: Service, rig: Rig) -> None:
    hears = [*["Is there parking?"] * 3, "Goodbye."]
    calm_tenant = rig.tenant(number=CALM, hears=hears, answers=["Behind the house."])
    rig.tenant(number=FREEZE)
    calm = gevent.spawn(
        service.call, CALM, *[QUESTION] * 20, speed=2.0, standby=f"127.0.0.1:{service.port}"
    )
    until(lambda: sessions(rig))
    frozen = service.call(FREEZE)
    assert frozen.fell_back, "the dialplan's next actions run"
    result = calm.get(timeout=60)
    assert result.attempts == 2
    placed = PlacedCall(result=result, journal=None, facts={})
    until(lambda: rig.rows(placed, calm_tenant)[0].final_action)
    assert rig.rows(placed, calm_tenant)[0].final_action == "goodbye"
    assert "worker_frozen" in service.log
    assert 'reception.py", line 11' in service.log, "where it stood"
    assert service.call(CALM, *[QUESTION] * 4).answered
    assert {"READY=1", "WATCHDOG=1"} <= service.told


def test_who_dies_is_replaced_and_orphans_leave(service: Service, rig: Rig) -> None:
    rig.tenant(number=CALM, hears=["Goodbye."])
    first = service.worker
    os.kill(first, signal.SIGKILL)
    assert service.call(CALM, QUESTION).answered, "it waited for the next worker"
    second = service.worker
    assert second != first
    service.process.kill()
    service.process.wait(timeout=10)
    until(lambda: not accepts(service.port))


def test_an_orphan_takes_no_call_and_finishes_those_it_has(service: Service, rig: Rig) -> None:
    hears = [*["Is there parking?"] * 3, "Goodbye."]
    tenant = rig.tenant(number=CALM, hears=hears, answers=["Behind the house."])
    going = gevent.spawn(service.call, CALM, *[QUESTION] * 20, speed=2.0)
    until(lambda: sessions(rig))
    service.process.kill()
    service.process.wait(timeout=10)
    until(lambda: not accepts(service.port))
    result = going.get(timeout=60)
    assert result.attempts == 1
    placed = PlacedCall(result=result, journal=None, facts={})
    until(lambda: rig.rows(placed, tenant)[0].final_action)
    assert rig.rows(placed, tenant)[0].final_action == "goodbye"


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def sessions(rig: Rig) -> bool:
    """Whether some call has got so far that another worker could go on with it."""
    return bool(rig.stores.sessions._redis.keys("leg:*"))
