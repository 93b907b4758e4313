"""A caller and the product's ears, turns and barge-in in virtual time: no leg, no socket.

`Listener`, `Hearing` and `Speaking` are the product's own, driven frame by frame as the pacer and
the media drive them; only the clock is a count of frames, and a recogniser takes the time we say,
whatever it takes. So a run is the same on every machine and faster than real time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import gevent
import numpy as np
from gevent.event import Event as Flag

from esl_app.bench.noises import Samples
from esl_app.ears import Listener, SpeechEvent, SpeechStarted, Vad
from esl_app.journal import Journal
from esl_app.media.duplex.hearing import Hearing
from esl_app.media.duplex.player import Player
from esl_app.media.duplex.speaking import Speaking
from esl_app.media.duplex.words import Words
from esl_app.media.sound import TELEPHONE_RATE
from esl_app.turn.barge_in import BargeIn, BargeInRules
from esl_app.turn.endpointing import Endpointer
from esl_app.turn.pauses import Pauses
from esl_app.turn.prompt_kind import PromptKind
from providers.contracts import Audio
from providers.errors import ProviderError

FRAME: Final = TELEPHONE_RATE // 50
FRAME_S: Final = 0.02
ECHO_FRAMES: Final = 4  # 80 ms there and back
_LONGEST_S: Final = 60.0

Hear = Callable[[Audio, str], str]
"""A recogniser: the sound, and the words that were truly said in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Words and when they were spoken."""

    text: str
    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A turn we took for ended at `at_s`."""

    at_s: float
    words: str


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of a prompt.

    Attributes:
        paused_at_s: when each pause began, in the call's time.
        resumed_s: how long each pause lasted that was taken back.
        cut_at_s: when the prompt was given up; None: it was said whole.
    """

    paused_at_s: list[float]
    resumed_s: list[float]
    cut_at_s: float | None


def words_between(said: Iterable[Said], begin_s: float, end_s: float) -> str:
    """The words whose middle lies there; a voice spends its time evenly over the letters.

    >>> words_between([Said(text="one two", begin_s=0.0, end_s=1.0)], 0.0, 0.5)
    'one'
    """
    found = []
    for each in said:
        per_letter = (each.end_s - each.begin_s) / max(1, len(each.text))
        for word in re.finditer(r"\S+", each.text):
            middle = each.begin_s + per_letter * (word.start() + word.end()) / 2
            if begin_s <= middle <= end_s:
                found.append(word[0])
    return " ".join(found)


def frames(sound: Samples) -> Iterable[Samples]:
    """The sound in frames of 20 ms; a rest is dropped."""
    return (sound[at : at + FRAME] for at in range(0, len(sound) - FRAME + 1, FRAME))


class Call:
    """One call.

    Args:
        vad: judging inline.
        said: what the caller says in this call, and when.
        hear: the recogniser.
        stt_s: what it takes.
    """

    def __init__(
        self, vad: Vad, *, language: str, said: Sequence[Said], hear: Hear, stt_s: float
    ) -> None:
        self.now = 0.0
        self._language = language
        self._said = list(said)
        self._hear = hear
        self._stt_s = stt_s
        self._speech: list[SpeechEvent] = []
        self._listener = Listener(vad, rate=TELEPHONE_RATE, on_event=self._on_speech)
        self._words = Words(
            self._listener,
            rate=TELEPHONE_RATE,
            wake=Flag(),  # nobody waits for it: we look at every frame
            open_stream=None,
            on_lost=_never,
        )
        self._received = bytearray()
        self._recognising = 0
        self._answers: list[tuple[float, Flag]] = []  # (when the recogniser is done, its go)

    def close(self) -> None:
        self._listener.close()

    def pass_by(self, sound: Samples) -> None:
        """What was said before, in a turn that is over."""
        for frame in frames(sound):
            self._frame(frame)
        self._listener.take_utterance()
        self._words.reset()
        self._speech.clear()

    def listen(self, sound: Samples, kind: PromptKind) -> list[Turn]:
        """The turns we hear in a sound."""
        pauses = Pauses()
        turns = []
        hearing = self._hearing(kind, pauses)
        for frame in frames(sound):
            self._frame(frame)
            heard = hearing.step(self.now, self._new_speech())
            self._settle()
            if heard is None:
                continue
            if heard.audio is not None:
                words = heard.words.text if heard.words is not None else ""
                turns.append(Turn(at_s=self.now, words=words))
            hearing = self._hearing(kind, pauses)
        self._words.go_on()
        self._settle()
        return turns

    def speak(self, agent: Said, voice: Samples, sound: Samples, *, echo: float = 0.0) -> Outcome:
        """Say `agent.text` while the caller is heard; `echo`: so much of us comes back to us."""
        outcome = Outcome(paused_at_s=[], resumed_s=[], cut_at_s=None)
        journal = Journal(clock=lambda: self.now)
        player = Player(TELEPHONE_RATE)
        player.enqueue("1", np.round(voice).astype("<i2").tobytes())
        barge_in = BargeIn(BargeInRules(language=self._language, streaming=False))
        barge_in.talking(self.now, agent.text)
        speaking = Speaking(
            listener=self._listener,
            player=player,
            barge_in=barge_in,
            words=self._words,
            recognise=self._recognise,
            journal=journal,
        )
        sent = [bytes(2 * FRAME)] * ECHO_FRAMES
        paused = False
        for frame in frames(sound):
            back = np.frombuffer(sent[-ECHO_FRAMES], "<i2") * echo
            self._frame(frame + back)
            before = speaking.sent_s
            sent.append(player.next_frame())
            if echo:
                self._said += _echoed(agent, before, speaking.sent_s, self.now)
            played = speaking.step(self.now, self._new_speech())
            if player.paused and not paused:
                outcome.paused_at_s.append(self.now)
            paused = player.paused
            self._settle()
            if played is not None:
                if played.voice:
                    outcome.cut_at_s = self.now
                break
        speaking.close()
        self._settle()
        outcome.resumed_s = [e.data["paused_s"] for e in journal.entries if e.kind == "resumed"]
        return outcome

    # -- inside ---------------------------------------------------------------------------------

    def _hearing(self, kind: PromptKind, pauses: Pauses) -> Hearing:
        return Hearing(
            listener=self._listener,
            endpointer=Endpointer(kind, self._language, pauses, longest_s=_LONGEST_S),
            words=self._words,
            recognise=self._recognise,
            now=self.now,
            no_input_s=_LONGEST_S,
            since=None,
        )

    def _frame(self, samples: Samples) -> None:
        pcm = np.clip(np.round(samples), -32768, 32767).astype("<i2").tobytes()
        self._received += pcm
        self.now = len(self._received) / 2 / TELEPHONE_RATE
        self._listener.feed(pcm, self.now)
        due = [go for at_s, go in self._answers if at_s <= self.now]
        if due:
            self._answers = [answer for answer in self._answers if answer[1] not in due]
            for go in due:
                go.set()
            self._settle()

    def _on_speech(self, event: SpeechEvent) -> None:
        if isinstance(event, SpeechStarted):
            self._words.begin()
        self._speech.append(event)

    def _new_speech(self) -> list[SpeechEvent]:
        events = self._speech[:]
        self._speech.clear()
        return events

    def _recognise(self, audio: Audio) -> str:
        """In a greenlet of its own, which the virtual clock holds back until the words are due."""
        begin_s = self._received.rfind(audio.pcm) / 2 / TELEPHONE_RATE
        truth = words_between(self._said, begin_s, begin_s + audio.duration_s)
        self._recognising += 1
        try:
            words = self._hear(audio, truth)
        finally:
            self._recognising -= 1
        go = Flag()
        self._answers.append((self.now + self._stt_s, go))
        go.wait()
        return words

    def _settle(self) -> None:
        """Let recognisers begin and end; the clock stands still meanwhile."""
        gevent.sleep(0)
        while self._recognising:
            gevent.sleep(0.001)


def _never(error: ProviderError) -> None:
    """There is no stream that could be lost."""
    raise AssertionError(error)


def _echoed(agent: Said, from_s: float, to_s: float, now: float) -> list[Said]:
    """What this frame of ours says when it comes back."""
    words = words_between([agent], agent.begin_s + from_s, agent.begin_s + to_s - 1e-9)
    later_s = now + ECHO_FRAMES * FRAME_S
    return [Said(text=words, begin_s=later_s - FRAME_S, end_s=later_s)] if words else []
