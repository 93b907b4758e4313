"""Fixtures: stand-ins for vendors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.fakes.openai_server import OpenAiServer

if TYPE_CHECKING:  # its package comes with an extra that unit tests do without
    from tests.fakes.deepgram_server import DeepgramServer


@pytest.fixture
def openai_server() -> Iterator[OpenAiServer]:
    """A server that speaks OpenAI's interface on loopback."""
    server = OpenAiServer()
    yield server
    server.stop()


@pytest.fixture
def deepgram_server() -> Iterator[DeepgramServer]:
    """A server that speaks Deepgram's live interface on loopback."""
    from tests.fakes.deepgram_server import DeepgramServer

    server = DeepgramServer()
    yield server
    server.stop()
