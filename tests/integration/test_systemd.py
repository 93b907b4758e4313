"""The unit we ship is one that systemd takes, and fits what the program does."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from esl_app.cli.calls import DRAIN_S, HURRY_S
from esl_app.supervisor import BEAT_S

pytestmark = pytest.mark.integration

UNIT = Path("conf/systemd/voice-ai.service")
ANALYZE = shutil.which("systemd-analyze")


@pytest.fixture
def unit() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return parser["Service"]


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    assert ANALYZE is not None
    # As it is, but for the program, which is not installed where the unit says.
    text, count = re.subn(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", UNIT.read_text())
    assert count == 1
    copy = tmp_path / UNIT.name
    copy.write_text(text)
    done = subprocess.run(
        [ANALYZE, "verify", "--man=no", copy],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    about_it = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert about_it == []
    assert done.returncode == 0, done.stderr


def test_a_drain_has_the_time_it_may_take(unit: configparser.SectionProxy) -> None:
    assert int(unit["TimeoutStopSec"]) > DRAIN_S + HURRY_S
    assert unit["KillMode"] == "mixed", "workers hear of the end from the supervisor, once"
    assert int(unit["WatchdogSec"]) > 5 * BEAT_S
