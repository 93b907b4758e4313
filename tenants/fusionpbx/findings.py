"""What became of the rows of a FusionPBX database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["carried", "changed", "left out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not here as it was there; an empty `field` means the whole row."""

    table: str
    row: str
    field: str = ""
    outcome: Outcome
    reason: str
    value: str = ""


class Findings(list[Finding]):
    """The findings of one domain."""

    def changed(self, table: str, row: str, field: str, reason: str, value: object = "") -> None:
        """Something is here, but not as it was."""
        self._add(table, row, field, "changed", reason, value)

    def left_out(self, table: str, row: str, field: str, reason: str, value: object = "") -> None:
        """Something is not here."""
        self._add(table, row, field, "left out", reason, value)

    def carried(self, table: str, row: str) -> None:
        """A row is here."""
        self._add(table, row, "", "carried", "", "")

    def _add(
        self, table: str, row: str, field: str, outcome: Outcome, reason: str, value: object
    ) -> None:
        self.append(
            Finding(
                table=table,
                row=row,
                field=field,
                outcome=outcome,
                reason=reason,
                value="" if value is None else str(value)[:200],
            )
        )


def summary(findings: Iterable[Finding]) -> list[tuple[str, str, str, str, str]]:
    """What was changed or left out, alike ones together: outcome, table, field, rows, reason."""
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    for one in findings:
        if one.outcome != "carried":
            key = (one.outcome, one.table, one.field, one.reason)
            groups.setdefault(key, []).append(one.row)
    return [
        (outcome, table, field, _some(rows), reason)
        for (outcome, table, field, reason), rows in groups.items()
    ]


def _some(rows: list[str]) -> str:
    return ", ".join(rows[:3]) + (f" and {len(rows) - 3} more" if len(rows) > 3 else "")
