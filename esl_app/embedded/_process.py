"""What both embedded servers need of the operating system: owner, lock, secret, birth and death."""

from __future__ import annotations

import ctypes
import fcntl
import os
import pwd
import secrets
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
# sockaddr_un.sun_path holds 108 bytes with its final NUL (unix(7)).
_SUN_PATH_MAX = 107
_LOG_MAX_BYTES = 5_000_000


class EmbeddedError(Exception):
    """An embedded server could not be started. The message names its folder and the reason."""


class _Change(TypedDict, total=False):
    user: int
    group: int
    extra_groups: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The account a server runs under."""

    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        return self.uid == os.geteuid()

    def can_enter(self, folder: Path) -> bool:
        """Whether the mode bits of `folder` and all its parents let this account through."""
        path = folder.resolve()
        return all(self._may(p, stat.S_IXUSR) for p in (path, *path.parents))

    def can_run(self, program: Path) -> bool:
        """Whether this account can reach, read and execute `program`."""
        real = program.resolve()
        return self.can_enter(real.parent) and self._may(real, stat.S_IXUSR | stat.S_IRUSR)

    def _may(self, path: Path, owner_bits: int) -> bool:
        about = path.stat()
        if about.st_uid == self.uid:
            wanted = owner_bits
        elif about.st_gid == self.gid:
            wanted = owner_bits >> 3
        else:
            wanted = owner_bits >> 6
        return about.st_mode & wanted == wanted


def owner_for(existing: Path, *, unprivileged: Sequence[str] = ("voice-ai", "nobody")) -> Owner:
    """Who runs a server: ourselves, or as root somebody without rights.

    PostgreSQL refuses to run as root. A folder that exists keeps its owner, so that creating an
    account later does not lock anybody out of his data.
    """
    if os.geteuid() != 0:
        return Owner(uid=os.geteuid(), gid=os.getegid())
    if existing.exists() and (about := existing.stat()).st_uid != 0:
        return Owner(uid=about.st_uid, gid=about.st_gid)
    for name in unprivileged:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedError(f"running as root, and none of the accounts {unprivileged} exists")


class FolderLock:
    """One server per folder: an advisory lock that the kernel drops with our process."""

    def __init__(self, folder: Path, what: str) -> None:
        self._path = folder / "lock"
        self._what = what
        self._fd = -1
        self._pid = 0

    @property
    def is_ours(self) -> bool:
        """Whether this very process took it; a forked child only has a copy."""
        return self._fd >= 0 and self._pid == os.getpid()

    def acquire(self) -> None:
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedError(f"{self._path}: {error.strerror}") from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(fd)
            raise EmbeddedError(
                f"{self._path.parent}: the embedded {self._what} there is already "
                f"started by process {holder}"
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        self._fd, self._pid = fd, os.getpid()

    def release(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def taken_elsewhere(self) -> bool:
        """Whether some process holds the lock now."""
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False


def kept_secret(path: Path) -> str:
    """The password in `path`, made on first use; readable by its owner alone."""
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        text = path.read_text("ascii").strip()
        if not text:
            raise EmbeddedError(f"{path}: empty; restore it, or delete the whole folder") from None
        return text
    password = secrets.token_urlsafe(24)
    with os.fdopen(fd, "w") as file:
        file.write(password)
    return password


def make_folder(path: Path) -> None:
    """Create `path` for us to write and others to pass through; parents keep their modes."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if path.stat().st_uid == os.geteuid() and not any(path.iterdir()):
            path.chmod(0o711)
    except OSError as error:
        raise EmbeddedError(f"{path}: {error.strerror}") from None


def socket_folder(wanted: Path, socket_name: str, owner: Owner) -> Path:
    """`wanted`, or a short folder under /tmp when the socket's path would be too long there."""
    if len(os.fsencode(wanted / socket_name)) <= _SUN_PATH_MAX:
        return wanted
    folder = Path(tempfile.mkdtemp(prefix="voice-ai-", dir="/tmp"))
    os.chown(folder, owner.uid, owner.gid)
    return folder


def open_log(path: Path) -> int:
    """A descriptor for the server's stderr; a log that has grown large starts again."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    if path.exists() and path.stat().st_size > _LOG_MAX_BYTES:
        flags |= os.O_TRUNC
    return os.open(path, flags, 0o600)


def last_log_line(path: Path) -> str:
    """The last thing a server said, for the message about its death."""
    try:
        lines = path.read_text("utf-8", "replace").split("\n")
    except OSError:
        return "no log"
    return next((line.strip() for line in reversed(lines) if line.strip()), "nothing in its log")


def spawn(
    args: Sequence[str | Path], *, owner: Owner, stderr: int, parent_death: signal.Signals
) -> subprocess.Popen[bytes]:
    """Start a server that gets `parent_death` when we die, however we die."""
    parent = os.getpid()

    def die_with_parent() -> None:
        # After the change of user: the kernel forgets it when credentials change (prctl(2)).
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(parent_death), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    change: _Change = {}
    if not owner.is_us:
        change = {"user": owner.uid, "group": owner.gid, "extra_groups": ()}
    return subprocess.Popen(  # noqa: S603 - our own binaries, no shell, no data from outside
        [os.fspath(a) for a in args],
        stdin=subprocess.DEVNULL,
        stdout=stderr,
        stderr=stderr,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "TZ": "UTC"},
        # A terminal's ctrl-c is for us; we stop the server in order.
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - one system call, libc is already loaded
        **change,
    )


def wait_for(
    url: Callable[[], str | None], *, while_true: Callable[[], bool], within_s: float
) -> str | None:
    """The URL once there is one; None when `while_true` ends or the time is over."""
    end = time.monotonic() + within_s
    while while_true():
        if (found := url()) is not None or time.monotonic() > end:
            return found
        time.sleep(0.05)
    return None


def wait_ready(
    process: subprocess.Popen[bytes], ready: Callable[[], bool], *, within_s: float
) -> bool:
    """Poll `ready` until it holds; False when the process died or the time is over."""
    end = time.monotonic() + within_s
    while process.poll() is None and time.monotonic() < end:
        if ready():
            return True
        time.sleep(0.01)
    return False


def stop(
    process: subprocess.Popen[bytes], *, steps: Sequence[tuple[signal.Signals, float]]
) -> None:
    """Ask ever less politely; each signal has its seconds. The last is SIGKILL."""
    for number, seconds in (*steps, (signal.SIGKILL, 5.0)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
