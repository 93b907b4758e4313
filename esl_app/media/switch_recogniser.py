"""Which of FreeSWITCH's own recognisers a tenant uses, from its provider row.

A row of type `stt` named `freeswitch` is for calls in detect mode; elsewhere the next one counts.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from esl_app.protocol import safe
from providers.errors import ConfigError
from tenants.models import ProviderRow, Tenant

NAME: Final = "freeswitch"


def _text(value: object) -> object:
    """A parameter as FreeSWITCH reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _safe_parameters(values: dict[str, str]) -> dict[str, str]:
    for name, value in values.items():
        safe.recogniser_parameter(name, value)
    return values


class SwitchRecogniser(BaseModel):
    """The row's `config`.

    >>> SwitchRecogniser(engine="test", params={"vad-silence-ms": 300}).params
    {'vad-silence-ms': '300'}
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    engine: Annotated[str, AfterValidator(safe.recogniser)]
    """As `detect_speech` names it, with a profile behind a colon where the module has such."""
    grammar: Annotated[str, AfterValidator(safe.grammar)] = "default"
    """A name, a path on FreeSWITCH's host, or `builtin:…`."""
    params: Annotated[
        dict[str, Annotated[str, BeforeValidator(_text)]], AfterValidator(_safe_parameters)
    ] = {}

    @property
    def name(self) -> str:
        """What a turn's row names as its recogniser."""
        return f"{NAME}:{self.engine}"


def is_ours(row: ProviderRow) -> bool:
    """Whether a row is FreeSWITCH's to serve and no adapter's."""
    return row.provider_type == "stt" and row.provider_name == NAME


def recogniser_of(tenant: Tenant) -> SwitchRecogniser:
    """The recogniser of a tenant in detect mode.

    Raises:
        ConfigError: there is none, or its configuration cannot work; names the row and the field.
    """
    row = next((row for row in tenant.providers.get("stt", ()) if is_ours(row)), None)
    if row is None:
        raise ConfigError(
            f"media_mode detect needs an stt provider {NAME!r} with the engine in its config",
            provider="stt",
        )
    try:
        return SwitchRecogniser.model_validate(row.config)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "config"
        raise ConfigError(f"config: {field}: {first['msg']}", provider=NAME) from None
