"""Synthesised prompts on disk, so that a sentence is made once and played many times.

A prompt is known by everything that shapes its sound: provider, its configuration, voice, speed,
language, text and rate. Tenants do not share prompts: a text may hold what only one may hear.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from gevent.event import AsyncResult

from esl_app.media import sound
from providers.contracts import Audio


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A playable file."""

    path: Path
    duration_s: float
    cached: bool
    synthesis_s: float
    text: str = ""


class PromptCache:
    """Prompts as 8 kHz WAV files under `root/<domain_uuid>/`.

    Two legs that want the same new prompt at the same time wait for one synthesis.
    """

    def __init__(self, root: Path, *, directory_mode: int = 0o750, gid: int = -1) -> None:
        self.root = root.absolute()
        self._mode = directory_mode
        self._gid = gid
        self._making: dict[Path, AsyncResult[None]] = {}
        self._directory(self.root)

    def get(self, key: PromptKey, synthesize: Callable[[], Audio], *, wait_s: float) -> Prompt:
        """The prompt's file, made by `synthesize` if it is not there yet.

        Raises:
            ProviderError: what `synthesize` raised, here or in the leg that was making it.
            gevent.Timeout: another leg's synthesis took longer than `wait_s`.
        """
        path = self.root / str(key.domain_uuid) / f"{key.digest()}.wav"
        began = time.monotonic()
        cached = path.is_file()
        while not path.is_file():
            if (making := self._making.get(path)) is not None:
                making.get(timeout=wait_s)
            else:
                self._make(path, synthesize)
        duration_s = (path.stat().st_size - 44) / 2 / sound.TELEPHONE_RATE
        os.utime(path)  # the janitor drops what nobody played for long
        return Prompt(
            path=path,
            duration_s=duration_s,
            cached=cached,
            synthesis_s=time.monotonic() - began,
            text=key.text,
        )

    def sweep(self, *, max_age_s: float = 30 * 86400.0) -> int:
        """Delete prompts not played for `max_age_s`; how many."""
        oldest = time.time() - max_age_s
        stale = [path for path in self.root.glob("*/*.wav") if path.stat().st_mtime < oldest]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def _make(self, path: Path, synthesize: Callable[[], Audio]) -> None:
        made: AsyncResult[None] = AsyncResult()
        self._making[path] = made
        try:
            audio = synthesize()
            self._directory(path.parent)
            sound.write_wav(path, sound.resample(audio, sound.TELEPHONE_RATE))
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

    def _directory(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        if self._gid >= 0:
            os.chown(directory, -1, self._gid)
        directory.chmod(self._mode)
