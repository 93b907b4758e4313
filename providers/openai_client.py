"""The one way to an OpenAI-compatible server, for the four adapters that use it.

The vendor's SDK does the talking. This module gives it one client per account with its connections
kept, no retries of its own (resilience is decided above), a hard end at the deadline even when
bytes drip in one by one, a cap on what is read, and our errors instead of its own. No message
carries what the server wrote: it may quote the key or the caller.
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import gevent
import httpx2
import openai

# Imported here because the SDK does so at their first use: 40 to 70 ms, in somebody's call.
import openai.resources.audio.audio
import openai.resources.chat.chat
import openai.resources.embeddings
import structlog
from pydantic import Field, SecretStr, field_validator, model_validator

from providers.deadline import Deadline
from providers.errors import (
    BadResponse,
    ProviderError,
    RateLimited,
    Timeout,
    Unavailable,
    of_status,
)
from providers.settings import VendorConfig
from providers.shared import Shared

log = structlog.get_logger()

# One for all accounts: reading the authorities takes 20 ms, and nothing in it is an account's.
_TLS = httpx2.create_ssl_context()

OFFICIAL = "https://api.openai.com/v1"
MAX_BODY = 16 << 20  # half an hour of 24 kHz speech would be 86 MB: nothing we ask for is that long
_CONNECT_S = 5.0
_TAIL_S = 0.1
_DONE, _DONE_SIZE = b"data: [DONE]", 16
_SAFE_WORD = re.compile(r"[a-z][a-z0-9_]{0,40}")


class OpenAiAccount(VendorConfig):
    """What every OpenAI adapter's `config` may hold."""

    api_key: SecretStr | None = Field(default=None, validate_default=False)
    # Any OpenAI-compatible server: vLLM, llama.cpp, Ollama, LM Studio, a gateway.
    base_url: str = OFFICIAL
    organization: str | None = None
    project: str | None = None
    # More than this at once wait for a connection: the pool's bookkeeping grows with its size.
    max_connections: int = Field(default=50, ge=1, le=500)

    @field_validator("api_key")
    @classmethod
    def _fits_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        if key is None:
            return None
        text = key.get_secret_value().strip()
        if not re.fullmatch(r"[\x21-\x7e]+", text):
            raise ValueError("empty, or with characters that no key has")
        return SecretStr(text)

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise ValueError("not an http(s) URL without a user name")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _has_key(self) -> OpenAiAccount:
        if self.api_key is None and self.base_url == OFFICIAL:
            raise ValueError("api_key is missing (only a base_url of your own may go without)")
        return self


class _TooLargeError(Exception):
    """More came than we read."""


class _CutError(Exception):
    """The connection ended inside the answer."""


class _Watched(httpx2.SyncByteStream):
    """A response's body with a cap, telling a cut answer from a server that never answered."""

    def __init__(self, body: httpx2.SyncByteStream) -> None:
        self._body = body
        self._pieces = iter(body)
        self._tail = b""

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        try:
            for piece in self._pieces:
                size += len(piece)
                if size > MAX_BODY:
                    raise _TooLargeError
                self._tail = (self._tail + piece[-_DONE_SIZE:])[-_DONE_SIZE:]
                yield piece
        except (httpx2.RemoteProtocolError, httpx2.ReadError):
            raise _CutError from None

    def close(self) -> None:
        # The SDK stops reading at the event [DONE], a few bytes before the end of the body, and so
        # gives up the connection: each turn would pay for a new one. Those bytes are here already
        # or will not come.
        if _DONE in self._tail:
            patience = gevent.Timeout.start_new(_TAIL_S)
            try:
                next(self._pieces, None)
            except httpx2.HTTPError:
                log.debug("tail_of_answer_lost")
            except gevent.Timeout as expired:
                if expired is not patience:
                    raise
            finally:
                patience.close()
        self._body.close()


def _watch(response: httpx2.Response) -> None:
    if isinstance(response.stream, httpx2.SyncByteStream):
        response.stream = _Watched(response.stream)


class _Client:
    """An SDK client that can be shared."""

    def __init__(self, account: OpenAiAccount) -> None:
        # At DEBUG the SDK logs whole requests, callers' words among them.
        for name in ("openai", "httpx2", "httpcore2"):
            logging.getLogger(name).setLevel(logging.WARNING)
        key = account.api_key.get_secret_value() if account.api_key else "none"
        self.sdk = openai.OpenAI(
            api_key=key,
            base_url=account.base_url,
            max_retries=0,
            http_client=openai.DefaultHttpxClient(
                verify=_TLS,
                follow_redirects=False,  # a key goes to the host it is for
                limits=httpx2.Limits(
                    max_connections=account.max_connections,
                    max_keepalive_connections=account.max_connections,
                    keepalive_expiry=60.0,
                ),
                event_hooks={"response": [_watch]},
            ),
        )
        # Left out, the SDK would take the operator's from the environment for every tenant.
        self.sdk.organization = account.organization
        self.sdk.project = account.project

    def close(self) -> None:
        self.sdk.close()


_clients: Shared[_Client] = Shared()

T = TypeVar("T")


class OpenAiHold:
    """An adapter's share in its account's client."""

    def __init__(self, account: OpenAiAccount, *, provider: str) -> None:
        self._provider = provider
        self._key = (
            account.base_url,
            account.api_key.get_secret_value() if account.api_key else None,
            account.organization,
            account.project,
            account.max_connections,
        )
        self._client: _Client | None = _clients.hold(self._key, lambda: _Client(account))

    @property
    def sdk(self) -> openai.OpenAI:
        if self._client is None:
            raise Unavailable("closed", provider=self._provider)
        return self._client.sdk

    @contextmanager
    def asking(self, deadline: Deadline) -> Iterator[openai.Timeout]:
        """Around every use of the SDK: ends at the deadline, raises only our errors.

        Never around a `yield` of a generator: the deadline would strike whoever consumes it.
        """
        left = max(deadline.remaining_s, 0.001)
        # The SDK's time-outs are for each read; only this one is for the whole.
        whole = gevent.Timeout.start_new(left)
        try:
            with mapped(self._provider):
                yield openai.Timeout(left, connect=min(left, _CONNECT_S))
        except gevent.Timeout as expired:
            if expired is not whole:
                raise
            raise Timeout("no answer by the deadline", provider=self._provider) from None
        finally:
            whole.close()

    def close(self) -> None:
        if self._client is not None:
            self._client = None
            _clients.release(self._key)


@contextmanager
def mapped(provider: str) -> Iterator[None]:
    """Foreign errors become ours; the cause is dropped, for it may hold a key or caller's words."""
    try:
        yield
    except ProviderError:
        raise
    except openai.APIStatusError as error:
        raise _of_status(error, provider) from None
    except (openai.APITimeoutError, httpx2.TimeoutException):
        raise Timeout("no answer in time", provider=provider) from None
    except (openai.APIConnectionError, httpx2.TransportError):
        raise Unavailable("no connection", provider=provider) from None
    except _TooLargeError:
        raise BadResponse(f"the answer exceeds {MAX_BODY} bytes", provider=provider) from None
    except _CutError:
        raise BadResponse("the answer broke off", provider=provider) from None
    except openai.APIError as error:  # an error event inside a stream
        raise _of_event(error, provider) from None
    except (
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        RecursionError,
        openai.OpenAIError,
        httpx2.HTTPError,
        httpx2.StreamError,
    ) as error:
        raise BadResponse(
            f"the answer is not of the form we know ({type(error).__name__})", provider=provider
        ) from None


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """What a Retry-After header asks for, in seconds, a date or milliseconds; None without sense.

    RFC 9110 section 10.2.3; `retry-after-ms` is what this vendor adds.
    """
    try:
        if (milliseconds := headers.get("retry-after-ms")) is not None:
            return _sensible(float(milliseconds) / 1000)
        text = headers.get("retry-after", "").strip()
        if not text:
            return None
        if re.fullmatch(r"\d+(\.\d+)?", text):
            return _sensible(float(text))
        # The header is a wall-clock instant, so the wall clock is the one to compare with.
        return _sensible(parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _sensible(seconds: float) -> float | None:
    return None if math.isnan(seconds) else min(max(seconds, 0.0), 3600.0)


def _of_status(error: openai.APIStatusError, provider: str) -> ProviderError:
    status = error.status_code
    told = ": redirects are not followed" if 300 <= status < 400 else ""
    return of_status(
        status,
        f"HTTP {status}{_word(error)}{told}",
        provider=provider,
        retry_after_s=retry_after_s(error.response.headers),
    )


def _of_event(error: openai.APIError, provider: str) -> ProviderError:
    kind = f"{error.code or ''} {error.type or ''}"
    message = f"an error in the answer{_word(error)}"
    if "rate_limit" in kind:
        return RateLimited(message, provider=provider)
    if "server_error" in kind or "overloaded" in kind or "unavailable" in kind:
        return Unavailable(message, provider=provider)
    return BadResponse(message, provider=provider)


def _word(error: Any) -> str:
    """The vendor's code for it, where it is one word of code and not prose."""
    for word in (getattr(error, "code", None), getattr(error, "type", None)):
        if isinstance(word, str) and _SAFE_WORD.fullmatch(word):
            return f" ({word})"
    return ""
