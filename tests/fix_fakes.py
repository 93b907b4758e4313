"""Fixtures: stand-ins for vendors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.openai_server import OpenAiServer


@pytest.fixture
def openai_server() -> Iterator[OpenAiServer]:
    """A server that speaks OpenAI's interface on loopback."""
    server = OpenAiServer()
    yield server
    server.stop()
