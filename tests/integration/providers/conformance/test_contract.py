"""What every adapter keeps, whatever is behind it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

import pytest

from providers import create, warm_up
from providers.contracts import Kind
from providers.deadline import Deadline
from providers.errors import ConfigError, Timeout, Unavailable
from providers.registry import canonical
from tests.fakes.deepgram_server import KEY as DEEPGRAM_KEY
from tests.fakes.deepgram_server import DeepgramServer
from tests.fakes.openai_server import KEY, OpenAiServer
from tests.integration.providers.conformance.rigs import FAKE, LOCAL, WIRE, Rig

pytestmark = [pytest.mark.integration, pytest.mark.speech]


DEEPGRAM = Rig(kind="stt", name="deepgram")
ALL = (*WIRE, DEEPGRAM, *LOCAL, *FAKE)


def of_kind(kind: Kind) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("rig", [rig for rig in ALL if rig.kind == kind], ids=str)


@pytest.fixture(scope="module", autouse=True)
def loaded() -> Iterator[None]:
    """Holds on to the engines, so that each test need not load its own."""
    kept = [create(rig.kind, rig.name, rig.config) for rig in LOCAL]
    for adapter in kept:
        warm_up(adapter, Deadline.after(60))
    yield
    for adapter in kept:
        adapter.close()


@pytest.fixture(params=ALL, ids=str)
def rig(request: pytest.FixtureRequest) -> Rig:
    found = request.param
    assert isinstance(found, Rig)
    return found


@pytest.fixture
def config(
    rig: Rig, openai_server: OpenAiServer, deepgram_server: DeepgramServer
) -> dict[str, Any]:
    own = {"api_key": KEY, "base_url": openai_server.base_url} if rig in WIRE else {}
    if rig is DEEPGRAM:
        own = {"api_key": DEEPGRAM_KEY, "base_url": deepgram_server.base_url}
    return {**own, **rig.config}


@pytest.fixture
def adapter(rig: Rig, config: dict[str, Any]) -> Iterator[Any]:
    made = create(rig.kind, rig.name, config)
    warm_up(made, Deadline.after(60))
    yield made
    made.close()


def test_it_does_its_work(rig: Rig, adapter: Any) -> None:
    rig.check(rig.use(adapter, Deadline.after(30)))


def test_it_has_its_name_and_says_what_it_can(rig: Rig, adapter: Any) -> None:
    assert adapter.name == canonical(rig.kind, rig.name)
    assert is_dataclass(adapter.capabilities)


def test_a_passed_deadline_is_a_timeout(rig: Rig, adapter: Any) -> None:
    if not rig.waits:
        rig.check(rig.use(adapter, Deadline.after(0)))  # it is there at once
        return
    began = time.monotonic()
    with pytest.raises(Timeout):
        rig.use(adapter, Deadline.after(0))
    assert time.monotonic() - began < 5
    rig.check(rig.use(adapter, Deadline.after(30)))


def test_it_closes_more_than_once(adapter: Any) -> None:
    adapter.close()
    adapter.close()


def test_an_unknown_key_is_refused_by_name(rig: Rig, config: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"colour: unknown key \(known: ") as caught:
        create(rig.kind, rig.name, {**config, "colour": "blue"})
    assert "\n" not in str(caught.value)


@of_kind("tts")
def test_nothing_to_say_is_no_sound(adapter: Any) -> None:
    for text in ("", "  ", "...", "—!"):
        sound = adapter.synthesize(text, language="en-US", deadline=Deadline.after(10))
        assert sound.pcm == b""
        assert sound.rate > 0


@of_kind("embeddings")
def test_no_texts_are_no_vectors(adapter: Any) -> None:
    assert adapter.embed([], kind="query", deadline=Deadline.after(10)) == []


def test_an_engine_without_its_package_is_unavailable() -> None:
    from providers.registry import _ADAPTERS

    _ADAPTERS["stt", "absent"] = "providers_absent_package.module:Thing"
    try:
        with pytest.raises(Unavailable, match="providers_absent_package"):
            create("stt", "absent", {})
    finally:
        del _ADAPTERS["stt", "absent"]
