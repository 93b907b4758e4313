"""What may enter a command.

Nothing is escaped: FreeSWITCH expands an argument once, `set` expands it a second time, and values
are expanded recursively (switch_channel.c:4173), so there is no escaping that survives. What could
be read as more than the text it is gets refused. Messages name the rule and the place, never the
text: it may be what a caller said.

    UnsafeArgument     (a ValueError)
    └── UnsafePath     a media path that is no plain file under its root
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Final


class UnsafeArgument(ValueError):  # noqa: N818 - says what it is about, not that it is an error
    """A text that must not reach FreeSWITCH."""


class UnsafePath(UnsafeArgument):
    """A media path that is no plain file under its root."""


LONGEST_ARGUMENT: Final = 8192
_LONGEST_PATH: Final = 1024

_FORBIDDEN: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # A line feed starts another header, which may address another leg; FreeSWITCH splits on CR as
    # well (mod_event_socket.c:1292), and a NUL ends its strings. No other control has a use here.
    (re.compile(r"[\x00-\x1f\x7f]"), "a control character at {}"),
    # `${name}`, `$${global}` and `${api command}`, which runs a command of the switch
    # (switch_channel.c:4204). `$\{` and `$$` come apart into `${` at the next expansion.
    (re.compile(r"\$[{\\$]"), "'$' before '{{', '\\' or '$' at {}"),
    # `%[a=b]` sets variables for the time the application runs.
    (re.compile(r"\A\s*%\["), "'%[' at its beginning"),
    # `^^;` chooses a separator and makes one value many.
    (re.compile(r"\A\s*\^\^"), "'^^' at its beginning"),
    # Lone surrogates are bytes that were no UTF-8; FreeSWITCH refuses a command that holds such.
    (re.compile(r"[\ud800-\udfff]"), "a byte that is not UTF-8 at {}"),
)


def argument(text: str, *, what: str = "argument") -> str:
    """The text itself, if FreeSWITCH will take it for nothing but text.

    >>> argument("Ring me at 5!")
    'Ring me at 5!'

    Raises:
        UnsafeArgument: it could end the line, run a command or set a variable.
    """
    if len(text) > LONGEST_ARGUMENT:
        raise UnsafeArgument(f"{what}: longer than {LONGEST_ARGUMENT} characters")
    for pattern, rule in _FORBIDDEN:
        found = pattern.search(text)
        if found:
            raise UnsafeArgument(f"{what}: {rule.format(found.start())}")
    return text


# One word each: a space would begin the next argument.
_WORDS: Final[dict[str, re.Pattern[str]]] = {
    "digits": re.compile(r"[0-9A-D*#]{1,128}"),
    "number": re.compile(r"\+?[0-9]{1,15}"),
    "extension": re.compile(r"\+?[0-9*#]{1,32}|[A-Za-z][A-Za-z0-9_.-]{0,63}"),
    "alias": re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}"),
    "context": re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}"),
    "uuid": re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
    "header name": re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,127}"),
    "header value": re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@-]{0,255}"),
    "variable name": re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}"),
    "path": re.compile(r"[A-Za-z0-9._/][A-Za-z0-9._/-]*"),
    "recogniser": re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}(?::[A-Za-z0-9_.-]{1,64})?"),
    "grammar": re.compile(r"(?!.*(?:\.\.|//))[A-Za-z0-9/][A-Za-z0-9_./:-]{0,255}"),
    "recogniser parameter": re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}"),
    "recogniser value": re.compile(r"[A-Za-z0-9_.:/+-]{1,256}"),
}


def _word(kind: str, text: str) -> str:
    if not _WORDS[kind].fullmatch(text):
        raise UnsafeArgument(f"not a {kind}")
    return text


def digits(text: str) -> str:
    """Keys of a telephone: `0`-`9`, `*`, `#`, `A`-`D`."""
    return _word("digits", text)


def number(text: str) -> str:
    """A number as the network dials it: E.164 with or without the plus."""
    return _word("number", text)


def extension(text: str) -> str:
    """A dialplan's destination: a number, a feature code or a name; never two words (F5)."""
    return _word("extension", text)


def alias(text: str) -> str:
    """A name of ours that stands for a destination or a prompt."""
    return _word("alias", text)


def recogniser(text: str) -> str:
    """An ASR engine by FreeSWITCH's name, with a profile behind a colon where it has such."""
    return _word("recogniser", text)


def grammar(text: str) -> str:
    """A grammar's name, path or `builtin:` one; no URL: an engine would fetch it."""
    return _word("grammar", text)


def recogniser_parameter(name: str, value: str) -> str:
    """`name=value` for an engine; a comma or a brace would begin something else."""
    return f"{_word('recogniser parameter', name)}={_word('recogniser value', value)}"


def context(text: str) -> str:
    """A dialplan context; FusionPBX names it like the tenant's domain."""
    return _word("context", text)


def uuid(text: str) -> str:
    """A uuid in its usual form."""
    return _word("uuid", text)


def header_name(text: str) -> str:
    """The name of an event's header."""
    return _word("header name", text)


def header_value(text: str) -> str:
    """A value to filter by; `/`, `+` and `-` in front would change the filter's meaning."""
    return _word("header value", text)


# Settings of one call that neither run nor name anything. `voice_ai_*` is ours.
VARIABLES: Final = frozenset(
    """
    RECORD_APPEND RECORD_FINAL_TIMEOUT_MS RECORD_INITIAL_TIMEOUT_MS RECORD_MIN_SEC
    RECORD_PRE_BUFFER_FRAMES RECORD_READ_ONLY RECORD_SILENCE_THRESHOLD RECORD_STEREO
    RECORD_WRITE_ONLY app_disable_expand_variables call_timeout continue_on_fail
    effective_caller_id_name effective_caller_id_number enable_file_write_buffering
    fire_asr_events hangup_after_bridge ignore_early_media originate_timeout park_after_bridge
    playback_terminators record_rate record_waste_resources send_silence_when_idle socket_resume
    """.split()  # noqa: SIM905 - a word a line would be a page
)
_OURS: Final = "voice_ai_"
# Variables whose value FreeSWITCH executes or sends to the network as it is: a configuration may
# admit a `sip_h_` header, but none of the others.
_EXECUTED: Final = re.compile(
    r"execute_on_.*|.*_execute_.*|.*_hook|api_.*|exec_.*|.*_exec_a(?:pp|pi)|transfer_after_.*",
    re.IGNORECASE,
)


def variable_name(name: str, *, configured: Collection[str] = ()) -> str:
    """A channel variable we may set: one of `VARIABLES`, ours, or one the operator configured.

    Raises:
        UnsafeArgument: not allowed, or one whose value FreeSWITCH would execute.
    """
    _word("variable name", name)
    if _EXECUTED.fullmatch(name):
        raise UnsafeArgument(f"variable {name}: its value would be executed")
    if name in VARIABLES or name.startswith(_OURS) or name in configured:
        return name
    raise UnsafeArgument(f"variable {name}: not in the list of variables that may be set")


def variable_to_read(name: str) -> str:
    """Any channel variable's name: reading changes nothing."""
    return _word("variable name", name)


# switch_channel.c, CAUSE_CHART, without those that say nothing (NONE, SUCCESS, CRASH). FreeSWITCH
# takes any other word for NORMAL_CLEARING.
HANGUP_CAUSES: Final = frozenset(
    """
    UNALLOCATED_NUMBER NO_ROUTE_TRANSIT_NET NO_ROUTE_DESTINATION CHANNEL_UNACCEPTABLE
    CALL_AWARDED_DELIVERED NORMAL_CLEARING USER_BUSY NO_USER_RESPONSE NO_ANSWER
    SUBSCRIBER_ABSENT CALL_REJECTED NUMBER_CHANGED REDIRECTION_TO_NEW_DESTINATION
    EXCHANGE_ROUTING_ERROR DESTINATION_OUT_OF_ORDER INVALID_NUMBER_FORMAT FACILITY_REJECTED
    RESPONSE_TO_STATUS_ENQUIRY NORMAL_UNSPECIFIED NORMAL_CIRCUIT_CONGESTION NETWORK_OUT_OF_ORDER
    NORMAL_TEMPORARY_FAILURE SWITCH_CONGESTION ACCESS_INFO_DISCARDED REQUESTED_CHAN_UNAVAIL
    PRE_EMPTED FACILITY_NOT_SUBSCRIBED OUTGOING_CALL_BARRED INCOMING_CALL_BARRED
    BEARERCAPABILITY_NOTAUTH BEARERCAPABILITY_NOTAVAIL SERVICE_UNAVAILABLE
    BEARERCAPABILITY_NOTIMPL CHAN_NOT_IMPLEMENTED FACILITY_NOT_IMPLEMENTED
    SERVICE_NOT_IMPLEMENTED INVALID_CALL_REFERENCE INCOMPATIBLE_DESTINATION
    INVALID_MSG_UNSPECIFIED MANDATORY_IE_MISSING MESSAGE_TYPE_NONEXIST WRONG_MESSAGE IE_NONEXIST
    INVALID_IE_CONTENTS WRONG_CALL_STATE RECOVERY_ON_TIMER_EXPIRE MANDATORY_IE_LENGTH_ERROR
    PROTOCOL_ERROR INTERWORKING ORIGINATOR_CANCEL SYSTEM_SHUTDOWN LOSE_RACE MANAGER_REQUEST
    BLIND_TRANSFER ATTENDED_TRANSFER ALLOTTED_TIMEOUT USER_CHALLENGE MEDIA_TIMEOUT PICKED_OFF
    USER_NOT_REGISTERED PROGRESS_TIMEOUT INVALID_GATEWAY GATEWAY_DOWN INVALID_URL
    INVALID_PROFILE NO_PICKUP SRTP_READ_ERROR BOWOUT BUSY_EVERYWHERE DECLINE
    DOES_NOT_EXIST_ANYWHERE NOT_ACCEPTABLE UNWANTED NO_IDENTITY BAD_IDENTITY_INFO
    UNSUPPORTED_CERTIFICATE INVALID_IDENTITY STALE_DATE REJECT_ALL
    """.split()  # noqa: SIM905 - a word a line would be a page
)


def hangup_cause(cause: str) -> str:
    """A cause by FreeSWITCH's name."""
    if cause not in HANGUP_CAUSES:
        raise UnsafeArgument("not a hangup cause")
    return cause


def absolute_path(path: str) -> str:
    """A path whose characters can only be a path's: no scheme, no options, no way up (S9).

    Raises:
        UnsafePath: anything else, a relative path included.
    """
    _check_path(path)
    if not path.startswith("/"):
        raise UnsafePath("media path: not absolute")
    return path


def media_path(root: Path, path: str | Path) -> str:
    """The absolute path of a sound or recording under `root`, whether it exists or not.

    Symbolic links are followed first: what counts is where FreeSWITCH would end up.

    Raises:
        UnsafePath: it leaves `root`, or holds what FreeSWITCH's file layer reads as more than a
            path (`file_string://`, `{loops=-1}`, `say:`, …).
    """
    text = os.fspath(path)
    _check_path(text)
    top = os.path.realpath(root)
    real = os.path.realpath(Path(top, text))
    if not real.startswith(top.rstrip("/") + "/"):
        raise UnsafePath("media path: leads out of its folder")
    # The root's own name is in it too.
    return absolute_path(real)


def _check_path(text: str) -> None:
    if len(text) > _LONGEST_PATH:
        raise UnsafePath(f"media path: longer than {_LONGEST_PATH} characters")
    if not _WORDS["path"].fullmatch(text):
        raise UnsafePath("media path: only letters, digits and . _ / - may stand in it")
    if ".." in text or "//" in text:
        raise UnsafePath("media path: '..' or '//'")
