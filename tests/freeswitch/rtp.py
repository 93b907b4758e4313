"""RTP packets and telephone-events (RFC 3550, RFC 4733): bytes in, bytes out, no socket."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

FRAME_MS = 20
FRAME_SAMPLES = 160  # 20 ms at 8 kHz
PCMU = 0
TELEPHONE_EVENT = 101

_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
_DIGITS = "0123456789*#ABCD"
_END_REPEATS = 3  # the end of a key press is sent three times, because one may get lost
_VOLUME = 10  # dBm0, without the sign


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False

    def pack(self) -> bytes:
        second = (0x80 if self.marker else 0) | self.payload_type
        sequence, timestamp = self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF
        return _HEADER.pack(0x80, second, sequence, timestamp, self.ssrc) + self.payload

    @classmethod
    def unpack(cls, datagram: bytes) -> Packet:
        """A packet without padding, extension and contributing sources; ValueError if none."""
        if len(datagram) < _HEADER.size or datagram[0] >> 6 != 2:
            raise ValueError("not RTP version 2")
        first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(datagram)
        start = _HEADER.size + 4 * (first & 0x0F)
        if first & 0x10:
            if len(datagram) < start + 4:
                raise ValueError("header extension cut off")
            start += 4 + 4 * int.from_bytes(datagram[start + 2 : start + 4])
        end = len(datagram) - (datagram[-1] if first & 0x20 else 0)
        if start > end:
            raise ValueError("longer headers than packet")
        return cls(
            payload_type=second & 0x7F,
            sequence=sequence,
            timestamp=timestamp,
            ssrc=ssrc,
            payload=datagram[start:end],
            marker=bool(second & 0x80),
        )


def key_press(digit: str, press_ms: int = 100) -> Iterator[bytes]:
    """Payloads of one key press, one a 20 ms frame; all carry the timestamp of the first."""
    code = _DIGITS.index(digit.upper())
    frames = max(1, press_ms // FRAME_MS)
    for frame in range(1, frames + 1):
        yield _EVENT.pack(code, _VOLUME, frame * FRAME_SAMPLES)
    for _ in range(_END_REPEATS):
        yield _EVENT.pack(code, 0x80 | _VOLUME, frames * FRAME_SAMPLES)


def digit_of(payload: bytes) -> tuple[str, bool]:
    """The key of a telephone-event and whether this is its end."""
    code, flags, _ = _EVENT.unpack_from(payload)
    return _DIGITS[code], bool(flags & 0x80)
