"""What a vendor's `config` may hold: the base of every vendor's model, and one clear error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from providers.errors import ConfigError


class VendorConfig(BaseModel):
    """A vendor's `config` row. Unknown keys are refused; values never show up in messages."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


C = TypeVar("C", bound=VendorConfig)


def parse(model: type[C], config: Mapping[str, Any], *, provider: str) -> C:
    """`config` as the vendor's model.

    Raises:
        ConfigError: names the provider and every field that is wrong, on one line.
    """
    try:
        return model.model_validate(dict(config))
    except ValidationError as error:
        problems = "; ".join(_problem(model, item) for item in error.errors(include_input=False))
        # The cause holds the values, keys of accounts among them.
        raise ConfigError(f"config: {problems}", provider=provider) from None


def _problem(model: type[VendorConfig], item: Any) -> str:
    message = str(item["msg"]).removeprefix("Value error, ")
    if not item["loc"]:
        return message
    field = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{field}: unknown key (known: {', '.join(sorted(model.model_fields))})"
    return f"{field}: {message}"
