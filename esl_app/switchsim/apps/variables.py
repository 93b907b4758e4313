"""Setting channel variables."""

from __future__ import annotations

from esl_app.switchsim.session import Session


def set_(session: Session, argument: str) -> None:
    name, equals, value = argument.partition("=")
    if name:
        session.channel.set(name, value if equals else None)


def multiset(session: Session, argument: str) -> None:
    """`a=1 b=2`, or `^^;a=1;b=2` with a separator of one's own."""
    separator = " "
    if argument.startswith("^^") and len(argument) > 2:
        separator, argument = argument[2], argument[3:]
    for pair in argument.split(separator):
        set_(session, pair)


def unset(session: Session, argument: str) -> None:
    session.channel.set(argument.strip(), None)


def export(session: Session, argument: str) -> None:
    """Sets on this leg and names the variable for the legs it may call."""
    argument = argument.removeprefix("nolocal:")
    set_(session, argument)
    name = argument.partition("=")[0]
    exported = session.channel.get("export_vars")
    session.channel.set("export_vars", f"{exported},{name}" if exported else name)


APPLICATIONS = {"export": export, "multiset": multiset, "set": set_, "unset": unset}
