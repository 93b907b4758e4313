"""Duplex mode: the caller is heard while we speak.

Theory of operation. One link carries frames both ways for as long as the leg is parked. Each frame
of the caller goes to the listener, which says when speech starts and stops; each frame to the caller
comes from the player. Whoever plays or listens waits on `_wake`, which speech, keys, the end of a
clip and the end of the call all set, and then looks at what has changed.

While a prompt plays, a voice pauses it at once; what the voice says decides whether it goes on
(`esl_app.turn.BargeIn`). While we listen, the recogniser is started at every pause and its words
help to decide whether the pause was the end (`esl_app.turn.Endpointer`): by the time the silence is
long enough, the words are usually there.

Where audio does not come (FreeSWITCH could not bind, or an application ended it), the call goes on
in file mode, and the journal says so.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar

import gevent
import structlog
from gevent.event import Event as Flag

from esl_app.ears import Listener, SpeechEnded, SpeechEvent, SpeechStarted, Vad
from esl_app.errors import CommandFailed, LegTimeout
from esl_app.greenlets import spawn, unless
from esl_app.journal import Journal
from esl_app.leg import Leg
from esl_app.media import sound
from esl_app.media.contract import Heard, Played, Recognise
from esl_app.media.duplex.link import NoAudio, UnicastLink
from esl_app.media.duplex.pacer import Pacer
from esl_app.media.duplex.player import Player
from esl_app.media.file import FileMedia
from esl_app.media.prompts import Prompt
from esl_app.protocol import Event
from esl_app.turn.barge_in import BargeIn, Cut, Pause, Resume
from esl_app.turn.endpointing import Endpointer
from esl_app.turn.pauses import Pauses
from esl_app.turn.prompt_kind import OPEN, PromptKind
from providers.contracts import Audio, Transcript
from providers.deadline import Deadline
from providers.errors import ProviderError

log = structlog.get_logger()

T = TypeVar("T")

GRACE_S: Final = 10.0
_NEVER: Final = 3600.0


class DuplexMedia:
    """Speaks to and hears a leg at the same time.

    Args:
        file: what takes over where duplex cannot be had.
        recognise: words of a short utterance; decides whether a voice over a prompt meant us.
    """

    def __init__(
        self,
        leg: Leg,
        *,
        file: FileMedia,
        pacer: Pacer,
        vad: Vad,
        journal: Journal,
        language: str,
        recognise: Recognise,
    ) -> None:
        self._leg = leg
        self._file = file
        self._pacer = pacer
        self._vad = vad
        self._journal = journal
        self._language = language
        self._recognise = recognise
        self._pauses = Pauses()
        self._link: UnicastLink | None = None
        self._listener: Listener | None = None
        self._player: Player | None = None
        self._given_up = False
        self._wake = Flag()
        self._speech: deque[SpeechEvent] = deque(maxlen=64)
        self._clips = 0
        self._answered = leg.channel.get("Answer-State") == "answered"
        leg.on("CHANNEL_ANSWER", self._on_answer)
        leg.on("DTMF", self._on_key)
        leg.ended.rawlink(lambda _: self._wake.set())

    # -- the contract ---------------------------------------------------------------------------

    def prepare(self) -> None:
        self._file.prepare()

    def close(self) -> None:
        """Let go of the link; harmless when there is none."""
        if self._link is not None:
            self._link.close()
        if self._listener is not None:
            self._listener.close()

    def unless_over(self, work: Callable[[], T]) -> T:
        return unless(self._leg.ended, self._leg.over, work)

    def gather(self, *, longest: int, terminators: str, first_s: float, between_s: float) -> str:
        return self._file.gather(
            longest=longest, terminators=terminators, first_s=first_s, between_s=between_s
        )

    def play(self, prompt: Prompt, *, barge_in: bool = True) -> Played:
        if not self._open():
            return self._file.play(prompt, barge_in=barge_in)
        if barge_in and (key := self._leg.digits.pending[:1]):
            return Played(key=key, heard_s=0.0)
        assert self._player is not None
        player = self._player
        audio = sound.resample(sound.read_wav(prompt.path), player.rate)
        self._clips += 1
        player.enqueue(f"{self._clips}", audio.pcm)
        try:
            return self._speak(player, audio, barge_in=barge_in, text=prompt.text)
        finally:
            player.cut()

    def listen(
        self,
        *,
        no_input_s: float,
        silence_s: float,
        longest_s: float,
        recognise: Recognise | None = None,
        kind: PromptKind = OPEN,
    ) -> Heard:
        if not self._open():
            return self._file.listen(
                no_input_s=no_input_s, silence_s=silence_s, longest_s=longest_s
            )
        assert self._listener is not None
        hearing = _Hearing(
            self._listener,
            Endpointer(kind, self._language, self._pauses, longest_s=longest_s),
            recognise,
            self._wake,
        )
        try:
            return self._hear(hearing, no_input_s=no_input_s)
        finally:
            hearing.close()

    # -- speaking -------------------------------------------------------------------------------

    def _speak(self, player: Player, audio: Audio, *, barge_in: bool, text: str) -> Played:
        """Wait until the clip has been sent, a key is pressed, or the caller takes the turn."""
        assert self._listener is not None
        deadline = Deadline.after(audio.duration_s + GRACE_S + _PAUSES_S)
        judge = BargeIn(self._language, speaking=text)
        words: _Words | None = None
        if barge_in and self._listener.speaking:
            self._obey(player, judge.voice_started(time.monotonic()))
        else:
            self._speech.clear()
        try:
            while True:
                if self._leg.ended.is_set():
                    raise self._leg.over()
                if self._lost():
                    return self._file.play(_rest(audio), barge_in=barge_in)
                if player.idle:
                    return Played(heard_s=audio.duration_s)
                if barge_in and (key := self._leg.digits.pending[:1]):
                    return Played(key=key, heard_s=_sent_s(player))
                now = time.monotonic()
                for event in self._take_speech() if barge_in else ():
                    if isinstance(event, SpeechStarted):
                        self._obey(player, judge.voice_started(event.at_s))
                    elif isinstance(event, SpeechEnded):
                        self._obey(player, judge.voice_ended(event.at_s))
                        utterance = self._listener.utterance()
                        if words is None and utterance is not None and player.paused:
                            words = _Words(self._recognise, utterance, self._wake)
                if words is not None and words.ready:
                    self._obey(player, judge.words(words.text, now))
                    words = None
                action = judge.tick(now)
                self._obey(player, action)
                if judge.cut:
                    return Played(voice=True, heard_s=_sent_s(player))
                self._sleep(judge.due_at(), deadline)
        finally:
            if words is not None:
                words.close()
