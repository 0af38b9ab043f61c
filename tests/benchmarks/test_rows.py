"""Rows, their reach, the table and the JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.harness.rows import Reach, Row, row, summary, table, write_json


@pytest.mark.parametrize(
    ("reach", "ratio", "holds"),
    [
        (Reach(0.8, at_least=True), 0.8, True),
        (Reach(0.8, at_least=True), 0.79, False),
        (Reach(4.0, at_least=False), 3.99, True),
        (Reach(4.0, at_least=False), 4.0, False),
    ],
)
def test_a_row_is_judged_by_its_ratio(reach: Reach, ratio: float, holds: bool) -> None:
    assert row("batch", 500.0, "1/s", "floor 600", ratio, reach).holds is holds


def test_a_reach_with_a_unit_judges_what_was_measured() -> None:
    # Given a median far above its floor, but below ten milliseconds
    judged = row("detail", 9.9, "ms", "floor 1.00", 9.9, Reach(10.0, at_least=False, unit="ms"))
    # Then it holds, and names its reach
    assert (judged.reach, judged.holds) == ("< 10 ms", True)


def test_a_row_without_a_reach_only_informs() -> None:
    informing = row("detail", 3.0, "ms", "its median 1.00", 3.0)
    assert (informing.reach, informing.holds) == ("", None)


def test_the_table_aligns_and_shows_what_is_missed() -> None:
    # Given a row within reach, one that misses it, and one without any
    rows = [
        row("detail", 1234.5, "1/s", "floor 1,500", 0.823, Reach(0.8, at_least=True, aim=True)),
        row("batch of 100", 0.5, "ms", "floor 0.10", 5.0, Reach(4.0, at_least=False)),
        Row("bytes", 42.0, "B"),
    ]
    # When they are shown
    heading, rule, first, second, third = table("http", rows).splitlines()
    # Then every column starts or ends in the same place
    assert heading.split() == ["http", "measured", "unit", "beside", "ratio", "reach", "holds"]
    assert set(rule) == {"-", " "}
    assert first.split() == ["detail", "1,234", "1/s", "floor", "1,500", "0.82", ">=", "0.8", "(aim)", "yes"]
    assert second.endswith("NO")
    assert third.split() == ["bytes", "42.0", "B", "-", "-", "-", "-"]
    assert first.index("1/s") == second.index("ms") == heading.index("unit")


def test_the_summary_names_what_is_missed() -> None:
    held = row("detail", 1.0, "ms", "", None, Reach(10.0, at_least=False, unit="ms"))
    missed = row("batch", 1.0, "1/s", "floor 2", 0.5, Reach(0.8, at_least=True))
    assert summary([held, Row("bytes", 1.0, "B")]) == "1 of 1 within reach"
    assert summary([held, missed]) == "1 of 2 within reach; missed: batch (>= 0.8)"


def test_the_json_is_an_array_of_rows(tmp_path: Path) -> None:
    # When a row is written
    path = tmp_path / "rows.json"
    write_json(path, [row("batch", 500.0, "1/s", "floor 1,000", 0.5, Reach(0.8, at_least=True))])
    # Then the file has all members of it
    assert json.loads(path.read_text()) == [
        {
            "name": "batch",
            "measured": 500.0,
            "unit": "1/s",
            "beside": "floor 1,000",
            "ratio": 0.5,
            "reach": ">= 0.8",
            "holds": False,
        }
    ]
