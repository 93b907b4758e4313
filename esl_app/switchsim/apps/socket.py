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
    session.held_by = listener
    if listener.async_:
        # The park loop outlives a controller that never said a word (transcript j6), and what is
        # queued still runs when one has gone (j12); socket_resume cuts both short.
        session.park(lambda: listener.alive or bool(session.queue) or not listener.connected)
    else:
        session.attend(lambda: listener.alive)
    # What is still queued outlives the socket: nothing in FreeSWITCH flushes it (not measured).
    session.cut = False
    session.held_by = None
    session.lost |= session.channel.up and session.destination is None


APPLICATIONS = {"socket": socket}
