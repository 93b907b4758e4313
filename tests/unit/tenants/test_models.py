from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants import models
from tenants.errors import InvalidRow
from tenants.fields import normalise_number, parse
from tenants.models import Domain, ProviderRow, Secretary

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("dialled", "kept"),
    [
        ("+1 (555) 010-0200", "15550100200"),
        ("0015550100200", "15550100200"),
        ("1.555.010.0200", "15550100200"),
        ("15550100200", "15550100200"),
        (" +55 11 3333-4444 ", "551133334444"),
        ("1000", "1000"),
        ("007", "007"),
        ("*97", "*97"),
        ("Reception", "reception"),
        ("sales-team", "sales-team"),
        ("", ""),
    ],
)
def test_one_form_for_each_way_to_write_a_number(dialled: str, kept: str) -> None:
    assert normalise_number(dialled) == kept


@given(st.text(max_size=40))
def test_normalising_any_text_twice_changes_nothing_more(text: str) -> None:
    once = normalise_number(text)
    # "00" is taken off once: what is under it may begin with zeros of its own.
    if not once.startswith("00"):
        assert normalise_number(once) == once


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"secretary_name": "R", "max_turn": 3}, "secretary: max_turn: Extra inputs"),
        ({"secretary_name": ""}, "secretary: secretary_name: "),
        ({"secretary_name": "R", "tts_speed": 9}, "secretary: tts_speed: "),
        ({"secretary_name": "R", "language": "english please"}, "secretary: language: "),
        ({"secretary_name": "R", "transfer_extension": "1 & 2"}, "secretary: transfer_extension: "),
        ({"secretary_name": "R", "max_turns": "many"}, "secretary: max_turns: "),
        ({}, "secretary: secretary_name: Field required"),
    ],
)
def test_a_bad_field_is_named_with_its_rule(values: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidRow) as refused:
        parse(Secretary, values, "secretary")
    assert str(refused.value).startswith(says)


def test_a_bad_value_is_not_repeated() -> None:
    with pytest.raises(InvalidRow) as refused:
        parse(
            ProviderRow,
            {"provider_type": "sk-secret-key", "provider_name": "openai"},
            "provider 1",
        )
    assert "sk-secret-key" not in str(refused.value)


def test_keywords_come_as_a_list_or_with_commas() -> None:
    one = Secretary(secretary_name="R", handoff_keywords=("a person", "human"))
    two = parse(
        Secretary,
        {
            "secretary_name": "R",
            "handoff_keywords": " a person, human ,",
            "voice_secretary_uuid": one.voice_secretary_uuid,
        },
        "secretary",
    )
    assert two == one


def test_a_provider_does_not_show_its_keys() -> None:
    row = ProviderRow(provider_type="llm", provider_name="openai", config={"api_key": "sk-1"})
    assert "sk-1" not in repr(row)


def test_providers_are_ordered_by_choice_default_and_priority() -> None:
    def row(name: str, **more: Any) -> ProviderRow:
        return ProviderRow(provider_type="llm", provider_name=name, **more)

    chosen, default, first, second, off = (
        row("chosen"),
        row("default_one", is_default=True),
        row("first", priority=2),
        row("second", priority=1),
        row("off", is_enabled=False, priority=9),
    )
    secretary = Secretary(
        secretary_name="R",
        llm_provider_uuid=chosen.voice_ai_provider_uuid,
        tts_provider_uuid=uuid4(),
    )
    found = models.in_order([second, off, first, default, chosen], secretary)
    assert found == {"llm": (chosen, default, first, second)}


@pytest.mark.parametrize("name", ["", "-x", "UPPER.example", "a b", "x" * 300, "a\n"])
def test_a_domain_name_is_a_plain_name(name: str) -> None:
    with pytest.raises(InvalidRow):
        parse(Domain, {"domain_name": name}, "domain")
