"""Results of FreeSWITCH's recognisers: the known shapes, and whatever else an engine may send."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_app.media.recognition import LONGEST, BadResult, Outcome, Recognition, parse
from tests.transcript_files import load

pytestmark = pytest.mark.unit

POCKETSPHINX = """<?xml version="1.0"?>
<result grammar="digits">
  <interpretation grammar="digits" confidence="87">
    <input mode="speech">one two three</input>
  </interpretation>
</result>
"""
NLSML = """<?xml version="1.0"?>
<result xmlns="urn:ietf:params:xml:ns:mrcpv2" xmlns:ex="urn:x" grammar="session:request1">
  <interpretation grammar="session:request1" confidence="0.96">
    <ex:instance><city>Lisbon</city><day>Monday</day></ex:instance>
    <input mode="speech" confidence="0.94">to  Lisbon
      on Monday</input>
  </interpretation>
  <interpretation confidence="0.4">
    <instance>other</instance><input>to Boston</input>
  </interpretation>
</result>"""


def match(text: str, **more: object) -> Recognition:
    return Recognition(outcome=Outcome.MATCH, text=text, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            '{"grammar": "default", "text": "agent", "confidence": 87.300000}',
            match("agent", confidence=pytest.approx(0.873)),
        ),
        (
            '{"grammar": "default", "text": "", "confidence": 0, "error": "no_input"}',
            Recognition(outcome=Outcome.NO_INPUT),
        ),
        ('{"error": "No-Match"}', Recognition(outcome=Outcome.NO_MATCH)),
        (
            '{"result": [{"conf": 1.0, "word": "a"}, {"conf": 0.5, "word": "b"}], "text": "a b"}',
            match("a b", confidence=0.75),
        ),
        ('{"partial": "is there"}', match("is there")),
        ('{"text": " "}', Recognition(outcome=Outcome.NO_MATCH)),
        (
            '{"alternatives": [{"transcript": "yes", "confidence": 0.9}, {"transcript": "yet"}]}',
            match("yes", confidence=0.9),
        ),
        ('[{"text": "yes"}]', match("yes")),
        ('{"alternatives": []}', Recognition(outcome=Outcome.NO_MATCH)),
        ('{"text": "yes", "confidence": NaN}', match("yes")),
        ('{"text": "yes", "confidence": [1]}', match("yes")),
        (POCKETSPHINX, match("one two three", confidence=0.87)),
        (
            NLSML,
            match("to Lisbon on Monday", confidence=0.94, interpretation="Lisbon Monday"),
        ),
        (
            "<result><interpretation><instance>yes</instance></interpretation></result>",
            match("yes", interpretation="yes"),
        ),
        (
            "<result><interpretation><input><noinput/></input></interpretation></result>",
            Recognition(outcome=Outcome.NO_INPUT),
        ),
        ("<result><interpretation/></result>", Recognition(outcome=Outcome.NO_MATCH)),
        ("DIGIT: 5", Recognition(outcome=Outcome.MATCH, digits="5")),
        ("yes please\n", match("yes please")),
        ("", Recognition(outcome=Outcome.NO_MATCH)),
    ],
)
def test_known_shapes(body: str, expected: Recognition) -> None:
    assert parse(body) == expected


def test_what_a_real_freeswitch_sent() -> None:
    """Bodies of the recorded sessions: mod_test and pocketsphinx."""
    bodies = {
        name: load(name).stream(load(name).connections[0], "fs")
        for name in ("f4_detect_speech", "f6_detect_pocketsphinx")
    }
    body = bodies["f4_detect_speech"].partition(b'{"grammar"')[2].partition(b"}")[0]
    assert parse('{"grammar"' + body.decode() + "}").text == "order"
    xml = bodies["f6_detect_pocketsphinx"].partition(b"<?xml")[2].partition(b"</result>")[0]
    assert parse("<?xml" + xml.decode() + "</result>").outcome is Outcome.NO_MATCH


@pytest.mark.parametrize(
    "body",
    [
        '{"text": ',
        '{"words": 1}',
        '{"text": 5}',
        '{"alternatives": [5]}',
        '{"error": "license"}',
        "[" * 60_000,
        "{" * 60_000,
        '{"text": "a"} x',
        "<result>",
        "<html/>",
        "<result/><result/>",
        "<a>" * 20_000,
        "<result>" * 33,
        "x" * (LONGEST + 1),
        '<!DOCTYPE result SYSTEM "file:///etc/passwd"><result/>',
        '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><result>&b;</result>',
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><result><input>&x;</input></result>',
        "<result><interpretation><input>&x;</input></interpretation></result>",
    ],
)
def test_what_is_refused(body: str) -> None:
    with pytest.raises(BadResult) as refused:
        parse(body)
    assert len(str(refused.value)) < 80, "a message quotes nothing"


@given(st.text(max_size=200), st.sampled_from(["", "{", "[", "<result>", '{"text":', "<"]))
def test_anything_is_a_result_or_a_bad_one(text: str, start: str) -> None:
    try:
        found = parse(start + text)
    except BadResult:
        return
    assert found.confidence is None or 0 <= found.confidence <= 1
    assert "\x00" not in found.text
    found.text.encode()


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "confidence", "error", "alternatives", "result", "conf", "x"]),
            children,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(_JSON)
def test_any_json_is_a_result_or_a_bad_one(value: object) -> None:
    try:
        found = parse(json.dumps(value))
    except BadResult:
        return
    assert found.confidence is None or 0 <= found.confidence <= 1
