"""Duplex mode: the caller is heard while we speak.

Theory of operation. One link carries frames both ways for as long as the leg is parked. Each frame
of the caller goes to the listener, which says when speech starts and stops; each frame to the
caller comes from the player. Whoever plays or listens waits on `_wake`, which speech, keys, words,
the end of a clip and the end of the call all set, and then looks at what has changed.

While a prompt plays, a voice pauses it at once, and what the voice says decides whether it goes on
(`esl_app.turn.barge_in`). While an answer is made it is the same, only that nothing sounds yet:
words then belong to the question. While we listen, the recogniser is started at every pause, and
its words help to decide whether the pause was the end (`esl_app.turn.endpointing`): by the time the
silence is long enough, the words are usually there. A recogniser that streams is given each frame
of the caller's speech instead, and is asked at the pause to settle its words.

Where audio does not come (FreeSWITCH could not bind, or an application ended it), the call goes on
in file mode, and the journal says so.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, TypeVar, cast

import structlog
from gevent.event import AsyncResult
from gevent.event import Event as Flag

from esl_app.ears import Listener, SpeechEnded, SpeechEvent, SpeechStarted, Vad
from esl_app.errors import CommandFailed, LegTimeout
from esl_app.greenlets import spawn
from esl_app.journal import Journal
from esl_app.leg import Leg
from esl_app.media import sound
from esl_app.media.contract import MOST_KEYS, Heard, Played, Pressed, Recognise, Spoke
from esl_app.media.duplex.hearing import Hearing
from esl_app.media.duplex.link import NoAudio, UnicastLink, packet_ms, quieten
from esl_app.media.duplex.pacer import Pacer
from esl_app.media.duplex.player import Player
from esl_app.media.duplex.speaking import Speaking
from esl_app.media.duplex.words import OpenStream, Words
from esl_app.media.file import FileMedia
from esl_app.media.prompts import Prompt
from esl_app.protocol import Event
from esl_app.turn.barge_in import BargeIn, BargeInRules, Resume, State
from esl_app.turn.endpointing import Endpointer
from esl_app.turn.guessing import Guessing, GuessRules
from esl_app.turn.pauses import Pauses
from esl_app.turn.prompt_kind import OPEN, PromptKind
from providers.deadline import Deadline
from providers.errors import ProviderError
from providers.sound import resample

log = structlog.get_logger()

T = TypeVar("T")

GRACE_S: Final = 10.0  # over a prompt's length; pauses for the caller's voice included
_LOOK_S: Final = 0.25  # nobody waits longer without looking: a lost wake-up costs that much


class DuplexMedia:
    """Speaks to a leg and hears it at the same time.

    Args:
        leg: connected; the link is opened once it is answered.
        file: what takes over where duplex cannot be had.
        pacer: of the worker.
        vad: of the worker.
        language: of the caller's words.
        recognise: words of a short utterance: whether a voice over a prompt was meant for us.
        open_stream: where the recogniser gives words while they are spoken.
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
        open_stream: OpenStream | None = None,
        guess_rules: GuessRules | None = None,
    ) -> None:
        self._leg = leg
        self._file = file
        self._pacer = pacer
        self._vad = vad
        self._journal = journal
        self._language = language
        self._recognise = recognise
        self._pauses = Pauses()
        self._open_stream = open_stream
        self._guess_rules = guess_rules or GuessRules()
        self.on_likely: Callable[[str], None] | None = None
        """Told words that are likely the caller's whole turn, while we listen; may not wait."""
        self._barge_in = BargeIn(BargeInRules(language=language, streaming=bool(open_stream)))
        self._link: UnicastLink | None = None
        self._listener: Listener | None = None
        self._words: Words | None = None
        self._player: Player | None = None
        self._file_only = False
        self._unheard = False
        self._wake = Flag()
        self._speech: deque[SpeechEvent] = deque(maxlen=64)
        self._started_at = self._ended_at = 0.0  # the caller's last stretch of speech
        self._clips = 0
        self._said = ""  # the last prompt
        self.sent_s = 0.0
        self._answered = leg.channel.get("Answer-State") == "answered"
        leg.on("CHANNEL_ANSWER", self._on_answer)
        leg.on("DTMF", self._on_key)
        leg.ended.rawlink(self._on_end)

    # -- the contract ---------------------------------------------------------------------------

    def prepare(self) -> None:
        self._file.prepare()
        quieten(self._leg, Deadline.after(GRACE_S))

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
        if self._words is not None:
            self._words.reset()
        if self._listener is not None:
            self._listener.close()

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """Whoever listens is given silence: what was being said ends there."""
        self._unheard = True
        self._forget()
        try:
            yield
        finally:
            self._forget()
            self._unheard = False

    def unless_over(self, work: Callable[[], T]) -> T:
        return self._file.unless_over(work)

    def unless_pressed(self, work: Callable[[], T]) -> T:
        return self._file.unless_pressed(work)

    def unless_spoken(self, work: Callable[[], T]) -> T:
        parts = self._parts()
        if parts is None:
            return self.unless_pressed(work)
        listener, player, words = parts
        nothing = Player(player.rate)
        nothing.enqueue("", b"", complete=False)  # it sounds like silence, and has no end
        speaking = self._begin(listener, nothing, words, self._said)
        outcome: AsyncResult[T] = AsyncResult()
        outcome.rawlink(lambda _: self._wake.set())
        worker = spawn(_tell, work, outcome)
        try:
            while not outcome.ready() or (nothing.paused and not self._file_only):
                if self._leg.ended.is_set():
                    raise self._leg.over()
                if key := self._leg.digits.pending[:1]:
                    raise Pressed(key)
                if speaking.step(time.monotonic(), self._new_speech()) is not None:
                    raise Spoke
                self._sleep(speaking.due_at())
        finally:
            worker.kill()
            self._end(speaking)
        return cast(T, outcome.get())

    def gather(self, *, longest: int, terminators: str, first_s: float, between_s: float) -> str:
        return self._file.gather(
            longest=longest, terminators=terminators, first_s=first_s, between_s=between_s
        )

    def play(
        self,
        prompt: Prompt,
        *,
        barge_in: bool = True,
        by_voice: bool = True,
        from_s: float = 0.0,
    ) -> Played:
        self.sent_s = from_s
        parts = self._parts()
        if parts is None:
            return self._play_file(prompt, barge_in=barge_in)
        listener, player, words = parts
        if barge_in and (key := self._leg.digits.pending[:1]):
            return Played(key=key)
        by_voice = by_voice and barge_in
        audio = resample(sound.read_wav(prompt.path), player.rate)
        if listener.has_utterance and not listener.speaking:
            listener.forget()  # a noise between two prompts, that nobody asked about
            words.reset()
        self._clips += 1
        player.enqueue(str(self._clips), audio.pcm[2 * round(from_s * player.rate) :])
        # With what was said before: an echo trails the sound, and a question may be two sentences.
        said, self._said = self._said, prompt.text
        own = f"{said} {prompt.text}".strip()
        speaking = self._begin(listener, player, words, own, by_voice=by_voice)
        try:
            played = self._speak(speaking, longest_s=audio.duration_s + GRACE_S, barge_in=barge_in)
        finally:
            self.sent_s = from_s + speaking.sent_s
            player.cut()
            self._end(speaking)
        if not by_voice:
            listener.forget()  # words over a goodbye are no answer to what comes after it
            words.reset()
        return played or self._play_file(prompt, barge_in=barge_in)

    def settled(self, text: str) -> bool:
        resumes = isinstance(self._barge_in.settled(text, time.monotonic()), Resume)
        if resumes:
            self._journal.add("resumed", why="nothing_said")
        self._after_cut(keep=resumes)
        return resumes

    def listen(
        self,
        *,
        no_input_s: float,
        silence_s: float,
        longest_s: float,
        recognise: Recognise | None = None,
        kind: PromptKind = OPEN,
        most_keys: int = MOST_KEYS,
    ) -> Heard:
        parts = self._parts()
        heard = None
        if parts is not None:
            listener, _, words = parts
            listener.keep(longest_s)
            self._new_speech()  # what it says is in the listener's state by now
            since = (self._started_at, None if listener.speaking else self._ended_at)
            hearing = Hearing(
                listener=listener,
                endpointer=Endpointer(kind, self._language, self._pauses, longest_s=longest_s),
                words=words,
                recognise=recognise,
                now=time.monotonic(),
                no_input_s=no_input_s,
                guessing=Guessing(self._guess_rules),
                on_likely=self.on_likely,
                since=since if listener.has_utterance else None,
            )
            try:
                heard = self._hear(
                    hearing,
                    listener,
                    longest_s=no_input_s + longest_s + GRACE_S,
                    most_keys=most_keys,
                )
            finally:
                words.go_on()
        if heard is not None and heard.audio is not None:
            self._said = ""  # too long ago to come back as an echo
        return heard or self._file.listen(
            no_input_s=no_input_s,
            silence_s=silence_s,
            longest_s=longest_s,
            most_keys=most_keys,
        )

    # -- speaking and listening -----------------------------------------------------------------

    def _begin(
        self, listener: Listener, player: Player, words: Words, own: str, *, by_voice: bool = True
    ) -> Speaking:
        """From here on a voice is one over us, who say `own`."""
        if self._barge_in.state is State.CUT:
            self._after_cut()
        self._barge_in.talking(time.monotonic(), own, interruptible=by_voice)
        return Speaking(
            listener=listener,
            player=player,
            barge_in=self._barge_in,
            words=words,
            recognise=self._recognise,
            journal=self._journal,
        )

    def _end(self, speaking: Speaking) -> None:
        speaking.close()
        if not speaking.cut:  # else `settled` says whether it was one
            self._barge_in.done(time.monotonic())

    def _speak(self, speaking: Speaking, *, longest_s: float, barge_in: bool) -> Played | None:
        """Wait until the prompt is over; None: the audio is lost, somebody else has to say it."""
        deadline = Deadline.after(longest_s)
        while True:
            self._check(deadline)
            if self._file_only:
                return None
            if barge_in and (key := self._leg.digits.pending[:1]):
                return Played(key=key)
            if (played := speaking.step(time.monotonic(), self._new_speech())) is not None:
                return played
            self._sleep(speaking.due_at())

    def _play_file(self, prompt: Prompt, *, barge_in: bool) -> Played:
        try:
            return self._file.play(prompt, barge_in=barge_in)
        finally:
            self.sent_s = self._file.sent_s

    def _after_cut(self, *, keep: bool = False) -> None:
        """Tell the barge-in what it did not see since the cut: the caller's turn, and its end."""
        now = time.monotonic()
        if not keep:
            self._barge_in.done(now)
        if self._listener is None or not self._listener.speaking:
            self._barge_in.voice_ended(now)

    def _hear(
        self, hearing: Hearing, listener: Listener, *, longest_s: float, most_keys: int
    ) -> Heard | None:
        """Wait until the utterance is over; None: the audio is lost."""
        deadline = Deadline.after(longest_s)
        while True:
            self._check(deadline)
            if self._file_only:
                return None
            if keys := self._leg.digits.take(most_keys):
                listener.forget()
                return Heard(digits=keys)
            if (heard := hearing.step(time.monotonic(), self._new_speech())) is not None:
                return heard
            self._sleep(hearing.due_at())

    # -- the link -------------------------------------------------------------------------------

    def _parts(self) -> tuple[Listener, Player, Words] | None:
        """What an open link works with; None when file mode has to do."""
        if self._file_only or not self._answered:
            return None
        if self._link is None:
            self._open()
        if self._listener is None or self._player is None or self._words is None:
            return None
        return self._listener, self._player, self._words

    def _open(self) -> None:
        try:
            link = UnicastLink(
                self._leg,
                pacer=self._pacer,
                on_frame=self._on_frame,
                on_lost=self._give_up,
                packet_ms=packet_ms(self._leg, Deadline.after(GRACE_S)),
            )
            link.open()
            rate = link.wait_first()
        except (NoAudio, CommandFailed, LegTimeout, OSError) as error:
            self._give_up(str(error))
            return
        self._link = link
        self._player = Player(rate, on_idle=self._wake.set)
        self._listener = Listener(self._vad, rate=rate, on_event=self._on_speech)
        self._words = Words(
            self._listener,
            rate=rate,
            wake=self._wake,
            open_stream=self._open_stream,
            on_lost=self._on_stream_lost,
        )
        link.source = self._player.next_frame
        first_ms = round((link.first_s or 0.0) * 1000)
        self._journal.add("duplex", rate=rate, first_frame_ms=first_ms)

    def _give_up(self, reason: str) -> None:
        self._file_only = True
        if self._words is not None:
            self._words.reset()
        self._journal.add("file_mode", reason=reason)
        log.warning("duplex_given_up", reason=reason)
        self._wake.set()

    def _on_frame(self, frame: bytes, at_s: float) -> None:
        if self._listener is not None and self._words is not None:
            if self._unheard:
                frame = bytes(len(frame))
            self._words.feed(frame)  # first: a stream that starts now is given all there is
            self._listener.feed(frame, at_s)
            self._words.follow()

    def _forget(self) -> None:
        if self._listener is not None and self._words is not None:
            self._listener.forget()
            self._words.reset()

    def _on_speech(self, event: SpeechEvent) -> None:
        if isinstance(event, SpeechStarted):
            self._started_at = event.at_s
            if self._words is not None:
                self._words.begin()
        elif isinstance(event, SpeechEnded):
            self._ended_at = event.at_s
            if self._barge_in.state is State.IDLE:  # nobody speaks who would pass it on
                self._barge_in.voice_ended(event.at_s)
        else:
            return
        self._speech.append(event)
        self._wake.set()

    def _on_stream_lost(self, error: ProviderError) -> None:
        """Words come after an utterance from now on, or late."""
        self._barge_in.rules = replace(self._barge_in.rules, streaming=False)
        self._journal.add("stream_lost", error=str(error))

    def _on_key(self, _: Event) -> None:
        self._wake.set()

    def _on_answer(self, _: Event) -> None:
        self._answered = True

    def _on_end(self, _: object) -> None:
        self._wake.set()

    # -- waiting --------------------------------------------------------------------------------

    def _new_speech(self) -> list[SpeechEvent]:
        events = list(self._speech)
        self._speech.clear()
        return events

    def _check(self, deadline: Deadline) -> None:
        if self._leg.ended.is_set():
            raise self._leg.over()
        if deadline.passed:
            raise LegTimeout("the caller's turn or a prompt did not come to its end")

    def _sleep(self, until: float | None) -> None:
        wait_s = _LOOK_S if until is None else min(_LOOK_S, max(0.0, until - time.monotonic()))
        self._wake.wait(wait_s)
        self._wake.clear()


def _tell(work: Callable[[], T], outcome: AsyncResult[T]) -> None:
    try:
        outcome.set(work())
    except Exception as error:  # noqa: BLE001 - whoever waits raises it
        outcome.set_exception(error)
