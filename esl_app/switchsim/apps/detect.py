"""`detect_speech` and `play_and_detect_speech`, with mod_test's engine.

Theory of operation (switch_ivr_async.c:4878-5420). An engine is a media bug; its events go into the
session's private queue, and with `fire_asr_events` to the subscribers as well. Whoever runs decides
what becomes of the queue: the park loop fires one event a frame (so a subscriber has it twice),
`play_and_detect_speech` takes its result from it, other applications let it drop, and
`divert_events` sends all of it to the controller.
"""

from __future__ import annotations

from typing import Final

from esl_app.switchsim.apps.playback import play
from esl_app.switchsim.bugs import Detection
from esl_app.switchsim.channel import Digit
from esl_app.switchsim.events import channel_event, switch_event
from esl_app.switchsim.session import Session
from esl_app.switchsim.speech import SpeechEvent, VoiceRecogniser

# Engines and their grammars; None: any. pocketsphinx is there, and none of its grammars.
_ENGINES: Final[dict[str, frozenset[str] | None]] = {"test": None, "pocketsphinx": frozenset()}
_NO_ENGINE: Final = "ASR INIT ERROR"
_NO_GRAMMAR: Final = "GRAMMAR ERROR"


def detect_speech(session: Session, argument: str) -> None:
    """`<engine> <grammar> <path>`, or a word to the engine that is open."""
    words = argument.split()
    if len(words) >= 3 and words[0] != "param":
        _start(session, words[0], words[1])
        return
    detection = _open(session)
    if detection is None or not words:
        return
    match words[0]:
        case "stop":
            session.bugs.remove(detection)
        case "resume":
            detection.recogniser.resume()
        case "pause":
            detection.recogniser.pause()
        case "start-input-timers":
            detection.recogniser.start_input_timers()


def _open(session: Session) -> Detection | None:
    return next((bug for bug in session.bugs if isinstance(bug, Detection)), None)


def _start(session: Session, engine: str, grammar: str) -> str:
    """Open an engine, or give the open one another grammar; why not, or nothing."""
    detection = _open(session)
    if detection is None:
        if engine not in _ENGINES:
            return _NO_ENGINE
        session.early_media()
        # The variable counts when the engine is opened.
        fire = session.channel.true("fire_asr_events")
        recogniser = VoiceRecogniser(text=session.next_words)
        detection = Detection(engine, recogniser, lambda event: _tell(session, event, fire=fire))
        session.bugs.add(detection)
    else:
        detection.recogniser.resume()
    grammars = _ENGINES.get(engine)
    name = grammar.rpartition("}")[2]
    if grammars is not None and name not in grammars:
        session.bugs.remove(detection)
        return _NO_GRAMMAR
    detection.recogniser.load(grammar)
    return ""


def _tell(session: Session, speech: SpeechEvent, *, fire: bool) -> None:
    headers = [("Speech-Type", speech.kind)]
    if fire:
        session.fire(channel_event(session.channel, "DETECTED_SPEECH", headers, body=speech.body))
    session.private.put(switch_event("DETECTED_SPEECH", "", headers, body=speech.body))
    session.note("speech", speech.kind)


def play_and_detect_speech(session: Session, argument: str) -> None:
    """`<file> detect:<engine> {param=value,…}<grammar>`."""
    channel = session.channel
    channel.set("detect_speech_result", None)
    file, separator, detect = argument.partition("detect:")
    engine, _, grammar = detect.strip().partition(" ")
    if not separator or not grammar:
        session.respond("USAGE ERROR")
        return
    if problem := _start(session, engine, grammar):
        session.respond(problem)
        return
    listening = _Listening(session)
    session.private.heeded = True
    try:
        played = play(session, file.strip(), on_digit=listening.on_digit, until=listening.news)
        if played == "FILE PLAYED" and not listening.done:
            detect_speech(session, "start-input-timers")
            listening.wait()
    finally:
        session.private.heeded = False
    if not listening.done:
        session.respond("ERROR")
        return
    if listening.digit:
        detect_speech(session, "pause")
    channel.set("detect_speech_result", listening.result)
    session.respond("DONE")


class _Listening:
    """What `play_and_detect_speech` waits for; nothing but a result, a key or the end ends it."""

    def __init__(self, session: Session) -> None:
        self.done = False
        self.result = ""
        self.digit = False
        self._session = session
        self._terminators = _terminators(session)

    def on_digit(self, digit: Digit) -> bool:
        if digit.key not in self._terminators:
            return False
        self._session.channel.set("playback_terminator_used", digit.key)
        self.result, self.digit, self.done = f"DIGIT: {digit.key}", True, True
        return True

    def news(self) -> bool:
        """Take what is in the private queue; True when the prompt is over by it."""
        stop = False
        for event in self._session.private.take():
            kind = event.get("Speech-Type")
            stop = stop or kind in {"begin-speaking", "detected-speech", "closed"}
            if kind in {"detected-speech", "closed"}:
                self.result = event.body
                self.done = True
        return stop

    def wait(self) -> None:
        session = self._session
        while session.ready and not self.done:
            session.tick()
            self.news()
            while session.ready and not self.done and (digit := session.take_digit()) is not None:
                self.on_digit(digit)


def _terminators(session: Session) -> str:
    """No key ends it unless the variable says so: here, there is no default."""
    value = session.channel.get("playback_terminators") or "none"
    return {"none": "", "any": "1234567890*#"}.get(value, value)


APPLICATIONS = {
    "detect_speech": detect_speech,
    "play_and_detect_speech": play_and_detect_speech,
}
