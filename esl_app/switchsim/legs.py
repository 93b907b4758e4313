"""The far ends: dial strings, and legs that a bridge or an originate has brought up."""

from __future__ import annotations

import re
import uuid as uuid_module
from dataclasses import dataclass, field

_OPTIONS = re.compile(r"[\[{]([^\]}]*)[\]}]")
_DEFAULT_TIMEOUT_S = 60.0


@dataclass(slots=True, kw_only=True)
class FarLeg:
    """A leg the stand-in gives no audio to, but that can be asked about, set and killed."""

    uuid: str
    up: bool = True
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DialString:
    """`{a=1,b=2}[c=3]sofia/gateway/x/1`, taken apart."""

    endpoint: str
    options: dict[str, str]

    @classmethod
    def parse(cls, text: str, *, common: str = "") -> DialString:
        """Read one of the strings between `|`; `common` is the whole, whose `{}` count for each.

        >>> DialString.parse("[leg_timeout=2]user/1", common="{x=y}user/0|user/1").options
        {'x': 'y', 'leg_timeout': '2'}
        """
        groups = re.findall(r"\{([^}]*)\}", common) + _OPTIONS.findall(text)
        pairs = (pair.partition("=") for group in groups for pair in group.split(","))
        return cls(
            endpoint=_OPTIONS.sub("", text),
            options={name.strip(): value for name, equals, value in pairs if equals},
        )

    @property
    def timeout_s(self) -> float:
        """How long it may ring."""
        limits = (self.options.get(name, "") for name in ("leg_timeout", "originate_timeout"))
        return min(
            (float(limit) for limit in limits if limit.isdecimal()), default=_DEFAULT_TIMEOUT_S
        )

    def leg(self) -> FarLeg:
        """The leg that an answer brings up."""
        uuid = self.options.get("origination_uuid") or str(uuid_module.uuid4())
        return FarLeg(uuid=uuid, variables=dict(self.options))
