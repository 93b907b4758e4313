from __future__ import annotations

import os
import time
from pathlib import Path
from uuid import UUID, uuid4

import gevent
import pytest

from esl_app.errors import ConfigError
from esl_app.media import prompts
from esl_app.media.prompts import KeptFile, Prompt, PromptCache, PromptKey, to_delete
from providers.contracts import Audio
from providers.errors import BadResponse, Unavailable

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


def silence() -> Audio:
    return Audio(pcm=b"", rate=16000)


def test_no_sound_is_an_error_and_is_not_kept(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path)
    with pytest.raises(BadResponse, match=r"^x: "):
        cache.get(key("Hello"), silence, wait_s=1)
    assert not cache.get(key("Hello"), Voice(), wait_s=1).cached


def test_a_directory_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"spool_dir: .*/file/prompts: "):
        PromptCache(tmp_path / "file" / "prompts")


def test_a_prompt_that_cannot_be_kept_is_a_voice_that_fails(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path)
    (tmp_path / str(DOMAIN)).write_text("in the way")
    with pytest.raises(Unavailable, match="prompts: "):
        cache.get(key("Hello"), Voice(), wait_s=1)


def long_ago(path: Path, hours: float) -> None:
    then = time.time() - 3600 * hours
    os.utime(path, (then, then))


def made(cache: PromptCache, text: str, *, hours_ago: float) -> Path:
    """A prompt that nobody holds any more."""
    path = cache.get(key(text), Voice(), wait_s=1).path
    long_ago(path, hours_ago)
    return path


def test_the_least_lately_used_goes_when_there_is_too_much(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path, max_bytes=40_000)  # two of 16 KB
    ages = {"a": 3, "b": 5, "c": 4}
    paths = {text: made(cache, text, hours_ago=age) for text, age in ages.items()}
    assert cache.sweep() == 1
    assert [text for text, path in paths.items() if path.exists()] == ["a", "c"]


def test_what_is_held_stays_however_little_there_may_be(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path, max_bytes=1)
    playing = cache.get(key("Hello"), Voice(), wait_s=1)
    long_ago(playing.path, 5)
    assert cache.sweep() == 0
    path = playing.path
    del playing
    long_ago(path, 5)
    assert cache.sweep() == 1
    assert not path.exists()


def test_what_another_worker_plays_stays(tmp_path: Path) -> None:
    path = PromptCache(tmp_path).get(key("Hello"), Voice(), wait_s=1).path
    assert PromptCache(tmp_path, max_bytes=1).sweep() == 0
    assert path.exists()


def test_what_a_killed_worker_was_writing_goes(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path)
    (tmp_path / str(DOMAIN)).mkdir()
    fresh, old = (tmp_path / str(DOMAIN) / f".{name}.wav.1.part" for name in ("fresh", "old"))
    for path in (fresh, old):
        path.write_bytes(b"RIFF")
    long_ago(old, 1)
    assert cache.sweep() == 1
    assert fresh.exists()


def test_what_is_asked_for_during_a_sweep_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = PromptCache(tmp_path, max_bytes=1)
    path = made(cache, "Hello", hours_ago=5)

    def look(*_: object, **__: object) -> list[KeptFile]:
        going = to_delete(*_, **__)  # type: ignore[arg-type]
        asked.append(cache.get(key("Hello"), Voice(), wait_s=1))
        return going

    asked: list[Prompt] = []
    monkeypatch.setattr(prompts, "to_delete", look)
    assert cache.sweep() == 0
    assert path.exists()
    assert asked[0].cached
