"""Words of an utterance, being recognised while the caller may still go on."""

from __future__ import annotations

import time

import structlog
from gevent.event import Event as Flag

from esl_app.errors import trace_of
from esl_app.greenlets import spawn
from esl_app.media.contract import Recognise
from providers.contracts import Audio
from providers.errors import BadResponse, ProviderError

log = structlog.get_logger()


class Words:
    """One run of the recogniser; sets `wake` when it is over."""

    def __init__(self, recognise: Recognise, audio: Audio, wake: Flag) -> None:
        self.text = ""
        self.error: ProviderError | None = None
        self.began = time.monotonic()
        self.ended: float | None = None
        self._told = False
        self._wake = wake
        self._runner = spawn(self._run, recognise, audio)

    @property
    def ready(self) -> bool:
        return self.ended is not None

    @property
    def news(self) -> bool:
        """True once, when the words have come."""
        fresh = self.ready and self.error is None and not self._told
        self._told = self._told or fresh
        return fresh

    def close(self) -> None:
        """Nobody needs them any more."""
        self._runner.kill(block=False)

    def _run(self, recognise: Recognise, audio: Audio) -> None:
        try:
            self.text = recognise(audio)
        except ProviderError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - a greenlet's edge; whoever listens must not wait
            log.error("recogniser_failed", **trace_of(error))  # noqa: TRY400
            self.error = BadResponse("the recogniser failed", provider="stt")
        finally:
            self.ended = time.monotonic()
            self._wake.set()
