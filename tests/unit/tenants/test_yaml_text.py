from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.yaml_text import LARGEST, YamlError, dump, load, typed

pytestmark = pytest.mark.unit

_AWKWARD = ["yes", "no", "on", "08:30", "18:30", "2026-12-25", "0800", "1e3", "0x1f", "~", "null"]
_AWKWARD += ["+15", "#x", "'", '"', "🙂", "é", "&a", "*a", "=", "1_0", ".5", "-.inf"]
_TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20) | st.sampled_from(
    [*_AWKWARD, "- a", "a: b", "\n", " a ", "a\n\nb\n", "!!int 3", ""]
)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(-1e6, 1e6) | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(_TEXTS, _VALUES, max_size=5))
def test_what_is_dumped_is_read_back(value: dict[str, Any]) -> None:
    assert typed(load(dump(value)).value) == value


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.text("[]{}&*!|>%@`'\"#:-?, \n\tab1", max_size=60))
def test_any_text_is_a_value_or_refused(text: str) -> None:
    with suppress(YamlError):
        assert load(text).line(()) >= 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", "3: a: is there twice"),
        ("a: &x [1]\nb: *x\n", "1: anchors and aliases are not taken"),
        ("a: 1\nb: *x\n", "2: anchors and aliases are not taken"),
        ("a: !!python/object/apply:os.system [id]\n", "1: tags are not taken here"),
        ("a: !!int '3'\n", "1: tags are not taken here"),
        ("a: 1\n---\nb: 2\n", "2: a second document"),
        ("? [a]\n: 1\n", "1: a key that is no text"),
        ("a: [1,\n b: {\n", ": "),
        ("a:\n\t- 1\n", "2: "),
        ("a: " + "[" * 5000, "1: deeper than 20 levels"),
        ("a: \0\n", "1: not YAML"),
        ("a: '" + "x" * LARGEST + "'", "1: larger than"),
    ],
)
def test_what_is_refused_is_named_with_its_line(text: str, says: str) -> None:
    with pytest.raises(YamlError) as refused:
        load(text)
    assert says in str(refused.value)


def test_parts_know_their_lines() -> None:
    parsed = load("a:\n  - b: 1\n    c:\n      - x\n")
    assert parsed.line(("a", 0, "c", 0)) == 4
    assert parsed.line(("a", 0, "c", 5)) == 3
    assert parsed.line(("a", 0, "b")) == 2
    assert parsed.line(("z",)) == 1
