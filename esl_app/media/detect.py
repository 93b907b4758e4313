"""Detect mode: FreeSWITCH's own recogniser listens, prompts are files.

Theory of operation. `detect_speech` runs in the background for as long as we have the call: it says
when a voice begins, then what it said, and after each result it is deaf until it is resumed, which
is done at once. So a caller is heard while a prompt plays; a voice that begins then, or words, stop
it (91-105 ms from the voice to silence, transcript f15). `play_and_detect_speech` would tie every
sentence to a result and write what was said into a channel variable.

Its events are diverted to us: left alone, they come twice while the leg is parked, and not at all
while something plays, unless `fire_asr_events` is set (PROTOCOL, speech detection). Diverted, each
comes once; they carry no channel data.

That an engine or a grammar is not there, `detect_speech` tells nobody. So both are tried first with
`play_and_detect_speech` on 20 ms of silence, which answers with an error, or waits for a result
and is ended by `detect_speech stop`. What fails falls to file mode, and the journal says so.

The engine decides when an utterance is over and has timers of its own. Ours are over them: its
"nobody spoke" is passed over until our time is up, and an engine that hears a voice begin and never
says what it was is opened anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, TypeVar

import structlog
from gevent.event import Event as Flag

from esl_app.errors import CommandFailed, EslError, LegTimeout
from esl_app.journal import Journal
from esl_app.leg import Leg
from esl_app.media.contract import MOST_KEYS, Heard, Played, Recognise, Recognised
from esl_app.media.file import FileMedia
from esl_app.media.prompts import Prompt
from esl_app.media.recognition import BadResult, Outcome, Recognition, parse
from esl_app.media.switch_recogniser import SwitchRecogniser
from esl_app.protocol import Event, commands
from esl_app.turn.prompt_kind import OPEN, PromptKind
from providers.deadline import Deadline
from providers.errors import BadResponse, ProviderError, Timeout

log = structlog.get_logger()

T = TypeVar("T")

OPEN_S: Final = 8.0  # for an engine to open: one on another host has a session to set up
RESULT_S: Final = 5.0  # over the longest utterance, for the result of it
_MOST_CLOSURES: Final = 3
_LOOK_S: Final = 0.25  # nobody waits longer without looking: a lost wake-up costs that much


class DetectMedia:
    """Plays files to a leg and has FreeSWITCH recognise what the caller says.

    Args:
        leg: connected; the engine is opened once it is answered.
        file: plays, and takes over where the engine cannot be had.
        recogniser: the tenant's.
    """

    def __init__(
        self, leg: Leg, *, file: FileMedia, recogniser: SwitchRecogniser, journal: Journal
    ) -> None:
        self._leg = leg
        self._file = file
        self._recogniser = recogniser
        self._journal = journal
        self._open = False
        self._file_only = False
        self._unheard = False
        self._closures = 0
        self._speaking = False
        self._began_at = 0.0  # the caller's last utterance
        self._partial = ""
        self._unwanted = False  # the utterance under way is no answer to anything
        self._results: list[Recognition | ProviderError] = []
        self._interruptible = False  # a prompt plays that a voice may stop
        self._voice = False  # and one did
        self._wake = Flag()
        self._answered = leg.channel.get("Answer-State") == "answered"
        leg.on("CHANNEL_ANSWER", self._on_answer)
        leg.on("DETECTED_SPEECH", self._on_speech)
        leg.on("DTMF", self._on_key)
        leg.ended.rawlink(self._on_end)
        # Whoever the caller talks to next, no recogniser listens to it for us.
        leg.on_leaving(commands.detect_speech_stop())

    # -- the contract ---------------------------------------------------------------------------

    def prepare(self) -> None:
        self._file.prepare()

    def close(self) -> None:
        """Nothing is held: the engine goes with the call, and before a transfer."""

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """The engine is closed, and opened again when somebody listens."""
        self._unheard = True
        try:
            if self._open:
                self._open = self._speaking = self._unwanted = False
                self._leg.execute(commands.detect_speech_stop(), Deadline.after(OPEN_S))
            self._results.clear()
            yield
        finally:
            self._unheard = False

    def unless_over(self, work: Callable[[], T]) -> T:
        return self._file.unless_over(work)

    def unless_pressed(self, work: Callable[[], T]) -> T:
        return self._file.unless_pressed(work)

    def unless_spoken(self, work: Callable[[], T]) -> T:
        return self.unless_pressed(work)

    def gather(self, *, longest: int, terminators: str, first_s: float, between_s: float) -> str:
        return self._file.gather(
            longest=longest, terminators=terminators, first_s=first_s, between_s=between_s
        )

    @property
    def sent_s(self) -> float:
        return self._file.sent_s

    def play(
        self,
        prompt: Prompt,
        *,
        barge_in: bool = True,
        by_voice: bool = True,
        from_s: float = 0.0,
    ) -> Played:
        del from_s  # what the engine heard to be nothing does not go on
        by_voice = by_voice and barge_in
        if not self._ready():
            return self._file.play(prompt, barge_in=barge_in)
        self._results.clear()  # said between two prompts; nobody asked
        self._voice = False
        self._interruptible = by_voice
        try:
            played = self._file.play(prompt, barge_in=barge_in)
        finally:
            self._interruptible = False
        if not by_voice:
            self._forget()  # words over a goodbye are no answer to what comes after it
        return replace(played, voice=self._voice)

    def settled(self, text: str) -> bool:
        del text
        return False  # the engine, not we, took it for a voice

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
        del recognise, kind  # the engine decides when an utterance is over, and has its words
        give_up_at = time.monotonic() + no_input_s
        while self._ready():
            if keys := self._leg.digits.take(most_keys):
                self._forget()
                return Heard(digits=keys)
            if self._results:
                return self._heard()
            due = self._began_at + longest_s + RESULT_S if self._speaking else give_up_at
            if time.monotonic() >= due:
                return self._without_a_result() if self._speaking else Heard()
            self._sleep(due)
        return self._file.listen(
            no_input_s=no_input_s,
            silence_s=silence_s,
            longest_s=longest_s,
            most_keys=most_keys,
        )

    # -- what was said --------------------------------------------------------------------------

    def _heard(self) -> Heard:
        """All that was said since we listened last: an interruption, and what followed it."""
        results, self._results = self._results, []
        found = [result for result in results if isinstance(result, Recognition)]
        if digits := "".join(result.digits for result in found):
            return Heard(digits=digits)
        known = [result.confidence for result in found if result.confidence is not None]
        error = next((result for result in results if isinstance(result, ProviderError)), None)
        text = " ".join(result.text for result in found if result.text)
        return Heard(
            words=self._words(text, error),
            recogniser=self._recogniser.name,
            confidence=min(known, default=None),
        )

    def _without_a_result(self) -> Heard:
        """An engine that never came back: what it said meanwhile counts."""
        self._journal.add("recogniser_stuck", engine=self._recogniser.engine)
        error = Timeout("no result of an utterance", provider=self._recogniser.name)
        words = self._words(self._partial, error)
        self._open = self._speaking = False  # `_ready` opens it anew
        self._leg.execute(commands.detect_speech_stop(), Deadline.after(OPEN_S))
        return Heard(words=words, recogniser=self._recogniser.name)

    def _words(self, text: str, error: ProviderError | None) -> Recognised:
        return Recognised(
            text=text, error=None if text else error, began=self._began_at, ended=None
        )

    def _forget(self) -> None:
        self._results.clear()
        self._unwanted = self._speaking

    # -- the engine's events --------------------------------------------------------------------

    def _on_speech(self, event: Event) -> None:
        if not self._open:
            return  # of the trial, or of an engine that was given up
        body = event.body.decode("utf-8", "replace")
        match event.get("Speech-Type"):
            case "begin-speaking":
                self._begins()
            case "detected-partial-speech":
                self._begins()
                self._partly(body)
            case "detected-speech":
                self._ends(body)
            case "closed":
                self._open = self._speaking = False
                self._closures += 1
                self._journal.add("recogniser_closed", engine=self._recogniser.engine)
        self._wake.set()

    def _begins(self) -> None:
        if not self._speaking:
            self._speaking = True
            self._began_at = time.monotonic()
            self._partial = ""
            self._interrupt()

    def _partly(self, body: str) -> None:
        try:
            text = parse(body).text
        except BadResult:
            return  # the result will say it better
        if text and text != self._partial:
            self._partial = text
            self._journal.add("partial", pii_text=text)

    def _ends(self, body: str) -> None:
        spoke, self._speaking = self._speaking, False
        unwanted, self._unwanted = self._unwanted, False
        result: Recognition | ProviderError
        try:
            result = parse(body)
        except BadResult as error:
            self._journal.add("recognition_unreadable", error=str(error))
            result = BadResponse(f"result: {error}", provider=self._recogniser.name)
        else:
            if result.outcome is Outcome.NO_INPUT:
                unwanted = True  # the engine's patience; ours is `no_input_s`
            elif not spoke:
                self._began_at = time.monotonic()  # it does not say when a voice begins
            if result.outcome is Outcome.MATCH and not unwanted:
                self._interrupt()
        if not unwanted:
            self._results.append(result)
        try:
            self._leg.start(commands.detect_speech_resume())
        except EslError as error:
            # The call is over, or FreeSWITCH does not answer: whoever listens learns of it too.
            log.info("not_resumed", error=str(error))

    def _interrupt(self) -> None:
        if self._interruptible:
            self._interruptible = False
            self._voice = self._file.interrupt()

    # -- opening it -----------------------------------------------------------------------------

    def _ready(self) -> bool:
        """Whether the engine listens, if need be after opening it.

        Raises:
            Hangup, LegLost: the call is over.
        """
        if self._leg.ended.is_set():
            raise self._leg.over()
        if self._file_only or self._unheard or not self._answered:
            return False
        if not self._open:
            self._start()
        return self._open

    def _start(self) -> None:
        if self._closures > _MOST_CLOSURES:
            self._give_up("the engine closes by itself")
            return
        try:
            response = self._try()
            if response == "DONE":
                self._leg.send(commands.divert_events(True))
                self._open = True
                settings = self._recogniser
                self._leg.execute(
                    commands.detect_speech(settings.engine, settings.grammar, settings.params),
                    Deadline.after(OPEN_S),
                )
                self._journal.add("detect", engine=settings.engine)
                return
        except (CommandFailed, LegTimeout) as error:
            response = str(error)
        self._give_up(response)

    def _try(self) -> str:
        """Open the engine, load the grammar and close it again; what FreeSWITCH says to that."""
        settings = self._recogniser
        deadline = Deadline.after(OPEN_S)
        # The trial takes its events itself; a leg that was another worker's may divert them.
        self._leg.send(commands.divert_events(False), deadline)
        self._leg.execute(commands.set_variable("fire_asr_events", "false"), deadline)
        trial = self._leg.start(
            commands.try_recogniser(settings.engine, settings.grammar, settings.params)
        )
        self._leg.start(commands.detect_speech_stop())
        return trial.wait(deadline).response or ""

    def _give_up(self, reason: str) -> None:
        self._open = False
        self._file_only = True
        self._journal.add("file_mode", reason=f"{self._recogniser.engine}: {reason}")
        log.warning("detect_given_up", engine=self._recogniser.engine, reason=reason)
        self._wake.set()

    # -- waiting --------------------------------------------------------------------------------

    def _on_answer(self, _: Event) -> None:
        self._answered = True

    def _on_key(self, _: Event) -> None:
        self._wake.set()

    def _on_end(self, _: object) -> None:
        self._wake.set()

    def _sleep(self, until: float) -> None:
        self._wake.wait(min(_LOOK_S, max(0.0, until - time.monotonic())))
        self._wake.clear()
