"""One channel of the switch: who calls, its variables, its state. No I/O."""

from __future__ import annotations

import time
import uuid as uuid_module
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from esl_app.switchsim.packets import Header

STATE_NUMBERS = {
    "CS_INIT": 1,
    "CS_ROUTING": 2,
    "CS_EXECUTE": 4,
    "CS_HANGUP": 10,
    "CS_REPORTING": 11,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Digit:
    """A key press that has ended."""

    key: str
    samples: int = 960  # 120 ms at 8 kHz, as a phone sends it


def now_us() -> int:
    return time.time_ns() // 1000


class Channel:
    """What FreeSWITCH knows of one call."""

    def __init__(
        self,
        *,
        caller_number: str,
        destination_number: str,
        variables: Mapping[str, str],
        uuid: str | None = None,
        network_port: int = 0,
    ) -> None:
        self.uuid = uuid or str(uuid_module.uuid4())
        self.caller_number = caller_number
        self.destination_number = destination_number
        self.rdnis = ""
        self.context = "public"
        self.name = f"sofia/internal/{caller_number}@127.0.0.1"
        self.state = "CS_EXECUTE"
        self.state_number = STATE_NUMBERS["CS_EXECUTE"]
        self.call_state = "RINGING"
        self.answer_state = "ringing"
        self.hangup_cause: str | None = None
        self.read_codec = ("PCMU", "64000")
        self.profile_index = 1
        self.created_us = self.profile_created_us = now_us()
        self.answered_us = 0
        self.hangup_us = 0
        self.digits: deque[Digit] = deque(maxlen=100)
        self.variables: dict[str, str] = {}
        self._fill(network_port or 5060)
        self.variables.update(variables)

    # -- state --------------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        return self.hangup_cause is None

    @property
    def answered(self) -> bool:
        return self.answered_us > 0

    def set(self, name: str, value: str | None) -> None:
        """Set a variable; an empty value takes it away, as in FreeSWITCH."""
        if value:
            self.variables[name] = value
        else:
            self.variables.pop(name, None)

    def get(self, name: str) -> str | None:
        """A variable, or one of the few profile fields that answer under a variable's name."""
        if name in self.variables:
            return self.variables[name]
        return {
            "caller_id_number": self.caller_number,
            "caller_id_name": self.caller_number,
            "destination_number": self.destination_number,
            "context": self.context,
        }.get(name)

    def true(self, name: str) -> bool:
        value = self.variables.get(name, "").lower()
        return value in {"true", "yes", "on", "1", "t", "y", "enabled", "active", "allow"}

    def answer(self) -> None:
        self.answer_state = "answered"
        self.answered_us = now_us()
        self.variables.update(
            {
                "rtp_local_sdp_str": _sdp("FreeSWITCH", self.created_us // 1_000_000, 25404),
                "local_media_ip": "127.0.0.1",
                "local_media_port": "25404",
                "advertised_media_ip": "127.0.0.1",
                "rtp_use_timer_name": "soft",
                "rtp_use_pt": "0",
                "rtp_use_ssrc": "2869916808",
                "rtp_2833_send_payload": "101",
                "rtp_2833_recv_payload": "101",
            }
        )

    # -- headers of events --------------------------------------------------------------------

    def state_headers(self) -> list[Header]:
        """The block every event of a channel carries."""
        codec, bits = self.read_codec
        headers = [
            ("Channel-State", self.state),
            ("Channel-Call-State", self.call_state),
            ("Channel-State-Number", str(self.state_number)),
            ("Channel-Name", self.name),
            ("Unique-ID", self.uuid),
            ("Call-Direction", "inbound"),
            ("Presence-Call-Direction", "inbound"),
            ("Channel-HIT-Dialplan", "true"),
            ("Channel-Call-UUID", self.uuid),
            ("Answer-State", self.answer_state),
        ]
        if self.hangup_cause:
            headers.append(("Hangup-Cause", self.hangup_cause))
        return [
            *headers,
            ("Channel-Read-Codec-Name", codec),
            ("Channel-Read-Codec-Rate", "8000"),
            ("Channel-Read-Codec-Bit-Rate", bits),
            ("Channel-Write-Codec-Name", "PCMU"),
            ("Channel-Write-Codec-Rate", "8000"),
            ("Channel-Write-Codec-Bit-Rate", "64000"),
        ]

    def profile_headers(self, prefix: str = "Caller") -> list[Header]:
        """Who calls whom; `connect` repeats it under the prefix `Channel`."""
        rows = [
            ("Direction", "inbound"),
            ("Logical-Direction", "inbound"),
            ("Username", self.caller_number),
            ("Dialplan", "XML"),
            ("Caller-ID-Name", self.caller_number),
            ("Caller-ID-Number", self.caller_number),
            ("Orig-Caller-ID-Name", self.caller_number),
            ("Orig-Caller-ID-Number", self.caller_number),
            ("Network-Addr", "127.0.0.1"),
            ("ANI", self.caller_number),
            *([("RDNIS", self.rdnis)] if self.rdnis else []),
            ("Destination-Number", self.destination_number),
            ("Unique-ID", self.uuid),
            ("Source", "mod_sofia"),
            ("Context", self.context),
            ("Channel-Name", self.name),
            ("Profile-Index", str(self.profile_index)),
            ("Profile-Created-Time", str(self.profile_created_us)),
            ("Channel-Created-Time", str(self.created_us)),
            ("Channel-Answered-Time", str(self.answered_us)),
            ("Channel-Progress-Time", "0"),
            ("Channel-Progress-Media-Time", "0"),
            ("Channel-Hangup-Time", str(self.hangup_us)),
            ("Channel-Transfer-Time", "0"),
            ("Channel-Resurrect-Time", "0"),
            ("Channel-Bridged-Time", "0"),
            ("Channel-Last-Hold", "0"),
            ("Channel-Hold-Accum", "0"),
            ("Screen-Bit", "true"),
            ("Privacy-Hide-Name", "false"),
            ("Privacy-Hide-Number", "false"),
        ]
        return [(f"{prefix}-{name}", value) for name, value in rows]

    def variable_headers(self) -> list[Header]:
        return [(f"variable_{name}", value) for name, value in self.variables.items()]

    # -- what a SIP call brings along ---------------------------------------------------------

    def _fill(self, port: int) -> None:
        caller, dialled = self.caller_number, self.destination_number
        seconds = self.created_us // 1_000_000
        tag = self.uuid[:8]
        here = "127.0.0.1"
        self.variables.update(
            {
                "direction": "inbound",
                "uuid": self.uuid,
                "session_id": "1",
                "sip_from_user": caller,
                "sip_from_uri": f"{caller}@{here}",
                "sip_from_host": here,
                "video_media_flow": "disabled",
                "text_media_flow": "disabled",
                "channel_name": self.name,
                "sip_call_id": f"{self.uuid[-12:]}@switchsim",
                "sip_local_network_addr": here,
                "sip_network_ip": here,
                "sip_network_port": str(port),
                "sip_invite_stamp": str(self.created_us),
                "sip_received_ip": here,
                "sip_received_port": str(port),
                "sip_via_protocol": "udp",
                "sip_from_user_stripped": caller,
                "sip_from_tag": tag,
                "sofia_profile_name": "internal",
                "sofia_profile_url": f"sip:mod_sofia@{here}:5060",
                "recovery_profile_name": "internal",
                "sip_full_via": f"SIP/2.0/UDP {here}:{port};rport={port};branch=z9hG4bK{tag}",
                "sip_full_from": f"<sip:{caller}@{here}>;tag={tag}",
                "sip_full_to": f"<sip:{dialled}@{here}>",
                "sip_req_user": dialled,
                "sip_req_port": "5060",
                "sip_req_uri": f"{dialled}@{here}:5060",
                "sip_req_host": here,
                "sip_to_user": dialled,
                "sip_to_uri": f"{dialled}@{here}",
                "sip_to_host": here,
                "sip_contact_user": caller,
                "sip_contact_port": str(port),
                "sip_contact_uri": f"{caller}@{here}:{port}",
                "sip_contact_host": here,
                "sip_user_agent": "switchsim",
                "sip_via_host": here,
                "sip_via_port": str(port),
                "sip_via_rport": str(port),
                "max_forwards": "70",
                "switch_r_sdp": _sdp("phone", seconds, 46161),
                "ep_codec_string": "CORE_PCM_MODULE.PCMU@8000h@20i@64000b",
                "rtp_use_codec_string": "PCMU,PCMA,OPUS,L16",
                "remote_video_media_flow": "inactive",
                "remote_text_media_flow": "inactive",
                "remote_audio_media_flow": "sendrecv",
                "audio_media_flow": "sendrecv",
                "remote_media_ip": here,
                "remote_media_port": "46161",
                "rtp_audio_recv_pt": "0",
                "rtp_use_codec_name": "PCMU",
                "rtp_use_codec_rate": "8000",
                "rtp_use_codec_ptime": "20",
                "rtp_use_codec_channels": "1",
                "rtp_last_audio_codec_string": "PCMU@8000h@20i@1c",
                "read_codec": "PCMU",
                "original_read_codec": "PCMU",
                "read_rate": "8000",
                "original_read_rate": "8000",
                "write_codec": "PCMU",
                "write_rate": "8000",
                "dtmf_type": "rfc2833",
                "endpoint_disposition": "RECEIVED",
                "call_uuid": self.uuid,
            }
        )


def _sdp(owner: str, version: int, port: int) -> str:
    return (
        f"v=0\r\no={owner} {version} {version + 1} IN IP4 127.0.0.1\r\ns=-\r\n"
        f"c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
        "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n"
    )
