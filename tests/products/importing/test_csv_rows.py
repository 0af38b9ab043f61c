"""Rows of CSV, with the line they begin at and the problem they have."""

from __future__ import annotations

import pytest

from products.importing.csv_rows import CsvRows
from products.importing.rows import Row


def csv_rows(text: str) -> list[Row]:
    return list(CsvRows(iter(text.splitlines(keepends=True))))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_in_the_header(separator: str) -> None:
    text = f"name{separator}price\nlamp{separator}5\n"
    assert csv_rows(text) == [Row(2, {"name": "lamp", "price": "5"})]


def test_a_quoted_field_may_span_lines_and_later_lines_are_still_counted_right() -> None:
    rows = csv_rows('name,price\n"a\nlamp",5\n\nchair,6\n')
    assert [(row.line, row.values["name"]) for row in rows] == [(2, "a\nlamp"), (5, "chair")]


def test_a_malformed_csv_row_costs_itself_only() -> None:
    rows = csv_rows('name,price\nlamp,5\n"chair"x,6\nsofa\ndesk,7,8\nbed,9\n')
    assert [row.line for row in rows if not row.problem] == [2, 6]
    assert [row.line for row in rows if row.problem] == [3, 4, 5]


def test_a_quote_that_is_never_closed_is_a_problem_with_its_first_line() -> None:
    rows = csv_rows('name,price\nlamp,5\n"chair,6\nsofa,7\n')
    assert [row.line for row in rows if not row.problem] == [2]
    assert rows[-1].line == 3
    assert "up to line 4" in rows[-1].problem
