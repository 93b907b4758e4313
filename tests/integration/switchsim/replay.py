"""Plays the application's side of a transcript to the stand-in and compares what comes back.

Time is stepped along the transcript's own stamps: before the application's next bytes go out, all
that FreeSWITCH had said by then must have come. Replies, events and notices are compared as three
streams, each in order: which of two streams comes first within a few milliseconds is a race in
FreeSWITCH, too (the linger notice and CHANNEL_PARK are known for it). Aside are identifiers, dates,
addresses, sizes of read-ahead, CHANNEL_PARK (seen in half of the calls) and log lines.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import gevent
import numpy as np

from esl_app.switchsim import Action, Answers, LiveCaller, PlacedCall, Refuses, Rings, Switch
from esl_app.switchsim.sounds import open_sound
from tests.integration.switchsim.stepped import SteppedTime, settle
from tests.transcript_files import Line, Transcript

# The stand-in may be this much later than FreeSWITCH was, in stepped seconds: `record` counts whole
# wall-clock seconds, so that alone is up to one.
_SLACK_S = 1.3
_REAL_WAIT_S = 1.0
_COMPARED = (
    "Event-Name",
    "Event-Subclass",
    "Application",
    "Application-Data",
    "Application-Response",
    "Channel-State",
    "Answer-State",
    "Hangup-Cause",
    "DTMF-Digit",
    "DTMF-Duration",
    "Speech-Type",
    "Playback-Status",
    "Record-Completion-Cause",
    "Media-Bug-Function",
    "Job-Command",
    "variable_playback_terminator_used",
    "variable_read_result",
    "variable_read_terminator_used",
    "variable_silence_hits_exhausted",
    "variable_originate_disposition",
    "variable_DIALSTATUS",
    "variable_hangup_cause",
    "variable_socket_path",
)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LONG_ANSWER = 60
_OPERATOR = (
    Action("answer"),
    Action("playback", "tone_stream://%(500,200,800);loops=2"),
    Action("hangup", "NORMAL_CLEARING"),
)
_AFTER = (
    Action("answer"),
    Action("playback", "tone_stream://%(1000,0,800);loops=2"),
    Action("hangup"),
)
_DEAD = "127.0.0.1:1"
# Lengths of the sounds the scenarios played, from their playback_ms.
_SOUNDS_MS = {
    "short": 1580,
    "long": 19663,
    "enter": 2459,
    "invalid": 1174,
    "prompt_8k": 4500,
    "prompt_16k": 4500,
    "prompt_24k": 4500,
    "prompt_48k": 4500,
}


_HEADERLESS = {
    "n.PCMU": 12640,
    "n.r8": 25280,
    "n.r16": 50560,
    "n.raw": 25280,
    "n.sln": 25280,
    "n.L16": 50560,
    "n.ul": 50560,
}


class MismatchError(AssertionError):
    """The stand-in said something else than FreeSWITCH."""


@dataclass(slots=True)
class Received:
    """What came on one connection, split into streams, in comparable form."""

    replies: list[object] = field(default_factory=list)
    events: list[object] = field(default_factory=list)
    notices: list[object] = field(default_factory=list)
    uuid: str = ""
    other_uuid: str = ""  # of the leg it was bridged to
    eof: bool = False
    _buffer: bytearray = field(default_factory=bytearray)
    _uuids: dict[str, str] = field(default_factory=dict)

    def stream(self, name: str) -> list[object]:
        streams = {"replies": self.replies, "events": self.events, "notices": self.notices}
        return streams[name]

    def feed(self, data: bytes) -> list[str]:
        """Take bytes; the streams that grew, in order."""
        self._buffer += data
        return [stream for packet in self._packets() if (stream := self._take(*packet))]

    def _packets(self) -> Iterator[tuple[dict[str, str], bytes]]:
        while True:
            while self._buffer[:1] == b"\n":
                del self._buffer[:1]
            end = self._buffer.find(b"\n\n")
            if end < 0:
                return
            headers: dict[str, str] = {}
            for line in self._buffer[:end].decode().split("\n"):
                name, _, value = line.partition(": ")
                headers.setdefault(name, value)
            length = int(headers.get("Content-Length", "0"))
            if len(self._buffer) < end + 2 + length:
                return
            body = bytes(self._buffer[end + 2 : end + 2 + length])
            del self._buffer[: end + 2 + length]
            yield headers, body

    def _take(self, headers: dict[str, str], body: bytes) -> str:
        kind = headers.get("Content-Type", "")
        if headers.get("Event-Name") == "CHANNEL_DATA":
            self.uuid = headers["Unique-ID"]
            assert 130 <= len(headers) <= 190, len(headers)
            self.replies.append(("connect", headers["Socket-Mode"], headers["Control"]))
            return "replies"
        if kind == "command/reply":
            self.replies.append(_UUID.sub("<uuid>", headers["Reply-Text"]))
            return "replies"
        if kind == "api/response":
            text = _UUID.sub("<uuid>", body.decode())
            self.replies.append(text if len(text) < _LONG_ANSWER else "<long answer>")
            return "replies"
        if kind == "text/disconnect-notice":
            names = ("Content-Disposition", "Linger-Time", "Content-Length")
            self.notices.append((*(headers.get(name) for name in names), body))
            return "notices"
        if kind.startswith("text/event"):
            return self._take_event(kind, body)
        return ""

    def _take_event(self, kind: str, body: bytes) -> str:
        values: dict[str, str] = {}
        if kind.endswith("json"):
            values = json.loads(body)
        else:
            for line in body.decode().split("\n"):
                name, separator, value = line.partition(": ")
                if separator:
                    values.setdefault(name, unquote(value))
        if values.get("Event-Name") == "CHANNEL_PARK":
            return ""
        self.other_uuid = values.get("Bridge-B-Unique-ID", self.other_uuid)
        seen = {name: _comparable(values[name]) for name in _COMPARED if name in values}
        if values.get("Application") == "socket":
            seen.pop("Application-Data")
        uuid = values.get("Application-UUID", "")
        if _UUID.fullmatch(uuid):
            uuid = self._uuids.setdefault(uuid, f"<{len(self._uuids)}>")
        self.events.append((kind, seen, uuid))
        return "events"


def _longer(stream: list[object], length: int) -> bool:
    return len(stream) > length


def _comparable(value: str) -> str:
    value = _UUID.sub("<uuid>", value)
    return re.sub(r"(/\S*)?/(audio|out)/", r"/\2/", value)


class Replay:
    """One transcript against one stand-in."""

    def __init__(self, transcript: Transcript, folder: Path) -> None:
        self.transcript = transcript
        self.folder = folder
        self.time = SteppedTime()
        make_sounds(folder / "audio")
        (folder / "out").mkdir(exist_ok=True)
        self.switch = Switch(
            tick_latency=True,
            time=self.time,
            extensions={"ivrback": _OPERATOR},
            endpoints={
                "sofia/rig/busy@127.0.0.1:5080": Refuses(cause="USER_BUSY"),
                "sofia/rig/ringing@127.0.0.1:5080": Rings(),
                "sofia/rig/x@127.0.0.1:5999": Refuses(cause="NORMAL_TEMPORARY_FAILURE"),
                "sofia/rig/agent_short@127.0.0.1:5080": Answers(talk_s=1.5),
                "sofia/rig/agent@127.0.0.1:5080": Answers(talk_s=30),
            },
        )
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(_REAL_WAIT_S)
        self.socks: dict[int, socket.socket] = {}
        self.ours: dict[int, Received] = {}
        self.theirs: dict[int, Received] = {}
        self.calls: list[PlacedCall] = []
        self.callers: list[LiveCaller] = []
        self.endings: list[str] = []

    def run(self) -> None:
        """Play it all.

        Raises:
            MismatchError: at the first difference.
        """
        try:
            if (
                self.transcript.name == "sipp_demo"
            ):  # its caller was another program, its BYE unseen
                self.endings.append("16")
                self._invite("sipp")
            for line in self.transcript.lines:
                self.time.advance_to(line.t)
                match line.direction:
                    case "note":
                        self._note(line.data.decode())
                    case "app":
                        self._app(line)
                    case "fs":
                        self._fs(line)
            self._finish()
            if not any(theirs.replies for theirs in self.theirs.values()) and not self.endings:
                raise MismatchError("nothing to compare")
        finally:
            self._close()

    # -- the caller ---------------------------------------------------------------------------

    def _note(self, note: str) -> None:
        if match := re.match(r"caller: INVITE (\S+)", note):
            self._invite(match[1])
        elif match := re.match(r"caller: DTMF (\S+)", note):
            fast = self.transcript.name == "c11_dtmf_info"
            self.callers[-1].press(match[1], key_ms=60 if fast else 120, gap_ms=60 if fast else 100)
        elif match := re.match(r"caller: speaks (\S+)", note):
            sound = open_sound(self._here(match[1]))
            assert sound is not None
            self.callers[-1].speak(sound.samples.tobytes())
        elif note.startswith(("caller: BYE", "caller: CANCEL")):
            self.callers[-1].hang_up()
        elif match := re.match(r"caller: got (BYE .*cause=(\d+)|[3-6]\d\d)", note):
            self.endings.append(match[2] or match[1])

    def _invite(self, number: str) -> None:
        port = self.server.getsockname()[1]
        here = f"127.0.0.1:{port}"
        resume = Action("set", "socket_resume=true")
        entry = {
            "asyncsingle": [Action("socket", f"{here} async")],
            "sync": [Action("socket", f"{here} full"), *_AFTER],
            "mainpost": [Action("socket", f"{here} async full"), *_AFTER],
            "resumepost": [resume, Action("socket", f"{here} async full"), *_AFTER],
            "path": [Action("socket", f"{here}/tenant/7?x=1 async full")],
            "failover": [Action("socket", f"{_DEAD}|{here} async full")],
            "deadonly": [Action("socket", f"{_DEAD} async full")],
            "deadapp": [
                Action("socket", f"{_DEAD} async full"),
                *_AFTER[:2],
                Action("hangup", "NORMAL_TEMPORARY_FAILURE"),
            ],
        }.get(number, [Action("socket", f"{here} async full")])
        caller = LiveCaller()
        self.callers.append(caller)
        self.calls.append(
            self.switch.place(
                caller,
                dialplan=entry,
                variables={"channel_name": "sofia/rig/1000@127.0.0.1"},
            )
        )
        self._let_real_io_happen()

    # -- the application ----------------------------------------------------------------------

    def _app(self, line: Line) -> None:
        sock = self._socket(line.conn)
        if line.data:
            data = line.data.replace(b"/srv/ivr/", str(self.folder).encode() + b"/")
            theirs, ours = self.theirs[line.conn], self.ours[line.conn]
            if theirs.uuid and ours.uuid:
                data = data.replace(theirs.uuid.encode(), ours.uuid.encode())
            if theirs.other_uuid and ours.other_uuid:
                data = data.replace(theirs.other_uuid.encode(), ours.other_uuid.encode())
            try:
                sock.sendall(data)
            except OSError:
                return  # closed, as it was then: their log says so as well
        elif line.event == "shutdown WR":
            sock.shutdown(socket.SHUT_WR)
        elif line.event in {"close", "RST close"}:
            if line.event == "RST close":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
        self._let_real_io_happen()

    def _socket(self, conn: int) -> socket.socket:
        if conn not in self.socks:
            try:
                self.socks[conn] = self.server.accept()[0]
            except TimeoutError:
                raise MismatchError(f"no connection {conn}") from None
            self.ours[conn] = Received()
            self.theirs[conn] = Received()
            gevent.spawn(self._read, self.socks[conn], self.ours[conn])
        return self.socks[conn]

    @staticmethod
    def _read(sock: socket.socket, received: Received) -> None:
        try:
            while data := sock.recv(65536):
                received.feed(data)
        except OSError:
            pass  # reset or closed by the application itself
        received.eof = True

    def _let_real_io_happen(self) -> None:
        """A command, its reply and an event each need a turn of the loop on either side."""
        for _ in range(4):
            gevent.sleep(0.0005)
            settle()

    # -- FreeSWITCH ---------------------------------------------------------------------------

    def _fs(self, line: Line) -> None:
        self._socket(line.conn)
        theirs, ours = self.theirs[line.conn], self.ours[line.conn]
        if line.event is not None:
            self._until(lambda: ours.eof, f"{line.t:.3f}: no end of connection {line.conn}")
            return
        counts = {name: len(theirs.stream(name)) for name in ("replies", "events", "notices")}
        for name in theirs.feed(line.data):
            index = counts[name]
            counts[name] += 1
            wanted, stream = theirs.stream(name)[index], ours.stream(name)
            self._until(
                partial(_longer, stream, index), f"{line.t:.3f}: missing in {name}: {wanted}"
            )
            if stream[index] != wanted:
                difference = f"FreeSWITCH {wanted}\n  stand-in   {stream[index]}"
                raise MismatchError(f"{line.t:.3f}: {name}[{index}]\n  {difference}")

    def _until(self, true: Callable[[], bool], otherwise: str) -> None:
        limit = self.time.now() + _SLACK_S
        self._let_real_io_happen()
        while not true():
            if self.time.now() >= limit:
                for _ in range(100):
                    gevent.sleep(_REAL_WAIT_S / 100)
                    if true():
                        return
                raise MismatchError(otherwise)
            self.time.advance_to(self.time.now() + 0.02)
            self._let_real_io_happen()

    # -- the end ------------------------------------------------------------------------------

    def _finish(self) -> None:
        self.time.advance_to(self.time.now() + 1.0)
        self._let_real_io_happen()
        for conn, ours in self.ours.items():
            for name in ("replies", "events", "notices"):
                theirs = self.theirs[conn].stream(name)
                extra = ours.stream(name)[len(theirs) :]
                if extra and not (name == "events" and self._was_cut_off(conn, extra)):
                    raise MismatchError(f"connection {conn}: more {name} than FreeSWITCH: {extra}")
        self._compare_endings()

    def _was_cut_off(self, conn: int, extra: list[object]) -> bool:
        """Without linger FreeSWITCH may close before its last event (one call of twenty in n2)."""
        lingered = any("linger" in str(notice) for notice in self.theirs[conn].notices)
        return not lingered and len(extra) == 1 and "CHANNEL_HANGUP_COMPLETE" in str(extra[0])

    def _compare_endings(self) -> None:
        """What the callers' phones were told, as far as the notes say."""
        told = []
        for call in self.calls:
            if not call.over:
                continue
            result = call.result()
            if result.ended_by != "caller" or not result.answered:
                told.append(
                    str(result.variables.get("sip_term_cause"))
                    if result.answered
                    else str(result.sip_status)
                )
        if set(told) != set(self.endings):  # some BYEs were noted twice, being sent twice
            raise MismatchError(f"phones were told {self.endings}, the stand-in told {told}")

    def _close(self) -> None:
        for sock in self.socks.values():
            sock.close()
        self.server.close()
        for caller in self.callers:
            caller.hang_up()
        for _ in range(50):
            self.time.advance_to(self.time.now() + 2.0)
            if all(call.over for call in self.calls):
                return
            gevent.sleep(0.002)

    def _here(self, path: str) -> str:
        return path.replace("/srv/ivr", str(self.folder))


def make_sounds(folder: Path) -> None:
    """Sounds of the lengths the scenarios used; speech is noise as loud as speech."""
    if folder.exists():
        return
    folder.mkdir(parents=True)
    for name, bytes_ in _HEADERLESS.items():
        (folder / name).write_bytes(bytes(bytes_))
    noise = np.random.default_rng(7)
    lengths = dict(_SOUNDS_MS) | {"speech": 3700, "yes": 600, "digits": 3000, "tone1k": 500}
    for name, ms in lengths.items():
        rate = int(match[1]) * 1000 if (match := re.search(r"_(\d+)k$", name)) else 8000
        samples = noise.normal(0, 3000, ms * rate // 1000).astype("<i2")
        with wave.open(str(folder / f"{name}.wav"), "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(rate)
            writer.writeframes(samples.tobytes())
