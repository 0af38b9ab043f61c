"""Rows of JSON, as an array or a line each, with the line they begin at and the problem they have."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from products.importing.errors import CutShort
from products.importing.json_rows import JsonArrayRows, NdjsonRows
from products.importing.lines import MAX_RECORD
from products.importing.rows import Row

SHORT = st.text(max_size=12)
VALUES = st.none() | SHORT | st.integers() | st.lists(SHORT, max_size=3)


def json_rows(text: str, chunk: int = 7) -> list[Row]:
    return list(JsonArrayRows(text[at : at + chunk] for at in range(0, len(text), chunk)))


def test_json_elements_are_given_with_their_lines_and_exact_numbers() -> None:
    rows = json_rows('[\n {"price": 19.99},\n\n {"price": 5}, {"price": 6}\n]\n')
    assert [(row.line, row.values["price"]) for row in rows] == [
        (2, Decimal("19.99")),
        (4, Decimal(5)),
        (4, Decimal(6)),
    ]


@settings(max_examples=60)
@given(
    st.lists(st.dictionaries(SHORT, VALUES, max_size=4), max_size=6),
    st.integers(1, 40),
    st.sampled_from([None, 2]),
)
def test_any_array_in_any_chunks_is_what_json_says_it_is(elements, chunk: int, indent: int | None) -> None:
    text = json.dumps(elements, indent=indent)
    assert [row.values for row in json_rows(text, chunk)] == elements


def test_an_element_that_is_no_object_costs_itself_only() -> None:
    rows = json_rows('[12, {"a": "b"}, "x", [1], null]')
    assert [bool(row.problem) for row in rows] == [True, False, True, True, True]


@pytest.mark.parametrize(
    "text",
    ['[{"a": 1}, {"a": ', '[{"a": 1}, {"a" 2}, {"a": 3}]', '[{"a": 1}', '[{"a": 1},', '[{"a": 1}] x'],
)
def test_a_broken_array_gives_what_was_before_and_then_says_so(text: str) -> None:
    rows = iter(JsonArrayRows(iter([text])))
    assert next(rows).values == {"a": 1}
    with pytest.raises(CutShort):
        list(rows)


def test_a_broken_element_does_not_pull_the_whole_file_into_memory() -> None:
    endless = iter(['[{"a": '] + ['"x" ' * 10_000] * 1000)
    with pytest.raises(CutShort):
        list(JsonArrayRows(endless))
    assert sum(map(len, endless)) > 10 * MAX_RECORD


def test_deep_nesting_is_refused_in_both_json_forms() -> None:
    deep = '{"a": ' + "[" * 200_000
    with pytest.raises(CutShort):
        list(JsonArrayRows(iter(["[" + deep])))
    assert next(iter(NdjsonRows(iter([deep])))).problem


def test_a_broken_ndjson_line_costs_itself_only() -> None:
    rows = list(NdjsonRows(iter(['{"a": "b"}\n', "\n", '{"a": \n', "7\n", '{"a": "c"}\n'])))
    assert [(row.line, bool(row.problem)) for row in rows] == [(1, False), (3, True), (4, True), (5, False)]
