"""A call's use, counted by the engines it goes through."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from esl_app.engines import Engines
from esl_app.quotas import Account, LiveLeg, Place, Quotas
from esl_app.quotas.meter import Meter, QuotaReached
from providers.contracts import Audio, ChatRequest, Kind, Message, StreamingSpeechToText
from providers.deadline import Deadline
from providers.errors import RateLimited
from providers.fake import FakeEmbedder, FakeLlm, FakeStt, FakeTts
from tenants.db import Database
from tenants.limits import Price, Quota
from tenants.quotas import PriceList, Used

pytestmark = pytest.mark.integration

SOON = Deadline.after(60)
SECOND = Audio(pcm=bytes(16000), rate=8000)
ASK = ChatRequest(
    instructions="x" * 40, messages=[Message(role="user", content="y" * 40)], language="en"
)


def _price(kind: Any, unit: Any, price: str, model: str = "") -> Price:
    return Price(
        provider_type=kind, provider_name="fake", model=model, unit=unit, price=Decimal(price)
    )


PRICES = (
    _price("stt", "second", "0.01"),
    _price("tts", "character", "0.001"),
    _price("llm", "completion_token", "0.1"),
    _price("llm", "completion_token", "0.2", "large"),
    _price("llm", "request", "0.003"),
)


@pytest.fixture
def quotas(redis_url: str) -> Iterator[Quotas]:
    made = Quotas(redis_url, now=lambda: datetime(2026, 11, 22, 12, tzinfo=UTC))
    yield made
    made.close()


class _Call:
    """A meter, the engines it counts, and a clock and turns to be set."""

    def __init__(
        self, quotas: Quotas, *, models: dict[Kind, str] | None = None, llm: str = "", **quota: Any
    ) -> None:
        row = Quota(**quota)
        account = Account(domain_uuid=uuid4(), quota=row, prices=PriceList(PRICES, row.currency))
        leg = LiveLeg(
            leg_uuid=str(uuid4()), domain="", caller="", secretary="", since="", state="", worker=""
        )
        place = quotas.admit(account, leg, "")
        assert isinstance(place, Place)
        self.seconds = 0.0
        self.meter = Meter(place, models or {}, seconds=lambda: self.seconds)
        engines = Engines(
            stt=FakeStt({}),
            tts=FakeTts({}),
            llm=FakeLlm({"script": [llm] if llm else []}),
            embedder=FakeEmbedder({}),
            tts_fingerprint="fake",
        )
        self.engines = self.meter.engines(engines)

    def speak(self, text: str) -> None:
        self.engines.tts.synthesize(text, language="en", deadline=SOON)

    def ask(self) -> None:
        list(self.engines.llm.stream(ASK, deadline=SOON))


def test_each_use_is_counted_and_costs(quotas: Quotas) -> None:
    call = _Call(quotas, llm="Two words.")
    call.engines.stt.transcribe(SECOND, language="en", deadline=SOON)
    assert call.meter.take() == Used(cost=Decimal("0.01"))
    call.speak("Ten chars.")
    assert call.meter.take() == Used(characters=10, cost=Decimal("0.01"))
    call.ask()
    used = call.meter.take()
    assert used.tokens > 2
    assert used.cost == Decimal("0.203"), "two tokens out and a request; tokens in have no price"
    assert call.meter.take() == Used()
    assert call.meter.total.cost == Decimal("0.223")


def test_the_rows_model_has_its_own_price(quotas: Quotas) -> None:
    call = _Call(quotas, llm="Two words.", models={"llm": "large"})
    call.ask()
    assert call.meter.total.cost == Decimal("0.403")


def test_a_stream_is_charged_by_what_was_fed(quotas: Quotas) -> None:
    call = _Call(quotas)
    assert isinstance(call.engines.stt, StreamingSpeechToText)
    stream = call.engines.stt.open(rate=8000, language="en", deadline=SOON)
    for _ in range(50):
        stream.feed(bytes(320))
    stream.close()
    stream.close()
    assert call.meter.total == Used(cost=Decimal("0.01"))


def test_an_answer_that_was_cut_short_is_charged(quotas: Quotas) -> None:
    call = _Call(quotas, llm="one two three four five six seven")
    answer = call.engines.llm.stream(ASK, deadline=SOON)
    for _ in range(4):
        next(answer)
    answer.close()  # type: ignore[attr-defined]
    said = len("one two three four")
    assert call.meter.total.tokens == 80 // 4 + said // 4


def test_a_request_that_failed_is_not_charged(quotas: Quotas) -> None:
    call = _Call(quotas, llm="fail:rate_limited")
    with pytest.raises(RateLimited):
        call.ask()
    assert call.meter.total == Used()


def test_reached_limits_send_nothing_and_leave_voice_for_a_goodbye(quotas: Quotas) -> None:
    call = _Call(quotas, call_turns=2, llm="Yes.")
    call.ask()
    call.meter.turns = 2
    assert call.meter.limit() == "call_turns"
    before = call.meter.total
    with pytest.raises(QuotaReached, match="fake: not asked: call_turns is reached"):
        call.ask()
    with pytest.raises(QuotaReached):
        call.engines.stt.transcribe(SECOND, language="en", deadline=SOON)
    with pytest.raises(QuotaReached):
        call.engines.embedder.embed(["x"], kind="query", deadline=SOON)
    assert call.meter.total == before
    call.speak("Goodbye.")
    call.speak("x" * 1500)
    with pytest.raises(QuotaReached):
        call.speak("And another thing.")


@pytest.mark.parametrize(
    ("quota", "limit"),
    [
        ({"call_seconds": 30}, "call_seconds"),
        ({"call_tokens": 3}, "call_tokens"),
        ({"call_characters": 10}, "call_characters"),
        ({"spend_day": "0.21"}, "spend_day"),
        ({"spend_month": "0.21"}, "spend_month"),
        ({"tokens_day": 3}, "tokens_day"),
        ({"characters_day": 10}, "characters_day"),
    ],
)
def test_every_limit_is_noticed_as_soon_as_it_is_reached(
    quotas: Quotas, quota: dict[str, Any], limit: str
) -> None:
    call = _Call(quotas, llm="Two words.", **quota)
    assert call.meter.limit() is None
    call.ask()
    call.speak("Ten chars.")
    call.seconds = 30.0
    assert call.meter.limit() == limit


def test_the_database_remembers_what_was_used(database: Database) -> None:
    from tenants import repository
    from tenants.models import Conversation, MessageRow
    from tenants.quotas import Periods
    from tenants.usage import read_used

    tenants = [
        repository.create_tenant(
            database,
            {
                "domain": {"domain_name": f"{name}.example"},
                "secretary": {"secretary_name": "Ana"},
            },
        ).domain.domain_uuid
        for name in ("a", "b")
    ]
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    for start, cost in (
        (noon, Decimal("0.5")),
        (noon, None),  # still up
        (datetime(2026, 11, 3, tzinfo=UTC), Decimal(2)),
        (datetime(2026, 10, 31, tzinfo=UTC), Decimal(100)),
    ):
        conversation = Conversation(call_uuid=str(uuid4()), start_time=start, cost=cost)
        repository.save_conversation(database, tenants[0], conversation)
        repository.append_message(
            database,
            tenants[0],
            MessageRow(
                voice_conversation_uuid=conversation.voice_conversation_uuid,
                turn_number=1,
                role="assistant",
                content="Yes.",
                prompt_tokens=10,
                completion_tokens=2,
                characters=4,
                cost=Decimal("0.25"),
            ),
        )
    periods = Periods.at(noon, "UTC")
    day, month = read_used(database, tenants[0], periods)
    assert day == Used(tokens=24, characters=8, cost=Decimal("0.75"))
    assert month == Used(tokens=36, characters=12, cost=Decimal("2.75"))
    assert read_used(database, tenants[1], periods) == (Used(), Used())
