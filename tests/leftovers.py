"""What a process holds: greenlets, threads, descriptors, files; to be compared before and after.

Named, so that what is left says whose it is. Connections to the stores are counted apart: their
pools keep some, and their own limits bound them.
"""

from __future__ import annotations

import gc
import threading
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import gevent


def greenlets() -> Counter[str]:
    """Greenlets that are not over, by what they run."""
    gc.collect()
    alive = [o for o in gc.get_objects() if issubclass(type(o), gevent.Greenlet) and not o.dead]
    return Counter(_runs(greenlet) for greenlet in alive)


def threads() -> Counter[str]:
    """Threads by name, and those of the kernel that Python knows nothing of."""
    named = Counter(f"thread {_unnumbered(thread.name)}" for thread in threading.enumerate())
    return named + Counter({"kernel threads": sum(1 for _ in Path("/proc/self/task").iterdir())})


def descriptors(stores: Collection[int] = ()) -> Counter[str]:
    """Open descriptors by kind; those to ports in `stores` are left out, as are Unix sockets."""
    sockets = _sockets()
    found: Counter[str] = Counter()
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = str(link.readlink())
        except OSError:
            continue  # the one that lists them
        if target.startswith("socket:["):
            kind, remote = sockets.get(int(target[8:-1]), ("other socket", 0))
            if kind != "other socket" and remote not in stores:
                found[kind] += 1
        else:
            found[target.partition(":[")[0]] += 1
    return found


def census(stores: Collection[int] = ()) -> Counter[str]:
    """All of it."""
    return greenlets() + threads() + descriptors(stores)


def _runs(greenlet: gevent.Greenlet) -> str:  # type: ignore[type-arg]
    function = getattr(greenlet, "_run", None) or greenlet.run
    return f"greenlet {getattr(function, '__qualname__', function)}"


def _unnumbered(name: str) -> str:
    return name.rstrip("0123456789-")


def _sockets() -> dict[int, tuple[str, int]]:
    """Kind and remote port by inode."""
    found: dict[int, tuple[str, int]] = {}
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/self/net/{kind}").read_text().splitlines()[1:]:
            fields = line.split()
            state = "listening" if kind.startswith("tcp") and fields[3] == "0A" else ""
            inode, port = int(fields[9]), int(fields[2].rpartition(":")[2], 16)
            found[inode] = (f"{kind} {state}".strip(), port)
    return found
