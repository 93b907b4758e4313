from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tenants import repository
from tenants.db import Database
from tenants.models import Tenant

Make = Callable[..., Tenant]


@pytest.fixture
def make_tenant(database: Database) -> Make:
    """Creates a small tenant; `secretary` and other parts can be given."""

    def make(name: str, *, secretary: Mapping[str, Any] | None = None, **parts: Any) -> Tenant:
        return repository.create_tenant(
            database,
            {
                "domain": {"domain_name": name},
                "secretary": {"secretary_name": "Reception", **(secretary or {})},
                **parts,
            },
        )

    return make
