"""The codecs a telephone of the tests offers: samples to payloads, in packets of one length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.freeswitch import g711
from tests.freeswitch.rtp import PCMU

_DYNAMIC = 98  # a payload type of the dynamic range; what it means stands in the offer


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """Mu-law, or linear samples (L16, RFC 3551: big-endian)."""

    name: str
    rate: int = 8000
    frame_ms: int = 20

    @property
    def payload_type(self) -> int:
        return PCMU if self.name == "PCMU" else _DYNAMIC

    @property
    def samples(self) -> int:
        """In one packet."""
        return self.rate * self.frame_ms // 1000

    @property
    def preference(self) -> str:
        """As FreeSWITCH's list of codecs writes it."""
        return f"{self.name}@{self.rate}h@{self.frame_ms}i"

    def encode(self, pcm: bytes) -> bytes:
        return g711.encode(pcm) if self.name == "PCMU" else _swapped(pcm)

    def decode(self, payload: bytes) -> bytes:
        return g711.decode(payload) if self.name == "PCMU" else _swapped(payload)


def _swapped(pcm: bytes) -> bytes:
    swapped: bytes = np.frombuffer(pcm, dtype="<i2").byteswap().tobytes()
    return swapped


TELEPHONE = Codec(name="PCMU")
"""What every telephone has."""
