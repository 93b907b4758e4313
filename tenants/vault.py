"""Providers' keys at rest: sealed in their row, for that row alone.

Envelope encryption. Each row has a data key of its own (AES-256-GCM), which is stored wrapped by a
key of the ring; the ring is not in the database. What is sealed is bound to its tenant, its row and
its field (additional authenticated data), so that a value carried elsewhere does not open.
Rotation wraps the data keys anew and touches no value.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tenants.errors import SealError
from tenants.keyring import KeyRing
from tenants.secrets import Secret, conceal

# What a sealed value is in the row's JSON: {"$sealed": "<base64 of nonce and text>"}.
MARK: Final = "$sealed"
_NONCE: Final = 12

SecretFields = Callable[[str, str], Collection[str]]


def _by_name_alone(provider_type: str, provider_name: str) -> Collection[str]:
    del provider_type, provider_name
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a value belongs: it opens nowhere else."""

    domain_uuid: UUID
    row_uuid: UUID
    name: str  # for messages: "provider llm/openai"

    def bound(self, what: str) -> bytes:
        return f"voice_ai provider {self.domain_uuid} {self.row_uuid} {what}".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A configuration as it is stored; without secrets there is no key."""

    config: dict[str, Any]
    key_id: str | None = None
    data_key: bytes | None = field(default=None, repr=False)


class Vault:
    """Seals and opens configurations with the keys of a ring.

    Args:
        ring: None can do everything but seal and open; it says so when it must.
        secret_fields: Which fields of a provider's configuration its vendor calls secret, by type
            and name; fields with the names of secrets are so without asking.
    """

    def __init__(
        self, ring: KeyRing | None = None, secret_fields: SecretFields = _by_name_alone
    ) -> None:
        self._ring = ring
        self._secret_fields = secret_fields

    @property
    def current(self) -> str:
        """The id of the key that wraps from now on.

        Raises:
            SealError: There is no ring.
        """
        return self._need_ring("the key ring").current

    def concealed(
        self, provider_type: str, provider_name: str, config: Mapping[str, Any]
    ) -> dict[str, Any]:
        """A plain configuration with its secrets as `Secret`."""
        return conceal(config, self._secret_fields(provider_type, provider_name))

    def seal(self, place: Place, config: Mapping[str, Any]) -> Sealed:
        """A configuration for its row, every `Secret` of it sealed under a new data key.

        Raises:
            SealError: There is something to seal and no ring.
        """
        for name, value in config.items():
            if is_sealed(value):
                raise SealError(f"{place.name}: config.{name}: sealed already, for some other row")
        if not any(isinstance(value, Secret) for value in config.values()):
            return Sealed(config=dict(config))
        ring = self._need_ring(place.name)
        data_key = AESGCM.generate_key(256)
        sealed = {
            name: _sealed(data_key, value, place.bound(f"config.{name}"))
            if isinstance(value, Secret)
            else value
            for name, value in config.items()
        }
        key_id = ring.current
        return Sealed(
            config=sealed, key_id=key_id, data_key=self._wrap(ring, key_id, data_key, place)
        )

    def open(self, place: Place, sealed: Sealed) -> dict[str, Any]:
        """A row's configuration, its secrets as `Secret`.

        Raises:
            SealError: The row was moved or changed, or its key is not in the ring.
        """
        fields = {name: value for name, value in sealed.config.items() if is_sealed(value)}
        if not fields:
            return conceal(sealed.config)
        data_key = self._unwrap(sealed, place)
        opened = dict(sealed.config)
        for name, value in fields.items():
            try:
                blob = base64.b64decode(value[MARK], validate=True)
                text = AESGCM(data_key).decrypt(
                    blob[:_NONCE], blob[_NONCE:], place.bound(f"config.{name}")
                )
                opened[name] = Secret(text.decode())
            except (InvalidTag, ValueError, TypeError, binascii.Error):
                raise SealError(f"{place.name}: config.{name}: {_FOREIGN}") from None
        return conceal(opened)

    def rewrap(self, place: Place, sealed: Sealed) -> Sealed:
        """The same values with their data key wrapped by the current key.

        Raises:
            SealError: As for `open`.
        """
        ring = self._need_ring(place.name)
        data_key = self._unwrap(sealed, place)
        key_id = ring.current
        return Sealed(
            config=sealed.config,
            key_id=key_id,
            data_key=self._wrap(ring, key_id, data_key, place),
        )

    def _need_ring(self, who: str) -> KeyRing:
        if self._ring is None:
            raise SealError(
                f"{who}: no key ring; set keys_file (`voice-ai keys new` makes the file)"
            )
        return self._ring

    def _wrap(self, ring: KeyRing, key_id: str, data_key: bytes, place: Place) -> bytes:
        key = ring.key(key_id)
        assert key is not None
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(key).encrypt(nonce, data_key, place.bound(f"data_key {key_id}"))

    def _unwrap(self, sealed: Sealed, place: Place) -> bytes:
        ring = self._need_ring(place.name)
        if sealed.key_id is None or sealed.data_key is None:
            raise SealError(f"{place.name}: config: sealed, and the row has no data key")
        key = ring.key(sealed.key_id)
        if key is None:
            raise SealError(f"{place.name}: config: key {sealed.key_id} is not in the key ring")
        try:
            return AESGCM(key).decrypt(
                sealed.data_key[:_NONCE],
                sealed.data_key[_NONCE:],
                place.bound(f"data_key {sealed.key_id}"),
            )
        except (InvalidTag, ValueError):
            raise SealError(f"{place.name}: config: {_FOREIGN}") from None


_FOREIGN: Final = "does not open: sealed for another tenant or row, or changed since"


def is_sealed(value: object) -> bool:
    """Whether a value of a row's configuration is a sealed one."""
    return isinstance(value, dict) and set(value) == {MARK}


def _sealed(data_key: bytes, value: Secret, bound: bytes) -> dict[str, str]:
    nonce = os.urandom(_NONCE)
    text = AESGCM(data_key).encrypt(nonce, value.reveal().encode(), bound)
    return {MARK: base64.b64encode(nonce + text).decode()}
