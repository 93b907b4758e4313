"""What call-flow scripts are written with: the only import an integrator needs.

    from esl_app.flow import Call, flow

    @flow
    def reception(call: Call) -> None:
        call.answer()
        call.say(call.secretary.greeting)
        outcome = call.converse()
        if outcome.handoff:
            call.transfer()
        call.say(call.secretary.farewell)

Flows are plain blocking Python, one greenlet a call. When the caller hangs up, the verb that runs
raises `Hangup`, which ends the script normally: use `try … finally` to clean up, do not catch it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from esl_app.conversation import Asker, Conversation, Mouth, Outcome, Reply
from esl_app.errors import Hangup
from esl_app.journal import Journal
from esl_app.leg import Leg
from esl_app.media import sound
from esl_app.media.contract import MOST_KEYS, Media
from esl_app.media.prompts import Prompt
from esl_app.opening import opening
from esl_app.protocol import safe
from esl_app.recording import CallRecording
from esl_app.tools import ActionTool, ReadTool, Tool, ToolProblem, Tools, acts, reads
from esl_app.transfers import NotTransferred, Transfers, chooser, offered
from esl_app.turn import SayOrPress, phrases
from esl_app.turn.prompt_kind import (
    DATE,
    EMAIL,
    OPEN,
    PHONE,
    SPELLED,
    YES_NO,
    PromptKind,
)
from providers.deadline import Deadline
from providers.errors import ProviderError
from tenants.hours import Closed, Open
from tenants.models import Tenant
from tenants.requests import Callback

__all__ = [
    "DATE",
    "EMAIL",
    "OPEN",
    "PHONE",
    "SPELLED",
    "YES_NO",
    "ActionTool",
    "Call",
    "Closed",
    "FlowError",
    "Hangup",
    "NotTransferred",
    "Open",
    "Outcome",
    "PromptKind",
    "ReadTool",
    "Reply",
    "Secretary",
    "ToolProblem",
    "acts",
    "flow",
    "reads",
]

COMMAND_S = 5.0  # an answer, a transfer: FreeSWITCH does these at once or not at all
MENU_S = 6.0  # for the first word or key
SURPLUS_S = 0.7  # between two keys of somebody who has not noticed that it was the last

F = TypeVar("F", bound=Callable[["Call"], None])


class FlowError(Exception):
    """A flow used a verb in a way that cannot work. The message says what to write instead."""


def flow(function: F) -> F:
    """Mark the function that a call runs; one in each flow file."""
    function.__voice_ai_flow__ = True  # type: ignore[attr-defined]
    return function


@dataclass(frozen=True, slots=True, kw_only=True)
class Secretary:
    """The texts of the tenant's row, or what we say where it says nothing."""

    name: str
    company: str
    language: str
    greeting: str
    outside_hours: str
    """The greeting while the tenant is closed."""
    farewell: str
    transfer_message: str
    transfer_extension: str
    transfer_context: str

    @classmethod
    def of(cls, tenant: Tenant) -> Secretary:
        row = tenant.secretary
        default = phrases(row.language)
        return cls(
            name=row.secretary_name,
            company=row.company_name or "",
            language=row.language,
            greeting=row.greeting_message or default.greeting,
            outside_hours=row.outside_hours_message or row.greeting_message or default.greeting,
            farewell=row.farewell_message or default.farewell,
            transfer_message=row.transfer_message or default.transfer,
            transfer_extension=row.transfer_extension or "",
            transfer_context=row.transfer_context,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a call is made of; put together by the controller."""

    leg: Leg
    tenant: Tenant
    media: Media
    mouth: Mouth
    asker: Asker
    conversation: Conversation
    journal: Journal
    sounds_dir: Path
    recording: CallRecording | None
    mask_recording: bool
    on_answer: Callable[[], None]
    may_transfer: Callable[[], bool]
    keep_callback: Callable[[Callback], None]
    conversation_uuid: UUID
    resumed: bool
    run_flow: Callable[[str, Call], None]


class Call:
    """The call a flow runs for."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.tenant = parts.tenant
        self.secretary = Secretary.of(parts.tenant)
        self._outcome = Outcome()

    @property
    def uuid(self) -> str:
        """FreeSWITCH's Unique-ID of the channel."""
        return self._parts.leg.uuid

    @property
    def caller_number(self) -> str:
        """What the caller's side claims as its number: a hint, never a credential."""
        return self._parts.leg.channel.get("Caller-Caller-ID-Number") or ""

    @property
    def dialled_number(self) -> str:
        return self._parts.leg.channel.get("Caller-Destination-Number") or ""

    @property
    def resumed(self) -> bool:
        """The caller has spoken with us before in this call: do not greet again.

        The worker it began on went away, or the caller is back from a transfer.
        """
        return self._parts.resumed

    def is_open(self) -> bool:
        """Whether the tenant is open now, by its business hours; one without any always is."""
        return isinstance(self.opening(), Open)

    def opening(self) -> Open | Closed:
        """`Open(until=…)` or `Closed(opens_at=…, why=…, name=…)`, in the tenant's time zone."""
        return opening(self.tenant, datetime.now(UTC))

    def prepare(self) -> None:
        """Make the leg ready for our prompts; the controller does it before the flow begins."""
        self._parts.media.prepare()

    def answer(self) -> None:
        """Answer the call; again is harmless.

        Where the tenant's policy wants it, the caller is then told that the call is recorded, or
        asked whether it may be.
        """
        self._parts.leg.answer(Deadline.after(COMMAND_S))
        self._parts.journal.add("answered_call")
        self._parts.on_answer()

    def say(self, text: str, *, barge_in: bool = True) -> str | None:
        """Speak `text` in the secretary's voice; the key that cut it short, if one did.

        A text that cannot be synthesised is noted in the journal and skipped: the call goes on.
        """
        return self._say(text, barge_in=barge_in)

    def _say(self, text: str, *, barge_in: bool = True, by_voice: bool = True) -> str | None:
        if not text.strip():
            return None
        try:
            return self._parts.mouth.say(text, barge_in=barge_in, by_voice=by_voice).digit
        except ProviderError as error:
            self._parts.journal.add("trouble", stage="tts", error=str(error))
            return None

    def play(self, name: str, *, barge_in: bool = True) -> str | None:
        """Play a sound file below `sounds_dir`; the key that cut it short, if one did.

        Raises:
            FlowError: no such sound, or not a name of one.
        """
        root = self._parts.sounds_dir
        try:
            path = Path(safe.media_path(root, name))
            duration_s = sound.read_wav(path).duration_s
        except (ValueError, OSError) as error:
            raise FlowError(f"play: {error}") from error
        prompt = Prompt(path=path, duration_s=duration_s, cached=True, synthesis_s=0.0)
        return self._parts.media.play(prompt, barge_in=barge_in).key

    def gather(
        self,
        prompt: str = "",
        *,
        longest: int = 1,
        terminators: str = "#",
        first_s: float = 6.0,
        between_s: float = 3.0,
        speech: bool = False,
        secret: bool = False,
    ) -> str:
        """Keys the caller presses: up to `longest`, ended by a terminator or a pause.

        Keys pressed during the prompt, or before it, count. With `speech` the caller may also say
        the number, or press its beginning and say the rest; without it his words do not cut the
        prompt short.

        What is `secret` (a card, a PIN) is entered by keys alone. Meanwhile, from the prompt's
        beginning, the recording is silent and nothing the caller says is listened to; the keys are
        in no journal, log or row, and what is pressed beyond them is forgotten. Only what the flow
        does with them afterwards is not ours to know.
        """
        if secret and speech:
            raise FlowError("gather: secret=True: keys alone; leave speech=True out")
        if not 1 <= longest <= MOST_KEYS:
            raise FlowError(f"gather: longest={longest}: between 1 and {MOST_KEYS} keys")
        if not speech:
            with self._secretly() if secret else nullcontext():
                self._say(prompt, by_voice=False)
                keys = self._parts.media.gather(
                    longest=longest, terminators=terminators, first_s=first_s, between_s=between_s
                )
            if secret:
                self._parts.journal.add("secret", keys=len(keys))
            return keys
        entry = SayOrPress(
            language=self.secretary.language,
            lengths=[longest],
            terminators=terminators,
            between_s=between_s,
        )
        kind = PromptKind.digits(longest)
        entered = self._parts.asker.enter(prompt, entry, first_s=first_s, kind=kind)
        fits = entered is not None and len(entered.pii_keys) <= longest
        return entered.pii_keys if entered is not None and fits else ""

    @contextmanager
    def _secretly(self) -> Iterator[None]:
        parts = self._parts
        masks = parts.recording is not None and parts.mask_recording
        with ExitStack() as stack:
            if masks and parts.recording is not None:
                stack.enter_context(parts.recording.masked())
            stack.enter_context(parts.media.unheard())
            yield
            # A number longer than was asked for, or the `#` after it, answers nothing else.
            parts.media.gather(
                longest=MOST_KEYS, terminators="", first_s=SURPLUS_S, between_s=SURPLUS_S
            )

    def ask(self, prompt: str, *, kind: PromptKind = OPEN, tries: int | None = None) -> Reply:
        """Say `prompt` and return what the caller answers: words, or the keys he presses.

        The `kind` of answer (`PHONE`, `YES_NO`, `PromptKind.digits(4)`, …) decides how long the
        caller may pause inside it, and whether keys are collected until they are a whole number.
        Silence is asked about like the conversation's; after so many `tries` (by default as many
        as the secretary's row allows) the reply is empty.
        """
        if tries is not None and tries < 1:
            raise FlowError(f"ask: tries={tries}: at least one")
        return self._parts.asker.ask(prompt, kind=kind, tries=tries)

    def menu(
        self,
        prompt: str,
        choices: Mapping[str, str],
        *,
        tries: int = 3,
        words: Mapping[str, Sequence[str]] | None = None,
    ) -> str | None:
        """Have one of the keys of `choices` pressed; its value, or None after `tries`.

        With `words` (for each key, what it may be called) the caller may say one of them, or the
        key's number, instead: "for billing press or say two".
        """
        if not choices or any(len(key) != 1 for key in choices):
            raise FlowError("menu: choices: one key each, for example {'1': 'sales'}")
        if words is None:
            for _ in range(tries):
                key = self.gather(prompt, terminators="")
                if key in choices:
                    return choices[key]
            return None
        if unknown := sorted(words.keys() - choices.keys()):
            raise FlowError(f"menu: words: {', '.join(unknown)}: not among the choices")
        spoken = {key: words.get(key, ()) for key in choices}
        for _ in range(tries):
            entry = SayOrPress(language=self.secretary.language, choices=spoken, terminators="")
            entered = self._parts.asker.enter(prompt, entry, first_s=MENU_S, kind=YES_NO)
            if entered is not None and entered.whole:
                return choices[entered.pii_keys]
        return None

    def converse(self, *, tools: Sequence[Tool] = (), speculate: bool = True) -> Outcome:
        """Talk with the caller until there is a reason to do something else.

        Args:
            tools: what the model may do meanwhile (`esl_app.tools`).
            speculate: answers may be begun before it is sure that the caller has finished.

        Raises:
            FlowError: two tools of one name.
        """
        conversation = self._parts.conversation

        def choose(name: str) -> None:
            conversation.chosen = name

        destinations = offered(self.tenant)
        built_in = [chooser(destinations, choose)] if destinations else []
        names = {tool.name for tool in tools}
        try:
            conversation.brain.tools = Tools(
                [*tools, *(tool for tool in built_in if tool.name not in names)]
            )
        except ValueError as error:
            raise FlowError(f"converse: {error}") from error
        conversation.speculate = speculate
        self._outcome = conversation.run()
        return self._outcome

    def transfer(self, to: str = "") -> NotTransferred:
        """Connect the caller with a destination (by alias or name) or an extension; ends the flow.

        By default with the tenant's default destination, else the secretary's extension. Returns
        only when that cannot be, after saying so: nobody, closed, a number outside that the tenant
        does not allow, too many transfers in this hour.

        Raises:
            FlowError: neither a destination nor an extension.
            Hangup: the call has left us, as it should.
        """
        outcome, parts = self._outcome, self._parts
        led = outcome if to and outcome.destination == to else Outcome()
        try:
            return Transfers(
                tenant=self.tenant,
                leg=parts.leg,
                journal=parts.journal,
                say=lambda text: self.say(text, barge_in=False),
                ask=lambda prompt, kind: self.ask(prompt, kind=kind),
                may_transfer=parts.may_transfer,
                keep=parts.keep_callback,
                conversation_uuid=parts.conversation_uuid,
                caller_number=self.caller_number,
            ).to(
                to,
                message=led.transfer_message or self.secretary.transfer_message,
                confirm=led.model_chose,
            )
        except safe.UnsafeArgument as error:
            raise FlowError(f"transfer: {error}") from error

    def run(self, name: str) -> None:
        """Go on with another flow of the same folder."""
        self._parts.run_flow(name, self)

    def hangup(self, cause: str = "NORMAL_CLEARING") -> NoReturn:
        """End the call; ends the flow too."""
        self._parts.leg.hangup(cause)
        raise Hangup(cause)

    def note(self, event: str, **facts: Any) -> None:
        """Write something of your own into the call's journal."""
        self._parts.journal.add(f"flow.{event}", **facts)
