"""What is needed to go on with a call whose leg comes back, in Redis from its beginning.

A controller may die; FreeSWITCH then brings the leg, with the same Unique-ID, to whichever
controller answers the dialplan's next `socket` action. And whom we sent the caller to may send them
back.

Nothing here is needed for a call that goes well: when Redis is away, calls go on and only lose the
way back.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator
from redis import Redis
from redis.exceptions import RedisError

from esl_app.errors import ConfigError
from providers.contracts import Message

log = structlog.get_logger()

KEEP_S: Final = 3600
VERSION: Final = 2
_MOST: Final = 12  # messages of the history
_LONGEST: Final = 2000  # characters of each
_WAIT_S: Final = 0.3  # a turn never waits longer for Redis


class Session(BaseModel):
    """One conversation's state, at most some 30 kB of it.

    `version` changes with the fields. A worker reads those it knows; one that a newer worker wrote
    it cannot, and begins the conversation anew, as it does without any.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1, 2] = VERSION
    domain_uuid: UUID
    conversation_uuid: UUID
    began: AwareDatetime
    turns: Annotated[int, Field(ge=0)] = 0
    last_turn: Annotated[int, Field(ge=0)] = 0
    away: bool = False
    """We transferred the caller to somebody."""
    consent: Literal["announced", "given", "refused"] | None = None
    """To being recorded; nobody is asked twice."""
    last_answer: str = ""
    history: tuple[tuple[Literal["user", "assistant"], str], ...] = ()
    tokens: Annotated[int, Field(ge=0)] = 0
    """These three: what the call has used so far, for the limits of a call."""
    characters: Annotated[int, Field(ge=0)] = 0
    cost: Annotated[Decimal, Field(ge=0)] = Decimal(0)

    @field_validator("history")
    @classmethod
    def _short(cls, history: tuple[tuple[Any, str], ...]) -> tuple[tuple[Any, str], ...]:
        """What a follow-up question can refer to; more of it no model is told."""
        return tuple((role, content[:_LONGEST]) for role, content in history[-_MOST:])

    @field_validator("last_answer")
    @classmethod
    def _short_answer(cls, text: str) -> str:
        return text[:_LONGEST]

    @property
    def begun(self) -> bool:
        """Whether there is something to go on with, and no greeting is due."""
        return self.away or self.last_turn > 0

    @property
    def messages(self) -> list[Message]:
        return [Message(role=role, content=content) for role, content in self.history]


class Sessions:
    """Sessions in Redis, by the leg's uuid.

    Raises:
        ConfigError: `url` is not one of a Redis.
    """

    def __init__(self, url: str) -> None:
        try:
            self._redis = Redis.from_url(
                url,
                socket_timeout=_WAIT_S,
                socket_connect_timeout=_WAIT_S,
                max_connections=64,
                decode_responses=True,
            )
        except ValueError:  # its text quotes the URL, and with it the password
            raise ConfigError("redis_url: not a URL of the form redis://host:port/0") from None

    def save(self, leg_uuid: str, session: Session) -> None:
        """Keep the state of a leg; a failure is logged and forgiven."""
        try:
            self._redis.set(_key(leg_uuid), session.model_dump_json(), ex=KEEP_S)
        except RedisError as error:
            log.warning("session_not_saved", error=type(error).__name__)

    def load(self, leg_uuid: str, domain_uuid: UUID) -> Session | None:
        """The state of a leg that another worker left; never another tenant's."""
        try:
            text = self._redis.get(_key(leg_uuid))
        except RedisError as error:
            log.warning("session_not_loaded", error=type(error).__name__)
            return None
        if not isinstance(text, str):
            return None
        try:
            session = Session.model_validate_json(text)
        except ValidationError:
            log.warning("session_unreadable", newer=_is_newer(text))
            return None
        return session if session.domain_uuid == domain_uuid else None

    def drop(self, leg_uuid: str, conversation_uuid: UUID) -> None:
        """Forget a leg whose call is over; not what somebody else has begun on the same leg."""
        try:
            text = self._redis.get(_key(leg_uuid))
            if isinstance(text, str) and str(conversation_uuid) in text:
                self._redis.delete(_key(leg_uuid))
        except RedisError as error:
            log.warning("session_not_dropped", error=type(error).__name__)

    def check(self) -> None:
        """Say in the log when Redis does not answer; calls are served all the same."""
        try:
            self._redis.ping()
        except RedisError as error:
            log.error("redis_unreachable", error=type(error).__name__)  # noqa: TRY400

    def close(self) -> None:
        self._redis.close()


def _is_newer(text: str) -> bool:
    """Whether a worker of a later release wrote it."""
    try:
        found = json.loads(text).get("version")
    except (ValueError, AttributeError, RecursionError):
        return False
    return isinstance(found, int) and found > VERSION


def _key(leg_uuid: str) -> str:
    return f"leg:{leg_uuid}"
