"""Adapters are kept, shared, and never closed under a call."""

from __future__ import annotations

from typing import Any

import pytest

from esl_app.engines import EnginePool, Engines
from providers.errors import ConfigError
from providers.fake import FakeLlm
from tenants.models import Domain, ProviderRow, Secretary, Tenant, in_order

pytestmark = pytest.mark.unit


def tenant(word: str, **secretary: Any) -> Tenant:
    who = Secretary(secretary_name="Ana", **secretary)
    rows = [
        ProviderRow(
            provider_type=kind,
            provider_name="fake",
            config={"script": [word]},
        )
        for kind in ("stt", "tts", "llm", "embeddings")
    ]
    return Tenant(
        domain=Domain(domain_name=f"{word}.example"), secretary=who, providers=in_order(rows, who)
    )


def closed(engines: Engines) -> list[bool]:
    adapters: list[Any] = [engines.stt, engines.tts, engines.llm, engines.embedder]
    return [adapter.closed for adapter in adapters]


def test_what_a_call_uses_is_not_closed_however_many_tenants_come() -> None:
    pool = EnginePool(most=4)
    with pool.using(tenant("first")) as first:
        for number in range(10):
            with pool.using(tenant(f"other{number}")) as other:
                assert not any(closed(other))
        assert not any(closed(first))
        assert all(closed(other)), "nobody used it and there were too many"
    assert not any(closed(first)), "it may be kept now"
    with pool.using(tenant("last")):
        assert all(closed(first))


def test_two_calls_of_a_tenant_share_and_the_last_one_lets_go() -> None:
    pool = EnginePool(most=0)
    with pool.using(tenant("same")) as first:
        with pool.using(tenant("same")) as second:
            assert second.stt is first.stt
        assert not any(closed(first))
    assert all(closed(first))


def test_a_configuration_that_cannot_work_holds_nothing() -> None:
    pool = EnginePool(most=0)
    broken = tenant("x", llm_model_override="gpt-x")
    with pytest.raises(ConfigError, match="model: unknown key"), pool.using(broken):
        raise AssertionError
    with pool.using(tenant("x")) as engines:
        assert not any(closed(engines))
    assert all(closed(engines))


def test_the_secretarys_model_reaches_the_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    class Model(FakeLlm):
        def __init__(self, config: Any) -> None:
            asked.append(config)
            super().__init__({})

    monkeypatch.setattr("providers.fake.FakeLlm", Model)
    pool = EnginePool()
    pool.for_tenant(tenant("a", llm_model_override="gpt-x"))
    pool.for_tenant(tenant("a"))
    assert [config.get("model") for config in asked] == ["gpt-x", None]


def test_keys_of_accounts_do_not_show() -> None:
    pool = EnginePool()
    pool.for_tenant(tenant("sk-secret"))
    assert "sk-secret" not in repr(pool.__dict__)
