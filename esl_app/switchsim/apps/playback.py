"""Playing sounds."""

from __future__ import annotations

from collections.abc import Callable

from esl_app.switchsim.channel import Digit
from esl_app.switchsim.clock import FRAME_SAMPLES
from esl_app.switchsim.session import Session
from esl_app.switchsim.sounds import Sound, open_sound

# An interrupted playback reports whole blocks read ahead: 16384 samples, 2048 ms, after 1.0 s.
_READ_AHEAD = 16384

OnDigit = Callable[[Digit], bool]


def playback(session: Session, argument: str) -> None:
    channel = session.channel
    terminators = terminators_of(session)
    channel.set("playback_terminator_used", None)

    def on_digit(digit: Digit) -> bool:
        if digit.key not in terminators:
            return False
        channel.set("playback_terminator_used", digit.key)
        return True

    session.respond(play(session, argument, on_digit=on_digit))


def terminators_of(session: Session) -> str:
    """The keys that end a playback or a recording: `*` unless a variable says otherwise."""
    value = session.channel.get("playback_terminators")
    if value is None:
        return "*"
    return {"none": "", "any": "0123456789*#ABCD"}.get(value, value)


def play(
    session: Session, path: str, *, on_digit: OnDigit, until: Callable[[], bool] = lambda: False
) -> str:
    """Play a sound to its end, a break, a digit that counts, or the end of the channel.

    Args:
        session: the channel that hears it.
        path: what is played.
        on_digit: told of each key; True ends the playing.
        until: asked once a frame; True ends the playing.

    Returns:
        The Application-Response.
    """
    if not path:
        return "PLAYBACK ERROR"
    sound = open_sound(path.partition("@@")[0], session.sounds_root)
    if sound is None:
        return "FILE NOT FOUND"
    session.early_media()
    session.broken = False  # what was broken before this began does not matter any more
    session.emit("PLAYBACK_START", [("Playback-File-Path", path)])
    samples = sound.samples
    played = 0
    stopped = False
    while played < len(samples) and session.ready and not stopped:
        frame = samples[played : played + FRAME_SAMPLES].tobytes()
        session.tick(frame.ljust(2 * FRAME_SAMPLES, b"\0"))
        played = min(played + FRAME_SAMPLES, len(samples))
        while session.ready and not stopped and (digit := session.take_digit()) is not None:
            stopped = on_digit(digit)
        stopped = until() or stopped or session.broken
    read = _count(session, sound, played)
    status = "break" if stopped else "done"
    session.emit("PLAYBACK_STOP", [("Playback-File-Path", path), ("Playback-Status", status)])
    # A hang-up or a transfer is an error only while there is something left to read (d12, d13).
    return "FILE PLAYED" if session.ready or read == sound.source_samples else "PLAYBACK ERROR"


def _count(session: Session, sound: Sound, played: int) -> int:
    """Set the variables that tell how far it got; returns the samples read."""
    rate = sound.source_rate
    read = sound.source_samples
    if played < len(sound.samples):
        done = played * rate // 8000
        read = min(read, (done // _READ_AHEAD + 1) * _READ_AHEAD)
    for name, value in {
        "playback_last_offset_pos": played,
        "playback_seconds": read // rate,
        "playback_ms": read * 1000 // rate,
        "playback_samples": read,
    }.items():
        session.channel.set(name, str(value))
    return read


APPLICATIONS = {"playback": playback}
