"""The stand-in's own little dialplan: extensions, what they do, and who answers a bridge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from esl_app.switchsim.legs import FarLeg


@dataclass(frozen=True, slots=True)
class Action:
    """One dialplan action."""

    application: str
    data: str = ""


Extension = Sequence[Action]

# A person who picks up: two short tones, then a while of talk (silence), then they hang up.
OPERATOR: Extension = (
    Action("answer"),
    Action("playback", "tone_stream://%(500,200,800);loops=2"),
    Action("sleep", "2000"),
    Action("hangup", "NORMAL_CLEARING"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """A bridged endpoint that picks up after `ring_s` and talks for `talk_s`."""

    ring_s: float = 0.04
    talk_s: float = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuses:
    """A bridged endpoint that cannot be had."""

    cause: str = "USER_BUSY"
    after_s: float = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Rings:
    """A bridged endpoint that rings until the caller's side gives up."""


Endpoint = Answers | Refuses | Rings


def controlled(
    *,
    hosts: str,
    standby: str = "",
    full: bool = False,
    resume: bool = True,
    fallback: Extension = (),
) -> Extension:
    """The entry extension as the product's dialplan has it: socket, second socket, fallback.

    Args:
        hosts: first controllers, `host:port` or `a:1|b:2`.
        standby: controllers tried when the first ones vanished; empty for none.
        full: give the socket the `full` flag.
        resume: set `socket_resume`, so that a dead controller costs 20 ms and not the call.
        fallback: what follows when no controller is left.
    """
    flags = "async full" if full else "async"
    actions = [Action("set", "socket_resume=true")] if resume else []
    actions += [Action("set", "voice_ai_attempt=1"), Action("socket", f"{hosts} {flags}")]
    if standby:
        actions += [Action("set", "voice_ai_attempt=2"), Action("socket", f"{standby} {flags}")]
    return (*actions, *fallback)


# The last words of the product's dialplan, with a tone in place of the apology.
FALLBACK: Extension = (
    Action("answer"),
    Action("playback", "tone_stream://%(300,100,400)"),
    Action("hangup", "NORMAL_TEMPORARY_FAILURE"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Whom a transfer or a bridge reaches."""

    extensions: Mapping[str, Extension]
    endpoints: Mapping[str, Endpoint]
    default_extension: Extension | None = OPERATOR
    legs: dict[str, FarLeg] = field(default_factory=dict)  # who has answered, by uuid

    def extension(self, number: str) -> Extension | None:
        return self.extensions.get(number, self.default_extension)

    def endpoint(self, dial_string: str) -> Endpoint:
        """Who answers one dial string (its options already taken off)."""
        if dial_string in self.endpoints:
            return self.endpoints[dial_string]
        kind = dial_string.split("/", 1)[0]
        if kind not in {"sofia", "user", "loopback", "verto"}:
            return Refuses(cause="CHAN_NOT_IMPLEMENTED", after_s=0)
        return Refuses(cause="SUBSCRIBER_ABSENT", after_s=0)
