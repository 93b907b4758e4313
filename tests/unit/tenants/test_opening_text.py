from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenants.fields import parse
from tenants.forms import form_of, row_of
from tenants.kinds import HOURS, KINDS, TenantRows
from tenants.opening import BusinessHours
from tenants.opening_text import lines_of, slots_of

pytestmark = pytest.mark.unit

NOTHING: TenantRows = {name: [] for name in KINDS}


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        (["mon-fri 8:00-18:00"], ["mon-fri 08:00-18:00"]),
        (
            ["Mon 08:00-12:00 13:00-18:00", "tue 08:00-12:00 13:00-18:00"],
            ["mon-tue 08:00-12:00 13:00-18:00"],
        ),
        (["sat-mon 22:00-06:00"], ["mon 22:00-06:00", "sat-sun 22:00-06:00"]),
        (["fri 08:00-24:00"], ["fri 08:00-00:00"]),
        (["wed 08:00:30-09:00"], ["wed 08:00:30-09:00"]),
        ([], []),
    ],
)
def test_days_that_are_alike_are_one_line(lines: list[str], shown: list[str]) -> None:
    slots = [slot for line in lines for slot in slots_of(line)]
    row = parse(BusinessHours, {"name": "x", "time_zone": "UTC", "slots": slots}, "hours")
    assert lines_of(row.slots) == shown


@pytest.mark.parametrize("line", ["", "mon", "mon 8-18", "mon-foo 08:00-09:00", "08:00-09:00"])
def test_a_line_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="is not like"):
        slots_of(line)


_NAMES = st.text(min_size=1, max_size=12) | st.sampled_from(
    ["08:00-09:00 x", " a", "a  b", "closed"]
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 10), st.integers(11, 23)),
        max_size=5,
        unique_by=lambda s: s[0],
    ),
    _NAMES,
    st.dates(),
    st.booleans(),
)
def test_hours_are_read_as_they_are_shown(
    slots: list[tuple[int, int, int]], name: str, day: object, short: bool
) -> None:
    row = parse(
        BusinessHours,
        {
            "name": "x",
            "time_zone": "UTC",
            "slots": [
                {"weekday": w, "start_time": f"{a:02}:15", "end_time": f"{b:02}:00"}
                for w, a, b in slots
            ],
            "exceptions": [
                {
                    "name": name.replace("\0", "x"),
                    "first_date": day,
                    "last_date": day,
                    "slots": [{"start_time": "09:00", "end_time": "10:00"}] if short else [],
                }
            ],
        },
        "hours",
    )
    form = form_of(HOURS, row, NOTHING)
    again = row_of(HOURS, form, "hours", NOTHING)
    assert form_of(HOURS, again, NOTHING) == form
    assert isinstance(again, BusinessHours)
    assert [s.model_dump() for s in again.slots] == [
        s.model_dump() for s in sorted(row.slots, key=lambda s: s.weekday)
    ]
    assert again.exceptions[0].name == row.exceptions[0].name
