"""The result of a replay."""

from __future__ import annotations

from products.replay.result import percentile


def test_percentiles_are_by_nearest_rank() -> None:
    assert percentile([], 99) == 0.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 50) == 2.0
    assert percentile([1.0, 2.0, 3.0, 4.0], 99) == 4.0
