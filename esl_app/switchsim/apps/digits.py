"""Gathering keys: `play_and_get_digits`, `read`, `flush_dtmf`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from esl_app.switchsim.apps.playback import play
from esl_app.switchsim.channel import Digit
from esl_app.switchsim.session import Session

_MIN_TIMEOUT_MS = 1000


@dataclass(slots=True)
class _Input:
    """Keys so far, and whether they are all."""

    minimum: int
    maximum: int
    terminators: str
    digits: str = ""
    terminator: str = ""

    def take(self, digit: Digit) -> bool:
        """Take a key; True when the input is over."""
        if digit.key in self.terminators:
            self.terminator = digit.key
            return True
        self.digits += digit.key
        return len(self.digits) >= self.maximum

    @property
    def over(self) -> bool:
        return bool(self.terminator) or len(self.digits) >= self.maximum

    @property
    def enough(self) -> bool:
        return len(self.digits) >= self.minimum


def _gather(
    session: Session, keys: _Input, *, prompt: str, timeout_ms: int, digit_timeout_ms: int
) -> None:
    """One try: the prompt, stopped by the first key, then the keys with their time limits."""
    if prompt:

        def on_digit(digit: Digit) -> bool:
            keys.take(digit)
            return True

        play(session, prompt, on_digit=on_digit)
    waited_ms = 0
    while session.ready and not keys.over:
        allowed_ms = digit_timeout_ms if keys.digits else timeout_ms
        if waited_ms >= allowed_ms:
            return
        session.tick()
        waited_ms += 20
        while session.ready and not keys.over and (digit := session.take_digit()) is not None:
            keys.take(digit)
            waited_ms = 0


def play_and_get_digits(session: Session, argument: str) -> None:
    """`min max tries timeout terms file invalid var regexp [digit_timeout] [failure_ext ...]`."""
    words = argument.split()
    if len(words) < 9:
        return
    minimum, maximum, tries, timeout_ms = (_number(word) for word in words[:4])
    terminators, prompt, invalid, variable, pattern = words[4:9]
    timeout_ms = max(timeout_ms, _MIN_TIMEOUT_MS)
    digit_timeout_ms = _number(words[9]) if len(words) > 9 else timeout_ms
    channel = session.channel
    for name in (variable, f"{variable}_invalid", "read_result", "read_terminator_used"):
        channel.set(name, None)
    for _ in range(max(1, tries)):
        channel.digits.clear()
        keys = _Input(max(1, minimum), max(1, maximum), terminators)
        _gather(
            session, keys, prompt=prompt, timeout_ms=timeout_ms, digit_timeout_ms=digit_timeout_ms
        )
        channel.set("read_terminator_used", keys.terminator)
        channel.set(variable, keys.digits)  # a failed input stays readable (transcript c12)
        if not session.ready:
            break
        if keys.enough:
            if re.fullmatch(_unescaped(pattern), keys.digits):
                channel.set("read_result", "success")
                return
            channel.set(f"{variable}_invalid", keys.digits)
            channel.set(variable, None)
        if invalid and play(session, invalid, on_digit=lambda _digit: False) == "PLAYBACK ERROR":
            break
    channel.set("read_result", "failure")
    if session.ready and len(words) > 10:
        session.transfer(words[10], words[12] if len(words) > 12 else "")


def read(session: Session, argument: str) -> None:
    """`min max file var timeout terms [digit_timeout]`."""
    words = argument.split()
    if len(words) < 6:
        return
    minimum, maximum = _number(words[0]), _number(words[1])
    prompt, variable, timeout_ms, terminators = words[2], words[3], _number(words[4]), words[5]
    digit_timeout_ms = _number(words[6]) if len(words) > 6 else timeout_ms
    channel = session.channel
    for name in (variable, "read_result", "read_terminator_used"):
        channel.set(name, None)
    keys = _Input(minimum, max(1, maximum), terminators)
    _gather(session, keys, prompt=prompt, timeout_ms=timeout_ms, digit_timeout_ms=digit_timeout_ms)
    channel.set(variable, keys.digits)
    channel.set("read_terminator_used", keys.terminator)
    if not session.ready:
        channel.set("read_result", "failure")
    elif keys.enough and (keys.over or keys.digits):
        channel.set("read_result", "success")
    else:
        channel.set("read_result", "failure" if keys.terminator else "timeout")


def flush_dtmf(session: Session, _argument: str) -> None:
    session.channel.digits.clear()


def _number(word: str) -> int:
    digits = re.match(r"\d+", word)
    return int(digits[0]) if digits else 0


def _unescaped(pattern: str) -> str:
    r"""The dialplan's own level of escaping: `\\d+` is `\d+`."""
    return pattern.replace("\\\\", "\\")


APPLICATIONS = {"flush_dtmf": flush_dtmf, "play_and_get_digits": play_and_get_digits, "read": read}
