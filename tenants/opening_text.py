"""Opening hours as people write them: `mon-fri 08:00-12:00 13:00-18:00`, `2026-12-25 Christmas`.

What a file or a command line may hold instead of the rows' own fields, and what an export shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import time
from typing import Any, Final

from tenants.opening import HoursException, Slot, WeekdaySlot

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN: Final = re.compile(r"(\d\d?:\d\d(?::\d\d)?)-(\d\d?:\d\d(?::\d\d)?)")
_DATES: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.\.(\d{4}-\d\d-\d\d))?")


def slots_of(text: str) -> list[dict[str, Any]]:
    """The slots of one line.

    Raises:
        ValueError: says what a line looks like.

    >>> slots_of("sat 09:00-13:00")
    [{'weekday': 5, 'start_time': '09:00', 'end_time': '13:00'}]
    """
    days, *spans = text.lower().split() or [""]
    found = [_SPAN.fullmatch(span) for span in spans]
    first, _, last = days.partition("-")
    if first not in DAYS or (last or first) not in DAYS or not found or None in found:
        raise ValueError(f"{text!r} is not like 'mon-fri 08:00-12:00 13:00-18:00'")
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return [
        {"weekday": day % 7, **_times(span)}
        for day in range(begin, end + 1 if end >= begin else end + 8)
        for span in found
        if span is not None
    ]


def lines_of(slots: Iterable[WeekdaySlot]) -> list[str]:
    """The lines that `slots_of` reads as these slots; days that are alike are one line."""
    of_day: dict[int, list[Slot]] = {}
    for slot in sorted(slots, key=lambda s: (s.weekday, s.start_time)):
        of_day.setdefault(slot.weekday, []).append(slot)
    lines: list[tuple[int, int, str]] = []
    for day, spans in of_day.items():
        text = " ".join(_span(span) for span in spans)
        if lines and lines[-1][1] == day - 1 and lines[-1][2] == text:
            lines[-1] = (lines[-1][0], day, text)
        else:
            lines.append((day, day, text))
    return [
        f"{DAYS[first]}{f'-{DAYS[last]}' if last > first else ''} {text}"
        for first, last, text in lines
    ]


def exception_of(text: str) -> dict[str, Any]:
    """The exception of one line: a date or `first..last`, when it is open, its name.

    Raises:
        ValueError: says what a line looks like.

    >>> exception_of("2026-12-24 08:00-12:00 Christmas Eve")["name"]
    'Christmas Eve'
    """
    dates, *words = text.split() or [""]
    found = _DATES.fullmatch(dates)
    spans = []
    while words and (span := _SPAN.fullmatch(words[0])) is not None:
        spans.append(_times(span))
        words.pop(0)
    if found is None or not words:
        raise ValueError(f"{text!r} is not like '2026-12-24 08:00-12:00 Christmas Eve'")
    return {
        "name": " ".join(words),
        "first_date": found[1],
        "last_date": found[2] or found[1],
        "slots": spans,
    }


def exception_line(row: HoursException) -> str | dict[str, Any]:
    """The line that `exception_of` reads as this; a mapping where no line can say it."""
    dates = str(row.first_date)
    if row.last_date != row.first_date:
        dates += f"..{row.last_date}"
    line = " ".join([dates, *(_span(slot) for slot in row.slots), row.name])
    said = exception_of(line)
    if said["name"] == row.name and len(said["slots"]) == len(row.slots):
        return line
    return {
        "name": row.name,
        "first_date": str(row.first_date),
        "last_date": str(row.last_date),
        "slots": [
            {"start_time": _clock(s.start_time), "end_time": _clock(s.end_time)} for s in row.slots
        ],
    }


def opened(form: Mapping[str, Any]) -> dict[str, Any]:
    """Business hours with their lines read; what is no line stays for the model to judge.

    Raises:
        ValueError: names the field.
    """
    return {
        name: _read(name, value) if name in ("slots", "exceptions") else value
        for name, value in form.items()
    }


def _read(name: str, value: object) -> object:
    if isinstance(value, str):
        parts = re.split(r"[;,\n]" if name == "slots" else r"[;\n]", value)
        value = [line for line in parts if line.strip()]
    if not isinstance(value, Sequence):
        return value
    found: list[object] = []
    for entry in value:
        try:
            if not isinstance(entry, str):
                found.append(entry)
            elif name == "slots":
                found.extend(slots_of(entry))
            else:
                found.append(exception_of(entry))
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return found


def _times(span: re.Match[str]) -> dict[str, str]:
    return {"start_time": span[1].zfill(5), "end_time": span[2].zfill(5)}


def _span(slot: Slot) -> str:
    return f"{_clock(slot.start_time)}-{_clock(slot.end_time)}"


def _clock(value: time) -> str:
    return value.strftime("%H:%M:%S" if value.second else "%H:%M")
