"""The callers of `voice-ai bench turn`, in a process of their own: the stand-in's work is not ours.

Reads one line of JSON from standard input (port, numbers, how many at once), places the calls and
writes lines of JSON: `says` when a caller begins to say a recording, so that the recogniser of that
call hears its words, and `over` with what the call's two timelines tell, when it has ended.
"""

from __future__ import annotations

import esl_app.patched  # noqa: F401  isort: skip - importing it is what does it

import json
import sys
import tempfile
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import gevent
import numpy as np
from gevent.pool import Pool

from esl_app.demo import clinic
from esl_app.media import sound
from esl_app.switchsim import (
    Caller,
    CallResult,
    HangUp,
    Heard,
    Speak,
    Step,
    Switch,
    Wait,
    WhenQuiet,
)
from esl_app.switchsim.caller import Mouth
from providers.contracts import Audio

_QUESTION: Final = "01-saturday.wav"
_AGAIN: Final = "03-football.wav"
_OVER: Final = "02-whitening.wav"  # said over the answer to the second
_BLIP_OF: Final = "04-person.wav"  # its first sounds, which no other recording of the call has
_BLIP_S: Final = 0.4
_BLIP_WORDS: Final = "Uh-huh."

_FRAME_MS: Final = 20
_FRAME_BYTES: Final = 320
_VOICED_LEVEL: Final = 300.0
_SOUNDING_PEAK: Final = 200
_SILENCE_FRAMES: Final = 10  # shorter is a gap between two sentences
_OVERTALK_FRAMES: Final = 150  # still sounding then: the voice did not stop us

_STAGGER_S: Final = 0.25  # callers do not dial on one beat
_CALL_S: Final = 150.0
_PATIENCE_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the parent asks for."""

    port: int
    numbers: list[str]
    at_once: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """One call that is over, as its caller heard it; milliseconds.

    Attributes:
        number: which of the calls.
        finished: it went through its script.
        seconds: from the INVITE to the end.
        greeting_ms: from the answer to our first sound.
        phone_ms: from the end of each question to our first sound; None: none came.
        silent_ms: from the begin of each voice over an answer to our last sound; None: no end.
        held_ms: how long the phone's jitter buffer held a frame, on average.
    """

    number: int
    uuid: str = ""
    finished: bool = False
    seconds: float = 0.0
    greeting_ms: float | None = None
    phone_ms: list[float | None] = field(default_factory=list)
    silent_ms: list[float | None] = field(default_factory=list)
    held_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Utterance:
    """A recording and its words."""

    words: str
    speech: Speak
    begin_s: float  # of the voice in it
    end_s: float


@dataclass(frozen=True, slots=True)
class _Says:
    """Says a recording, and has the call's recogniser hear its words from then on."""

    utterance: _Utterance
    tell: Callable[[str], None]

    def run(self, mouth: Mouth) -> Generator[Any, Heard, None]:
        self.tell(self.utterance.words)
        yield from self.utterance.speech.run(mouth)


@dataclass(frozen=True, slots=True)
class _WhenSpeaking:
    """Waits until the agent has been speaking for so long; gaps between sentences are no end."""

    seconds: float

    def run(self, mouth: Mouth) -> Generator[Any, Heard, None]:
        nothing = next(Wait(1.0).run(mouth))
        sounding = quiet = 0
        while sounding * _FRAME_MS < self.seconds * 1000:
            heard = yield nothing
            quiet = quiet + 1 if heard.quiet else 0
            sounding = 0 if quiet >= _SILENCE_FRAMES else sounding + (not heard.quiet)


@dataclass(slots=True, kw_only=True)
class Scene:
    """The recordings of a call."""

    question: _Utterance
    blip: _Utterance
    again: _Utterance
    over: _Utterance

    @property
    def asked(self) -> tuple[_Utterance, ...]:
        """What has to become turns."""
        return self.question, self.again, self.over

    def steps(self, tell: Callable[[str], None]) -> list[Step]:
        return [
            WhenQuiet(1.0),
            _Says(self.question, tell),
            _WhenSpeaking(1.5),
            _Says(self.blip, tell),
            WhenQuiet(1.0),
            _Says(self.again, tell),
            _WhenSpeaking(1.5),
            _Says(self.over, tell),
            WhenQuiet(1.0),
            HangUp(),
        ]


def scene(folder: Path) -> Scene:
    words = clinic.caller_words()
    audio = sound.read_wav(clinic.CALLER / _BLIP_OF)
    begin_s, _ = _voice(audio)
    first = 2 * round(begin_s * audio.rate)
    blip = folder / "blip.wav"
    size = 2 * round(_BLIP_S * audio.rate)
    sound.write_wav(blip, Audio(pcm=audio.pcm[first : first + size], rate=audio.rate))
    return Scene(
        question=_utterance(clinic.CALLER / _QUESTION, words[_QUESTION]),
        blip=_utterance(blip, _BLIP_WORDS),
        again=_utterance(clinic.CALLER / _AGAIN, words[_AGAIN]),
        over=_utterance(clinic.CALLER / _OVER, words[_OVER]),
    )


def _utterance(path: Path, words: str) -> _Utterance:
    begin_s, end_s = _voice(sound.read_wav(path))
    return _Utterance(words=words, speech=Speak(path), begin_s=begin_s, end_s=end_s)


def _voice(audio: Audio) -> tuple[float, float]:
    span = sound.voiced_span(audio, threshold=_VOICED_LEVEL)
    assert span is not None  # recordings that ship with the package
    return span


# -- what is left of it ----------------------------------------------------------------------------


def _told(number: int, result: CallResult, of: Scene) -> Over:
    return Over(
        number=number,
        uuid=result.uuid,
        finished=result.ended_by == "caller" and not result.caller_gave_up,
        seconds=result.duration_s,
        greeting_ms=_greeted_after_ms(result),
        phone_ms=[_heard_after_ms(result, each) for each in of.asked],
        silent_ms=[
            _silent_after_ms(result, each)
            for each in (of.blip, of.over)
            if _over_an_answer(result, each)
        ],
        held_ms=_FRAME_MS * result.unicast.held / max(1, result.unicast.played),
    )


def _greeted_after_ms(result: CallResult) -> float | None:
    if result.answered_at_s is None:
        return None
    answered = round(result.answered_at_s * 1000 / _FRAME_MS)
    later = np.flatnonzero(_sounding(result)[answered:])
    return float(later[0] * _FRAME_MS) if len(later) else None


def _frame_of(result: CallResult, utterance: _Utterance, at_s: float) -> int | None:
    """The frame of the call in which an instant of a recording was said."""
    offset = result.caller_audio.find(utterance.speech.pcm)
    return None if offset < 0 else offset // _FRAME_BYTES + round(at_s * 1000 / _FRAME_MS)


def _sounding(result: CallResult) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether the caller hears us, frame by frame."""
    samples = np.abs(np.frombuffer(result.agent_audio, "<i2").astype(np.int32))
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    loud: np.ndarray[Any, np.dtype[np.bool_]] = frames.max(axis=1, initial=0) > _SOUNDING_PEAK
    return loud


def _heard_after_ms(result: CallResult, utterance: _Utterance) -> float | None:
    """From the end of the caller's voice to our first sound."""
    end = _frame_of(result, utterance, utterance.end_s)
    if end is None:
        return None
    later = np.flatnonzero(_sounding(result)[end:])
    return float(later[0] * _FRAME_MS) if len(later) else None


def _over_an_answer(result: CallResult, utterance: _Utterance) -> bool:
    """Whether the voice began while the caller heard us, and not in a gap between sentences."""
    begin = _frame_of(result, utterance, utterance.begin_s)
    return begin is not None and bool(_sounding(result)[begin : begin + 1].any())


def _silent_after_ms(result: CallResult, utterance: _Utterance) -> float | None:
    """From the begin of the caller's voice to the end of our sound; None: it did not end."""
    begin = _frame_of(result, utterance, utterance.begin_s)
    last = 0
    for frame, loud in enumerate(_sounding(result)[begin:][:_OVERTALK_FRAMES]):
        if loud:
            last = frame
        elif frame - last >= _SILENCE_FRAMES:
            return float((last + 1) * _FRAME_MS)
    return None


def main() -> None:
    """Place the calls that standard input asks for."""
    asked = Asked(**json.loads(sys.stdin.readline()))
    with tempfile.TemporaryDirectory(prefix="voice-ai-bench-") as folder:
        recordings = scene(Path(folder))
        switch = Switch()
        pool: Any = Pool(asked.at_once)
        for number in range(len(asked.numbers)):
            pool.spawn(_call, switch, asked, number, recordings)
            gevent.sleep(_STAGGER_S)
        pool.join()


def _call(switch: Switch, asked: Asked, number: int, of: Scene) -> None:
    def tell(words: str) -> None:
        _write({"says": {"number": number, "words": words}})

    caller = Caller(of.steps(tell), number="5550199", patience_s=_PATIENCE_S)
    try:
        result = switch.call(
            caller,
            port=asked.port,
            destination_number=asked.numbers[number],
            timeout_s=_CALL_S,
        )
        over = _told(number, result, of)
    except TimeoutError:
        over = Over(number=number)
    _write({"over": asdict(over)})


def _write(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    main()
