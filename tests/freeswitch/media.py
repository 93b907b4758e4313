"""One leg's RTP: a frame out every 20 ms, whatever comes in kept with its time."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass, field

from tests.freeswitch.codecs import TELEPHONE, Codec
from tests.freeswitch.heard import Heard
from tests.freeswitch.rtp import TELEPHONE_EVENT, Packet, digit_of, key_press

_POLL_S = 0.2


@dataclass(slots=True, kw_only=True)
class Utterance:
    """What we say, with the instants at which it began and ended on the wire (0: not yet)."""

    frames: int
    frame_s: float = 0.02
    started_at: float = 0.0
    ended_at: float = 0.0
    done: threading.Event = field(default_factory=threading.Event)

    def wait(self, timeout_s: float | None = None) -> Utterance:
        limit = self.frames * self.frame_s + 10.0 if timeout_s is None else timeout_s
        if not self.done.wait(limit):
            raise TimeoutError(
                "the utterance was not sent in time: the call ended, or the machine stalled"
            )
        return self


@dataclass(slots=True, kw_only=True)
class _Outgoing:
    payload: bytes
    payload_type: int
    marker: bool = False
    held_ticks: int = 0  # how far back the timestamp stays: all packets of a key press share one
    first_of: Utterance | None = None
    last_of: Utterance | None = None


class Media:
    """Sockets and threads of the library: greenlets under gevent's patching, else real threads."""

    def __init__(self, address: str = "127.0.0.1", codec: Codec = TELEPHONE) -> None:
        self.codec = codec
        self._tick_s = codec.frame_ms / 1000
        self._frame_bytes = 2 * codec.samples
        self._silence = codec.encode(bytes(self._frame_bytes))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self._socket.settimeout(_POLL_S)
        self.port: int = self._socket.getsockname()[1]
        self.heard = Heard(codec=codec)
        self.digits = ""  # what the far end dialled
        self.worst_lateness_s = 0.0  # of our own frames: says whether the machine kept up
        self.muted = False  # a caller whose network sends nothing at all
        self._remote: tuple[str, int] | None = None
        self._queue: deque[_Outgoing] = deque()
        self._closed = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, remote: tuple[str, int]) -> None:
        """Send to `remote` from now on; called again, only the address changes."""
        self._remote = remote
        if not self._threads:
            for loop in (self._send_loop, self._receive_loop):
                thread = threading.Thread(target=loop, daemon=True)
                self._threads.append(thread)
                thread.start()

    def close(self) -> None:
        self._closed.set()
        for thread in self._threads:
            thread.join(2.0)
        self._socket.close()

    def say(self, pcm: bytes) -> Utterance:
        """Queue s16 samples at the codec's rate; the last frame is filled with silence."""
        size = self._frame_bytes
        frames = [pcm[at : at + size].ljust(size, b"\0") for at in range(0, len(pcm), size)]
        utterance = Utterance(frames=len(frames), frame_s=self._tick_s)
        outgoing = [self._sound(self.codec.encode(frame)) for frame in frames]
        if not outgoing:
            raise ValueError("nothing to say")
        outgoing[0].first_of, outgoing[-1].last_of = utterance, utterance
        outgoing[0].marker = True
        self._queue.extend(outgoing)
        return utterance

    def press(self, digits: str, *, press_ms: int = 100, pause_ms: int = 100) -> Utterance:
        """Queue key presses, each followed by a pause."""
        outgoing: list[_Outgoing] = []
        for digit in digits:
            for tick, payload in enumerate(key_press(digit, press_ms)):
                outgoing.append(
                    _Outgoing(
                        payload=payload,
                        payload_type=TELEPHONE_EVENT,
                        marker=tick == 0,
                        held_ticks=tick,
                    )
                )
            pauses = max(1, pause_ms // self.codec.frame_ms)
            outgoing.extend(self._sound(self._silence) for _ in range(pauses))
        utterance = Utterance(frames=len(outgoing), frame_s=self._tick_s)
        outgoing[0].first_of, outgoing[-1].last_of = utterance, utterance
        self._queue.extend(outgoing)
        return utterance

    def _sound(self, payload: bytes) -> _Outgoing:
        return _Outgoing(payload=payload, payload_type=self.codec.payload_type)

    def _send_loop(self) -> None:
        sequence, ticks = random.randrange(1 << 15), random.randrange(1 << 20)
        ssrc = random.randrange(1 << 32)
        due = time.monotonic()
        while not self._closed.is_set():
            item = self._queue.popleft() if self._queue else self._sound(self._silence)
            packet = Packet(
                payload_type=item.payload_type,
                sequence=sequence,
                timestamp=(ticks - item.held_ticks) * self.codec.samples,
                ssrc=ssrc,
                payload=item.payload,
                marker=item.marker,
            )
            if item.first_of:
                item.first_of.started_at = time.monotonic()
            self._send(packet)
            sequence, ticks, due = sequence + 1, ticks + 1, due + self._tick_s
            left = due - time.monotonic()
            self.worst_lateness_s = max(self.worst_lateness_s, -left)
            if left > 0:
                time.sleep(left)
            if item.last_of:
                item.last_of.ended_at = time.monotonic()
                item.last_of.done.set()

    def _send(self, packet: Packet) -> None:
        if self.muted or self._remote is None:
            return
        try:
            self._socket.sendto(packet.pack(), self._remote)
        except OSError:
            return  # the far end closed its port: the call is ending, which SIP will say

    def _receive_loop(self) -> None:
        while not self._closed.is_set():
            try:
                datagram = self._socket.recv(2048)
            except OSError:  # the time-out, or what a closed port of the far end is reported as
                continue
            at = time.monotonic()
            try:
                packet = Packet.unpack(datagram)
            except ValueError:
                continue
            if packet.payload_type == self.codec.payload_type:
                self.heard.add(packet, at)
            elif packet.payload_type == TELEPHONE_EVENT and packet.marker:
                self.digits += digit_of(packet.payload)[0]
