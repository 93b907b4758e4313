"""What events carry and how large they are, against PROTOCOL's figures."""

from __future__ import annotations

import pytest

from esl_app.switchsim import causes, packets
from esl_app.switchsim.channel import Channel
from esl_app.switchsim.events import KNOWN_EVENTS, MY_EVENTS, channel_event, connect_headers

pytestmark = pytest.mark.unit


@pytest.fixture
def channel() -> Channel:
    channel = Channel(caller_number="1000", destination_number="5551234567", variables={"a": "b"})
    channel.answer()
    return channel


def size(channel: Channel, name: str) -> int:
    return len(packets.event(channel_event(channel, name).headers, format_="plain").data)


def test_connect_reply_is_as_long_as_the_real_one(channel: Channel) -> None:
    headers = dict(connect_headers(channel))
    assert 150 <= len(headers) <= 175
    assert headers["Unique-ID"] == headers["Caller-Unique-ID"] == channel.uuid
    assert headers["variable_a"] == "b"


def test_sizes_are_near_the_real_ones(channel: Channel) -> None:
    assert 4500 < size(channel, "CHANNEL_EXECUTE") < 7000
    assert 1600 < size(channel, "DTMF") < 2400
    assert 7000 < size(channel, "CHANNEL_HANGUP_COMPLETE") < 10000


def test_bare_events_have_no_variables(channel: Channel) -> None:
    for name in ("DTMF", "CHANNEL_STATE", "CHANNEL_CALLSTATE"):
        headers = channel_event(channel, name).headers
        assert not any(header.startswith("variable_") for header, _ in headers)


def test_playback_events_are_not_among_myevents() -> None:
    assert len(MY_EVENTS) == 23
    assert {"PLAYBACK_STOP", "RECORD_STOP", "BACKGROUND_JOB"} <= KNOWN_EVENTS - MY_EVENTS


def test_the_record_says_why_and_how_long(channel: Channel) -> None:
    channel.hangup_cause = "USER_BUSY"
    channel.hangup_us = channel.answered_us + 2_500_000
    headers = dict(channel_event(channel, "CHANNEL_HANGUP_COMPLETE").headers)
    assert headers["variable_hangup_cause"] == "USER_BUSY"
    assert headers["variable_hangup_cause_q850"] == "17"
    assert (headers["variable_billsec"], headers["variable_billmsec"]) == ("2", "2500")


def test_a_variable_without_a_value_is_gone(channel: Channel) -> None:
    channel.set("x", "1")
    channel.set("x", "")
    assert channel.get("x") is None
    assert channel.get("destination_number") == "5551234567"
    assert not channel.true("x")


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        ("USER_BUSY", 486),
        ("CALL_REJECTED", 603),
        ("NORMAL_CLEARING", 480),
        ("NORMAL_TEMPORARY_FAILURE", 503),
        ("UNALLOCATED_NUMBER", 404),
        ("ORIGINATOR_CANCEL", 487),
    ],
)
def test_what_an_unanswered_phone_is_told(cause: str, status: int) -> None:
    assert causes.sip_status(cause) == status


def test_unknown_causes_are_normal_clearing() -> None:
    assert causes.known("bogus_cause") == "NORMAL_CLEARING"
    assert causes.known("user_busy") == "USER_BUSY"
    assert causes.from_sip(503) == "NORMAL_TEMPORARY_FAILURE"
