"""What a caller hears who has dialled a number that is nobody's."""

from __future__ import annotations

from typing import Final

import structlog

from esl_app.config import Settings
from esl_app.errors import EslError, LegTimeout
from esl_app.leg import Leg
from esl_app.protocol import commands, safe
from providers.deadline import Deadline

log = structlog.get_logger()

_LONGEST_S: Final = 30.0
_COMMAND_S: Final = 5.0


def no_service(leg: Leg, settings: Settings) -> None:
    """Play the configured sound as early media, if there is one, and end the call.

    The call is never answered: nobody pays for a wrong number.
    """
    name = settings.call.no_service_sound
    try:
        if name:
            _play(leg, safe.media_path(settings.sounds_dir, name))
    except (ValueError, LegTimeout) as error:
        log.warning("sound_unplayed", error=str(error))
    try:
        leg.hangup("UNALLOCATED_NUMBER")
    except EslError as error:  # the caller was faster
        log.debug("hangup_failed", error=str(error))


def _play(leg: Leg, path: str) -> None:
    try:
        leg.execute(commands.pre_answer(), Deadline.after(_COMMAND_S))
        leg.execute(commands.playback(path), Deadline.after(_LONGEST_S))
    except LegTimeout:
        raise
    except EslError as error:
        log.debug("sound_unheard", error=str(error))
