"""What can go wrong between us and FreeSWITCH.

    EslError
    ├── Hangup(cause)          the call is over for us: the normal end of a flow
    │   └── TimeUp(why)        it has lasted, or been silent, for as long as it may
    ├── LegLost(reason)        the socket went away and nobody said that the call ended
    ├── LegTimeout             the deadline passed; the leg is still up
    ├── CommandFailed(reply)   FreeSWITCH answered -ERR
    ├── Overloaded             too many applications outstanding on this leg
    └── UntrustedChannel       the channel's own data contradicts itself or lacks the token
    ConfigError                the settings cannot work; the message names the key

`Hangup` and `LegLost` are greenswitch's `OutboundSessionHasGoneAway` and `NotConnectedError` too,
so code written for greenswitch catches them. No message holds what a person said or dialled.
"""

from __future__ import annotations

from esl_app._greenswitch import NotConnectedError, OutboundSessionHasGoneAway


class EslError(Exception):
    """A leg could not do what it was asked."""


class Hangup(EslError, OutboundSessionHasGoneAway):  # type: ignore[misc]  # base without types  # noqa: N818
    """The call is over for this leg: hung up by either side, or transferred away."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"the call ended: {cause}")
        self.cause = cause


class TimeUp(Hangup):
    """The call has lasted, or its caller been silent, for as long as it may; it is still up."""

    def __init__(self, why: str) -> None:
        super().__init__("ALLOTTED_TIMEOUT")
        self.why = why


class LegLost(EslError, NotConnectedError):  # type: ignore[misc]  # base without types  # noqa: N818
    """The socket went away without a word about the call."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the event socket went away: {reason}")
        self.reason = reason


class LegTimeout(EslError):  # noqa: N818 - the field's word
    """The deadline passed while the leg is still up."""


class CommandFailed(EslError):  # noqa: N818
    """FreeSWITCH refused a command."""

    def __init__(self, reply: str) -> None:
        # Only the first line, bounded: a reply can quote what was sent.
        super().__init__(
            f"FreeSWITCH answered {reply.splitlines()[0][:80] if reply else 'nothing'!r}"
        )
        self.reply = reply


class Overloaded(EslError):  # noqa: N818
    """Too many applications are outstanding on this leg."""


class UntrustedChannel(EslError):  # noqa: N818
    """The channel's own data cannot be relied on: a trusted header is doubled, missing or wrong."""


class ConfigError(ValueError):
    """The settings cannot work. The message names the key."""


def trace_of(error: BaseException) -> dict[str, object]:
    """What a log may say of an exception: its type and the lines it went through.

    Not its message, nor any value: either may hold what a caller said.
    """
    lines = []
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        lines.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    chain: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(chain) < 8:
        chain.append(type(seen).__name__)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return {"error": " < ".join(chain), "where": lines[-12:]}
