"""Hang-up causes: their Q.850 numbers and what a caller's phone is told before an answer."""

from __future__ import annotations

NORMAL = "NORMAL_CLEARING"
OUT_OF_ORDER = "DESTINATION_OUT_OF_ORDER"
CANCELLED = "ORIGINATOR_CANCEL"

Q850 = {
    "NONE": 0,
    "UNALLOCATED_NUMBER": 1,
    "NO_ROUTE_DESTINATION": 3,
    "NORMAL_CLEARING": 16,
    "USER_BUSY": 17,
    "NO_USER_RESPONSE": 18,
    "NO_ANSWER": 19,
    "SUBSCRIBER_ABSENT": 20,
    "CALL_REJECTED": 21,
    "NUMBER_CHANGED": 22,
    "DESTINATION_OUT_OF_ORDER": 27,
    "INVALID_NUMBER_FORMAT": 28,
    "NORMAL_UNSPECIFIED": 31,
    "NORMAL_CIRCUIT_CONGESTION": 34,
    "NETWORK_OUT_OF_ORDER": 38,
    "NORMAL_TEMPORARY_FAILURE": 41,
    "SWITCH_CONGESTION": 42,
    "OUTGOING_CALL_BARRED": 52,
    "SERVICE_UNAVAILABLE": 63,
    "CHAN_NOT_IMPLEMENTED": 66,
    "SERVICE_NOT_IMPLEMENTED": 79,
    "INCOMPATIBLE_DESTINATION": 88,
    "RECOVERY_ON_TIMER_EXPIRE": 102,
    "INTERWORKING": 127,
    "ORIGINATOR_CANCEL": 487,
    "LOSE_RACE": 502,
    "MANAGER_REQUEST": 503,
    "BLIND_TRANSFER": 600,
    "ATTENDED_TRANSFER": 601,
    "ALLOTTED_TIMEOUT": 602,
    "MEDIA_TIMEOUT": 604,
}

# Measured (transcript a7); the rest is FreeSWITCH's default for a call that nobody answered.
_SIP_UNANSWERED = {
    "UNALLOCATED_NUMBER": 404,
    "NO_ROUTE_DESTINATION": 404,
    "USER_BUSY": 486,
    "ORIGINATOR_CANCEL": 487,
    "DESTINATION_OUT_OF_ORDER": 502,
    "NORMAL_TEMPORARY_FAILURE": 503,
    "CALL_REJECTED": 603,
}
_CAUSE_OF_SIP = {404: "UNALLOCATED_NUMBER", 486: "USER_BUSY", 603: "CALL_REJECTED"}


def known(name: str) -> str:
    """The cause FreeSWITCH understands; a name it does not know is NORMAL_CLEARING."""
    return name.upper() if name.upper() in Q850 else NORMAL


def q850(cause: str) -> int:
    return Q850.get(cause, 16)


def sip_status(cause: str) -> int:
    """The final answer to an INVITE that was never answered."""
    return _SIP_UNANSWERED.get(cause, 480)


def from_sip(status: int) -> str:
    """The cause of a call ended by `respond <status>`."""
    if status in _CAUSE_OF_SIP:
        return _CAUSE_OF_SIP[status]
    return "NORMAL_TEMPORARY_FAILURE" if status >= 500 else "CALL_REJECTED"
