from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import gevent
import pytest

from esl_app.media.prompts import Prompt, PromptCache, PromptKey
from providers.contracts import Audio
from providers.errors import Unavailable

pytestmark = pytest.mark.unit

DOMAIN = UUID("11111111-1111-1111-1111-111111111111")


def key(text: str, domain: UUID = DOMAIN) -> PromptKey:
    return PromptKey(
        domain_uuid=domain, provider="x", voice=None, speed=1.0, language="en", text=text
    )


class Voice:
    def __init__(self) -> None:
        self.spoken = 0

    def __call__(self) -> Audio:
        self.spoken += 1
        gevent.sleep(0)
        return Audio(pcm=bytes(2 * 16000), rate=16000)


def test_a_sentence_is_made_once(tmp_path: Path) -> None:
    cache, voice = PromptCache(tmp_path), Voice()
    first = cache.get(key("Hello"), voice, wait_s=1)
    second = cache.get(key("Hello"), voice, wait_s=1)
    assert voice.spoken == 1
    assert (first.cached, second.cached) == (False, True)
    assert first.duration_s == pytest.approx(1.0, abs=0.01), "kept at the telephone's rate"


def test_two_legs_share_one_synthesis(tmp_path: Path) -> None:
    cache, voice = PromptCache(tmp_path), Voice()
    legs = [gevent.spawn(cache.get, key("Hello"), voice, wait_s=1) for _ in range(5)]
    gevent.joinall(legs, timeout=5, raise_error=True)
    assert voice.spoken == 1
    assert all(isinstance(leg.value, Prompt) for leg in legs)


def test_tenants_share_nothing(tmp_path: Path) -> None:
    cache, voice = PromptCache(tmp_path), Voice()
    mine = cache.get(key("Hello"), voice, wait_s=1)
    theirs = cache.get(key("Hello", uuid4()), voice, wait_s=1)
    assert voice.spoken == 2
    assert mine.path.parent != theirs.path.parent


def test_a_failed_synthesis_is_not_remembered(tmp_path: Path) -> None:
    cache, voice = PromptCache(tmp_path), Voice()

    def broken() -> Audio:
        raise Unavailable("down", provider="x")

    with pytest.raises(Unavailable):
        cache.get(key("Hello"), broken, wait_s=1)
    assert not cache.get(key("Hello"), voice, wait_s=1).cached


def test_a_leg_that_leaves_takes_no_other_with_it(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path)

    def slow() -> Audio:
        gevent.sleep(30)
        raise AssertionError

    leaving = gevent.spawn(cache.get, key("Hello"), slow, wait_s=1)
    gevent.sleep(0)
    staying = gevent.spawn(cache.get, key("Hello"), Voice(), wait_s=1)
    gevent.sleep(0)
    leaving.kill()
    assert isinstance(staying.get(timeout=5), Prompt)
