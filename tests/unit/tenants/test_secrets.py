"""Keys as values, the ring they are wrapped with, and what is sealed."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import traceback
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from providers import registry
from tenants import keyring
from tenants.errors import KeyRingError, SealError
from tenants.keyring import KeyRing
from tenants.models import ProviderRow
from tenants.secrets import Secret, conceal, reveal
from tenants.vault import Place, Sealed, Vault

pytestmark = pytest.mark.unit

CANARY = "sk-canary-7f3a"
A, B, ROW = UUID(int=1), UUID(int=2), UUID(int=3)
HERE = Place(domain_uuid=A, row_uuid=ROW, name="provider llm/openai")


def _ring(*ids: str) -> KeyRing:
    return KeyRing({key_id: key_id.encode().ljust(32, b".") for key_id in ids})


def _boom(key: Secret, config: dict[str, Any]) -> None:
    raise ValueError(f"with {key} and {config}")


def test_a_secret_is_shown_nowhere() -> None:
    secret = Secret(CANARY)
    config = {"api_key": secret, "nested": [secret]}
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>20}",
        f"{secret!r}",
        "%s %r" % (secret, secret),  # noqa: UP031 - what old code does
        repr(config),
        json.dumps(config, default=str),
        json.dumps(config, default=repr),
        structlog.processors.JSONRenderer()(None, "info", {"event": "x", "c": config}),
        structlog.dev.ConsoleRenderer(colors=False)(None, "info", {"event": "x", "c": config}),
        repr(pickle.dumps(config)),
        repr(ProviderRow(provider_type="llm", provider_name="x", config={"api_key": CANARY})),
        str(vars(ProviderRow(provider_type="llm", provider_name="x", config={"api_key": CANARY}))),
    ]
    try:
        _boom(secret, config)
    except ValueError as error:
        shown += traceback.format_exception(error)
        shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
    with pytest.raises(TypeError) as unserialisable:
        json.dumps(config)
    shown.append(str(unserialisable.value))
    assert not [text for text in shown if CANARY in text]
    assert pickle.loads(pickle.dumps(secret)) == Secret("***")
    assert copy.deepcopy(secret).reveal() == copy.copy(secret).reveal() == CANARY
    assert secret == Secret(CANARY)
    assert secret != Secret("other")
    assert secret != CANARY
    assert len({secret, Secret(CANARY)}) == 1


def test_what_a_vendor_calls_secret_is_known_without_asking_twice() -> None:
    assert registry.secret_fields("llm", "openai") == {"api_key"}
    assert registry.secret_fields("tts", "espeak_local") == set()
    assert registry.secret_fields("llm", "nobody") == set()
    config = {"api_key": "k", "aws_session_token": "t", "max_tokens": 5, "model": "m", "pin": "p"}
    hidden = conceal(config, ("pin",))
    assert {name for name, value in hidden.items() if isinstance(value, Secret)} == {
        "api_key",
        "aws_session_token",
        "pin",
    }
    assert reveal(hidden) == config


@given(st.dictionaries(st.sampled_from(["api_key", "model", "secret"]), st.text(max_size=40)))
def test_what_is_sealed_opens_in_its_place(config: dict[str, str]) -> None:
    vault = Vault(_ring("one"))
    sealed = vault.seal(HERE, conceal(config))
    stored = Sealed(
        config=json.loads(json.dumps(sealed.config)),
        key_id=sealed.key_id,
        data_key=sealed.data_key,
    )
    assert reveal(vault.open(HERE, stored)) == config
    assert vault.open(HERE, stored) == conceal(config)


def _stored(vault: Vault) -> Sealed:
    return vault.seal(HERE, {"api_key": Secret(CANARY), "model": "m"})


@pytest.mark.parametrize(
    "place",
    [
        Place(domain_uuid=B, row_uuid=ROW, name="provider llm/openai"),
        Place(domain_uuid=A, row_uuid=UUID(int=9), name="provider llm/openai"),
    ],
)
def test_a_row_that_was_moved_does_not_open(place: Place) -> None:
    vault = Vault(_ring("one"))
    with pytest.raises(SealError, match=r"^provider llm/openai: config: does not open: sealed for"):
        vault.open(place, _stored(vault))


def test_a_value_that_was_moved_or_changed_does_not_open() -> None:
    vault = Vault(_ring("one"))
    stored = _stored(vault)
    blob = bytearray(base64.b64decode(stored.config["api_key"]["$sealed"]))
    blob[-1] ^= 1
    for config in (
        {"secret": stored.config["api_key"]},
        {"api_key": {"$sealed": base64.b64encode(blob).decode()}},
        {"api_key": {"$sealed": "not base64!"}},
        {"api_key": {"$sealed": 7}},
        {"api_key": {"$sealed": ""}},
    ):
        with pytest.raises(SealError, match=r"config\.\w+: does not open"):
            vault.open(HERE, Sealed(config=config, key_id="one", data_key=stored.data_key))
    with pytest.raises(SealError, match="the row has no data key"):
        vault.open(HERE, Sealed(config=stored.config))
    with pytest.raises(SealError, match="sealed already, for some other row"):
        vault.seal(HERE, stored.config)


def test_rotation_wraps_anew_and_touches_no_value() -> None:
    stored = _stored(Vault(_ring("one")))
    rotated = Vault(_ring("one", "two")).rewrap(HERE, stored)
    assert rotated.key_id == "two"
    assert rotated.config == stored.config
    opened = Vault(_ring("two")).open(HERE, rotated)
    assert reveal(opened)["api_key"] == CANARY
    with pytest.raises(SealError, match="key one is not in the key ring"):
        Vault(_ring("two")).open(HERE, stored)


def test_without_a_ring_only_what_needs_none_works() -> None:
    vault = Vault()
    assert vault.seal(HERE, {"model": "m"}).config == {"model": "m"}
    assert vault.open(HERE, Sealed(config={"api_key": "plain"})) == {"api_key": Secret("plain")}
    with pytest.raises(SealError, match=r"^provider llm/openai: no key ring; set keys_file"):
        vault.seal(HERE, {"api_key": Secret(CANARY)})
    with pytest.raises(SealError, match="no key ring"):
        vault.open(HERE, _stored(Vault(_ring("one"))))


def test_a_ring_is_made_extended_and_cut_back(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "keys"
    ring = keyring.ensure(file)
    assert file.stat().st_mode & 0o777 == 0o600
    first = ring.current
    assert keyring.ensure(file).ids == (first,)
    second = keyring.add(file)
    assert keyring.KeyRing.of_file(file).ids == (first, second)
    assert ring.key(second) is not None, "a running worker finds the new key"
    with pytest.raises(KeyRingError, match=f"{second} is the current key"):
        keyring.drop(file, second)
    with pytest.raises(KeyRingError, match="no key none"):
        keyring.drop(file, "none")
    keyring.drop(file, first)
    assert keyring.KeyRing.of_file(file).ids == (second,)
    assert file.stat().st_mode & 0o777 == 0o600
    assert "#" in file.read_text()
    assert repr(ring).startswith("KeyRing(")
    assert file.read_text().splitlines()[-1].partition(":")[2] not in repr(ring)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no key in it"),
        ("# only words", "no key in it"),
        ("sk-canary-7f3a", "line 1: not `id:base64`"),
        ("one:sk-canary-7f3a", "line 1: the key is not 32 bytes"),
        ("one:" + base64.b64encode(b"x" * 16).decode(), "line 1: the key is not 32 bytes"),
        ("\n".join(["one:" + base64.b64encode(b"x" * 32).decode()] * 2), "line 2: one is there"),
    ],
)
def test_a_broken_ring_is_refused_without_showing_it(text: str, says: str) -> None:
    with pytest.raises(KeyRingError) as refused:
        KeyRing.of_text(text, "keys")
    assert says in str(refused.value)
    assert CANARY not in str(refused.value)


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    keyring.add(file)
    file.chmod(0o640)
    with pytest.raises(KeyRingError, match=r"keys: others may read it \(mode 0640\); chmod 600"):
        KeyRing.of_file(file)
    with pytest.raises(KeyRingError, match="No such file"):
        KeyRing.of_file(tmp_path / "none")
    with pytest.raises(KeyRingError, match="not a file"):
        KeyRing.of_file(tmp_path)
    file.chmod(0o600)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(KeyRingError, match="not a key ring"):
        KeyRing.of_file(file)


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys"
    keyring.add(file)
    real = file.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: real + 1)
    if real == 0:
        import os

        os.chown(file, 12345, -1)
    with pytest.raises(KeyRingError, match="belongs to another user"):
        KeyRing.of_file(file)
