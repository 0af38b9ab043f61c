"""Interleaved rounds: every variant once a round, so that other load on the machine affects all alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import TypeVar

T = TypeVar("T")


def interleaved(variants: Sequence[str], rounds: int, measure: Callable[[str], T]) -> dict[str, list[T]]:
    """Return the measurements of each variant by round. The order rotates, so that none is always first."""
    results: dict[str, list[T]] = {variant: [] for variant in variants}
    for turn in range(rounds):
        start = turn % len(variants)
        for variant in [*variants[start:], *variants[:start]]:
            results[variant].append(measure(variant))
    return results


def median_ratio(measured: Sequence[float], beside: Sequence[float]) -> float:
    """Return the median of the ratios of each round, where a disturbance affects both sides."""
    return median(ours / other for ours, other in zip(measured, beside, strict=True))


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value below which `part` (0 to 1) of the values lie, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
