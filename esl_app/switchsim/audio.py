"""The sound of a call: frames going both ways, the two timelines they leave, and their pace."""

from __future__ import annotations

from collections.abc import Callable

from gevent.event import Event as Flag

from esl_app.switchsim.caller import Act, CallerSide, Heard
from esl_app.switchsim.clock import AudioClock
from esl_app.switchsim.waiting import Time

# At high speed, frames in a row before other greenlets get their turn.
_BURST = 25
_MIN_SLEEP_S = 0.001


class AudioPath:
    """What passes between the caller and whatever the channel runs.

    Both timelines begin at the INVITE and grow by a frame at a time, so they are equally long and
    an instant of audio time is a place in both.
    """

    def __init__(self, *, time: Time, speed: float, caller: CallerSide) -> None:
        self.caller = caller
        self.from_caller = bytearray()
        self.from_agent = bytearray()
        self._time = time
        self._clock = AudioClock(speed=speed, now=time.now())
        self._burst = 0

    @property
    def now_s(self) -> float:
        """Audio time."""
        return self._clock.audio_s

    def wait_fast(self) -> None:
        """Let the time of a frame pass at the pace of a running application."""
        self._clock.run_fast(now=self._time.now())
        wait_s = self._clock.wait_s(now=self._time.now())
        self._burst += 1
        if wait_s > 0 or self._burst >= _BURST:
            self._burst = 0
            self._time.wait(max(wait_s, _MIN_SLEEP_S))

    def wait_parked(self, wake: Flag, *, to_the_frame: Callable[[], bool]) -> bool:
        """Let the time of a frame pass at true pace.

        Args:
            wake: cuts the wait short.
            to_the_frame: whether to wait on all the same.

        Returns:
            True when a frame is due, False when something else woke the thread.
        """
        self._clock.run_true(now=self._time.now())
        while (wait_s := self._clock.wait_s(now=self._time.now())) > 0:
            wake.clear()
            if self._time.wait(wait_s, wake) and not to_the_frame():
                return False
        return True

    def exchange(self, agent: bytes, *, listening: bool, answered: bool) -> Act:
        """One frame each way; what the caller did in it."""
        act = self.caller.act(
            Heard(agent=agent, listening=listening, answered=answered, audio_s=self.now_s)
        )
        self._clock.tick()
        self.from_agent += agent
        self.from_caller += act.frame
        return act
