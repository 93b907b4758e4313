"""What can go wrong with a provider.

    ProviderError
    ├── Timeout            no (complete) answer by the deadline               retryable
    ├── RateLimited        the vendor asks us to wait (`retry_after_s`)       retryable
    ├── Unavailable        refused, reset, 5xx, model or package missing      retryable
    ├── AuthFailed         key missing, wrong or without the right
    ├── BadRequest         the vendor refuses what we sent
    ├── BadResponse        the answer is not what the contract says
    └── ConfigError        the provider's configuration cannot work

An adapter raises nothing else: foreign exceptions are mapped at its edge, `from None` where the
cause may hold a key or what a caller said.
"""

from __future__ import annotations

from typing import ClassVar


class ProviderError(Exception):
    """A provider could not do its work. The message names the provider and is safe to log."""

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, provider: str) -> None:
        super().__init__(f"{provider}: {message}")
        self.provider = provider


class Timeout(ProviderError):  # noqa: N818 - the field's word
    """No complete answer came by the deadline."""

    retryable = True


class RateLimited(ProviderError):  # noqa: N818
    """The vendor asks us to wait."""

    retryable = True

    def __init__(self, message: str, *, provider: str, retry_after_s: float | None = None) -> None:
        super().__init__(message, provider=provider)
        self.retry_after_s = retry_after_s


class Unavailable(ProviderError):  # noqa: N818
    """Connection refused or reset, a 5xx, or a package or model that is not there."""

    retryable = True


class AuthFailed(ProviderError):  # noqa: N818
    """The key is missing, wrong, or has no right to this."""


class BadRequest(ProviderError):  # noqa: N818
    """The vendor refuses what we sent."""


class BadResponse(ProviderError):  # noqa: N818
    """The answer is not what the contract says."""


class ConfigError(ProviderError):
    """The provider's configuration cannot work: unknown name or key, missing or wrong value."""


def of_status(
    status: int, message: str, *, provider: str, retry_after_s: float | None = None
) -> ProviderError:
    """The error that an HTTP status means."""
    if status == 429:
        return RateLimited(message, provider=provider, retry_after_s=retry_after_s)
    if status in (401, 403):
        return AuthFailed(message, provider=provider)
    if status == 408:
        return Timeout(message, provider=provider)
    if status >= 500 or status == 409:
        return Unavailable(message, provider=provider)
    if status < 400:
        return BadResponse(message, provider=provider)
    return BadRequest(message, provider=provider)
