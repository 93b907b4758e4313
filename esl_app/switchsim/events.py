"""Events of a channel: which headers each kind carries. Pure but for the wall clock."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from esl_app.switchsim.causes import q850
from esl_app.switchsim.channel import Channel, now_us
from esl_app.switchsim.packets import Header

# `myevents` subscribes to these (mod_event_socket.c:2098-2121); PLAYBACK_*, RECORD_* and CALLSTATE
# are not among them.
MY_EVENTS = frozenset(
    {
        "CHANNEL_ANSWER",
        "CHANNEL_APPLICATION",
        "CHANNEL_BRIDGE",
        "CHANNEL_CREATE",
        "CHANNEL_DATA",
        "CHANNEL_DESTROY",
        "CHANNEL_EXECUTE",
        "CHANNEL_EXECUTE_COMPLETE",
        "CHANNEL_HANGUP",
        "CHANNEL_HANGUP_COMPLETE",
        "CHANNEL_ORIGINATE",
        "CHANNEL_OUTGOING",
        "CHANNEL_PARK",
        "CHANNEL_PROGRESS",
        "CHANNEL_PROGRESS_MEDIA",
        "CHANNEL_STATE",
        "CHANNEL_UNBRIDGE",
        "CHANNEL_UNPARK",
        "CHANNEL_UUID",
        "DETECTED_SPEECH",
        "DTMF",
        "NOTALK",
        "TALK",
    }
)
KNOWN_EVENTS = MY_EVENTS | {
    "BACKGROUND_JOB",
    "CALL_UPDATE",
    "CHANNEL_CALLSTATE",
    "CHANNEL_HOLD",
    "CHANNEL_UNHOLD",
    "CODEC",
    "CUSTOM",
    "MEDIA_BUG_START",
    "MEDIA_BUG_STOP",
    "PLAYBACK_START",
    "PLAYBACK_STOP",
    "PRIVATE_COMMAND",
    "RECORD_START",
    "RECORD_STOP",
}
# These ride without channel variables: about 2 kB instead of 6.
_BARE = frozenset(
    {
        "CHANNEL_STATE",
        "CHANNEL_CALLSTATE",
        "CODEC",
        "DETECTED_SPEECH",
        "DTMF",
        "PRIVATE_COMMAND",
    }
)
_SOURCES = {
    "CHANNEL_EXECUTE": ("switch_core_session.c", "switch_core_session_exec", 2949),
    "CHANNEL_EXECUTE_COMPLETE": ("switch_core_session.c", "switch_core_session_exec", 2972),
    "CHANNEL_ANSWER": ("switch_channel.c", "switch_channel_perform_mark_answered", 3848),
    "CHANNEL_HANGUP": ("switch_channel.c", "switch_channel_perform_hangup", 3447),
    "CHANNEL_STATE": ("switch_channel.c", "switch_channel_perform_set_running_state", 2409),
    "CHANNEL_UNPARK": ("switch_ivr.c", "switch_ivr_park", 1213),
    "CHANNEL_PARK": ("switch_ivr.c", "switch_ivr_park", 1004),
    "CHANNEL_DATA": ("mod_event_socket.c", "parse_command", 2029),
    "DTMF": ("switch_channel.c", "switch_channel_dequeue_dtmf", 678),
    "PLAYBACK_START": ("switch_ivr_play_say.c", "switch_ivr_play_file", 1649),
    "PLAYBACK_STOP": ("switch_ivr_play_say.c", "switch_ivr_play_file", 2023),
    "RECORD_START": ("switch_ivr_play_say.c", "switch_ivr_record_file_event", 770),
    "RECORD_STOP": ("switch_ivr_play_say.c", "switch_ivr_record_file_event", 1033),
}
_CORE_UUID = "5c1f0a52-0000-4000-8000-73776974636d"
_sequence = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event before it has a format."""

    name: str
    uuid: str
    headers: list[Header]
    body: str = ""

    def get(self, header: str) -> str | None:
        return next((value for name, value in self.headers if name == header), None)


def channel_event(
    channel: Channel, name: str, extra: Iterable[Header] = (), *, body: str = ""
) -> Event:
    """An event as FreeSWITCH would build it from the channel's present state."""
    headers = [*_preamble(name), *channel.state_headers(), *channel.profile_headers()]
    if name not in _BARE:
        headers += channel.variable_headers()
    if name == "CHANNEL_HANGUP_COMPLETE":
        headers += record_headers(channel)
    return Event(name=name, uuid=channel.uuid, headers=[*headers, *extra], body=body)


def connect_headers(channel: Channel) -> list[Header]:
    """The block that answers `connect`: about 160 headers."""
    return [
        *_preamble("CHANNEL_DATA"),
        *channel.profile_headers("Channel"),
        *channel.state_headers(),
        *channel.profile_headers(),
        *channel.variable_headers(),
    ]


def switch_event(name: str, uuid: str, extra: Iterable[Header], *, body: str = "") -> Event:
    """An event of the switch itself (BACKGROUND_JOB, CUSTOM)."""
    return Event(name=name, uuid=uuid, headers=[*_preamble(name), *extra], body=body)


def message_event(channel: Channel, headers: list[Header]) -> Event:
    """A sendevent that named a channel comes back through it, without an Event-Name (i9)."""
    rows = [*headers, *channel.state_headers(), *channel.profile_headers()]
    return Event(name="CUSTOM", uuid=channel.uuid, headers=rows + channel.variable_headers())


def record_headers(channel: Channel) -> list[Header]:
    """What the call detail record adds to CHANNEL_HANGUP_COMPLETE."""
    start, end = channel.created_us, channel.hangup_us or now_us()
    answer = channel.answered_us
    billed_us = end - answer if answer else 0
    cause = channel.hangup_cause or "NONE"
    rows: dict[str, str] = {
        "hangup_cause": cause,
        "hangup_cause_q850": str(q850(cause)),
        "digits_dialed": "none",
        "start_stamp": _stamp(start),
        "profile_start_stamp": _stamp(channel.profile_created_us),
        **({"answer_stamp": _stamp(answer)} if answer else {}),
        "end_stamp": _stamp(end),
        **_times("start", start),
        **_times("profile_start", channel.profile_created_us),
        **_times("answer", answer),
        **_times("bridge", 0),
        **_times("last_hold", 0),
        **_times("resurrect", 0),
        **_times("progress", 0),
        **_times("progress_media", 0),
        **_times("end", end),
        "hold_accum_seconds": "0",
        "hold_accum_usec": "0",
        "hold_accum_ms": "0",
        "last_app": channel.get("current_application") or "",
        "last_arg": channel.get("current_application_data") or "",
        "caller_id": f'"{channel.caller_number}" <{channel.caller_number}>',
        **_spans("duration", end - start),
        **_spans("bill", billed_us),
        **_spans("progress", 0),
        **_spans("answer", answer - start if answer else 0),
        **_spans("wait", 0),
        **_spans("progress_media", 0),
        **_spans("flow_bill", end - start),
        **_rtp_statistics(billed_us),
    }
    return [(f"variable_{name}", value) for name, value in rows.items()]


def _preamble(name: str) -> list[Header]:
    us = now_us()
    moment = datetime.fromtimestamp(us / 1e6, UTC)
    file, function, line = _SOURCES.get(name, ("switchsim", "emit", 1))
    return [
        ("Event-Name", name),
        ("Core-UUID", _CORE_UUID),
        ("FreeSWITCH-Hostname", "switchsim"),
        ("FreeSWITCH-Switchname", "switchsim"),
        ("FreeSWITCH-IPv4", "127.0.0.1"),
        ("FreeSWITCH-IPv6", "::1"),
        ("Event-Date-Local", moment.strftime("%Y-%m-%d %H:%M:%S")),
        ("Event-Date-GMT", moment.strftime("%a, %d %b %Y %H:%M:%S GMT")),
        ("Event-Date-Timestamp", str(us)),
        ("Event-Calling-File", file),
        ("Event-Calling-Function", function),
        ("Event-Calling-Line-Number", str(line)),
        ("Event-Sequence", str(next(_sequence))),
    ]


def _stamp(us: int) -> str:
    return datetime.fromtimestamp(us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _times(name: str, us: int) -> dict[str, str]:
    return {f"{name}_epoch": str(us // 1_000_000), f"{name}_uepoch": str(us)}


def _spans(name: str, us: int) -> dict[str, str]:
    """A span in s, ms and us under FreeSWITCH's spellings (`duration`, `mduration`; `billsec`)."""
    if name == "duration":
        names = ("duration", "mduration", "uduration")
    else:
        names = (f"{name}sec", f"{name}msec", f"{name}usec")
    values = (us // 1_000_000, us // 1000, us)
    return {key: str(value) for key, value in zip(names, values, strict=True)}


def _rtp_statistics(talked_us: int) -> dict[str, str]:
    packets = talked_us // 20_000
    statistics: dict[str, str] = {}
    for side in ("in", "out"):
        for what in ("raw_bytes", "media_bytes"):
            statistics[f"rtp_audio_{side}_{what}"] = str(packets * 172)
        for what in ("packet_count", "media_packet_count"):
            statistics[f"rtp_audio_{side}_{what}"] = str(packets)
        for what in ("skip", "jitter", "dtmf", "cng", "flush"):
            statistics[f"rtp_audio_{side}_{what}_packet_count"] = "0"
    for what in ("jitter_min_variance", "jitter_max_variance", "jitter_loss_rate"):
        statistics[f"rtp_audio_in_{what}"] = "0.00"
    statistics["rtp_audio_in_quality_percentage"] = "100.00"
    statistics["rtp_audio_in_mos"] = "4.50"
    return statistics
