"""Tenants of a FusionPBX system with its voice application, carried over.

Read once, in a read-only transaction; what could not be carried over is said with its reason.
"""

from __future__ import annotations

from tenants.fusionpbx.carry import carry
from tenants.fusionpbx.findings import Finding, Findings, summary
from tenants.fusionpbx.source import Source, read
from tenants.fusionpbx.theirs import Theirs, Vendors, documents, forms

__all__ = [
    "Finding",
    "Findings",
    "Source",
    "Theirs",
    "Vendors",
    "carry",
    "documents",
    "forms",
    "read",
    "summary",
]
