"""Rows from people: what is wrong is said in one line that names field and rule."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.audit import AuditEntry
from tenants.destinations import TransferDestination, TransferRule
from tenants.errors import InvalidRow
from tenants.fields import Row, parse
from tenants.limits import Price, Quota
from tenants.models import Domain, Secretary
from tenants.opening import BusinessHours
from tenants.policy import Policy
from tenants.requests import Callback, LeftMessage

pytestmark = pytest.mark.unit

_PLACE = {"name": "Sales", "destination_type": "extension", "destination_number": "200"}
_RULE = {"transfer_destination_uuid": "00000000-0000-0000-0000-000000000001"}
_WEEK = {"name": "Office", "time_zone": "Europe/Lisbon"}


def _slot(weekday: int, start: str, end: str) -> dict[str, Any]:
    return {"weekday": weekday, "start_time": start, "end_time": end}


@pytest.mark.parametrize(
    ("model", "values", "says"),
    [
        (TransferDestination, {**_PLACE, "destination_number": "DE89370400440532013000"}, "no ext"),
        (TransferDestination, {**_PLACE, "destination_number": "4111111111111111"}, "no extension"),
        (TransferDestination, {**_PLACE, "destination_number": "200 XML x"}, "no extension"),
        (
            TransferDestination,
            {**_PLACE, "destination_type": "external", "destination_number": "5550100"},
            "x: destination_number: an external one is +, country and number",
        ),
        (TransferDestination, {**_PLACE, "destination_type": "fax"}, "x: destination_type: "),
        (TransferDestination, {**_PLACE, "aliases": ["a", "A "]}, "x: aliases: 'a' is there twice"),
        (TransferDestination, {**_PLACE, "aliases": ["a", " "]}, "x: aliases: one is empty"),
        (TransferDestination, {**_PLACE, "ring_timeout_seconds": 1}, "x: ring_timeout_seconds: "),
        (TransferDestination, {**_PLACE, "ring": 1}, "x: ring: Extra inputs"),
        (TransferRule, _RULE, "x: intent_keywords: neither"),
        (TransferRule, {**_RULE, "intent_patterns": ["("]}, "x: intent_patterns: pattern 1: not a"),
        (TransferRule, {**_RULE, "intent_patterns": ["a", "(a+)+b"]}, "pattern 2: repeats a group"),
        (TransferRule, {**_RULE, "intent_patterns": [r"(a)\1"]}, "pattern 1: repeats a group or"),
        (TransferRule, {**_RULE, "intent_patterns": [".*a.*b.*c.*d.*"]}, "pattern 1: more than 2"),
        (TransferRule, {**_RULE, "intent_patterns": ["(a|a)" * 5]}, "pattern 1: more than 16 ways"),
        (
            TransferRule,
            {**_RULE, "intent_patterns": ["a?" * 30 + "a" * 30]},
            "pattern 1: more than 16",
        ),
        (TransferRule, {**_RULE, "intent_patterns": ["(a|b)?c"]}, "pattern 1: repeats a group or"),
        (TransferRule, {**_RULE, "intent_patterns": ["a" * 201]}, "pattern 1: longer than 200"),
        (BusinessHours, {**_WEEK, "time_zone": "Mars/Olympus"}, "x: time_zone: no such time zone"),
        (BusinessHours, {**_WEEK, "time_zone": "../etc/passwd"}, "x: time_zone: "),
        (BusinessHours, {**_WEEK, "holiday_country": "Brazil"}, "x: holiday_country: "),
        (BusinessHours, {**_WEEK, "holiday_subdivision": "SP"}, "holiday_subdivision: needs"),
        (BusinessHours, {**_WEEK, "slots": [_slot(7, "08:00", "09:00")]}, "x: slots.0.weekday: "),
        (BusinessHours, {**_WEEK, "slots": [_slot(1, "08:00", "25:00")]}, "x: slots.0.end_time: "),
        (
            BusinessHours,
            {**_WEEK, "slots": [_slot(1, "08:00+02:00", "09:00")]},
            "x: slots.0.start_time: a local time, without an offset",
        ),
        (
            BusinessHours,
            {**_WEEK, "slots": [_slot(1, "08:00", "12:00"), _slot(1, "11:00", "13:00")]},
            "x: slots: two overlap on Tuesday at 11:00",
        ),
        (
            BusinessHours,
            {**_WEEK, "slots": [_slot(4, "22:00", "06:00"), _slot(5, "05:00", "07:00")]},
            "x: slots: two overlap on Saturday at 05:00",
        ),
        (
            BusinessHours,
            {**_WEEK, "slots": [_slot(6, "22:00", "06:00"), _slot(0, "05:00", "07:00")]},
            "x: slots: two overlap on Monday at 05:00",
        ),
        (
            BusinessHours,
            {
                **_WEEK,
                "exceptions": [
                    {"name": "A", "first_date": "2026-12-24", "last_date": "2026-12-26"},
                    {"name": "B", "first_date": "2026-12-26", "last_date": "2026-12-26"},
                ],
            },
            "x: exceptions: 'A' and 'B' share a day",
        ),
        (
            BusinessHours,
            {
                **_WEEK,
                "exceptions": [
                    {"name": "A", "first_date": "2026-12-24", "last_date": "2026-12-23"}
                ],
            },
            "x: exceptions.0: last_date: before first_date",
        ),
        (Quota, {"concurrent_legs": "many"}, "x: concurrent_legs: "),
        (Quota, {"spend_day": "-1"}, "x: spend_day: "),
        (Quota, {"call_turns": 0}, "x: call_turns: "),
        (Quota, {"busy_cause": "user busy"}, "x: busy_cause: "),
        (Price, {"provider_type": "llm", "provider_name": "x", "unit": "word", "price": 1}, "unit"),
        (Policy, {"consent": "maybe"}, "x: consent: "),
        (Policy, {"external_countries": ["br"]}, "x: external_countries.0: "),
        (Domain, {"domain_name": "a.example", "country": "Brasil"}, "x: country: "),
        (
            Secretary,
            {"secretary_name": "R", "transfer_music_on_hold": "shell_stream://id"},
            "music",
        ),
        (Secretary, {"secretary_name": "R", "vad_threshold": 2}, "x: vad_threshold: "),
        (
            Callback,
            {"callback_number": "tomorrow", "expires_at": "2026-11-22T00:00Z"},
            "callback_n",
        ),
        (
            Callback,
            {"callback_number": "+15550100200", "expires_at": "2026-11-22T00:00"},
            "expires",
        ),
        (LeftMessage, {}, "x: content: neither words nor audio_file_path"),
        (AuditEntry, {"actor": "a", "action": "b", "details": {"api_key": "k"}}, "api_key: not a"),
        (AuditEntry, {"actor": "a", "action": "b", "details": {"row": {"a": 1}}}, "row: not a"),
    ],
)
def test_what_is_wrong_is_named(model: type[Row], values: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidRow) as refused:
        parse(model, values, "x")
    text = str(refused.value)
    assert text.startswith("x: ")
    assert says in text
    assert "\n" not in text


def test_hours_may_touch_and_run_round_the_clock() -> None:
    hours = parse(
        BusinessHours,
        {
            **_WEEK,
            "slots": [
                _slot(0, "08:00", "12:00"),
                _slot(0, "12:00", "24:00"),
                _slot(1, "00:00", "00:00"),
                _slot(6, "20:00", "08:00"),
            ],
        },
        "x",
    )
    assert hours.slots[2].seconds == (0, 24 * 3600)
    assert hours.slots[3].seconds == (20 * 3600, 32 * 3600)


def test_what_a_person_may_be_is_not_in_a_repr() -> None:
    callback = parse(
        Callback,
        {
            "callback_number": "+15550100200",
            "caller_name": "Maria Canary",
            "reason": "tooth",
            "expires_at": "2026-11-22T00:00Z",
        },
        "x",
    )
    assert not {"15550100200", "Canary", "tooth"} & set(repr(callback).replace("'", " ").split())
