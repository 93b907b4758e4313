"""Things that several adapters of the same configuration hold together.

A model in a process, or a client with its connections, is expensive and safe to share. The first
holder makes it, the last one to let go ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=Closable)


class Shared(Generic[T]):
    """Counted holds on things, by key.

    Greenlets switch only where they wait; `make` must not, and `close` comes last: so no lock.
    """

    def __init__(self) -> None:
        self._held: dict[Hashable, tuple[T, int]] = {}

    def hold(self, key: Hashable, make: Callable[[], T]) -> T:
        """The thing of that key, made now if nobody holds one."""
        thing, holders = self._held.get(key, (None, 0))
        if thing is None:
            thing = make()
        self._held[key] = (thing, holders + 1)
        return thing

    def release(self, key: Hashable) -> None:
        """Let go once; closes the thing when nobody holds it any more."""
        thing, holders = self._held[key]
        if holders > 1:
            self._held[key] = (thing, holders - 1)
            return
        del self._held[key]
        thing.close()
