"""`socket`: hand the channel to a controller and wait."""

from __future__ import annotations

from esl_app.switchsim.session import Session


def socket(session: Session, argument: str) -> None:
    """`host:port[|host:port...] [async] [full]`."""
    listener = session.open_listener(session, argument)
    if listener is None:
        session.lost = True
        return  # nobody there: the next dialplan action
    session.listeners.append(listener)
    if listener.async_:
        session.park(lambda: listener.alive or session.busy or not listener.connected)
    else:
        session.attend(lambda: listener.alive)
    # What is still queued outlives the socket: nothing in FreeSWITCH flushes it (not measured).
    session.cut = False
    session.lost |= session.channel.up and session.destination is None


APPLICATIONS = {"socket": socket}
