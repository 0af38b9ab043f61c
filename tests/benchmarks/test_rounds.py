"""Interleaved rounds, ratios and percentiles."""

from __future__ import annotations

import pytest

from benchmarks.harness.rounds import interleaved, median_ratio, percentile


def test_every_round_has_every_variant_and_begins_with_another() -> None:
    # When three rounds of three variants are measured
    order: list[str] = []
    results = interleaved(["a", "b", "c"], 3, lambda variant: order.append(variant) or len(order))
    # Then they took turns, and the measurements of each came back by round
    assert order == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]
    assert results == {"a": [1, 6, 8], "b": [2, 4, 9], "c": [3, 5, 7]}


def test_a_round_that_was_disturbed_does_not_move_the_ratio() -> None:
    # Given a second round in which the machine was ten times slower for both
    assert median_ratio([80.0, 8.0, 81.0], [100.0, 10.0, 100.0]) == pytest.approx(0.8)


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert percentile(values, 0.5) == 51.0
    assert percentile(values, 0.99) == 100.0
    assert percentile([3.0], 0.99) == 3.0
