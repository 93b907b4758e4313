from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from uuid import uuid4

import pytest

from esl_app.errors import ConfigError
from esl_app.media.spool import Spool

pytestmark = pytest.mark.unit


def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        leg = Spool(tmp_path / "spool").open_leg(uuid4(), str(uuid4()))
    finally:
        os.umask(before)
    for directory in (leg.directory, leg.directory.parent, tmp_path / "spool"):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o750


def test_names_are_never_used_twice(tmp_path: Path) -> None:
    leg = Spool(tmp_path).open_leg(uuid4(), str(uuid4()))
    assert len({leg.path("utterance") for _ in range(5)}) == 5


def test_a_leg_leaves_nothing_behind(tmp_path: Path) -> None:
    leg = Spool(tmp_path).open_leg(uuid4(), str(uuid4()))
    leg.path("utterance").write_bytes(b"x")
    leg.close()
    leg.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_a_uuid_makes_no_directory(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="badly formed"):
        Spool(tmp_path).open_leg(uuid4(), "../../etc")
    assert list(tmp_path.iterdir()) == []


def test_the_sweep_takes_old_legs_only(tmp_path: Path) -> None:
    spool, other = Spool(tmp_path), Spool(tmp_path)
    old, young, ours = (s.open_leg(uuid4(), str(uuid4())) for s in (other, other, spool))
    recording = old.path("utterance")
    recording.write_bytes(b"x")
    past = time.time() - 3600
    os.utime(recording, (past, past))
    os.utime(old.directory, (past, past))
    os.utime(ours.directory, (past, past))
    assert spool.sweep(max_age_s=900) == 1
    assert not old.directory.exists()
    assert young.directory.exists()
    assert ours.directory.exists(), "a call that only listens writes nothing for long"


def test_an_unusable_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"spool_dir: .*file"):
        Spool(tmp_path / "file" / "spool")


def test_an_unknown_group_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="spool_group: no such group: nobodys-group"):
        Spool(tmp_path, group="nobodys-group")


def test_a_leg_that_comes_back_has_a_directory_of_its_own(tmp_path: Path) -> None:
    spool, domain, leg = Spool(tmp_path), uuid4(), str(uuid4())
    first, second = spool.open_leg(domain, leg), spool.open_leg(domain, leg)
    first.close()
    assert second.directory.is_dir()


def test_a_place_that_freeswitch_cannot_be_told_of_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"spool_dir: .*a b"):
        Spool(tmp_path / "a b")
