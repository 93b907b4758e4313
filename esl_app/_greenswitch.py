"""What we take from greenswitch, checked at import.

greenswitch 0.0.19 gives the shape of an outbound controller: the session and its life cycle, its
method names, the server, the exceptions. Its reader, parser, accept loop and correlation are
replaced; tests/integration/test_greenswitch_defects.py shows each reason by running it. The pin in
pyproject.toml is exact; this guards against an installation that ignored it.
"""

from __future__ import annotations

from greenswitch.esl import (
    ESLProtocol,
    NotConnectedError,
    OutboundESLServer,
    OutboundSession,
    OutboundSessionHasGoneAway,
)

__all__ = [
    "ESLProtocol",
    "NotConnectedError",
    "OutboundESLServer",
    "OutboundSession",
    "OutboundSessionHasGoneAway",
]

_NEEDED: dict[type, frozenset[str]] = {
    OutboundSession: frozenset(
        {
            "answer",
            "call_uuid",
            "caller_id_number",
            "connect",
            "hangup",
            "linger",
            "myevents",
            "playback",
            "raise_if_disconnected",
            "register_handle",
            "send",
            "stop",
            "unregister_handle",
            "uuid",
            "while_connected",
        }
    ),
    OutboundESLServer: frozenset({"listen", "stop"}),
}
_NEEDED_ON_INSTANCES = frozenset({"connected", "event_handlers", "_lingering", "_run"})


def _check() -> None:
    missing = {
        f"{owner.__name__}.{name}"
        for owner, names in _NEEDED.items()
        for name in names
        if not hasattr(owner, name)
    }
    # Read off the code: making an instance would start gevent's hub, which must not exist before
    # a worker is forked.
    assigned = set(ESLProtocol.__init__.__code__.co_names)
    missing |= {f"ESLProtocol().{name}" for name in _NEEDED_ON_INSTANCES - assigned}
    if missing:
        raise ImportError(
            f"greenswitch: {', '.join(sorted(missing))} missing; this needs greenswitch==0.0.19"
        )


_check()
