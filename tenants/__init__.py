"""Whose call it is: tenants' rows, isolated from each other by PostgreSQL itself."""

from __future__ import annotations

from tenants.audit import AuditEntry
from tenants.db import Cursor, Database, Limits
from tenants.destinations import TransferDestination, TransferRule
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
from tenants.fields import normalise_number
from tenants.limits import EVERYBODY, Price, Quota, read_prices, read_quota
from tenants.models import (
    Conversation,
    Did,
    Domain,
    MessageRow,
    ProviderRow,
    Secretary,
    Tenant,
)
from tenants.opening import BusinessHours, HoursException, Slot, WeekdaySlot, read_hours
from tenants.policy import Policy, read_policy
from tenants.requests import Callback, LeftMessage
from tenants.routing import resolve

__all__ = [
    "EVERYBODY",
    "AuditEntry",
    "BusinessHours",
    "Callback",
    "Conflict",
    "Conversation",
    "Cursor",
    "Database",
    "DatabaseUnavailable",
    "Did",
    "Domain",
    "HoursException",
    "InvalidRow",
    "LeftMessage",
    "Limits",
    "MessageRow",
    "MigrationError",
    "Policy",
    "Price",
    "ProviderRow",
    "Quota",
    "Refused",
    "Secretary",
    "Slot",
    "Tenant",
    "TenantError",
    "TransferDestination",
    "TransferRule",
    "UnknownTenant",
    "UnsafeRole",
    "WeekdaySlot",
    "normalise_number",
    "read_hours",
    "read_policy",
    "read_prices",
    "read_quota",
    "resolve",
]
