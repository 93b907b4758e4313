"""The recording of a whole call: FreeSWITCH's own `record_session`, both voices in one file.

FreeSWITCH writes it, not we: it hears both sides in every mode (in file and detect mode we never
see a frame), at no cost to the hub, in the caller's time, and it goes on when a worker dies. The
file is named after the conversation, so a worker that goes on with the call goes on with the file.

A recording is never a reason for a call to fail. Where a path cannot be written FreeSWITCH says
nothing (PROTOCOL, recording; the event that would be missed needs `full`), so the file is looked
for; what is missing is in the journal.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from esl_app.errors import EslError, Hangup, LegLost
from esl_app.greenlets import spawn
from esl_app.journal import Journal
from esl_app.leg import Leg
from esl_app.protocol import commands, safe
from providers.deadline import Deadline
from tenants.policy import Policy

log = structlog.get_logger()

_START_S: Final = 10.0


class Recordings:
    """Where recordings are kept: `root/<domain_uuid>/<conversation uuid>.wav`.

    Args:
        root: FreeSWITCH must see the same path.
        mode: of directories; with `gid`, of the spool: FreeSWITCH writes in both.
    """

    def __init__(self, root: Path, *, mode: int = 0o750, gid: int = -1) -> None:
        self.root = root
        self._mode = mode
        self._gid = gid

    def path(self, domain_uuid: UUID, conversation_uuid: UUID) -> Path:
        """A conversation's file; its directory is there afterwards.

        Raises:
            OSError: it cannot be made.
            UnsafePath: FreeSWITCH cannot be sent it.
        """
        directory = self.root / str(domain_uuid)
        self.root.mkdir(parents=True, exist_ok=True)
        directory.mkdir(exist_ok=True)
        for part in (self.root, directory):
            if self._gid >= 0:
                os.chown(part, -1, self._gid)
            part.chmod(self._mode)  # mkdir's own mode argument goes through the umask
        return Path(safe.media_path(self.root, f"{domain_uuid}/{conversation_uuid}.wav"))


def hindrance(policy: Policy) -> str | None:
    """Why a call may not be recorded though the tenant wants it; None when it may."""
    if policy.consent != "none":
        return f"consent {policy.consent}: callers are not told or asked yet"
    return "retention_audio_days is 0" if policy.retention_audio_days == 0 else None


class CallRecording:
    """One call's recording; begins with the answer and ends with the call or before a transfer."""

    def __init__(
        self,
        leg: Leg,
        *,
        recordings: Recordings,
        domain_uuid: UUID,
        conversation_uuid: UUID,
        journal: Journal,
    ) -> None:
        self.file: str | None = None
        """Under the recordings' root, once FreeSWITCH writes it."""
        self._leg = leg
        self._recordings = recordings
        self._domain_uuid = domain_uuid
        self._conversation_uuid = conversation_uuid
        self._journal = journal
        if leg.channel.get("Answer-State") == "answered":
            spawn(self.begin)
        else:
            leg.on("CHANNEL_ANSWER", lambda _: self.begin())

    def begin(self) -> None:
        """Have FreeSWITCH record from now on; with an answer it is done."""
        try:
            path = self._recordings.path(self._domain_uuid, self._conversation_uuid)
            self._leg.execute(commands.record_session(str(path)), Deadline.after(_START_S))
        except (Hangup, LegLost):
            return
        except (OSError, safe.UnsafePath, EslError) as error:
            self._missing(str(error))
            return
        if not path.exists():
            self._missing("FreeSWITCH wrote no file there")
            return
        self.file = str(path.relative_to(self._recordings.root.resolve()))
        # What the caller says to whoever comes next is not ours to keep.
        self._leg.on_leaving(commands.stop_record_session(str(path)))
        self._journal.add("recording", file=self.file)

    def _missing(self, reason: str) -> None:
        log.error("not_recorded", reason=reason)
        self._journal.add("not_recorded", reason=reason)
