"""Callers who want to be connected: with whom, when, and what they hear when nobody is there."""

from __future__ import annotations

from typing import Any

import pytest

from esl_app.switchsim import Press, SpeakWhenQuiet, Wait, WhenQuiet
from tenants.destinations import (
    TransferDestination,
    TransferRule,
    save_destination,
    save_rule,
)
from tenants.models import Tenant
from tenants.opening import BusinessHours, save_hours
from tenants.policy import Policy, save_policy
from tenants.requests import read_callbacks
from tests.fix_calls import AUDIO, Rig

pytestmark = pytest.mark.acceptance

SAYS = SpeakWhenQuiet(AUDIO / "parking.wav")  # what he says is the script's
NEVER = BusinessHours(name="never", time_zone="UTC")
CALLER = "+551133334444"


def _destination(name: str, number: str, **more: Any) -> TransferDestination:
    return TransferDestination(
        **({"destination_type": "extension", "name": name, "destination_number": number} | more)
    )


def _tenant(
    rig: Rig,
    *rows: TransferDestination,
    rule: dict[str, Any] | None = None,
    countries: tuple[str, ...] = (),
    **options: Any,
) -> Tenant:
    tenant = rig.tenant(**options)
    domain = tenant.domain.domain_uuid
    with rig.stores.database.tenant(domain) as cursor:
        save_hours(cursor, domain, NEVER)
        save_policy(cursor, domain, Policy(external_countries=countries))
        for row in rows:
            save_destination(cursor, domain, row)
        if rule is not None:
            to = rows[0].transfer_destination_uuid
            save_rule(cursor, domain, TransferRule(transfer_destination_uuid=to, **rule))
    return tenant


SALES = {"aliases": ("sales",), "department": "Commercial"}
CLOSED = {"business_hours_uuid": NEVER.business_hours_uuid}


def test_the_one_who_is_named_gets_the_call_and_the_row_says_so(rig: Rig) -> None:
    tenant = _tenant(
        rig,
        _destination("Sales desk", "3001", destination_context="inside", **SALES),
        _destination("Billing", "3002", is_default=True),
        hears=["Please put me through to sales."],
    )
    call = rig.call(SAYS)
    assert call.result.transferred_to == "3001"
    assert [m.detail for m in call.result.of("execute") if m.what == "transfer"] == [
        "3001 XML inside"
    ]
    kept, _ = rig.rows(call, tenant)
    assert (kept.transfer_extension, kept.transfer_department) == ("3001", "Commercial")
    assert kept.final_action == "handoff"


def test_any_person_is_the_default_destination(rig: Rig) -> None:
    _tenant(
        rig,
        _destination("Sales desk", "3001"),
        _destination("Front desk", "3002", is_default=True),
        hears=["I want to speak to a person."],
    )
    assert rig.call(SAYS).result.transferred_to == "3002"


def test_a_rule_leads_there_with_its_own_words(rig: Rig) -> None:
    _tenant(
        rig,
        _destination("Sales desk", "3001"),
        rule={"intent_patterns": [r"\bquot(e|ation)\b"], "transfer_message": "Sales, then."},
        hears=["I need a quotation."],
    )
    call = rig.call(SAYS)
    assert call.result.transferred_to == "3001"
    assert call.said()[-1] == "Sales, then."


def test_two_who_fit_are_asked_about(rig: Rig) -> None:
    _tenant(
        rig,
        _destination("Maria Silva", "3001"),
        _destination("Maria Costa", "3002"),
        hears=["I want to talk to Maria.", "Costa, please."],
    )
    call = rig.call(SAYS, SAYS)
    assert "Whom would you like to speak to: Maria Costa, or Maria Silva?" in " ".join(call.said())
    assert call.result.transferred_to == "3002"


def test_the_model_chooses_an_alias_and_the_call_goes_there_once_it_has_said_so(rig: Rig) -> None:
    _tenant(
        rig,
        _destination("Sales desk", "3001", **SALES),
        hears=["I would like to buy twelve chairs."],
        answers=['call:transfer_call {"destination": "sales"}', "Here is our sales desk."],
    )
    call = rig.call(SAYS)
    assert call.result.transferred_to == "3001"
    assert call.said()[1:] == [
        "Here is our sales desk.",
        "One moment please, I am transferring you.",
    ]


def test_a_key_into_the_announcement_takes_the_models_choice_back(rig: Rig) -> None:
    _tenant(
        rig,
        _destination("Sales desk", "3001", **SALES),
        hears=["I would like to buy twelve chairs.", "Is there parking?", "Goodbye."],
        answers=['call:transfer_call {"destination": "sales"}', "word " * 60 + "end.", "Yes."],
    )
    call = rig.call(SAYS, Wait(3.0), Press("5"), SAYS, SAYS)
    assert call.facts["ending"] == "goodbye"
    assert call.said()[-2:] == ["Yes.", "Good bye now."]
    assert call.result.transferred_to is None


def test_who_is_not_there_is_not_rung_and_the_caller_goes_on(rig: Rig) -> None:
    tenant = _tenant(
        rig,
        _destination("Sales desk", "3001", **SALES, **CLOSED),
        _destination("Billing", "3002"),
        hears=["Transfer me to sales.", "Then transfer me to billing."],
    )
    call = rig.call(SAYS, SAYS)
    assert "I am sorry, Sales desk is not available at this time." in call.said()
    assert call.result.transferred_to == "3002"
    with rig.stores.database.tenant(tenant.domain.domain_uuid) as cursor:
        assert read_callbacks(cursor, tenant.domain.domain_uuid) == []


@pytest.mark.parametrize("yes", ["keys", "words"])
def test_who_is_not_there_calls_back(rig: Rig, yes: str) -> None:
    tenant = _tenant(
        rig,
        _destination("Sales desk", "3001", fallback_action="offer_callback", **SALES, **CLOSED),
        countries=("BR",),
        hears=["Transfer me to sales.", "Yes, please.", "Yes."],
    )
    agrees = [WhenQuiet(), Press("1")] if yes == "keys" else [SAYS]
    call = rig.call(SAYS, *agrees, *agrees, caller=CALLER)
    assert call.said()[-2:] == [
        "I have noted that, and we will call you back.",
        "Good bye now.",
    ]
    assert call.result.transferred_to is None
    with rig.stores.database.tenant(tenant.domain.domain_uuid) as cursor:
        (row,) = read_callbacks(cursor, tenant.domain.domain_uuid)
    assert (row.callback_number, row.status, row.reason) == (CALLER, "pending", "closed")
    assert row.voice_conversation_uuid is not None


def test_who_does_not_want_to_be_called_back_is_not(rig: Rig) -> None:
    tenant = _tenant(
        rig,
        _destination("Sales desk", "3001", fallback_action="offer_callback", **SALES, **CLOSED),
        countries=("BR",),
        hears=["Transfer me to sales.", "No.", "Goodbye."],
    )
    call = rig.call(SAYS, SAYS, SAYS, caller=CALLER)
    assert call.facts["ending"] == "goodbye"
    with rig.stores.database.tenant(tenant.domain.domain_uuid) as cursor:
        assert read_callbacks(cursor, tenant.domain.domain_uuid) == []


def test_a_destination_may_end_the_call_when_nobody_is_there(rig: Rig) -> None:
    _tenant(
        rig,
        _destination("Sales desk", "3001", fallback_action="hangup", **SALES, **CLOSED),
        hears=["Transfer me to sales."],
    )
    call = rig.call(SAYS)
    assert call.said()[-1] == "Good bye now."
    assert (call.result.transferred_to, call.result.hangup_cause) == (None, "NORMAL_CLEARING")


def test_where_transfers_are_switched_off_nobody_is_connected(rig: Rig) -> None:
    _tenant(
        rig,
        _destination("Sales desk", "3001", **SALES),
        hears=["Please put me through to sales.", "I want a person."],
        answers=["That is not possible."],
        secretary={"transfer_enabled": False},
    )
    call = rig.call(SAYS, SAYS)
    assert call.said()[1:3] == [
        "That is not possible.",
        "I am sorry, nobody is available right now.",
    ]
    assert call.result.transferred_to is None
