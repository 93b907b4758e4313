"""PostgreSQL with pgvector in a folder of ours, reached over a unix socket with a password.

Layout of the data folder: `cluster/` (PostgreSQL's own, 0700, owned by the account it runs under),
`password` and `app_password` (0600), `server.log`, `lock`. No TCP port is opened: nothing to
collide with, nothing for other users of the machine to reach.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.parse
from pathlib import Path

from esl_app.embedded import _binaries, _process
from esl_app.embedded._process import EmbeddedError
from esl_app.embedded._server import EmbeddedServer

_SOCKET = ".s.PGSQL.5432"
_START_S = 30.0
_INITDB_S = 90.0
# SIGINT: "fast" shutdown, open sessions are rolled back. SIGQUIT: without a checkpoint.
_STOP_STEPS = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0))
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "jit": "off",  # compiling costs more than our short queries
    "huge_pages": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # DETAIL lines quote rows, and rows hold what people said.
    "log_error_verbosity": "terse",
}
# For tests alone: a crash of the machine may lose everything, and nobody cares.
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres(EmbeddedServer):
    """One PostgreSQL server for one folder, owned by this process.

    >>> server = EmbeddedPostgres(Path("var/postgres"))  # doctest: +SKIP
    >>> server.start()                                    # doctest: +SKIP
    >>> server.url                                        # doctest: +SKIP
    'postgresql://postgres:...@/postgres?host=/.../cluster'

    Args:
        data_dir: Created when missing; a second start finds its data again.
        durable: False trades crash safety for speed (tests).
    """

    name = "PostgreSQL"
    stop_steps = _STOP_STEPS

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        super().__init__(data_dir)
        self._settings = _SETTINGS if durable else _SETTINGS | _FORGETFUL
        self._durable = durable

    @property
    def _cluster(self) -> Path:
        return self.data_dir / "cluster"

    @property
    def url(self) -> str:
        """Superuser's URL of the database `postgres`: for migrations, never for calls."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Superuser's URL of another database."""
        if self._socket_dir is None:
            raise EmbeddedError(f"{self.data_dir}: not started")
        password = _process.kept_secret(self.data_dir / "password")
        return _url(password, database, self._socket_dir)

    @property
    def app_password(self) -> str:
        """A password kept for the application's role, the same at each start."""
        return _process.kept_secret(self.data_dir / "app_password")

    @property
    def _home(self) -> Path:
        return self._cluster.resolve()

    def running_url(self, database: str = "postgres", *, within_s: float = 10.0) -> str | None:
        """Superuser's URL when another process of ours runs the server in this folder, else None.

        The second command on a machine (`documents add` beside `serve`) works on the first's
        server instead of being sent away; while that one still starts, it waits.
        """
        return _process.wait_for(
            lambda: self._url_now(database),
            while_true=lambda: self._lock.taken_elsewhere,
            within_s=within_s,
        )

    def _url_now(self, database: str) -> str | None:
        try:
            lines = _postmaster_lines(self._cluster)
            password = (self.data_dir / "password").read_text("ascii").strip()
        except OSError:
            return None
        if len(lines) < 8 or lines[7].strip() != "ready":
            return None
        return _url(password, database, Path(lines[4]))

    def _start(self) -> None:
        owner = _process.owner_for(self._cluster)
        install = _binaries.runnable_by(owner, _binaries.postgres_install())
        initialised = (self._cluster / "PG_VERSION").exists()
        if initialised and not (self.data_dir / "password").exists():
            raise EmbeddedError(f"{self.data_dir}: password file missing; restore it")
        password = _process.kept_secret(self.data_dir / "password")
        self._place_cluster(owner)
        if not initialised:
            self._initialise(install, owner, password)
        self._check_version(install)
        self._clear_predecessor()
        # The account may not be able to follow a link out of a folder that is shut to it.
        cluster = self._cluster.resolve()
        socket_dir = _process.socket_folder(cluster, _SOCKET, owner)
        self._socket_dir = socket_dir
        options = [f"{name}={value}" for name, value in self._settings.items()]
        self._run(
            [
                install / "bin" / "postgres",
                *("-D", cluster, "-k", socket_dir),
                *(word for option in options for word in ("-c", option)),
            ],
            owner=owner,
            parent_death=signal.SIGINT,
            is_ready=self._is_ready,
            within_s=_START_S,
        )

    def _is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        # As pg_ctl does: the eighth line of the pid file is the postmaster's own word.
        try:
            lines = _postmaster_lines(self._cluster)
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready"

    def _place_cluster(self, owner: _process.Owner) -> None:
        """Put `cluster` where `owner` can reach it: here, or a link to a place that root keeps."""
        if self._cluster.exists() or owner.is_us or owner.can_enter(self.data_dir):
            return
        root = _binaries.STATE_ROOT / "clusters"
        root.mkdir(mode=0o755, parents=True, exist_ok=True)
        _remove_orphans(root)
        place = root / secrets.token_hex(8)
        self._cluster.unlink(missing_ok=True)  # a link whose target is gone
        # The link comes first: a place whose origin does not point to it is an orphan, and another
        # process may be clearing those away right now.
        self._cluster.symlink_to(place / "cluster")
        place.mkdir(mode=0o711)
        (place / "origin").write_text(str(self._cluster))

    def _initialise(self, install: Path, owner: _process.Owner, password: str) -> None:
        """Make the cluster aside and rename it, so that half a cluster is never taken for one."""
        final = Path(os.path.realpath(self._cluster))
        aside = final.with_name("cluster.new")
        shutil.rmtree(aside, ignore_errors=True)
        if final.exists():
            raise EmbeddedError(f"{final}: not a PostgreSQL cluster and not ours to delete")
        aside.mkdir(mode=0o700)
        os.chown(aside, owner.uid, owner.gid)
        with tempfile.NamedTemporaryFile("w", prefix="voice-ai-", dir="/tmp") as file:
            file.write(password + "\n")
            file.flush()
            os.fchown(file.fileno(), owner.uid, owner.gid)
            log_path = self.data_dir / "server.log"
            log = _process.open_log(log_path)
            try:
                process = _process.spawn(
                    [
                        install / "bin" / "initdb",
                        *("-D", aside, "-U", "postgres", "-A", "scram-sha-256"),
                        f"--pwfile={file.name}",
                        # The builtin locale: the order of text does not change with libc.
                        *("-E", "UTF8", "--locale=C", "--locale-provider=builtin"),
                        *("--builtin-locale=C.UTF-8", "--no-instructions"),
                        *(() if self._durable else ("--no-sync",)),
                    ],
                    owner=owner,
                    stderr=log,
                    parent_death=signal.SIGTERM,
                )
            finally:
                os.close(log)
            try:
                code = process.wait(_INITDB_S)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                _process.stop(process, steps=((signal.SIGTERM, 2.0),))
        if code != 0:
            shutil.rmtree(aside, ignore_errors=True)
            said = _process.last_log_line(log_path)
            raise EmbeddedError(f"{self.data_dir}: initdb failed ({code}): {said}")
        aside.rename(final)

    def _check_version(self, install: Path) -> None:
        has = (self._cluster / "PG_VERSION").read_text("ascii").strip()
        found = subprocess.run(  # noqa: S603 - our own binary
            [install / "bin" / "postgres", "--version"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        ).stdout
        major = found.rsplit(" ", 1)[-1].split(".")[0].strip()
        if major and major != has:
            raise EmbeddedError(
                f"{self.data_dir}: made by PostgreSQL {has}, installed is {major} ({install})"
            )

    def _clear_predecessor(self) -> None:
        """Deal with the pid file a predecessor left. We hold the folder's lock, so it has no owner.

        A server whose parent was killed may still be shutting down: wait, then insist. A pid that
        now belongs to something else would make PostgreSQL refuse to start: remove the file. That
        of a process which is gone is left to PostgreSQL, which also looks for orphaned backends.
        """
        pid = _postmaster_pid(self._cluster)
        if pid is None:
            return
        cluster = self._cluster.resolve()
        end = time.monotonic() + 20.0
        insist_at = time.monotonic() + 10.0
        while _works_in(pid, cluster):
            if time.monotonic() > end:
                raise EmbeddedError(f"{self.data_dir}: an earlier PostgreSQL, {pid}, does not end")
            if time.monotonic() > insist_at:
                os.kill(pid, signal.SIGQUIT)
            time.sleep(0.05)
        if Path(f"/proc/{pid}").exists():
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)


def _postmaster_lines(cluster: Path) -> list[str]:
    return (cluster / "postmaster.pid").read_text("utf-8", "replace").split("\n")


def _postmaster_pid(cluster: Path) -> int | None:
    try:
        return int(_postmaster_lines(cluster)[0])
    except (OSError, ValueError):
        return None


def _is_running(cluster: Path) -> bool:
    pid = _postmaster_pid(cluster)
    return pid is not None and _works_in(pid, cluster)


def _works_in(pid: int, folder: Path) -> bool:
    """Whether `pid` lives and has `folder` as its working directory, as every postmaster does."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == folder
    except OSError:
        return False


def _url(password: str, database: str, socket_dir: Path) -> str:
    host = urllib.parse.quote(str(socket_dir), safe="")
    name = urllib.parse.quote(database, safe="")
    return f"postgresql://postgres:{password}@/{name}?host={host}"


def _remove_orphans(root: Path) -> None:
    """Delete relocated clusters whose folder of origin is gone."""
    for place in root.iterdir():
        try:
            link = Path((place / "origin").read_text())
            wanted = link.is_symlink() and link.readlink() == place / "cluster"
        except OSError:
            continue
        if not wanted and not _is_running(place / "cluster"):
            shutil.rmtree(place, ignore_errors=True)
