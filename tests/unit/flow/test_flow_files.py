from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import pytest

from esl_app.flow import Call
from esl_app.flow_runner import FlowLoader, FlowProblem, check, line_of, load

pytestmark = pytest.mark.unit

GOOD = """\
from __future__ import annotations
from esl_app.flow import Call, flow

@flow
def hello(call: Call) -> None:
    call.heard = "{word}"
"""


class Recorder:
    heard = ""


def run(loader: FlowLoader, name: str = "hello") -> str:
    call = Recorder()
    loader.get(name)(cast(Call, call))
    return call.heard


def write(folder: Path, text: str, *, name: str = "hello", mtime: int | None = None) -> Path:
    path = folder / f"{name}.py"
    path.write_text(text)
    path.chmod(0o644)
    if mtime is not None:
        os.utime(path, (mtime, mtime))
    return path


@pytest.mark.parametrize("path", sorted(Path("dialplan/flows").glob("*.py")), ids=str)
def test_the_flows_we_ship_are_sound(path: Path) -> None:
    load(path)


def test_a_changed_file_is_loaded_again(tmp_path: Path) -> None:
    loader = FlowLoader(tmp_path)
    write(tmp_path, GOOD.format(word="one"), mtime=1000)
    assert run(loader) == "one"
    write(tmp_path, GOOD.format(word="two"), mtime=2000)
    assert run(loader) == "two"


def test_a_running_call_keeps_what_it_began_with(tmp_path: Path) -> None:
    loader = FlowLoader(tmp_path)
    write(tmp_path, GOOD.format(word="one"), mtime=1000)
    before = loader.get("hello")
    write(tmp_path, GOOD.format(word="two"), mtime=2000)
    loader.get("hello")
    call = Recorder()
    before(cast(Call, call))
    assert call.heard == "one"


def test_a_broken_change_leaves_the_last_good_one(tmp_path: Path) -> None:
    loader = FlowLoader(tmp_path)
    write(tmp_path, GOOD.format(word="one"), mtime=1000)
    assert run(loader) == "one"
    write(tmp_path, "def oops(:\n", mtime=2000)
    assert run(loader) == "one"
    write(tmp_path, GOOD.format(word="three"), mtime=3000)
    assert run(loader) == "three"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def oops(:\n", r"hello\.py:1: invalid syntax"),
        ("x = 1\n", r"hello\.py:1: 0 functions marked @flow"),
        (GOOD.format(word="") + GOOD.format(word=""), r"hello\.py:11: 2 functions marked @flow"),
        (
            "from esl_app.flow import flow\n@flow\ndef hello():\n    pass\n",
            r"hello\.py:3: hello takes one argument: the call",
        ),
        (
            GOOD.format(word="") + "import esl_app.leg\n",
            r"hello\.py:7: imports esl_app\.leg; esl_app\.flow is the way in",
        ),
        (
            GOOD.format(word="") + "from esl_app.protocol import commands\n",
            r"hello\.py:7: imports esl_app\.protocol; esl_app\.flow is the way in",
        ),
        (GOOD.format(word="") + "1 / 0\n", r"hello\.py:7: ZeroDivisionError"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FlowProblem, match=message):
        load(write(tmp_path, text))


def test_two_changes_within_a_second_are_two(tmp_path: Path) -> None:
    loader = FlowLoader(tmp_path)
    path = write(tmp_path, GOOD.format(word="one"))
    os.utime(path, ns=(10**18, 10**18))
    assert run(loader) == "one"
    path.write_text(GOOD.format(word="two"))
    os.utime(path, ns=(10**18 + 1, 10**18 + 1))
    assert run(loader) == "two"
    assert [entry.name for entry in tmp_path.iterdir()] == ["hello.py"], "no cache beside the flows"


def test_a_flow_may_have_dataclasses(tmp_path: Path) -> None:
    text = GOOD.format(word="one").replace(
        "from esl_app", "from dataclasses import dataclass\nfrom esl_app"
    )
    load(write(tmp_path, text + "\n@dataclass\nclass Place:\n    name: str\n"))


def test_an_exit_while_loading_ends_nothing(tmp_path: Path) -> None:
    with pytest.raises(FlowProblem, match=r"hello\.py:7: SystemExit"):
        load(write(tmp_path, GOOD.format(word="one") + "raise SystemExit(0)\n"))


def test_a_decorator_that_hides_the_flow_is_named(tmp_path: Path) -> None:
    text = GOOD.format(word="one").replace("@flow", "@(lambda f: lambda c: f(c))\n@flow")
    with pytest.raises(FlowProblem, match="put @flow on top"):
        load(write(tmp_path, text))


def test_a_file_anyone_may_write_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.format(word=""))
    path.chmod(0o646)
    with pytest.raises(FlowProblem, match="anyone may write this file"):
        check(path)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(FlowProblem, match=r"hello\.py: not UTF-8"):
        check(path)


@pytest.mark.parametrize("name", ["../hello", "a b", "", "hello.py"])
def test_a_name_is_not_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(FlowProblem, match="is not the name of a flow"):
        FlowLoader(tmp_path).get(name)


def test_a_flow_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FlowProblem, match=r"absent\.py: No such file"):
        FlowLoader(tmp_path).get("absent")


def test_the_line_a_flow_failed_at(tmp_path: Path) -> None:
    function = load(write(tmp_path, GOOD.format(word="") + "    call.no_such_thing()\n"))
    with pytest.raises(AttributeError) as failure:
        function(cast(Call, Recorder()))
    assert line_of(function, failure.value) == 7
