"""espeak-ng, the program: robotic, instant, a hundred languages. The last voice that still speaks.

GPL-3, so it only ever runs as the separate program that the system installs.
"""

from __future__ import annotations

import re
import struct
import subprocess
from collections.abc import Mapping
from typing import Any

from gevent.subprocess import Popen, TimeoutExpired
from pydantic import Field

from providers.contracts import Audio, TtsCapabilities
from providers.deadline import Deadline
from providers.errors import BadRequest, BadResponse, Timeout, Unavailable
from providers.settings import VendorConfig, parse
from providers.text import clean, speakable

_NAME = "espeak_local"
_MAX_CHARACTERS = 4000
_RATE = 22_050
_HEADER = 44
_VOICE = re.compile(r"[a-z]{2,3}(?:[-_+][A-Za-z0-9]+){0,3}")


class EspeakLocalConfig(VendorConfig):
    """`config` of espeak_local."""

    program: str = "espeak-ng"
    words_per_minute: int = Field(default=160, ge=80, le=450)


class EspeakLocal:
    """`TextToSpeech` by a small program, one run a sentence."""

    name = _NAME
    capabilities = TtsCapabilities(rates=(_RATE,))

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._settings = parse(EspeakLocalConfig, config, provider=_NAME)

    def synthesize(
        self,
        text: str,
        *,
        language: str,
        deadline: Deadline,
        voice: str | None = None,
        speed: float = 1.0,
    ) -> Audio:
        """One sentence or a few as sound; `speed` is held between 0.5 and 2."""
        spoken = voice or language
        if not _VOICE.fullmatch(spoken):  # it becomes an argument of a program
            raise BadRequest("not a voice or a language", provider=_NAME)
        if len(text) > _MAX_CHARACTERS:
            raise BadRequest(f"{len(text)} characters; at most {_MAX_CHARACTERS}", provider=_NAME)
        if not speakable(text):
            return Audio(pcm=b"", rate=_RATE)
        pace = round(self._settings.words_per_minute * min(2.0, max(0.5, speed)))
        command = [
            self._settings.program,
            *("-v", spoken.replace("_", "-").lower(), "-s", str(pace), "--stdin", "--stdout"),
        ]
        return _samples(self._run(command, clean(text), deadline))

    def close(self) -> None:
        """Nothing stays open."""

    def _run(self, command: list[str], text: str, deadline: Deadline) -> bytes:
        try:
            child = Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            raise Unavailable(
                f"the program {command[0]!r} is not installed", provider=_NAME
            ) from None
        try:
            sound, _ = child.communicate(text.encode(), timeout=max(deadline.remaining_s, 0.001))
        except TimeoutExpired:
            raise Timeout("no sound by the deadline", provider=_NAME) from None
        finally:
            if child.poll() is None:  # the deadline, or the caller hung up
                child.kill()
                child.wait()
        if child.returncode != 0:
            raise BadRequest(f"no such voice (status {child.returncode})", provider=_NAME)
        return bytes(sound)


def _samples(data: bytes) -> Audio:
    """What the program writes: WAV whose header cannot know the length, as it goes to a pipe."""
    if len(data) <= _HEADER or data[:4] != b"RIFF" or data[36:40] != b"data":
        raise BadResponse("the program wrote no sound", provider=_NAME)
    (rate,) = struct.unpack_from("<I", data, 24)
    pcm = data[_HEADER:]
    return Audio(pcm=pcm[: len(pcm) // 2 * 2], rate=rate)
