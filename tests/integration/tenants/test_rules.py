"""What a tenant decides about his calls: written, read, and refused twice.

Once by us, and once by the database for whoever writes past us.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tenants import audit, destinations, limits, opening, policy, repository, requests, routing
from tenants.db import Database
from tenants.destinations import TransferDestination, TransferRule
from tenants.errors import Conflict, InvalidRow, Refused
from tenants.fields import Row, parse
from tenants.limits import EVERYBODY, Price, Quota
from tenants.models import Conversation, Domain, MessageRow, ProviderRow, Secretary
from tenants.opening import BusinessHours, HoursException
from tenants.policy import Policy
from tests.integration.tenants.conftest import Make

pytestmark = pytest.mark.integration

_HOURS: dict[str, Any] = {
    "name": "Office",
    "time_zone": "America/Sao_Paulo",
    "holiday_country": "BR",
    "holiday_subdivision": "SP",
    "is_default": True,
    "slots": [
        {"weekday": 0, "start_time": "08:00", "end_time": "12:00"},
        {"weekday": 0, "start_time": "13:00", "end_time": "18:00"},
        {"weekday": 5, "start_time": "22:00", "end_time": "06:00"},
        {"weekday": 6, "start_time": "18:00", "end_time": "24:00"},
    ],
    "exceptions": [
        {"name": "Carnival", "first_date": "2027-02-08", "last_date": "2027-02-10"},
        {
            "name": "Inventory",
            "first_date": "2027-01-04",
            "last_date": "2027-01-04",
            "slots": [{"start_time": "14:00", "end_time": "16:00"}],
        },
    ],
}


def _destination(**more: Any) -> TransferDestination:
    return parse(
        TransferDestination,
        {
            "name": "Sales",
            "destination_type": "extension",
            "destination_number": "2000",
            **more,
        },
        "transfer_destination",
    )


def test_hours_are_read_as_they_were_written(database: Database, make_tenant: Make) -> None:
    domain_uuid = make_tenant("a.example").domain.domain_uuid
    hours = parse(BusinessHours, _HOURS, "business_hours")
    for written in (hours, hours.model_copy(update={"slots": hours.slots[:2]})):
        with database.tenant(domain_uuid) as cursor:
            opening.save_hours(cursor, domain_uuid, written)
        with database.tenant(domain_uuid) as cursor:
            (read,) = opening.read_hours(cursor, domain_uuid)
        assert read.model_copy(update={"exceptions": ()}) == written.model_copy(
            update={"exceptions": ()}
        )
        assert sorted(read.exceptions, key=lambda e: e.name) == list(written.exceptions)
    with database.tenant(domain_uuid) as cursor:
        assert opening.remove_hours(cursor, domain_uuid, "Office")
        assert not opening.remove_hours(cursor, domain_uuid, "Office")
        assert opening.read_hours(cursor, domain_uuid) == []


def test_a_call_finds_everything_its_tenant_has_decided(
    database: Database, make_tenant: Make
) -> None:
    domain_uuid = make_tenant("a.example").domain.domain_uuid
    hours = parse(BusinessHours, _HOURS, "business_hours")
    sales = _destination(
        aliases=["Vendas", "the shop"], business_hours_uuid=hours.business_hours_uuid
    )
    rule = TransferRule(
        transfer_destination_uuid=sales.transfer_destination_uuid,
        intent_keywords=("buy", "price"),
        intent_patterns=(r"\bquot(e|ation)\b",),
    )
    ours = Price(
        provider_type="llm", provider_name="openai", unit="prompt_token", price=Decimal(1), per=1000
    )
    shared = ours.model_copy(update={"price": Decimal(5)})
    other = shared.model_copy(update={"unit": "completion_token"})
    kept = Policy(consent="ask", recording_enabled=True, external_countries=("BR", "PT"))
    quota = Quota(concurrent_legs=30, spend_day=Decimal("12.5"), busy_action="cause")
    with database.tenant(EVERYBODY) as cursor:
        limits.save_price(cursor, EVERYBODY, shared)
        limits.save_price(cursor, EVERYBODY, other)
    with database.tenant(domain_uuid) as cursor:
        opening.save_hours(cursor, domain_uuid, hours)
        destinations.save_destination(cursor, domain_uuid, sales)
        destinations.save_rule(cursor, domain_uuid, rule)
        limits.save_price(cursor, domain_uuid, ours)
        limits.save_quota(cursor, domain_uuid, quota)
        policy.save_policy(cursor, domain_uuid, kept)
    found = routing.resolve(database, domain_uuid=domain_uuid)
    assert found.hours[0].name == "Office"
    assert found.destinations == (sales,)
    assert found.destinations[0].aliases == ("vendas", "the shop")
    assert found.rules == (rule,)
    assert found.policy == kept
    assert found.quota == quota
    assert set(found.prices) == {ours, other}
    with database.tenant(domain_uuid) as cursor:
        assert limits.remove_price(cursor, domain_uuid, ours)
        assert set(limits.read_prices(cursor, domain_uuid)) == {shared, other}
        # What is everybody's is nobody's to change.
        assert not limits.remove_price(cursor, EVERYBODY, other)
        assert destinations.remove_destination(cursor, domain_uuid, "Sales")
        assert destinations.read_rules(cursor, domain_uuid) == []
    assert repository.delete_tenant(database, domain_uuid)


def test_without_rows_the_standard_ones_hold_and_they_are_the_database_s(
    database: Database, make_tenant: Make
) -> None:
    domain_uuid = make_tenant("a.example").domain.domain_uuid
    found = routing.resolve(database, domain_uuid=domain_uuid)
    assert (found.quota, found.policy) == (Quota(), Policy())
    with database.tenant(domain_uuid) as cursor:
        cursor.execute("INSERT INTO voice_ai.quota (domain_uuid) VALUES (%s)", (domain_uuid,))
        cursor.execute("INSERT INTO voice_ai.policy (domain_uuid) VALUES (%s)", (domain_uuid,))
        assert limits.read_quota(cursor, domain_uuid) == Quota()
        assert policy.read_policy(cursor, domain_uuid) == Policy()


def test_the_database_s_secretary_is_ours(database: Database, make_tenant: Make) -> None:
    """Defaults of columns and of fields are one thing written twice: they agree."""
    domain_uuid = make_tenant("a.example").domain.domain_uuid
    with database.tenant(domain_uuid) as cursor:
        cursor.execute(
            (
                "INSERT INTO voice_ai.secretary (domain_uuid, voice_secretary_uuid, secretary_name)"
                " VALUES (%s, %s, 'Plain')"
            ),
            (domain_uuid, UUID(int=7)),
        )
        plain = next(
            s
            for s in repository.read_secretaries(cursor, domain_uuid)
            if s.secretary_name == "Plain"
        )
    assert plain == Secretary(secretary_name="Plain", voice_secretary_uuid=UUID(int=7))


@pytest.mark.parametrize(
    ("model", "table"),
    [
        (Domain, "domain"),
        (Secretary, "secretary"),
        (ProviderRow, "provider"),
        (TransferDestination, "transfer_destination"),
        (TransferRule, "transfer_rule"),
        (Policy, "policy"),
        (Quota, "quota"),
        (Price, "price"),
        (requests.Callback, "callback"),
        (requests.LeftMessage, "voice_message"),
        (audit.AuditEntry, "audit"),
        (Conversation, "conversation"),
        (MessageRow, "message"),
    ],
)
def test_every_column_has_its_field(admin_url: str, model: type[Row], table: str) -> None:
    with psycopg.connect(admin_url) as connection:
        columns = connection.execute(
            (
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_schema = 'voice_ai' AND table_name = %s"
            ),
            (table,),
        ).fetchall()
    ours = set(model.model_fields) | {"domain_uuid", "insert_date", "update_date", "owner_uuid"}
    ours |= {"key_id", "data_key"}  # the vault's
    assert {str(name) for (name,) in columns} - ours == set()


def test_an_alias_leads_to_one_destination(database: Database, make_tenant: Make) -> None:
    a, b = (make_tenant(name).domain.domain_uuid for name in ("a.example", "b.example"))
    sales, service = _destination(aliases=["shop"]), _destination(name="Service", aliases=["Shop"])
    with database.tenant(a) as cursor:
        destinations.save_destination(cursor, a, sales)
        destinations.save_destination(cursor, a, sales)
    with pytest.raises(Conflict, match="alias_in_use"), database.tenant(a) as cursor:
        destinations.save_destination(cursor, a, service)
    with database.tenant(b) as cursor:
        destinations.save_destination(cursor, b, service)
    with pytest.raises(Conflict, match="alias_in_use"), database.tenant(b) as cursor:
        cursor.execute("UPDATE voice_ai.transfer_destination SET aliases = '{x,x}'")
    with database.tenant(a) as cursor:
        destinations.save_destination(cursor, a, _destination(name="One", is_default=True))
    with pytest.raises(Conflict, match="destination_one_default"), database.tenant(a) as cursor:
        destinations.save_destination(cursor, a, _destination(name="Two", is_default=True))


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE voice_ai.secretary SET unbridge_behavior = 'sing'", "unbridge_behavior"),
        ("UPDATE voice_ai.secretary SET transfer_music_on_hold = 'shell_stream://id'", "music"),
        ("UPDATE voice_ai.domain SET country = 'bra'", "country"),
        ("INSERT INTO voice_ai.quota (domain_uuid, call_turns) VALUES (%(d)s, 0)", "call_turns"),
        ("INSERT INTO voice_ai.policy (domain_uuid, consent) VALUES (%(d)s, 'maybe')", "consent"),
        (
            (
                "INSERT INTO voice_ai.transfer_destination (domain_uuid, transfer_destination_uuid,"
                " name, destination_type, destination_number)"
                " VALUES (%(d)s, %(d)s, 'x', 'extension', 'DE89370400440532013000')"
            ),
            "destination_number_fits_type",
        ),
        (
            (
                "INSERT INTO voice_ai.transfer_destination (domain_uuid, transfer_destination_uuid,"
                " name, aliases, destination_type, destination_number)"
                " VALUES (%(d)s, %(d)s, 'x', '{UPPER}', 'extension', '1')"
            ),
            "aliases",
        ),
        (
            (
                "INSERT INTO voice_ai.business_hours (domain_uuid, business_hours_uuid, name,"
                " time_zone) VALUES (%(d)s, %(d)s, 'x', 'a zone!')"
            ),
            "time_zone",
        ),
    ],
)
def test_the_database_refuses_what_we_would(
    database: Database, make_tenant: Make, statement: str, says: str
) -> None:
    domain_uuid = make_tenant("a.example").domain.domain_uuid
    with pytest.raises(Refused, match=says), database.tenant(domain_uuid) as cursor:
        cursor.execute(statement, {"d": domain_uuid})  # type: ignore[arg-type,unused-ignore]


def test_callbacks_and_messages(database: Database, make_tenant: Make) -> None:
    domain_uuid = make_tenant("a.example").domain.domain_uuid
    now = datetime(2026, 11, 22, 14, tzinfo=UTC)
    owed = requests.Callback(
        callback_number="+15550100200", reason="a quote", expires_at=now + timedelta(hours=24)
    )
    urgent = owed.model_copy(update={"callback_uuid": UUID(int=9), "priority": "urgent"})
    message = requests.LeftMessage(content="Please ring back.", priority="high")
    with database.tenant(domain_uuid) as cursor:
        for row in (owed, urgent):
            requests.save_callback(cursor, domain_uuid, row)
        requests.save_left_message(cursor, domain_uuid, message)
    with database.tenant(domain_uuid) as cursor:
        assert requests.read_callbacks(cursor, domain_uuid) == [urgent, owed]
        done = urgent.model_copy(update={"status": "completed", "attempts": 1})
        requests.save_callback(cursor, domain_uuid, done)
        assert requests.read_callbacks(cursor, domain_uuid) == [owed]
        (left,) = requests.read_left_messages(cursor, domain_uuid)
    assert left.model_copy(update={"insert_date": None}) == message


def test_the_audit_is_added_to_and_never_changed(database: Database, make_tenant: Make) -> None:
    domain_uuid = make_tenant("a.example").domain.domain_uuid
    entry = audit.AuditEntry(
        actor="cli:maria", action="provider_set", subject="llm/openai", details={"fields": "model"}
    )
    with database.tenant(domain_uuid) as cursor:
        audit.record(cursor, domain_uuid, entry)
    with database.tenant(domain_uuid) as cursor:
        (read,) = audit.read_audit(cursor, domain_uuid)
    assert read.model_copy(update={"at": None}) == entry
    for statement in ("UPDATE voice_ai.audit SET actor = 'x'", "DELETE FROM voice_ai.audit"):
        with pytest.raises(Refused), database.tenant(domain_uuid) as cursor:
            cursor.execute(statement)  # type: ignore[arg-type,unused-ignore]
    assert repository.delete_tenant(database, domain_uuid)


def test_an_overlap_is_refused_before_it_is_written() -> None:
    with pytest.raises(
        InvalidRow, match=r"^business_hours: slots: two overlap on Monday at 11:00$"
    ):
        parse(
            BusinessHours,
            _HOURS
            | {
                "slots": [
                    *_HOURS["slots"],
                    {"weekday": 0, "start_time": "11:00", "end_time": "11:30"},
                ]
            },
            "business_hours",
        )
    assert (
        HoursException(name="x", first_date=date(2026, 1, 1), last_date=date(2026, 1, 1)).slots
        == ()
    )
    assert time() == parse(BusinessHours, _HOURS, "h").slots[3].end_time
