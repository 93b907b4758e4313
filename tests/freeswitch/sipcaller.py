"""A telephone: it calls and is called over UDP on loopback, speaks, listens, presses keys.

    with Phone(switch=("127.0.0.1", 5060)) as phone:
        call = phone.call("15550100")            # returns when answered, or CallRefusedError
        greeting = call.listen()                 # the far end spoke and was silent again
        said = call.say(load_wav(path))          # blocks until the last frame is sent
        answer = call.listen(since=said.ended_at)
        print(answer.start - said.ended_at)      # what the caller waited
        call.hangup()

Everything is plain sockets and threads, so that it works with and without gevent's patching.
"""

from __future__ import annotations

import queue
import random
import socket
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tests.freeswitch.codecs import TELEPHONE, Codec
from tests.freeswitch.heard import Heard, Spurt
from tests.freeswitch.media import Media, Utterance
from tests.freeswitch.sip import Dialog, Message, Sdp, respond, uri_of

_RETRANSMIT_S = 0.5
_POLL_S = 0.2


class CallRefusedError(Exception):
    """The far end did not take the call."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason


def _token() -> str:
    return f"{random.getrandbits(48):012x}"


class Call:
    """One call as its caller or callee has it; made by `Phone.call` and `Phone.wait_call`."""

    def __init__(self, phone: Phone, dialog: Dialog, *, offer: Message | None = None) -> None:
        self.media = Media(phone.address, phone.codec)
        self.provisional: list[int] = []  # 180, 183, ... in the order they came
        self.final = 0
        self.directions: list[str] = []  # of re-INVITEs: "sendonly" is a hold
        self.invited_at = self.answered_at = self.ended_at = 0.0
        self.end_reason = ""  # the Reason header of a BYE
        self.ended_by = ""  # "us" or "them"
        self.ended = threading.Event()
        self._phone = phone
        self._dialog = dialog
        self._offer = offer
        self._tag = _token()
        self._answered = threading.Event()
        self._settled = threading.Event()
        self._refusal: CallRefusedError | None = None

    @property
    def call_id(self) -> str:
        return self._dialog.call_id

    @property
    def heard(self) -> Heard:
        return self.media.heard

    # What a person does

    def wait_answered(self, timeout_s: float = 10.0) -> Call:
        if not self._settled.wait(timeout_s):
            raise TimeoutError(f"neither answered nor refused in {timeout_s} s")
        if self._refusal:
            raise self._refusal
        return self

    def say(self, pcm: bytes, *, wait: bool = True) -> Utterance:
        """Speak s16 samples at the codec's rate; with `wait`, return when all has left."""
        utterance = self.media.say(pcm)
        return utterance.wait() if wait else utterance

    def press(self, digits: str, *, press_ms: int = 100, pause_ms: int = 100) -> Utterance:
        """Press keys (RFC 4733), and return when the last pause is over."""
        return self.media.press(digits, press_ms=press_ms, pause_ms=pause_ms).wait()

    def listen(
        self, *, since: float | None = None, quiet_ms: int = 700, timeout_s: float = 20.0
    ) -> Spurt:
        """Wait until the far end has spoken and then been silent for `quiet_ms`.

        `since` is the instant from which sound counts: the end of our own utterance, usually.
        Without it the whole call counts.
        """
        start = self.heard.wait_for_sound(since=since or 0.0, timeout_s=timeout_s)
        end = self.heard.wait_for_silence(quiet_ms=quiet_ms, timeout_s=timeout_s, since=start)
        return Spurt(start=start, end=end)

    def answer_with(self, pcm: bytes, *, quiet_ms: int = 700, timeout_s: float = 20.0) -> Utterance:
        """Wait for silence of `quiet_ms`, whatever was said before, then speak."""
        self.heard.wait_for_silence(quiet_ms=quiet_ms, timeout_s=timeout_s)
        return self.say(pcm)

    def hangup(self) -> None:
        """BYE, or CANCEL while it still rings. Does nothing if the call is over."""
        if self.ended.is_set() or self._refusal:
            return
        if self._answered.is_set():
            self._request("BYE")
            self._end("us")
        else:
            self.cancel()

    def cancel(self) -> None:
        """Give up before the answer; `wait_answered` then raises CallRefusedError(487)."""
        cancel = self._dialog.request(
            "CANCEL", branch=self._dialog.branch, sequence=self._dialog.sequence
        )
        headers = [(n, v) for n, v in cancel.headers if n not in {"Contact", "Allow"}]
        self._phone.send(Message(start=cancel.start, headers=headers))

    def wait_ended(self, timeout_s: float = 10.0) -> Call:
        if not self.ended.wait(timeout_s):
            raise TimeoutError(f"still up after {timeout_s} s")
        return self

    def close(self) -> None:
        self.hangup()
        self.media.close()

    # As the one who is called

    @property
    def caller(self) -> str:
        return uri_of(self._dialog.remote)

    def answer(self) -> Call:
        assert self._offer is not None, "not a call to us"
        self._respond_with_sdp(self._offer, 200, "OK")
        self.answered_at = time.monotonic()
        self._answered.set()
        self._settled.set()
        return self

    def ring(self) -> None:
        assert self._offer is not None, "not a call to us"
        self._phone.send(respond(self._offer, 180, "Ringing", to_tag=self._tag))

    def refuse(self, status: int = 486, reason: str = "Busy Here") -> None:
        assert self._offer is not None, "not a call to us"
        self._phone.send(respond(self._offer, status, reason, to_tag=self._tag))
        self._end("us")

    # SIP; called by the phone's reader

    def invite(self) -> None:
        self._dialog.branch = f"z9hG4bK{_token()}"
        sdp = Sdp(address=self._phone.address, port=self.media.port)
        message = self._dialog.request(
            "INVITE",
            branch=self._dialog.branch,
            sequence=self._dialog.sequence,
            body=sdp.text(self._phone.codec),
        )
        self.invited_at = time.monotonic()
        threading.Thread(target=self._send_invite, args=(message,), daemon=True).start()

    def on_response(self, message: Message) -> None:
        if message.method != "INVITE":
            return
        if message.status < 200:
            self.provisional.append(message.status)
            if message.body:  # early media: an announcement before the answer
                self._connect_media(message.body)
            return
        self.final = message.status
        self._dialog.remote = message.get("to")
        if message.status < 300:
            self._dialog.target = uri_of(message.get("contact"))
            self._ack(f"z9hG4bK{_token()}")
            if not self._answered.is_set():
                self.answered_at = time.monotonic()
                self._connect_media(message.body)
                self._answered.set()
        else:
            self._ack(self._dialog.branch)
            self._refusal = CallRefusedError(message.status, message.start.split(maxsplit=2)[2])
            self._end("them")
        self._settled.set()

    def on_request(self, message: Message) -> None:
        if message.method == "ACK":
            return
        if message.method == "INVITE":
            if self._offer is not None and message.sequence == self._offer.sequence:
                return  # a retransmission of the first one
            self.directions.append(Sdp.parse(message.body).direction if message.body else "")
            self._respond_with_sdp(message, 200, "OK")
            return
        self._phone.send(respond(message, 200, "OK", to_tag=self._tag))
        if message.method == "BYE":
            self.end_reason = message.get("reason")
            self._end("them")
        elif message.method == "CANCEL" and self._offer is not None:
            self._phone.send(respond(self._offer, 487, "Request Terminated", to_tag=self._tag))
            self._end("them")

    def _send_invite(self, message: Message) -> None:
        """Again until something comes back: FreeSWITCH may still be opening its profile."""
        for _ in range(10):
            self._phone.send(message)
            if self._settled.wait(_RETRANSMIT_S) or self.provisional:
                return

    def _connect_media(self, body: str) -> None:
        sdp = Sdp.parse(body)
        self.media.start((sdp.address, sdp.port))

    def _respond_with_sdp(self, offer: Message, status: int, reason: str) -> None:
        if offer.body:
            theirs = Sdp.parse(offer.body)
            self.media.start((theirs.address, theirs.port))
            ours = theirs.mirrored(self._phone.address, self.media.port)
        else:
            ours = Sdp(address=self._phone.address, port=self.media.port)
        contact = self._dialog.contact
        self._phone.send(
            respond(
                offer,
                status,
                reason,
                to_tag=self._tag,
                contact=contact,
                body=ours.text(self._phone.codec),
            )
        )

    def _ack(self, branch: str) -> None:
        ack = self._dialog.request("ACK", branch=branch, sequence=self._dialog.sequence)
        self._phone.send(ack)

    def _request(self, method: str) -> None:
        # The far end numbers its own requests apart from ours, so ours simply go up.
        self._dialog.sequence += 1
        branch = f"z9hG4bK{_token()}"
        sequence = self._dialog.sequence
        self._phone.send(self._dialog.request(method, branch=branch, sequence=sequence))

    def _end(self, by: str) -> None:
        if not self.ended.is_set():
            self.ended_by, self.ended_at = by, time.monotonic()
            self.ended.set()
        self._settled.set()


class Phone:
    """A SIP endpoint on its own port, without registration."""

    def __init__(
        self,
        *,
        switch: tuple[str, int],
        user: str = "1000",
        address: str = "127.0.0.1",
        codec: Codec = TELEPHONE,
    ) -> None:
        self.address = address
        self.codec = codec
        self.user = user
        self._switch = switch
        self._calls: dict[str, Call] = {}
        self._incoming: queue.Queue[Call] = queue.Queue()
        self._closed = threading.Event()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self._socket.settimeout(_POLL_S)
        self.port: int = self._socket.getsockname()[1]
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def calls(self) -> list[Call]:
        """All it made or got."""
        return list(self._calls.values())

    @property
    def uri(self) -> str:
        """Where a switch reaches this phone (`sofia/<profile>/<uri without sip:>`)."""
        return f"sip:{self.user}@{self.address}:{self.port}"

    def dial(
        self,
        number: str,
        *,
        display: str = "",
        caller_id: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> Call:
        """Send an INVITE and return at once; display name and headers go out as they are given."""
        host, port = self._switch
        caller_id = self.user if caller_id is None else caller_id
        name = f'"{display}" ' if display else ""
        dialog = Dialog(
            call_id=f"{_token()}@{self.address}",
            local=f"{name}<sip:{caller_id}@{self.address}>;tag={_token()}",
            remote=f"<sip:{number}@{host}:{port}>",
            contact=f"<{self.uri}>",
            target=f"sip:{number}@{host}:{port}",
            via=f"{self.address}:{self.port}",
            extra=headers,
        )
        call = self._calls[dialog.call_id] = Call(self, dialog)
        call.invite()
        return call

    def call(
        self,
        number: str,
        *,
        timeout_s: float = 10.0,
        display: str = "",
        caller_id: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> Call:
        """Dial and wait for the answer."""
        call = self.dial(number, display=display, caller_id=caller_id, headers=headers)
        return call.wait_answered(timeout_s)

    def wait_call(self, timeout_s: float = 10.0) -> Call:
        """The next call to this phone, which then rings until answered or refused."""
        try:
            call = self._incoming.get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError(f"nobody called within {timeout_s} s") from None
        call.ring()
        return call

    def close(self) -> None:
        """Hang up what is still up and free the ports."""
        for call in list(self._calls.values()):
            call.close()
        # The answers to the last BYEs: without them FreeSWITCH retransmits into a closed port.
        time.sleep(0.05)
        self._closed.set()
        self._reader.join(2.0)
        self._socket.close()

    def send(self, message: Message) -> None:
        self._socket.sendto(message.pack(), self._switch)

    def _read(self) -> None:
        while not self._closed.is_set():
            try:
                datagram = self._socket.recv(65535)
            except OSError:
                continue
            if not datagram.strip():
                continue  # a keep-alive
            message = Message.parse(datagram)
            call = self._calls.get(message.get("call-id"))
            if call and message.status:
                call.on_response(message)
            elif call:
                call.on_request(message)
            elif message.method == "INVITE":
                self._ring(message)
            elif not message.status and message.method != "ACK":
                self.send(respond(message, 200, "OK", to_tag=_token()))

    def _ring(self, offer: Message) -> None:
        dialog = Dialog(
            call_id=offer.get("call-id"),
            local="",
            remote=offer.get("from"),
            contact=f"<{self.uri}>",
            target=uri_of(offer.get("contact")),
            via=f"{self.address}:{self.port}",
        )
        call = self._calls[dialog.call_id] = Call(self, dialog, offer=offer)
        dialog.local = f"{offer.get('to')};tag={call._tag}"
        self.send(respond(offer, 100, "Trying"))
        self._incoming.put(call)
