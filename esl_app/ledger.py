"""What speculation cost and saved, counted for a turn and for a call."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

_CHARACTERS_PER_TOKEN = 4


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Counts of answers begun before the turn was confirmed.

    The model's tokens are those of what was thrown away. A request that is cancelled never tells
    its usage: there they are estimated, at four characters a token.
    """

    started: int = 0
    used: int = 0
    discarded: int = 0
    refused: int = 0
    """Not begun, since the worker had begun enough already."""
    retrievals: int = 0
    """Thrown away."""
    reads: int = 0
    """Runs of tools thrown away."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    saved_ms: int = 0
    """Of the way to the first words, what was gone when the turn was confirmed."""

    def add(self, other: Ledger) -> None:
        """Count another's in."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    @property
    def facts(self) -> dict[str, int]:
        return asdict(self)


def estimated_tokens(characters: int) -> int:
    """About how many tokens a text is."""
    return -(-characters // _CHARACTERS_PER_TOKEN)
