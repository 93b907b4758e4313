"""The recording of a whole call: FreeSWITCH's own `record_session`, both voices in one file.

FreeSWITCH writes it, not we: it hears both sides in every mode (in file and detect mode we never
see a frame), at no cost to the hub, in the caller's time, and it goes on when a worker dies. The
file is named after the conversation, so a worker that goes on with the call goes on with the file.

While something secret is asked for FreeSWITCH writes silence (`record_session_mask`), so that the
file keeps the call's time.

A recording is never a reason for a call to fail. Where a path cannot be written FreeSWITCH says
nothing (PROTOCOL, recording; the event that would be missed needs `full`), so the file is looked
for; what is missing is in the journal.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog
from gevent.lock import RLock

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
    return "retention_audio_days is 0" if policy.retention_audio_days == 0 else None


class CallRecording:
    """One call's recording; ends with the call or before a transfer.

    Args:
        on_file: told where it is, once FreeSWITCH writes it.
        resumed: another worker had this call; the file may be masked since.
    """

    def __init__(
        self,
        leg: Leg,
        *,
        recordings: Recordings,
        domain_uuid: UUID,
        conversation_uuid: UUID,
        journal: Journal,
        on_file: Callable[[str], None] = lambda _: None,
        resumed: bool = False,
    ) -> None:
        self.file: str | None = None
        """Under the recordings' root, once FreeSWITCH writes it."""
        self._leg = leg
        self._recordings = recordings
        self._domain_uuid = domain_uuid
        self._conversation_uuid = conversation_uuid
        self._journal = journal
        self._on_file = on_file
        self._resumed = resumed
        # Who begins and who masks are greenlets of their own, and each step waits for FreeSWITCH.
        self._turn = RLock()
        self._path: Path | None = None  # what FreeSWITCH was told to write, if it was
        self._masked = False
        self._due = False

    def begin_with_the_answer(self) -> None:
        """Have it begin when the call is answered, at once if it is."""
        if self._leg.channel.get("Answer-State") == "answered":
            spawn(self.begin)
        else:
            self._leg.on("CHANNEL_ANSWER", lambda _: self.begin())

    def begin(self) -> None:
        """Have FreeSWITCH record from now on; while it would be masked, from then on."""
        with self._turn:
            if self._path is not None:
                return
            if self._masked:
                self._due = True
                return
            try:
                self._begin()
            except (Hangup, LegLost):
                return
            except (OSError, safe.UnsafePath, EslError) as error:
                self._missing(str(error))

    @contextmanager
    def masked(self) -> Iterator[None]:
        """Silence in the recording for as long as the block runs.

        Raises:
            EslError: FreeSWITCH neither masks the recording nor ends it; the block did not run.
        """
        with self._turn:
            self._masked = True
            if self._path is not None:
                self._mask(self._path)
        try:
            yield
        finally:
            self._unmask()

    def _begin(self) -> None:
        path = self._recordings.path(self._domain_uuid, self._conversation_uuid)
        self._path = path
        self._leg.execute(commands.record_session(str(path)), Deadline.after(_START_S))
        if not path.exists():
            self._missing("FreeSWITCH wrote no file there")
            return
        if self._resumed:
            self._leg.execute(commands.record_session_unmask(str(path)), Deadline.after(_START_S))
        self.file = str(path.relative_to(self._recordings.root.resolve()))
        # What the caller says to whoever comes next is not ours to keep.
        self._leg.on_leaving(commands.stop_record_session(str(path)))
        self._journal.add("recording", file=self.file)
        self._on_file(self.file)

    def _mask(self, path: Path) -> None:
        deadline = Deadline.after(_START_S)
        try:
            self._leg.execute(commands.record_session_mask(str(path)), deadline)
        except (Hangup, LegLost):
            raise
        except EslError as error:
            # Rather no recording than one that holds a secret.
            self._journal.add("recording_ended", reason=f"not masked: {error}")
            self._leg.execute(commands.stop_record_session(str(path)), Deadline.after(_START_S))

    def _unmask(self) -> None:
        with self._turn:
            self._masked = False
            if self._due:
                self._due = False
                self.begin()
            elif self._path is not None and not self._leg.ended.is_set():
                try:
                    self._leg.execute(
                        commands.record_session_unmask(str(self._path)), Deadline.after(_START_S)
                    )
                except EslError as error:
                    # The call is over, or the rest of it is silent: nobody hears too much.
                    log.warning("not_unmasked", error=str(error))

    def _missing(self, reason: str) -> None:
        log.error("not_recorded", reason=reason)
        self._journal.add("not_recorded", reason=reason)
