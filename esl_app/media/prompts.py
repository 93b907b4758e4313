"""Synthesised prompts on disk, so that a sentence is made once and played many times.

A prompt is known by everything that shapes its sound: provider, its configuration, voice, speed,
language, text and rate. Tenants do not share prompts: a text may hold what only one may hear.

Theory of the sweep. Playing a prompt sets its file's time, so the files' times are the order of
use. A `Prompt` somebody still holds (one that is played, a filler kept for later) is never deleted:
each sweep renews its time, which other workers on the same directory see, and nobody deletes what
is younger than `_IN_USE_S`.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import gevent
from gevent.event import AsyncResult

from esl_app.errors import ConfigError
from esl_app.media import sound
from providers.contracts import Audio
from providers.errors import BadResponse, Unavailable
from providers.sound import resample

_IN_USE_S: Final = 600.0  # a sweep, which renews what is held, comes far more often
_BURST: Final = 16  # files deleted before calls get their turn


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptKey:
    """What makes two prompts the same sound."""

    domain_uuid: UUID
    provider: str  # with its configuration's fingerprint
    voice: str | None
    speed: float
    language: str
    text: str

    def digest(self) -> str:
        parts = [self.provider, self.voice, self.speed, self.language, self.text]
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class Prompt:
    """A playable file; it stays for as long as somebody holds this."""

    path: Path
    duration_s: float
    cached: bool
    synthesis_s: float
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file of the cache as a sweep finds it."""

    path: Path
    used_at: float
    size: int


def to_delete(
    files: Sequence[KeptFile], *, now: float, max_age_s: float, max_bytes: int
) -> list[KeptFile]:
    """What goes: unfinished files of killed workers, what is old, then the least lately used.

    Nothing used in the last `_IN_USE_S` goes, even if that leaves more than `max_bytes`.
    """
    size = sum(file.size for file in files)
    going = []
    for file in sorted(files, key=lambda file: file.used_at):
        age_s = now - file.used_at
        if age_s < _IN_USE_S:
            break
        if file.path.suffix == ".part" or age_s > max_age_s or size > max_bytes:
            going.append(file)
            size -= file.size
    return going


class PromptCache:
    """Prompts as 8 kHz WAV files under `root/<domain_uuid>/`.

    Two legs that want the same new prompt at the same time wait for one synthesis.

    Raises:
        ConfigError: `root` cannot be used.
    """

    def __init__(
        self,
        root: Path,
        *,
        directory_mode: int = 0o750,
        gid: int = -1,
        max_bytes: int = 1 << 30,
    ) -> None:
        self.root = root.absolute()
        self._mode = directory_mode
        self._gid = gid
        self._max_bytes = max_bytes
        self._making: dict[Path, AsyncResult[None]] = {}
        self._held: weakref.WeakSet[Prompt] = weakref.WeakSet()
        try:
            self._directory(self.root)
        except OSError as error:
            raise ConfigError(f"spool_dir: {self.root}: {error.strerror}") from error

    def get(self, key: PromptKey, synthesize: Callable[[], Audio], *, wait_s: float) -> Prompt:
        """The prompt's file, made by `synthesize` if it is not there yet.

        Raises:
            ProviderError: what `synthesize` raised, here or in the leg that was making it; it made
                nothing, or what it made cannot be kept.
            gevent.Timeout: another leg's synthesis took longer than `wait_s`.
        """
        path = self.root / str(key.domain_uuid) / f"{key.digest()}.wav"
        began = time.monotonic()
        cached = True
        while (size := _use(path)) is None:
            cached = False
            if (making := self._making.get(path)) is not None:
                making.get(timeout=wait_s)
            else:
                self._make(path, synthesize, key.provider.partition(":")[0])
        prompt = Prompt(
            path=path,
            duration_s=(size - 44) / 2 / sound.TELEPHONE_RATE,
            cached=cached,
            synthesis_s=time.monotonic() - began,
            text=key.text,
        )
        self._held.add(prompt)
        return prompt

    def sweep(self, *, max_age_s: float = 30 * 86400.0) -> int:
        """Delete what `to_delete` says; how many. Files are looked at in a thread, not here."""
        for prompt in list(self._held):
            _use(prompt.path)
        pool = gevent.get_hub().threadpool
        files = pool.apply(_files, (self.root,))
        going = to_delete(files, now=time.time(), max_age_s=max_age_s, max_bytes=self._max_bytes)
        deleted = 0
        for number, file in enumerate(going, start=1):
            with suppress(FileNotFoundError):  # another worker's sweep
                # It may have been asked for since; between these two lines nobody here can.
                if file.path.stat().st_mtime == file.used_at:
                    file.path.unlink()
                    deleted += 1
            if number % _BURST == 0:
                gevent.sleep(0)
        return deleted

    def _make(self, path: Path, synthesize: Callable[[], Audio], provider: str) -> None:
        made: AsyncResult[None] = AsyncResult()
        self._making[path] = made
        try:
            self._keep(path, synthesize(), provider)
        except Exception as error:
            made.set_exception(error)
            raise
        except BaseException:  # this leg's caller hung up: one of those who wait makes it then
            made.set(None)
            raise
        else:
            made.set(None)
        finally:
            del self._making[path]

    def _keep(self, path: Path, audio: Audio, provider: str) -> None:
        if not audio.pcm:
            raise BadResponse("no sound came for a text with words", provider=provider)
        try:
            self._directory(path.parent)
            sound.write_wav(path, resample(audio, sound.TELEPHONE_RATE))
        except OSError as error:  # the disk is full: a voice that fails, not a call that does
            raise Unavailable(f"{path.parent}: {error.strerror}", provider="prompts") from error

    def _directory(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        if self._gid >= 0:
            os.chown(directory, -1, self._gid)
        directory.chmod(self._mode)


def _use(path: Path) -> int | None:
    """Mark a file as used now; its size, None when it is not there."""
    try:
        os.utime(path)
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return None


def _files(root: Path) -> list[KeptFile]:
    """Every file of the cache."""
    found = []
    for path in root.glob("*/*"):
        with suppress(FileNotFoundError):
            about = path.stat()
            found.append(KeptFile(path=path, used_at=about.st_mtime, size=about.st_size))
    return found
