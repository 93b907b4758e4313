"""Full-duplex audio: ears and mouth open at once, over FreeSWITCH's `unicast`."""

from __future__ import annotations

from esl_app.media.duplex.link import LinkStatistics, NoAudio, UnicastLink, packet_ms, quieten
from esl_app.media.duplex.pacer import FRAME_S, Histogram, Pacer, PacerStatistics, Stream
from esl_app.media.duplex.player import Player, Position

__all__ = [
    "FRAME_S",
    "Histogram",
    "LinkStatistics",
    "NoAudio",
    "Pacer",
    "PacerStatistics",
    "Player",
    "Position",
    "Stream",
    "UnicastLink",
    "packet_ms",
    "quieten",
]
