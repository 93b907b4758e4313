"""How often in the last minute or hour: sliding windows of the `limits` package."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.storage import Storage
    from limits.strategies import MovingWindowRateLimiter

_PREFIX: Final = "voice_ai"


class Windows:
    """Counts calls, of a tenant and of one of its callers, and a tenant's transfers.

    All raise what the storage raises; the one in memory raises nothing.
    """

    def __init__(self, storage: Storage) -> None:
        # The package takes 0.2 s to import and only a worker needs it.
        from limits import RateLimitItemPerHour, RateLimitItemPerMinute  # noqa: PLC0415
        from limits.strategies import MovingWindowRateLimiter  # noqa: PLC0415

        self._per_minute = RateLimitItemPerMinute
        self._per_hour = RateLimitItemPerHour
        self._windows: MovingWindowRateLimiter = MovingWindowRateLimiter(storage)

    @classmethod
    def in_redis(cls, pool: Any) -> Windows:
        """Windows that all workers share, on the connections of `pool`."""
        from limits.storage import RedisStorage  # noqa: PLC0415

        return cls(RedisStorage("redis://", connection_pool=pool, key_prefix=_PREFIX))

    @classmethod
    def in_memory(cls) -> Windows:
        """Windows of this worker alone."""
        from limits.storage import MemoryStorage  # noqa: PLC0415

        return cls(MemoryStorage())

    def call(self, domain: UUID, most: int) -> bool:
        """Count a call of a tenant; False when it has had `most` in the last minute."""
        return self._hit(self._per_minute(most, namespace="calls"), domain)

    def call_of(self, domain: UUID, caller: str, most: int) -> bool:
        """Count a call of one caller; False when he has made `most` in the last minute.

        Callers who withhold their number cannot be told apart and are not counted: what bounds
        them is the tenant's own limit.
        """
        known = caller_key(domain, caller)
        return known is None or self._hit(
            self._per_minute(most, namespace="callers"), domain, known
        )

    def transfer(self, domain: UUID, most: int) -> bool:
        """Count a transfer of a tenant; False when it has made `most` in the last hour."""
        return self._hit(self._per_hour(most, namespace="transfers"), domain)

    def _hit(self, item: RateLimitItem, domain: UUID, *names: str) -> bool:
        # A limit of none refuses all: the package would take it for one of 1.
        free: bool = item.amount > 0 and self._windows.hit(item, f"{{{domain}}}", *names)
        return free


def caller_key(domain: UUID, caller: str) -> str | None:
    """A caller's number as a digest of this tenant's; None for one who withholds it."""
    digits = "".join(sign for sign in caller if sign in "0123456789")
    if not digits.strip("0"):
        return None
    return hashlib.blake2b(digits.encode(), key=domain.bytes, digest_size=12).hexdigest()


def masked(number: str) -> str:
    """A number to be shown: who knows it recognises it, nobody else can ring it.

    >>> masked("+4915112345678")
    '+491…78'
    """
    text = number.strip()
    if len(text) < 8:
        return f"…{text[-2:]}" if text else ""
    return f"{text[:4]}…{text[-2:]}"
