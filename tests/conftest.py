"""What every test gets; fixtures themselves live by theme in `tests/fix_*.py`."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

pytest_plugins = ["tests.fix_pg", "tests.fix_redis", "tests.fix_fakes", "tests.fix_calls"]

# CI tries the same examples each time; a developer's runs look for new ones.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

_LEVELS = {"unit", "integration", "acceptance", "security", "freeswitch"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test says which level it is: `pytestmark` of its module names one of the levels."""
    for item in items:
        if not _LEVELS & {mark.name for mark in item.iter_markers()}:
            raise pytest.UsageError(f"{item.nodeid}: mark its module as one of {sorted(_LEVELS)}")
