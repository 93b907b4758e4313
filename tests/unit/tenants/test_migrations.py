from __future__ import annotations

import re

import pytest

from tenants import migrate
from tenants.errors import MigrationError
from tenants.migrate import Migration, pending

pytestmark = pytest.mark.unit


def _file(version: str, text: str = "SELECT 1") -> Migration:
    return Migration(version=version, phase="pre", file=f"{version}_pre_x.sql", text=text)


ONE, TWO, THREE = _file("0001"), _file("0002"), _file("0003")


def test_what_is_left_is_what_was_not_applied() -> None:
    assert pending([ONE, TWO, THREE], {"0001": ONE.checksum}) == [TWO, THREE]
    assert pending([ONE], {"0001": ONE.checksum}) == []


@pytest.mark.parametrize(
    ("applied", "says"),
    [
        ({"0001": "other"}, "0001_pre_x.sql: changed since"),
        ({"0001": ONE.checksum, "0009": "x"}, "migration 0009, which this program does not know"),
        ({"0001": ONE.checksum, "0003": THREE.checksum}, "0002_pre_x.sql: comes before 0003"),
    ],
)
def test_a_database_that_does_not_fit_is_refused(applied: dict[str, str], says: str) -> None:
    with pytest.raises(MigrationError) as refused:
        pending([ONE, TWO, THREE], applied)
    assert says in str(refused.value)


def test_the_shipped_files_are_numbered_without_gaps() -> None:
    versions = [int(m.version) for m in migrate.shipped()]
    assert versions == list(range(1, len(versions) + 1))


def test_every_shipped_table_is_put_under_forced_row_level_security() -> None:
    text = "\n".join(m.text for m in migrate.shipped())
    tables = set(re.findall(r"CREATE TABLE (voice_ai\.\w+)", text))
    forced = set(re.findall(r"ALTER TABLE (voice_ai\.\w+)\s+FORCE\s+ROW", text))
    assert tables
    assert tables == forced
