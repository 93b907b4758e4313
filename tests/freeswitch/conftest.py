"""Fixtures of the tests on a real FreeSWITCH. Without FREESWITCH_BIN they skip, and say so."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.freeswitch.sipcaller import Phone
from tests.freeswitch.sounds import save_wav, tone
from tests.freeswitch.switch import FreeSwitch, default_settings

SORRY_HZ = 440


@pytest.fixture(scope="session")
def freeswitch_bin() -> Path:
    """The binary named by FREESWITCH_BIN."""
    named = os.environ.get("FREESWITCH_BIN")
    if not named:
        pytest.skip("needs a real FreeSWITCH: set FREESWITCH_BIN to its binary")
    path = Path(named)
    if not os.access(path, os.X_OK):
        pytest.fail(f"FREESWITCH_BIN is {named}, which cannot be run")
    return path


@pytest.fixture(scope="session")
def start_switch(
    freeswitch_bin: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., FreeSwitch]]:
    """Starts a FreeSWITCH with changed settings (`config.Settings`); all are stopped at the end."""
    started: list[FreeSwitch] = []

    def start(*, secrets_given: bool = True, **changes: object) -> FreeSwitch:
        folder = tmp_path_factory.mktemp("freeswitch")
        settings = default_settings(folder, **changes)
        switch = FreeSwitch(freeswitch_bin, folder, settings=settings, secrets_given=secrets_given)
        if not settings.sorry.exists():
            settings.sorry.parent.mkdir(parents=True, exist_ok=True)
            save_wav(settings.sorry, tone(SORRY_HZ, 1.0))
        started.append(switch.start())
        return switch

    yield start
    for switch in started:
        switch.begin_stop()
    for switch in started:
        switch.stop()


@pytest.fixture(scope="session")
def switch(start_switch: Callable[..., FreeSwitch]) -> FreeSwitch:
    """The FreeSWITCH most tests share; each test may listen on its controller addresses."""
    return start_switch()


@pytest.fixture
def phone(switch: FreeSwitch) -> Iterator[Phone]:
    """A telephone at the shared FreeSWITCH; afterwards no channel may be left."""
    with Phone(switch=switch.sip) as phone:
        yield phone
    switch.wait_idle()
