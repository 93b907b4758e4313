"""Settings: one tree, read once from a TOML file and the environment, checked before the start.

The file is `--config`, else `$VOICE_AI_CONFIG`, else `conf/voice-ai.toml` or
`/etc/voice-ai/voice-ai.toml`, whichever exists first. An environment variable
`VOICE_AI_LISTEN__PORT` overrides `[listen] port`. Unknown keys are refused by name.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from esl_app.errors import ConfigError

PLACES = (Path("conf/voice-ai.toml"), Path("/etc/voice-ai/voice-ai.toml"))


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Listen(_Section):
    """Where FreeSWITCH's `socket` application connects to, and who may."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8084
    allow: tuple[IPvAnyNetwork, ...] = ()
    """Networks peers must be in, the whole list; required when `host` is no loopback address."""
    token: SecretStr | None = None
    """If set, the channel variable `voice_ai_token` must equal it."""
    max_legs: Annotated[int, Field(ge=1)] = 200
    max_legs_per_peer: Annotated[int, Field(ge=1)] = 200
    connect_s: Annotated[float, Field(gt=0, le=25)] = 5.0
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes that answer calls; the limits above, and the engines' memory, are of each."""


class CallLimits(_Section):
    """What bounds one call."""

    flow: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = "reception"
    max_s: Annotated[float, Field(gt=0)] = 3600.0
    """Then the caller hears the farewell and the call ends, whatever its flow is doing."""
    warn_s: Annotated[float, Field(ge=0)] = 30.0
    """So long before, he is told; 0, or no less than `max_s`: not at all."""
    longest_silence_s: Annotated[float, Field(gt=0)] = 180.0
    """Without a word or a key of the caller the call ends too: nobody may be there."""
    fallback_extension: Annotated[
        str, Field(pattern=r"^(|\+?[0-9*#]{1,32}|[A-Za-z][A-Za-z0-9_.-]{0,63})$")
    ] = "operator"
    """Where a call goes when its flow breaks; empty hangs up after the apology."""
    no_service_sound: Annotated[str, Field(pattern=r"^(|[A-Za-z0-9_][A-Za-z0-9_./-]*)$")] = ""
    """A sound below `sounds_dir` that callers of a number without a tenant hear, unanswered (early
    media), before the call ends with UNALLOCATED_NUMBER; empty: that at once."""
    country: Annotated[str, Field(pattern=r"^([A-Z]{2})?$")] = ""
    """How dialled numbers without a country are read while the tenant is not known (ISO 3166)."""
    fallback_context: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")] = (
        "voice-ai-fallback"
    )


class ProviderDeadlines(_Section):
    """How long each stage of a turn may take before the caller hears an apology, in seconds."""

    stt_s: Annotated[float, Field(gt=0)] = 10.0
    retrieval_s: Annotated[float, Field(gt=0)] = 2.0
    llm_s: Annotated[float, Field(gt=0)] = 15.0
    tts_s: Annotated[float, Field(gt=0)] = 10.0
    tool_s: Annotated[float, Field(gt=0)] = 10.0
    """One run of a tool."""


class Speculation(_Section):
    """Beginning with an answer before it is sure that the caller has finished."""

    enabled: bool = True
    stable_s: Annotated[float, Field(gt=0)] = 0.25
    """Words that look complete and do not change for so long are begun with."""
    most_a_turn: Annotated[int, Field(ge=1, le=20)] = 3
    most_at_once: Annotated[int, Field(ge=1)] = 50
    """In the whole worker."""


class Settings(BaseSettings):
    """Everything that is not a tenant's row."""

    model_config = SettingsConfigDict(
        env_prefix="VOICE_AI_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    database_url: SecretStr | None = None
    """postgresql://… ; empty starts the embedded server."""
    database_connections: Annotated[int, Field(ge=1, le=1000)] = 10
    """To PostgreSQL, at most, of each worker."""
    redis_url: SecretStr | None = None
    """redis://… ; empty starts the embedded server."""
    keys_file: Path | None = None
    """The key ring that seals providers' keys (`voice-ai keys new`); with the embedded database it
    is made as data_dir/keys."""
    keys: SecretStr | None = None
    """The key ring itself instead, as VOICE_AI_KEYS: id:base64,id:base64; the last is current."""
    data_dir: Path = Path("var")
    """Embedded servers and, unless set below, the spool with the cached prompts beside it."""
    spool_dir: Path | None = None
    """Temporary audio; FreeSWITCH must see the same path."""
    spool_group: str | None = None
    """A group FreeSWITCH's user is in: spool directories are then 2770 instead of 0750."""
    prompts_mb: Annotated[int, Field(ge=1)] = 1024
    """How much synthesised speech is kept on disk; the least lately used goes first."""
    recordings_dir: Path | None = None
    """Recordings of whole calls, of tenants who have that on; FreeSWITCH writes them there."""
    flows_dir: Path = Path("dialplan/flows")
    sounds_dir: Path = Path("sounds")
    """Recorded sounds that flows play by name: `call.play("holiday.wav")`."""
    warm_offline: bool = True
    """Load the offline engines at start, if they are installed."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"
    listen: Listen = Listen()
    call: CallLimits = CallLimits()
    deadlines: ProviderDeadlines = ProviderDeadlines()
    speculation: Speculation = Speculation()

    @property
    def spool(self) -> Path:
        return (self.spool_dir or self.data_dir / "spool").absolute()

    @property
    def recordings(self) -> Path:
        return (self.recordings_dir or self.data_dir / "recordings").absolute()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file (whose content comes in as `init`)."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def find_file(explicit: Path | None = None) -> Path | None:
    """The settings file to read; None when there is none.

    Raises:
        ConfigError: one was named and is not there.
    """
    named = explicit or (Path(env) if (env := os.environ.get("VOICE_AI_CONFIG")) else None)
    if named is not None:
        if not named.is_file():
            raise ConfigError(f"{named}: no such settings file")
        return named
    return next((place for place in PLACES if place.is_file()), None)


def load(explicit: Path | None = None) -> Settings:
    """Read and check the settings.

    Raises:
        ConfigError: naming the file and the key.
    """
    file = find_file(explicit)
    values: dict[str, Any] = {}
    if file is not None:
        try:
            values = tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{file}: {error}") from error
    _refuse_unknown_environment()
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigError(describe(error, where=str(file or "environment"))) from None
    except SettingsError as error:
        raise ConfigError(f"environment: {error}") from None


def describe(error: ValidationError, *, where: str) -> str:
    """A validation error as one line that names each key, without the values (some are secret)."""
    parts = []
    for item in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in item["loc"])
        what = "unknown key" if item["type"] == "extra_forbidden" else item["msg"]
        parts.append(f"{key}: {what}")
    return f"{where}: " + "; ".join(parts)


def _refuse_unknown_environment() -> None:
    """pydantic-settings refuses unknown keys of a file but passes over those of the environment."""
    known = {"VOICE_AI_CONFIG", "VOICE_AI_ADMIN_URL"}
    for name, field in Settings.model_fields.items():
        key = f"VOICE_AI_{name.upper()}"
        known.add(key)
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            known |= {f"{key}__{sub.upper()}" for sub in section.model_fields}
    for key in sorted(os.environ):
        if key.startswith("VOICE_AI_") and key not in known:
            raise ConfigError(f"environment: {key}: unknown key")
