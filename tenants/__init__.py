"""Whose call it is: tenants' rows, isolated from each other by PostgreSQL itself."""

from __future__ import annotations

from tenants.db import Cursor, Database, Limits
from tenants.errors import (
    Conflict,
    DatabaseUnavailable,
    InvalidRow,
    MigrationError,
    Refused,
    TenantError,
    UnknownTenant,
    UnsafeRole,
)
from tenants.models import (
    Conversation,
    Did,
    Domain,
    MessageRow,
    ProviderRow,
    Secretary,
    Tenant,
    normalise_number,
)
from tenants.routing import resolve

__all__ = [
    "Conflict",
    "Conversation",
    "Cursor",
    "Database",
    "DatabaseUnavailable",
    "Did",
    "Domain",
    "InvalidRow",
    "Limits",
    "MessageRow",
    "MigrationError",
    "ProviderRow",
    "Refused",
    "Secretary",
    "Tenant",
    "TenantError",
    "UnknownTenant",
    "UnsafeRole",
    "normalise_number",
    "resolve",
]
