"""What can go wrong with tenants' rows.

    TenantError
    ├── DatabaseUnavailable    refused, gone, too slow or too busy            retryable
    ├── UnsafeRole             the role could read past row-level security
    ├── MigrationError         schema missing, changed, or ahead of this program
    ├── UnknownTenant          nobody answers to this domain or number
    ├── Conflict               the name or number is taken
    ├── Refused                the database refuses a row: another tenant's, or a broken rule
    ├── InvalidRow             a row or an argument does not validate
    ├── KeyRingError           the key ring cannot be read or written
    └── SealError              a provider's key cannot be sealed or opened

Messages are safe to log: no password, no row, nothing a caller said or dialled. Causes are cut off
(`from None`) for the same reason: psycopg's own messages quote rows.
"""

from __future__ import annotations

from typing import ClassVar, Literal

Lookup = Literal["domain_uuid", "domain_name", "destination_number"]


class TenantError(Exception):
    """Base of this package's errors."""

    retryable: ClassVar[bool] = False


class DatabaseUnavailable(TenantError):  # noqa: N818 - says what it is
    """PostgreSQL refused, is gone, is too slow or too busy."""

    retryable = True


class UnsafeRole(TenantError):  # noqa: N818
    """The role of `database_url` could read past row-level security."""


class MigrationError(TenantError):
    """The schema is missing, changed by hand, or ahead of this program."""


class UnknownTenant(TenantError):  # noqa: N818
    """Nobody answers to this domain or number.

    `lookup` says which way was tried; `pii_value` is what was looked up.
    """

    def __init__(self, lookup: Lookup, pii_value: str, reason: str = "no tenant has it") -> None:
        super().__init__(f"{lookup}: {reason}")
        self.lookup: Lookup = lookup
        self.pii_value = pii_value
        self.reason = reason


class Conflict(TenantError):  # noqa: N818
    """The name or number is taken. `rule` is the constraint's name."""

    def __init__(self, rule: str) -> None:
        super().__init__(f"already in use: {rule}")
        self.rule = rule


class Refused(TenantError):  # noqa: N818
    """The database refuses the row: another tenant's, or a broken rule."""


class InvalidRow(TenantError):  # noqa: N818
    """A row or an argument does not validate. The message names the field and the rule."""


class KeyRingError(TenantError):
    """The key ring cannot be read or written. The message never holds a key."""


class SealError(TenantError):
    """A provider's key cannot be sealed or opened. The message names row, field and reason."""
