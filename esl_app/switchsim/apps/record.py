"""`record`: the caller's speech to a file, until silence, a key, the limit or the end."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from esl_app.switchsim import causes
from esl_app.switchsim.apps.playback import terminators_of
from esl_app.switchsim.clock import FRAME_S
from esl_app.switchsim.session import Session
from esl_app.switchsim.wavefile import WavFile

# switch_ivr_play_say.c: what a threshold without a duration means.
_DEFAULT_SILENCE_S = 3


def record(session: Session, argument: str) -> None:
    """`<path> [<limit s>] [<threshold>] [<silence s>]`."""
    words = argument.split()
    path = re.sub(r"^\{[^}]*\}", "", words[0]) if words else ""
    limit_s, threshold, silence_s = (_number(words, index) for index in (1, 2, 3))
    channel = session.channel
    try:
        file = WavFile(Path(path), append=channel.true("RECORD_APPEND"))
    except (OSError, ValueError):
        # switch_ivr_play_say.c:567: a path that cannot be opened ends the call
        session.hang_up(causes.OUT_OF_ORDER, by="switch")
        return
    session.early_media()
    channel.set("playback_terminator_used", None)
    channel.set("silence_hits_exhausted", "false")
    channel.read_codec = ("L16", "128000")
    session.emit("CODEC")
    session.emit("RECORD_START", [("Record-File-Path", path)])
    with file:
        exhausted = _run(session, file, limit_s, threshold, silence_s or _DEFAULT_SILENCE_S)
    channel.set("silence_hits_exhausted", "true" if exhausted else "false")
    samples = file.samples
    for name, value in {
        "record_file_size": 44 + 2 * samples,
        "record_seconds": samples // 8000,
        "record_ms": samples // 8,
        "record_samples": samples,
    }.items():
        channel.variables[name] = str(value)
    session.emit("RECORD_STOP", [("Record-File-Path", path)])
    channel.read_codec = ("PCMU", "64000")
    session.emit("CODEC")


def _run(session: Session, file: WavFile, limit_s: int, threshold: int, silence_s: int) -> bool:
    """Record; True when silence ended it."""
    terminators = terminators_of(session)
    allowed = hits = session.frames_of(silence_s)
    began = session.audio.now_s
    session.broken = False
    while True:
        frame = session.tick()  # what is said while a nested application runs passes by (e8)
        if not session.ready:
            return False
        file.write(frame)
        while (digit := session.take_digit()) is not None:
            if digit.key in terminators:
                session.channel.set("playback_terminator_used", digit.key)
                return False
        if session.broken:
            session.broken = False
            return False
        if limit_s and _whole_seconds(session, began) > limit_s:
            return False
        if threshold:
            level = np.abs(np.frombuffer(frame, "<i2").astype(np.int32)).mean()
            hits = hits - 1 if level < threshold else allowed
            if hits <= 0:
                return True


def _whole_seconds(session: Session, began_s: float) -> int:
    """Seconds as FreeSWITCH counts them here: by whole epoch seconds (a limit of 5 gave 5.94 s)."""
    offset = session.second_offset
    now_s = session.audio.now_s
    return math.floor(offset + now_s + FRAME_S) - math.floor(offset + began_s)


def _number(words: list[str], index: int) -> int:
    digits = re.match(r"\d+", words[index]) if index < len(words) else None
    return int(digits[0]) if digits else 0


APPLICATIONS = {"record": record}
